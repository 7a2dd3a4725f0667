//! Values of a column, by meaning and type.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, FixedSizeBinaryArray,
    Float64Array, Int32Array, Int64Array, LargeListArray, StringArray, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimeUnit, i256};
use arrow::error::ArrowError;
use fake::Fake;
use fake::faker::address::en as address;
use fake::faker::company::en as company;
use fake::faker::currency::en as currency;
use fake::faker::filesystem::en as filesystem;
use fake::faker::internet::en as internet;
use fake::faker::job::en as job;
use fake::faker::lorem::en as lorem;
use fake::faker::name::en as name;
use fake::faker::phone_number::en as phone_number;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

use super::meaning::Meaning;

/// One value in so many is null, where nulls may be.
const NULL_IN: u32 = 20;
/// Elements of a list at most.
const MOST_ELEMENTS: u32 = 4;
const SECONDS_PER_DAY: i64 = 86_400;
/// 2015-01-01 and 2026-01-01, in days since 1970: no clock, so that a seed is enough.
const DAYS: Range<i64> = 16_436..20_454;
/// 1945-01-01 and 2008-01-01.
const BIRTH_DAYS: Range<i64> = -9_131..13_879;

/// Makes up the values of one column.
#[derive(Debug)]
pub(super) struct Generator {
    data_type: DataType,
    nullable: bool,
    meaning: Meaning,
    random: ChaCha8Rng,
    children: Vec<Generator>,
}

/// Says whether values of a type can be made up.
pub(super) fn is_supported(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) => is_supported(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_supported(field.data_type())),
        DataType::Dictionary(_, values) => is_supported(values) && !values.is_nested(),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Interval(_) => false,
        other => {
            matches!(
                other,
                DataType::Null | DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8
            ) || matches!(other, DataType::Utf8View | DataType::Binary | DataType::LargeBinary)
                || matches!(other, DataType::BinaryView | DataType::FixedSizeBinary(_))
                || other.is_numeric()
                || other.is_temporal()
        }
    }
}

