//! The five fields of a cron expression, read as users of standard cron expect.
//!
//! What croner would accept but read otherwise is refused here, in words, before croner sees it; what is left is handed to
//! it in a canonical form: five fields, numbers for names, one space between. Pure.

use crate::validate::problem::Problem;

/// The shorthands, and what they stand for.
const SHORTHANDS: [(&str, &str); 5] = [
    ("@yearly", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
/// Shorthands of other programs, and what to write here.
const OTHERS: [(&str, &str); 2] = [("@annually", "@yearly"), ("@midnight", "@daily")];
/// The longest text that is read.
const LONGEST: usize = 256;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[], size: 60, every: "every minute" },
    Field { name: "hour", least: 0, most: 23, names: &[], size: 24, every: "every hour" },
    Field { name: "day of the month", least: 1, most: 31, names: &[], size: 31, every: "any day" },
    Field { name: "month", least: 1, most: 12, names: &MONTHS, size: 12, every: "every month" },
    Field {
        name: "day of the week",
        least: 0,
        most: 7,
        names: &WEEKDAYS,
        size: 7,
        every: "any day",
    },
];

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names for numbers, the first for 1 in months and for 0 in weekdays.
    names: &'static [&'static str],
    /// How many different values there are.
    size: u32,
    /// What `*` means here.
    every: &'static str,
}

/// A cron expression that means here what it means in standard cron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CronText {
    /// Five fields of numbers, with one space between.
    pub canonical: String,
    /// Whether minute and hour are both written without `*`, so that the times of a day are fixed.
    pub is_fixed: bool,
}

/// Reads an expression of five fields, or a shorthand such as `@daily`. Names may be in either case.
///
/// Also read are `L` (the last day of the month), `15W` (the workday nearest to the 15th) and `LW` as a whole day of the
/// month, `FRI#2` (the second Friday) and `FRIL` (the last Friday) as a whole day of the week.
///
/// # Errors
/// Every problem of every field, each with the path that is given.
pub(super) fn read_cron(path: &str, text: &str) -> Result<CronText, Vec<Problem>> {
    let text = text.trim();
    if let Some(problem) = whole_text_problem(text) {
        return Err(vec![Problem { path: path.to_owned(), ..problem }]);
    }
    let expanded = SHORTHANDS.iter().find(|(name, _)| *name == text).map_or(text, |(_, long)| long);
    let written: Vec<&str> = expanded.split_whitespace().collect();
    let mut problems = Vec::new();
    let mut fields = Vec::new();
    for (field, part) in FIELDS.iter().zip(&written) {
        match field.read(part) {
            Ok(read) => fields.push(read),
            Err((message, hint)) => {
                let message = format!("the {} `{part}` {message}", field.name);
                problems.push(Problem::new(path, message).hint_if(hint));
            }
        }
    }
    problems.extend(days_problem(path, &written));
    if !problems.is_empty() {
        return Err(problems);
    }
    let is_fixed = !written[..2].iter().any(|part| part.contains('*'));
    Ok(CronText { canonical: fields.join(" "), is_fixed })
}

/// What is wrong with the text as a whole, if anything is.
fn whole_text_problem(text: &str) -> Option<Problem> {
    if text.is_empty() {
        return Some(Problem::new("", "is empty").hint("five fields, for example `0 2 * * *`"));
    }
    if text.len() > LONGEST || !text.is_ascii() {
        return Some(Problem::new(
            "",
            format!("is not plain text of at most {LONGEST} characters"),
        ));
    }
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        return Some(Problem::new("", "names a time zone").hint("name it in `timeZone`"));
    }
    if text.starts_with('@') {
        return shorthand_problem(text);
    }
    let hint = "minute, hour, day of the month, month, day of the week, for example `0 2 * * MON`";
    match text.split_whitespace().count() {
        5 => None,
        count @ (6 | 7) => {
            let message =
                format!("has {count} fields instead of 5; seconds and years are not supported");
            Some(Problem::new("", message).hint(hint))
        }
        1 => Some(Problem::new("", "has 1 field instead of 5").hint(hint)),
        count => Some(Problem::new("", format!("has {count} fields instead of 5")).hint(hint)),
    }
}

fn shorthand_problem(text: &str) -> Option<Problem> {
    if SHORTHANDS.iter().any(|(name, _)| *name == text) {
        return None;
    }
    let problem = Problem::new("", format!("`{text}` is not a known shorthand"));
    if text.starts_with("@every") {
        return Some(problem.hint("write `every: 90s` in place of `cron`"));
    }
    let lower = text.to_ascii_lowercase();
    let known = SHORTHANDS.iter().map(|(name, _)| (*name, *name)).chain(OTHERS);
    let meant = known.into_iter().find(|(name, _)| *name == lower);
    let all = SHORTHANDS.map(|(name, _)| name).join(", ");
    Some(
        problem.hint(meant.map_or_else(
            || format!("known: {all}"),
            |(_, here)| format!("did you mean `{here}`?"),
        )),
    )
}

