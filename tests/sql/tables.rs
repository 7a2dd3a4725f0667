//! Small tables made from a seed: extremes, nulls, repeated values, a table without rows, one with a
//! single row, columns without a value; as Parquet in several files and row groups, and as JSON lines.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::kinds::{Kind, SMALL, Value, array, literal};
use crate::statement::{Engine, PEERS};

/// The database of all tables.
pub(crate) const DATABASE: &str = "d";

/// A column with its values.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    values: Vec<Option<Value>>,
}

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    is_text: bool,
}

/// Returns the tables of a seed.
pub(crate) fn tables(seed: u64) -> Vec<Table> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (things, links, logs) =
        (random.random_range(20..=40), random.random_range(8..=25), random.random_range(5..=12));
    let mut table = |name, rows, is_text, names: &[&'static str]| Table {
        name,
        columns: names.iter().map(|name| column(&mut random, name, rows)).collect(),
        rows,
        is_text,
    };
    let all: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    vec![
        table("things", things, false, &all),
        table(
            "links",
            links,
            false,
            &["id", "n", "m", "k32", "x", "y", "price", "word", "flag", "born", "seen", "moment"],
        ),
        table("logs", logs, true, &["id", "n", "m", "x", "word", "note", "flag"]),
        table("hollow", 0, false, &["id", "n", "x", "price", "word", "flag", "born"]),
        table("single", 1, false, &["id", "n", "m", "x", "y", "word", "flag", "seen", "void"]),
    ]
}

/// Every column there is.
const COLUMNS: [(&str, Kind); 23] = [
    ("id", Kind::Integer { bits: 64, signed: true, most: 40 }),
    ("n", Kind::Integer { bits: 64, signed: true, most: 5 }),
    ("m", Kind::Integer { bits: 32, signed: true, most: 100 }),
    ("k8", Kind::Integer { bits: 8, signed: true, most: 1 << 7 }),
    ("k16", Kind::Integer { bits: 16, signed: true, most: 1 << 15 }),
    ("k32", Kind::Integer { bits: 32, signed: true, most: 1 << 31 }),
    ("k64", Kind::Integer { bits: 64, signed: true, most: 1 << 63 }),
    ("u8", Kind::Integer { bits: 8, signed: false, most: (1 << 8) - 1 }),
    ("u16", Kind::Integer { bits: 16, signed: false, most: (1 << 16) - 1 }),
    ("u32", Kind::Integer { bits: 32, signed: false, most: (1 << 32) - 1 }),
    ("u64", Kind::Integer { bits: 64, signed: false, most: (1 << 64) - 1 }),
    ("x", Kind::Double { plain: true }),
    ("y", Kind::Double { plain: false }),
    ("price", Kind::Decimal { precision: 10, scale: 2 }),
    ("exact", Kind::Decimal { precision: 38, scale: 6 }),
    ("word", Kind::Text),
    ("note", Kind::Text),
    ("flag", Kind::Boolean),
    ("born", Kind::Date),
    ("seen", Kind::Timestamp),
    ("moment", Kind::Instant),
    ("void", SMALL),
    ("blank", Kind::Text),
];

fn column(random: &mut ChaCha8Rng, name: &str, rows: usize) -> Column {
    let (name, kind) = *COLUMNS.iter().find(|known| known.0 == name).expect("should be known");
    let some = |random: &mut ChaCha8Rng, row: usize| match name {
        "id" => Some(Value::Integer(i128::try_from(row).expect("should fit") + 1)),
        "void" | "blank" => None,
        _ if random.random_bool(0.2) => None,
        _ => Some(value(random, name, kind)),
    };
    Column { name, kind, values: (0..rows).map(|row| some(random, row)).collect() }
}

const WORDS: [&str; 7] = ["a", "b", "ab", "B", "", "ö", "a b"];
const NOTES: [&str; 12] =
    ["", " ", "a", " a ", "Ähre", "straße", "日本語", "it's", "a%b_c", "007", "{x}", "line\nend"];
const SPECIAL: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    0.0,
    0.1,
    -0.1,
    1e300,
    -1e-300,
    9_007_199_254_740_993.0,
    1.5,
    -2.0,
];

/// Days near the calendar's ends, around leap days and changes of the year.
const DAYS: [i32; 10] =
    [-716_000, 2_929_600, 0, -1, 18_321, 18_322, 18_627, 18_628, 11_016, 10_957];