impl Generator {
    pub(super) fn new(field: &Field, meaning: Meaning, mut random: ChaCha8Rng) -> Self {
        let child = |field: &Field, meaning: Option<Meaning>, random: &mut ChaCha8Rng| {
            let text = matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8);
            let meaning = meaning.unwrap_or_else(|| Meaning::of(field.name(), text));
            Self::new(field, meaning, ChaCha8Rng::seed_from_u64(random.next_u64()))
        };
        let children = match field.data_type() {
            DataType::List(item) | DataType::LargeList(item) => {
                vec![child(item, Some(meaning), &mut random)]
            }
            DataType::Struct(fields) => {
                fields.iter().map(|field| child(field, None, &mut random)).collect()
            }
            DataType::Dictionary(_, values) => {
                let plain = Field::new(field.name(), values.as_ref().clone(), false);
                vec![child(&plain, None, &mut random)]
            }
            _ => Vec::new(),
        };
        let data_type = field.data_type().clone();
        Self { data_type, nullable: field.is_nullable(), meaning, random, children }
    }

    /// Makes up the values of the next rows, which have these numbers.
    pub(super) fn array(&mut self, rows: Range<u64>) -> Result<ArrayRef, ArrowError> {
        let count = usize::try_from(rows.end - rows.start).unwrap_or(0);
        let data_type = self.data_type.clone();
        match &data_type {
            DataType::Null => Ok(new_null_array(&DataType::Null, count)),
            DataType::Boolean => {
                let values = self.each(rows, |this, _| this.random.random::<bool>());
                Ok(Arc::new(BooleanArray::from(values)))
            }
            DataType::List(item) | DataType::LargeList(item) => self.lists(rows, item),
            DataType::Struct(fields) => {
                let nulls = self.each(rows.clone(), |_, _| ());
                let nulls: NullBuffer = nulls.iter().map(Option::is_some).collect();
                let columns = self.children.iter_mut().map(|child| child.array(rows.clone()));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?))
            }
            DataType::Dictionary(..) => cast(&self.children[0].array(rows)?, &data_type),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                let values = self.each(rows, |this, _| this.random.random::<[u8; 16]>());
                cast(&values.into_iter().collect::<BinaryArray>(), &data_type)
            }
            DataType::FixedSizeBinary(width) => self.fixed_bytes(rows, *width),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let values = self.each(rows, Self::text);
                cast(&values.into_iter().collect::<StringArray>(), &data_type)
            }
            DataType::Decimal128(precision, scale) => {
                let values = self.each(rows, |this, row| this.decimal(row, *precision, *scale));
                let array = Decimal128Array::from(values);
                Ok(Arc::new(array.with_precision_and_scale(*precision, *scale)?))
            }
            DataType::Decimal256(precision, scale) => {
                let values =
                    self.each(rows, |this, row| i256::from(this.decimal(row, *precision, *scale)));
                let array = Decimal256Array::from(values);
                Ok(Arc::new(array.with_precision_and_scale(*precision, *scale)?))
            }
            _ if data_type.is_floating() => {
                let values = self.each(rows, Self::float);
                cast(&Float64Array::from(values), &data_type)
            }
            _ if data_type.is_temporal() => self.times(rows),
            _ => {
                let most = most_of(&data_type);
                let values = self.each(rows, |this, row| this.integer(row).min(most));
                cast(&Int64Array::from(values), &data_type)
            }
        }
    }

    /// Makes one value for each row, or null where that may be. Keys are never null.
    fn each<T>(&mut self, rows: Range<u64>, value: impl Fn(&mut Self, u64) -> T) -> Vec<Option<T>> {
        let nullable = self.nullable && !matches!(self.meaning, Meaning::Sequence | Meaning::Uuid);
        rows.map(|row| {
            let is_null = nullable && self.random.random_range(0..NULL_IN) == 0;
            (!is_null).then(|| value(self, row))
        })
        .collect()
    }

    fn lists(&mut self, rows: Range<u64>, item: &Arc<Field>) -> Result<ArrayRef, ArrowError> {
        let lengths = self.each(rows, |this, _| this.random.random_range(0..=MOST_ELEMENTS));
        let nulls: NullBuffer = lengths.iter().map(Option::is_some).collect();
        let sizes = lengths.iter().map(|length| length.unwrap_or(0) as usize);
        let offsets = OffsetBuffer::<i64>::from_lengths(sizes);
        let total = lengths.iter().flatten().map(|length| u64::from(*length)).sum();
        let values = self.children[0].array(0..total)?;
        let lists = LargeListArray::try_new(Arc::clone(item), offsets, values, Some(nulls))?;
        cast(&lists, &self.data_type)
    }

    fn fixed_bytes(&mut self, rows: Range<u64>, width: i32) -> Result<ArrayRef, ArrowError> {
        let size = usize::try_from(width).unwrap_or(0);
        let values = self.each(rows, |this, _| {
            let mut bytes = vec![0; size];
            this.random.fill_bytes(&mut bytes);
            bytes
        });
        let array =
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), width)?;
        Ok(Arc::new(array))
    }

    fn times(&mut self, rows: Range<u64>) -> Result<ArrayRef, ArrowError> {
        let data_type = self.data_type.clone();
        if data_type == DataType::Date32 {
            let values = self.each(rows, |this, _| i32::try_from(this.day()).unwrap_or(0));
            return cast(&Int32Array::from(values), &data_type);
        }
        let values = self.each(rows, |this, _| match this.data_type {
            DataType::Date64 => this.day() * SECONDS_PER_DAY * 1000,
            DataType::Timestamp(unit, _) => {
                let second = this.random.random_range(0..SECONDS_PER_DAY);
                (this.day() * SECONDS_PER_DAY + second) * per_second(unit)
            }
            DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
                this.random.random_range(0..SECONDS_PER_DAY) * per_second(unit)
            }
            _ => 0,
        });
        let array = Int64Array::from(values);
        if matches!(data_type, DataType::Time32(_)) {
            return cast(&cast(&array, &DataType::Int32)?, &data_type);
        }
        cast(&array, &data_type)
    }

    fn day(&mut self) -> i64 {
        let days = if self.meaning == Meaning::BirthDate { BIRTH_DAYS } else { DAYS };
        self.random.random_range(days)
    }

    /// The least and the greatest number, and how many digits behind the point.
    fn range(&self) -> (i64, i64, u32) {
        match self.meaning {
            Meaning::Price => (1, 1_000, 2),
            Meaning::Quantity => (1, 20, 0),
            Meaning::Age => (18, 90, 0),
            Meaning::Percentage => (0, 100, 1),
            Meaning::Rating => (1, 5, 0),
            Meaning::Year => (2015, 2025, 0),
            Meaning::Month => (1, 12, 0),
            Meaning::Day => (1, 28, 0),
            Meaning::Latitude => (-90, 90, 6),
            Meaning::Longitude => (-180, 180, 6),
            Meaning::PostCode => (10_000, 99_999, 0),
            Meaning::Moment => (DAYS.start * SECONDS_PER_DAY, DAYS.end * SECONDS_PER_DAY, 0),
            _ => (0, 1_000, 2),
        }
    }

    fn integer(&mut self, row: u64) -> i64 {
        if self.meaning == Meaning::Sequence {
            return i64::try_from(row).unwrap_or(i64::MAX - 1) + 1;
        }
        let (least, greatest, _) = self.range();
        let least = if self.data_type.is_unsigned_integer() { least.max(0) } else { least };
        self.random.random_range(least..=greatest)
    }

    #[expect(clippy::cast_precision_loss, reason = "all such numbers are far below 2^53")]
    fn float(&mut self, row: u64) -> f64 {
        if self.meaning == Meaning::Sequence {
            return (row + 1) as f64;
        }
        let (least, greatest, digits) = self.range();
        let unit = 10_i64.pow(digits);
        self.random.random_range(least * unit..=greatest * unit) as f64 / unit as f64
    }

    /// A number of units of the scale, within the precision, with no more digits than are plausible.
    fn decimal(&mut self, row: u64, precision: u8, scale: i8) -> i128 {
        let most = 10_i128.pow(u32::from(precision.min(38))) - 1;
        let unit = 10_i128.pow(u32::try_from(scale).unwrap_or(0).min(30));
        if self.meaning == Meaning::Sequence {
            return (i128::from(row + 1) * unit).min(most);
        }
        let (least, greatest, digits) = self.range();
        let fine = 10_i128.pow(digits.min(u32::try_from(scale).unwrap_or(0)));
        let (least, greatest) = (i128::from(least) * fine, i128::from(greatest) * fine);
        let step = unit / fine;
        let (least, greatest) = (least.max(-most / step), greatest.min(most / step));
        self.random.random_range(least.min(greatest)..=greatest) * step
    }

    fn text(&mut self, row: u64) -> String {
        let random = &mut self.random;
        match self.meaning {
            Meaning::Sequence => (row + 1).to_string(),
            Meaning::Uuid => {
                uuid::Builder::from_random_bytes(random.random()).into_uuid().to_string()
            }
            Meaning::FirstName => name::FirstName().fake_with_rng(random),
            Meaning::LastName => name::LastName().fake_with_rng(random),
            Meaning::FullName => name::Name().fake_with_rng(random),
            Meaning::UserName => internet::Username().fake_with_rng(random),
            Meaning::Email => internet::SafeEmail().fake_with_rng(random),
            Meaning::Phone => phone_number::PhoneNumber().fake_with_rng(random),
            Meaning::Street => {
                let number: u16 = random.random_range(1..300);
                let street: String = address::StreetName().fake_with_rng(random);
                format!("{number} {street}")
            }
            Meaning::City => address::CityName().fake_with_rng(random),
            Meaning::State => address::StateName().fake_with_rng(random),
            Meaning::Country => address::CountryName().fake_with_rng(random),
            Meaning::CountryCode => address::CountryCode().fake_with_rng(random),
            Meaning::PostCode => address::ZipCode().fake_with_rng(random),
            Meaning::Company => company::CompanyName().fake_with_rng(random),
            Meaning::Job => job::Title().fake_with_rng(random),
            Meaning::CurrencyCode => currency::CurrencyCode().fake_with_rng(random),
            Meaning::FileName => filesystem::FileName().fake_with_rng(random),
            Meaning::IpAddress => internet::IPv4().fake_with_rng(random),
            Meaning::MacAddress => internet::MACAddress().fake_with_rng(random),
            Meaning::UserAgent => internet::UserAgent().fake_with_rng(random),
            Meaning::Sentence => lorem::Sentence(4..10).fake_with_rng(random),
            _ => self.other_text(),
        }
    }

    fn other_text(&mut self) -> String {
        let random = &mut self.random;
        match self.meaning {
            Meaning::Domain => domain(random),
            Meaning::Url => {
                let path: String = lorem::Word().fake_with_rng(random);
                format!("https://{}/{path}", domain(random))
            }
            Meaning::Status => one_of(random, &["new", "active", "paid", "shipped", "closed"]),
            Meaning::Gender => one_of(random, &["female", "male", "other"]),
            Meaning::Category => company::Industry().fake_with_rng(random),
            Meaning::Product => {
                let kind = one_of(random, &["Chair", "Lamp", "Mug", "Shirt", "Table", "Watch"]);
                let look =
                    one_of(random, &["Blue", "Classic", "Large", "Modern", "Small", "Wooden"]);
                format!("{look} {kind}")
            }
            Meaning::BirthDate | Meaning::Date => date_text(self.day()),
            Meaning::TimeOfDay => time_text(random.random_range(0..SECONDS_PER_DAY)),
            Meaning::Moment => {
                let second = random.random_range(0..SECONDS_PER_DAY);
                format!("{}T{}Z", date_text(self.day()), time_text(second))
            }
            Meaning::Price | Meaning::Percentage | Meaning::Latitude | Meaning::Longitude => {
                format!("{}", self.float(0))
            }
            Meaning::Quantity
            | Meaning::Age
            | Meaning::Rating
            | Meaning::Year
            | Meaning::Month
            | Meaning::Day => self.integer(0).to_string(),
            _ => lorem::Words(1..4).fake_with_rng::<Vec<String>, _>(random).join(" "),
        }
    }
}

fn domain(random: &mut ChaCha8Rng) -> String {
    let word: String = lorem::Word().fake_with_rng(random);
    format!("{word}.example.com")
}

fn one_of(random: &mut ChaCha8Rng, words: &[&str]) -> String {
    let index = random.random_range(0..words.len());
    words.get(index).copied().unwrap_or_default().to_owned()
}

fn date_text(day: i64) -> String {
    let seconds = day * SECONDS_PER_DAY;
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%d").to_string()
}

fn time_text(second: i64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// The greatest number of a type of integers.
fn most_of(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Int8 => i64::from(i8::MAX),
        DataType::UInt8 => i64::from(u8::MAX),
        DataType::Int16 => i64::from(i16::MAX),
        DataType::UInt16 => i64::from(u16::MAX),
        DataType::Int32 => i64::from(i32::MAX),
        DataType::UInt32 => i64::from(u32::MAX),
        _ => i64::MAX,
    }
}