/// Refuses two restricted days of which one has a `*`: programs disagree on whether both or either must match.
fn days_problem(path: &str, written: &[&str]) -> Option<Problem> {
    let (month_day, weekday) = (*written.get(2)?, *written.get(4)?);
    let is_both = month_day != "*" && weekday != "*";
    if !is_both || !(month_day.contains('*') || weekday.contains('*')) {
        return None;
    }
    let message = format!(
        "the day of the month `{month_day}` with the day of the week `{weekday}` means both in some programs and either in \
         others"
    );
    Some(Problem::new(path, message).hint("let one of them be `*`, or write the days as a list"))
}

/// What is wrong with a field after its name and text, and what can be done about it.
type Wrong = (String, Option<String>);

impl Field {
    fn read(&self, text: &str) -> Result<String, Wrong> {
        let text = text.to_ascii_uppercase();
        if let Some(special) = self.read_special(&text)? {
            return Ok(special);
        }
        let parts: Result<Vec<String>, Wrong> =
            text.split(',').map(|part| self.read_part(part)).collect();
        parts.map(|parts| parts.join(","))
    }

    /// `L`, `LW`, `15W`, `5#2` and `5L`, in their fields. In a list with others croner would mix them up.
    fn read_special(&self, text: &str) -> Result<Option<String>, Wrong> {
        let is_month_day = self.name == "day of the month";
        let is_weekday = self.name == "day of the week";
        if is_month_day && (text == "L" || text == "LW") {
            return Ok(Some(text.to_owned()));
        }
        if let Some(day) = text.strip_suffix('W').filter(|_| is_month_day) {
            return Ok(Some(format!("{}W", self.number(day)?)));
        }
        if let Some((day, nth)) = text.split_once('#').filter(|_| is_weekday) {
            let nth = matches!(nth, "1" | "2" | "3" | "4" | "5").then_some(nth);
            let nth = nth.ok_or_else(|| wrong("has no number from 1 to 5 after `#`"))?;
            return Ok(Some(format!("{}#{nth}", self.number(day)? % 7)));
        }
        match text.strip_suffix('L').filter(|_| is_weekday) {
            // Alone it is Saturday in some programs and an error in others.
            Some("") => Err(hinted("has no weekday before `L`", "the last Friday is `FRIL`")),
            Some(day) => Ok(Some(format!("{}L", self.number(day)? % 7))),
            None => Ok(None),
        }
    }

    fn read_part(&self, part: &str) -> Result<String, Wrong> {
        if part.is_empty() {
            return Err(wrong("has an empty part in its list"));
        }
        if part.contains('?') {
            return Err(hinted("has a `?`", &format!("`*` means {}", self.every)));
        }
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let range = match (range, range.split_once('-'), step) {
            ("*", _, _) => "*".to_owned(),
            (_, Some((first, last)), _) => self.range(first, last)?,
            (_, None, None) => self.number(range)?.to_string(),
            (_, None, Some(step)) => {
                let most = if self.size == 7 { 6 } else { self.most };
                let first = if range.is_empty() { "*" } else { range };
                let meant = if first == "*" { first.to_owned() } else { format!("{first}-{most}") };
                return Err(hinted("has a step without a range", &format!("`{meant}/{step}`")));
            }
        };
        Ok(step.map_or(range.clone(), |step| format!("{range}/{step}")))
    }

    fn range(&self, first: &str, last: &str) -> Result<String, Wrong> {
        let (first, mut last) = (self.number(first)?, self.number(last)?);
        if last == 0 && self.size == 7 && first > 0 {
            last = 7;
        }
        if first > last {
            return Err(hinted(
                "has a range that ends before it begins",
                "write two ranges, as in `22-23,0-5`",
            ));
        }
        Ok(format!("{first}-{last}"))
    }

    fn step(&self, text: &str) -> Result<u32, Wrong> {
        let step = digits(text).filter(|step| *step > 0);
        let step = step.ok_or_else(|| {
            wrong(&format!("has `{text}` as its step, which is not a number from 1"))
        })?;
        if step >= self.size {
            let message = format!("has the step {step}, but there are only {} values", self.size);
            return Err((
                message,
                Some("for another rhythm write `every: 90m` in place of `cron`".to_owned()),
            ));
        }
        Ok(step)
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        let mut named = self.names.iter().zip(self.least..);
        let meant = named.find(|(name, _)| **name == text).map(|(_, number)| number);
        let number = meant.or_else(|| digits(text));
        let or_names = match self.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        let (least, most) = (self.least, self.most);
        number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
            wrong(&format!("has `{text}`, which is not a number from {least} to {most}{or_names}"))
        })
    }
}