fn value(random: &mut ChaCha8Rng, name: &str, kind: Kind) -> Value {
    match kind {
        Kind::Integer { signed, most, .. } => integer(random, signed, most),
        Kind::Double { plain: true } => match random.random_range(0..10) {
            0 => Value::Double(-0.0),
            1 => Value::Double(0.0),
            _ => Value::Double(f64::from(random.random_range(-40..=40)) / 8.0),
        },
        Kind::Double { .. } => Value::Double(*SPECIAL.choose(random).expect("should be one")),
        Kind::Decimal { precision: 38, .. } => {
            let most = 10_i128.pow(38) - 1;
            let of = [most, -most, 0, 1, 1_500_000, -2_000_000, 123_456_789_012_345_678];
            Value::Decimal(*of.choose(random).expect("should be one"))
        }
        Kind::Decimal { .. } => {
            let of = [0, 9_999_999_999, -9_999_999_999, 150, 1_999, 5, -5];
            Value::Decimal(*of.choose(random).expect("should be one"))
        }
        Kind::Text if name == "word" => text(random, &WORDS),
        Kind::Text => text(random, &NOTES),
        Kind::Boolean => Value::Boolean(random.random_bool(0.5)),
        Kind::Date => Value::Date(*DAYS.choose(random).expect("should be one")),
        Kind::Timestamp | Kind::Instant => {
            let day = i64::from(*DAYS.choose(random).expect("should be one"));
            let within = [0, 1, 3_600_000_000, 45_296_789_000, 86_399_999_999];
            Value::Time(day * 86_400_000_000 + within.choose(random).expect("should be one"))
        }
    }
}

fn integer(random: &mut ChaCha8Rng, signed: bool, most: u128) -> Value {
    let most = i128::try_from(most).expect("should fit");
    let few = random.random_range(0..=most.min(5));
    // The largest of a signed type is one nearer to zero than the least.
    let largest = if signed && most.count_ones() == 1 && most > 100 { most - 1 } else { most };
    Value::Integer(match (random.random_range(0..6), signed) {
        (0, _) => largest,
        (1, true) => -most,
        (2, _) => 0,
        (3, true) => -few,
        _ => few,
    })
}

fn text(random: &mut ChaCha8Rng, of: &[&str]) -> Value {
    Value::Text((*of.choose(random).expect("should be one")).to_owned())
}

impl Table {
    /// Writes the table below a folder, as files of which none holds all rows.
    pub(crate) fn write(&self, root: &Path) -> Vec<String> {
        let batch = self.batch();
        let folder = format!("{DATABASE}/{}", self.name);
        fs::create_dir_all(root.join(&folder)).expect("should make a folder");
        let half = self.rows.div_ceil(2);
        let parts = if self.rows < 2 {
            vec![batch]
        } else {
            vec![batch.slice(0, half), batch.slice(half, self.rows - half)]
        };
        let mut paths = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let path = format!("{folder}/{at}.{}", if self.is_text { "jsonl" } else { "parquet" });
            let file = File::create(root.join(&path)).expect("should create");
            if self.is_text {
                write_lines(file, part);
            } else {
                write_parquet(file, part);
            }
            paths.push(path);
        }
        paths
    }

    /// Returns the format of the files.
    pub(crate) fn format(&self) -> &'static str {
        if self.is_text { "jsonl" } else { "parquet" }
    }

    /// Returns the schema of the files.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        self.batch().schema()
    }

    fn batch(&self) -> RecordBatch {
        let arrays: Vec<ArrayRef> =
            self.columns.iter().map(|column| array(column.kind, &column.values)).collect();
        let fields: Vec<Field> = (self.columns.iter().zip(&arrays))
            .map(|(column, array)| Field::new(column.name, array.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("should be a batch")
    }

    /// Returns the statements that make the table in a peer, by value: no reader of files is asked.
    pub(crate) fn statements(&self, engine: Engine) -> Vec<String> {
        let columns: Vec<&Column> = (self.columns.iter())
            .filter(|column| engine != Engine::Sqlite || column.kind.is_of_sqlite())
            .collect();
        let typed: Vec<String> = (columns.iter())
            .map(|column| format!("{} {}", column.name, column.kind.name(engine)))
            .collect();
        let mut statements =
            vec![format!("create table {DATABASE}.{} ({})", self.name, typed.join(", "))];
        let rows: Vec<String> = (0..self.rows)
            .map(|row| {
                let literals = columns
                    .iter()
                    .map(|column| literal(column.values[row].as_ref(), column.kind, engine));
                format!("({})", literals.collect::<Vec<_>>().join(", "))
            })
            .collect();
        if !rows.is_empty() {
            let rows = rows.join(",\n  ");
            statements.push(format!("insert into {DATABASE}.{} values\n  {rows}", self.name));
        }
        statements
    }
}

fn write_parquet(file: File, batch: &RecordBatch) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(7)).build();
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("should begin");
    writer.write(batch).expect("should write");
    writer.close().expect("should end");
}

fn write_lines(file: File, batch: &RecordBatch) {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(file);
    writer.write(batch).expect("should write");
    writer.finish().expect("should end");
}

/// Returns the statements that make all tables in each peer.
pub(crate) fn for_peers(tables: &[Table]) -> Vec<(Engine, Vec<String>)> {
    let of = |engine| tables.iter().flat_map(|table| table.statements(engine)).collect();
    PEERS.iter().map(|engine| (*engine, of(*engine))).collect()
}
