//! What a column's name says about its values.

/// What the values of a column look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Sequence,
    Uuid,
    FirstName,
    LastName,
    FullName,
    UserName,
    Email,
    Phone,
    Street,
    City,
    State,
    Country,
    CountryCode,
    PostCode,
    Latitude,
    Longitude,
    Company,
    Job,
    Url,
    Domain,
    IpAddress,
    MacAddress,
    UserAgent,
    CurrencyCode,
    FileName,
    Status,
    Gender,
    Category,
    Product,
    Sentence,
    Price,
    Quantity,
    Age,
    Percentage,
    Rating,
    Year,
    Month,
    Day,
    BirthDate,
    Moment,
    Date,
    TimeOfDay,
    /// Nothing known: plausible by type.
    Plain,
}

/// Words of a name that must all be there, and what they say. The first line that fits counts.
const WORDS: &[(&[&str], Meaning)] = &[
    (&["uuid"], Meaning::Uuid),
    (&["guid"], Meaning::Uuid),
    (&["first", "name"], Meaning::FirstName),
    (&["given", "name"], Meaning::FirstName),
    (&["firstname"], Meaning::FirstName),
    (&["last", "name"], Meaning::LastName),
    (&["family", "name"], Meaning::LastName),
    (&["lastname"], Meaning::LastName),
    (&["surname"], Meaning::LastName),
    (&["user", "name"], Meaning::UserName),
    (&["username"], Meaning::UserName),
    (&["login"], Meaning::UserName),
    (&["user", "agent"], Meaning::UserAgent),
    (&["company"], Meaning::Company),
    (&["organisation"], Meaning::Company),
    (&["organization"], Meaning::Company),
    (&["employer"], Meaning::Company),
    (&["supplier", "name"], Meaning::Company),
    (&["product"], Meaning::Product),
    (&["item", "name"], Meaning::Product),
    (&["file", "name"], Meaning::FileName),
    (&["filename"], Meaning::FileName),
    (&["domain"], Meaning::Domain),
    (&["host"], Meaning::Domain),
    (&["email"], Meaning::Email),
    (&["mail"], Meaning::Email),
    (&["ip"], Meaning::IpAddress),
    (&["mac"], Meaning::MacAddress),
    (&["phone"], Meaning::Phone),
    (&["mobile"], Meaning::Phone),
    (&["telephone"], Meaning::Phone),
    (&["url"], Meaning::Url),
    (&["uri"], Meaning::Url),
    (&["website"], Meaning::Url),
    (&["link"], Meaning::Url),
    (&["street"], Meaning::Street),
    (&["address"], Meaning::Street),
    (&["city"], Meaning::City),
    (&["town"], Meaning::City),
    (&["country", "code"], Meaning::CountryCode),
    (&["country"], Meaning::Country),
    (&["zip"], Meaning::PostCode),
    (&["postcode"], Meaning::PostCode),
    (&["postal"], Meaning::PostCode),
    (&["state"], Meaning::State),
    (&["province"], Meaning::State),
    (&["region"], Meaning::State),
    (&["latitude"], Meaning::Latitude),
    (&["lat"], Meaning::Latitude),
    (&["longitude"], Meaning::Longitude),
    (&["lon"], Meaning::Longitude),
    (&["lng"], Meaning::Longitude),
    (&["job"], Meaning::Job),
    (&["profession"], Meaning::Job),
    (&["occupation"], Meaning::Job),
    (&["currency"], Meaning::CurrencyCode),
    (&["status"], Meaning::Status),
    (&["gender"], Meaning::Gender),
    (&["sex"], Meaning::Gender),
    (&["category"], Meaning::Category),
    (&["department"], Meaning::Category),
    (&["description"], Meaning::Sentence),
    (&["comment"], Meaning::Sentence),
    (&["note"], Meaning::Sentence),
    (&["notes"], Meaning::Sentence),
    (&["text"], Meaning::Sentence),
    (&["message"], Meaning::Sentence),
    (&["title"], Meaning::Sentence),
    (&["price"], Meaning::Price),
    (&["amount"], Meaning::Price),
    (&["cost"], Meaning::Price),
    (&["total"], Meaning::Price),
    (&["revenue"], Meaning::Price),
    (&["salary"], Meaning::Price),
    (&["fee"], Meaning::Price),
    (&["tax"], Meaning::Price),
    (&["quantity"], Meaning::Quantity),
    (&["qty"], Meaning::Quantity),
    (&["count"], Meaning::Quantity),
    (&["units"], Meaning::Quantity),
    (&["age"], Meaning::Age),
    (&["percent"], Meaning::Percentage),
    (&["percentage"], Meaning::Percentage),
    (&["discount"], Meaning::Percentage),
    (&["rating"], Meaning::Rating),
    (&["stars"], Meaning::Rating),
    (&["birth"], Meaning::BirthDate),
    (&["birthday"], Meaning::BirthDate),
    (&["birthdate"], Meaning::BirthDate),
    (&["dob"], Meaning::BirthDate),
    (&["timestamp"], Meaning::Moment),
    (&["datetime"], Meaning::Moment),
    (&["at"], Meaning::Moment),
    (&["date"], Meaning::Date),
    (&["time"], Meaning::TimeOfDay),
    (&["year"], Meaning::Year),
    (&["month"], Meaning::Month),
    (&["day"], Meaning::Day),
    (&["name"], Meaning::FullName),
];

impl Meaning {
    /// Returns what a column's name says. `text` says that its values are text.
    pub(super) fn of(name: &str, text: bool) -> Self {
        let words = words(name);
        if !text && words.last().is_some_and(|word| matches!(word.as_str(), "id" | "key" | "no")) {
            return if words.len() == 1 { Self::Sequence } else { Self::Plain };
        }
        if text && words.last().is_some_and(|word| word == "id") {
            return Self::Uuid;
        }
        let fits = |(wanted, _): &&(&[&str], Self)| {
            wanted.iter().all(|word| words.iter().any(|other| other == word))
        };
        WORDS.iter().find(fits).map_or(Self::Plain, |(_, meaning)| *meaning)
    }
}

/// Splits `customerEmail`, `customer_email` and `Customer E-Mail` into words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut begins, mut after_lower) = (true, false);
    for character in name.replace("E-Mail", "email").replace("e-mail", "email").chars() {
        if !character.is_alphanumeric() {
            begins = true;
            continue;
        }
        if begins || (character.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        begins = false;
        after_lower = character.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_spellings_are_understood() {
        for (name, meaning) in [
            ("customerEmail", Meaning::Email),
            ("E-Mail", Meaning::Email),
            ("FIRST_NAME", Meaning::FirstName),
            ("shipping country code", Meaning::CountryCode),
            ("created_at", Meaning::Moment),
            ("company_name", Meaning::Company),
            ("language", Meaning::Plain),
            ("order_id", Meaning::Uuid),
            ("x", Meaning::Plain),
            ("", Meaning::Plain),
        ] {
            assert_eq!(Meaning::of(name, true), meaning, "{name}");
        }
        assert_eq!(Meaning::of("id", false), Meaning::Sequence);
        assert_eq!(Meaning::of("customer_id", false), Meaning::Plain);
    }
}