fn wrong(message: &str) -> Wrong {
    (message.to_owned(), None)
}

fn hinted(message: &str, hint: &str) -> Wrong {
    (message.to_owned(), Some(hint.to_owned()))
}

/// Reads one or two digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0 2 * * *", "0 2 * * *", true)]
    #[case("  */30  * * *  mon-fri ", "*/30 * * * 1-5", false)]
    #[case("0 0,12 1-15/2 JAN,jul *", "0 0,12 1-15/2 1,7 *", true)]
    #[case("05 04 * * fri-sun", "5 4 * * 5-7", true)]
    #[case("0 0 * * SAT-0", "0 0 * * 6-7", true)]
    #[case("0 0 L * *", "0 0 L * *", true)]
    #[case("0 0 15w * *", "0 0 15W * *", true)]
    #[case("0 0 * * 7L", "0 0 * * 0L", true)]
    #[case("0 0 * * fri#2", "0 0 * * 5#2", true)]
    #[case("0 0 13 * 5", "0 0 13 * 5", true)]
    #[case("@daily", "0 0 * * *", true)]
    #[case("@hourly", "0 * * * *", false)]
    #[case("*/20 2 * * *", "*/20 2 * * *", false)]
    fn expressions_become_five_fields_of_numbers(
        #[case] text: &str,
        #[case] canonical: &str,
        #[case] is_fixed: bool,
    ) {
        let read = read_cron("spec.schedule.cron", text).expect("should be read");
        assert_eq!(read, CronText { canonical: canonical.to_owned(), is_fixed });
    }

    #[rstest]
    #[case("", "is empty (hint: five fields, for example `0 2 * * *`)")]
    #[case("0 0 2 * * *", "has 6 fields instead of 5; seconds and years are not supported")]
    #[case("0 0 2 * * * 2027", "has 7 fields instead of 5; seconds and years are not supported")]
    #[case("0 2 * *", "has 4 fields instead of 5")]
    #[case("0 2 ? * MON", "the day of the month `?` has a `?` (hint: `*` means any day)")]
    #[case(
        "0 2 * * +MON",
        "the day of the week `+MON` has `+MON`, which is not a number from 0 to 7 or SUN to SAT"
    )]
    #[case("0 MON * * *", "the hour `MON` has `MON`, which is not a number from 0 to 23")]
    #[case("0 0 * * MAR", "the day of the week `MAR` has `MAR`")]
    #[case("0 24 * * *", "the hour `24` has `24`, which is not a number from 0 to 23")]
    #[case("5/15 * * * *", "the minute `5/15` has a step without a range (hint: `5-59/15`)")]
    #[case("/15 * * * *", "the minute `/15` has a step without a range (hint: `*/15`)")]
    #[case("*/90 * * * *", "the minute `*/90` has the step 90, but there are only 60 values")]
    #[case("*/0 * * * *", "the minute `*/0` has `0` as its step")]
    #[case("0 22-5 * * *", "the hour `22-5` has a range that ends before it begins")]
    #[case("1,,2 * * * *", "the minute `1,,2` has an empty part in its list")]
    #[case("0 0 L,15W * *", "the day of the month `L,15W` has")]
    #[case("0 0 * * L", "the day of the week `L` has no weekday before `L`")]
    #[case("0 0 * * 5#6", "the day of the week `5#6` has no number from 1 to 5 after `#`")]
    #[case("0 0 */2 * 1", "the day of the month `*/2` with the day of the week `1` means both")]
    #[case("@midnight", "`@midnight` is not a known shorthand (hint: did you mean `@daily`?)")]
    #[case("@reboot", "`@reboot` is not a known shorthand (hint: known: @yearly")]
    #[case("@every 5m", "`@every 5m` is not a known shorthand (hint: write `every: 90s`")]
    #[case("CRON_TZ=UTC 0 2 * * *", "names a time zone (hint: name it in `timeZone`)")]
    fn what_croner_reads_otherwise_is_refused(#[case] text: &str, #[case] message: &str) {
        let problems = read_cron("spec.schedule.cron", text).expect_err("should be refused");
        let shown = problems[0].to_string();
        let expected = format!("spec.schedule.cron: {message}");
        assert!(shown.starts_with(&expected), "{shown:?} should begin with {expected:?}");
    }

    #[test]
    fn every_wrong_field_is_a_problem_of_its_own() {
        let problems = read_cron("p", "60 24 0 13 8").expect_err("should be refused");
        assert_eq!(problems.len(), 5);
    }
}
