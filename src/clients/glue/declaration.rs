//! Tables as Glue keeps them, and as Mason declares them. Pure.
//!
//! Mason writes what every engine of the catalogue reads, and beside it, in the parameter `mason.table`, the declaration
//! itself: spelling, types and text as they were found. It counts for as long as the rest says the same.

use arrow::datatypes::{DataType, FieldRef};
use aws_sdk_glue::types::{Column as GlueColumn, StorageDescriptor, Table, TableInput};
use serde::{Deserialize, Serialize};

use super::hive_type::{self, Missing};
use super::reader::{self, Described, Spelling};
use crate::engines::job_spec::FileSink;
use crate::engines::metastore::{Author, TableDeclaration};
use crate::engines::schema::{Column, ColumnType, Schema, SchemaFound};
use crate::engines::table::{FileFormat, Format, TableKind, TableName, TableVersion};

/// The parameter with Mason's own declaration.
const OWN: &str = "mason.table";
/// The parameters with the run, and its attempt, that changed a table last.
pub(super) const RUN: &str = "mason.run";
pub(super) const ATTEMPT: &str = "mason.attempt";
/// Most bytes of a parameter's value, and of a column's type.
const MOST_VALUE: usize = 512_000;
const MOST_TYPE: usize = 131_072;
/// What is not so any more when a table is declared anew: counts of other programs, and lines that were left out.
const STALE: [&str; 11] = [
    "skip.header.line.count",
    "numRows",
    "numFiles",
    "totalSize",
    "rawDataSize",
    "recordCount",
    "averageRecordSize",
    "objectCount",
    "sizeKey",
    "COLUMN_STATS_ACCURATE",
    "compressionType",
];
/// Most bytes of a name.
const MOST_NAME: usize = 255;
/// Columns that engines have of every table.
///
/// # Source
/// <https://trino.io/docs/current/connector/hive.html#metadata-columns>
const HIDDEN: [&str; 5] = ["$bucket", "$file_modified_time", "$file_size", "$partition", "$path"];

/// How a table that is made of files is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) format: FileFormat,
    /// All columns, partition keys last.
    pub(super) schema: Schema,
    pub(super) partition_keys: Vec<String>,
    pub(super) found: SchemaFound,
    pub(super) notes: Vec<String>,
}

/// Mason's own declaration of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    version: u32,
    /// The table that it is of: a copy under another name is another program's.
    name: TableName,
    format: FileFormat,
    schema: Schema,
    partition_keys: Vec<String>,
    found: SchemaFound,
}

impl Own {
    const VERSION: u32 = 1;
}

/// Returns the version of a table: when it was made and how often it was changed, in one number that grows, also for a
/// table that was deleted and made anew.
pub(super) fn version_of(table: &Table) -> TableVersion {
    let made = table.create_time.map_or(0, |time| u64::try_from(time.secs()).unwrap_or(0));
    let changed = table.version_id.as_deref().and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
    TableVersion((made << 20) | changed.min((1 << 20) - 1))
}

/// Returns what sort of table it is: one whose files a job wrote is in that job's folder.
pub(super) fn kind_of(database: &str, table: &Table) -> TableKind {
    let is_own = kept(table).is_some_and(|own| {
        let TableName { database: of, table: name } = own.name;
        of.eq_ignore_ascii_case(database) && name.eq_ignore_ascii_case(&table.name)
    });
    let location = location_of(table.storage_descriptor.as_ref());
    if is_own && location.is_some_and(is_written) {
        TableKind::Managed
    } else {
        TableKind::External
    }
}

/// Returns where the files of a table or partition are, as the catalogue has it.
pub(super) fn location_of(descriptor: Option<&StorageDescriptor>) -> Option<&str> {
    descriptor?.location.as_deref()
}

/// Returns whether a place is the folder of one job, which holds what that job wrote and nothing else.
pub(super) fn is_written(place: &str) -> bool {
    let folder = place.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    folder.starts_with(FileSink::STAGING_PREFIX)
}

/// Refuses what the catalogue cannot be told of a table.
///
/// # Errors
/// Every problem, in words.
pub(super) fn check_columns(
    format: &FileFormat,
    schema: &Schema,
    keys: &[String],
) -> Result<(), Vec<String>> {
    let described = reader::written(format).map_err(|what| vec![what])?;
    columns(schema, keys, &described).map(drop)
}

/// Returns why a table is not one of files that are read here, if so.
pub(super) fn foreign(table: &Table) -> Option<&'static str> {
    let parameter =
        |key: &str| table.parameters.as_ref().and_then(|all| all.get(key)).map(String::as_str);
    let is = |key: &str, word: &str| parameter(key).is_some_and(|v| v.eq_ignore_ascii_case(word));
    let descriptor = table.storage_descriptor.as_ref();
    let input = descriptor.and_then(|descriptor| descriptor.input_format.as_deref());
    let input = input.unwrap_or_default();
    if table.target_table.is_some() {
        return Some("a link to a table of another catalogue");
    }
    if table.table_type.as_deref() == Some("VIRTUAL_VIEW") || table.view_definition.is_some() {
        return Some("a view");
    }
    if is("table_type", "ICEBERG") {
        return Some("a table of Iceberg");
    }
    if is("table_type", "DELTA")
        || is("spark.sql.sources.provider", "delta")
        || input.contains("SymlinkTextInputFormat")
    {
        return Some("a table of Delta, or one of links to files");
    }
    if is("spark.sql.sources.provider", "hudi") || input.contains("Hoodie") {
        return Some("a table of Hudi");
    }
    if is("projection.enabled", "true") {
        return Some("a table whose partitions are projected");
    }
    descriptor.is_none().then_some("a table without a location and a reader (no StorageDescriptor)")
}

/// Returns how a table of files is read.
///
/// # Errors
/// In words: a type, or a way to read rows, that is not known here.
pub(super) fn declared(table: &Table) -> Result<Declared, String> {
    let Some(descriptor) = &table.storage_descriptor else {
        return Err("it says nothing of its files".to_owned());
    };
    if let Some(own) = own_declaration(table, descriptor) {
        let Own { version: _, name: _, format, schema, partition_keys, found } = own;
        return Ok(Declared { format, schema, partition_keys, found, notes: Vec::new() });
    }
    let of_files = descriptor.columns.as_deref().unwrap_or_default();
    let of_path = table.partition_keys.as_deref().unwrap_or_default();
    if of_files.is_empty() {
        return Err("it has no columns".to_owned());
    }
    let names: Vec<String> = of_files.iter().map(|column| column.name.clone()).collect();
    let (format, notes) = reader::read(descriptor, table.parameters.as_ref(), &names)?;
    let is_text = format.csv.as_ref().is_some_and(|csv| csv.quote.is_some());
    let info = descriptor.serde_info.as_ref();
    let read = |column: &GlueColumn| {
        let read = read_column(column, is_text)?;
        let name = reader::spelled(info, &read.name).to_owned();
        let data_type = ColumnType(hive_type::in_files(&read.data_type.0, format.format));
        Ok::<_, String>(Column { name, data_type, ..read })
    };
    let of_path_read = of_path.iter().map(|column| read_column(column, false));
    let columns = of_files.iter().map(read).chain(of_path_read);
    let schema = Schema { columns: columns.collect::<Result<_, _>>()? };
    let partition_keys = of_path.iter().map(|column| column.name.clone()).collect();
    Ok(Declared { format, schema, partition_keys, found: SchemaFound::Declared, notes })
}

fn read_column(column: &GlueColumn, is_text: bool) -> Result<Column, String> {
    let text = column.r#type.as_deref().unwrap_or_default();
    let read = hive_type::read(text)
        .map_err(|why| format!("column `{}` has the type `{text}`: {why}", column.name))?;
    if is_text && text != "string" {
        // The reader gives text, which engines then cast, each by rules of its own.
        return Err(format!(
            "column `{}` has the type `{text}`, and of quoted text (OpenCSVSerde) only columns of `string` are read here",
            column.name
        ));
    }
    Ok(Column {
        name: column.name.clone(),
        data_type: ColumnType(read),
        nullable: true,
        source_type: Some(text.to_owned()),
    })
}

/// Returns Mason's own declaration as it is kept, if there is one that this program reads.
fn kept(table: &Table) -> Option<Own> {
    let text = table.parameters.as_ref()?.get(OWN)?;
    let own: Own = serde_json::from_str(text).ok()?;
    (own.version == Own::VERSION).then_some(own)
}

/// Returns Mason's own declaration, unless another program has changed what the table says since.
fn own_declaration(table: &Table, descriptor: &StorageDescriptor) -> Option<Own> {
    let own = kept(table)?;
    let described = reader::written(&own.format).ok()?;
    let (of_files, of_path) = columns(&own.schema, &own.partition_keys, &described).ok()?;
    let told = descriptor.serde_info.as_ref()?.serialization_library.as_deref()?;
    let is_same = same(&of_files, descriptor.columns.as_deref().unwrap_or_default())
        && same(&of_path, table.partition_keys.as_deref().unwrap_or_default())
        && told == described.library;
    is_same.then_some(own)
}

/// Returns whether columns have the same names and types.
pub(super) fn same(some: &[GlueColumn], others: &[GlueColumn]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| is_same(one, other))
}

/// Returns whether two columns have the same name, and types that are read as the same one.
fn is_same(one: &GlueColumn, other: &GlueColumn) -> bool {
    let word = |column: &GlueColumn| column.r#type.clone().unwrap_or_default();
    let (own, theirs) = (word(one), word(other));
    one.name == other.name
        && (own == theirs
            || hive_type::read(&own).is_ok_and(|own| hive_type::read(&theirs) == Ok(own)))
}

/// Returns the columns of files, and those of the path, as the catalogue has them.
fn columns(
    schema: &Schema,
    keys: &[String],
    described: &Described,
) -> Result<(Vec<GlueColumn>, Vec<GlueColumn>), Vec<String>> {
    let mut problems = Vec::new();
    let has_case = |column: &&Column| column.name != column.name.to_lowercase();
    let mapped: Vec<String> =
        schema.columns.iter().filter(has_case).map(|column| column.name.to_lowercase()).collect();
    let (mut of_files, mut of_path): (Vec<GlueColumn>, Vec<GlueColumn>) = (Vec::new(), Vec::new());
    for column in &schema.columns {
        let name = column.name.to_lowercase();
        if of_files.iter().chain(&of_path).any(|other| other.name == name) {
            problems.push(format!("two columns are named `{name}` when case does not count"));
            continue;
        }
        let is_odd = |c: char| c.is_control() || c == ',';
        if name.is_empty() || name.len() > MOST_NAME || name.chars().any(is_odd) {
            problems.push(format!("{:?} is no name of a column", column.name));
            continue;
        }
        if HIDDEN.contains(&name.as_str()) {
            problems.push(format!(
                "`{name}` is a column that other engines have of every table; rename it"
            ));
            continue;
        }
        let is_key = keys.contains(&column.name);
        if is_key && !is_key_type(&column.data_type.0) {
            let of = &column.data_type.0;
            problems.push(format!(
                "the partition key `{name}` is {of}, whose folders engines read in different ways; cast it to varchar"
            ));
            continue;
        }
        if let Some(problem) = misspelled(described, column, &mapped) {
            problems.push(problem);
            continue;
        }
        let word = match hive_type::written(&column.data_type.0, described.stored) {
            Ok(word) if word.len() > MOST_TYPE => {
                problems.push(format!("the type of `{}` is too long", column.name));
                continue;
            }
            Ok(_) if described.is_text && !is_key => "string".to_owned(),
            Ok(word) => word,
            Err(missing) => {
                problems.push(lacking(&column.name, &missing));
                continue;
            }
        };
        let made = GlueColumn::builder().name(&name).r#type(word).build();
        let Ok(made) = made else { continue };
        if is_key { of_path.push(made) } else { of_files.push(made) }
    }
    // Keys stand in the order of the path.
    let at = |column: &GlueColumn| keys.iter().position(|key| key.to_lowercase() == column.name);
    of_path.sort_by_key(at);
    if problems.is_empty() { Ok((of_files, of_path)) } else { Err(problems) }
}

/// Returns whether all engines read the folders of a partition key of a type alike.
fn is_key_type(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32
        )
}

/// Returns why the name of a column, or of what is within it, is not found in files by engines that compare lower case.
fn misspelled(described: &Described, column: &Column, mapped: &[String]) -> Option<String> {
    let has_case = |name: &str| name != name.to_lowercase();
    match described.spelling {
        Spelling::Any => None,
        Spelling::LowerCase => has_case(&column.name).then(|| {
            format!(
                "the column `{}` of Avro is not in lower case, and other engines do not find it; rename it",
                column.name
            )
        }),
        Spelling::Mapped => {
            // What the reader is told of a column holds for members of its name too.
            let is_lost = |name: &str| has_case(name) || mapped.iter().any(|other| other == name);
            let member = member_of(&column.data_type.0, &is_lost)?;
            Some(format!(
                "`{member}` within the column `{}` is not found by other engines in rows of JSON, because of the case of \
                 names; table/format writes the files as parquet",
                column.name
            ))
        }
    }
}

/// Returns the first member of a struct, however deep, whose name is of some kind.
fn member_of(data_type: &DataType, is_it: &dyn Fn(&str) -> bool) -> Option<String> {
    let fields: Vec<&FieldRef> = match data_type {
        DataType::Struct(members) => members.iter().collect(),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => vec![item],
        _ => return None,
    };
    let is_struct = matches!(data_type, DataType::Struct(_));
    fields.into_iter().find_map(|field| {
        if is_struct && is_it(field.name()) {
            return Some(field.name().clone());
        }
        member_of(field.data_type(), is_it)
    })
}

fn lacking(column: &str, missing: &Missing) -> String {
    let Missing { what, why, cast } = missing;
    let cast = cast.map_or_else(String::new, |to| format!("; cast it to {to} by table/cast"));
    format!("column `{column}` is {what}, {why}{cast}")
}

/// Returns what the catalogue is told of a table: a new one, or one that keeps all else of what it was.
///
/// # Errors
/// Every problem, in words: types and text that no engine of the catalogue reads, names that are taken twice.
pub(super) fn input(
    table: &TableDeclaration,
    address: &str,
    existing: Option<&Table>,
    author: &Author,
) -> Result<TableInput, Vec<String>> {
    let described = reader::written(&table.format).map_err(|what| vec![what])?;
    let (mut of_files, of_path) = columns(&table.schema, &table.partition_keys, &described)?;
    let before = existing.and_then(|table| table.storage_descriptor.as_ref());
    keep_columns(&mut of_files, before.and_then(|before| before.columns.as_deref()));
    let own = Own {
        version: Own::VERSION,
        name: table.name.clone(),
        format: table.format.clone(),
        schema: table.schema.clone(),
        partition_keys: table.partition_keys.clone(),
        found: table.found.clone(),
    };
    let own = serde_json::to_string(&own).map_err(|source| vec![source.to_string()])?;
    if own.len() > MOST_VALUE {
        return Err(vec![format!("its {} columns are too many", table.schema.columns.len())]);
    }
    let mut parameters = existing.and_then(|table| table.parameters.clone()).unwrap_or_default();
    for stale in STALE {
        parameters.remove(stale);
    }
    let word = table.format.format.as_str();
    let ours = [
        ("EXTERNAL", "TRUE".to_owned()),
        ("classification", if word == "jsonl" { "json" } else { word }.to_owned()),
        (OWN, own),
        (RUN, author.run_uid.clone()),
        (ATTEMPT, author.attempt.to_string()),
    ];
    for (key, value) in ours.into_iter().chain(described.parameters.clone()) {
        parameters.insert(key.to_owned(), value);
    }
    let descriptor = descriptor(table, &described, (address, of_files), before);
    let name = table.name.table.to_lowercase();
    let mut input = TableInput::builder()
        .name(name)
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(descriptor)
        .set_partition_keys(Some(of_path))
        .set_parameters(Some(parameters));
    if let Some(existing) = existing {
        input = input
            .set_description(existing.description.clone())
            .set_owner(existing.owner.clone())
            .set_last_access_time(existing.last_access_time)
            .set_last_analyzed_time(existing.last_analyzed_time)
            .retention(existing.retention);
    }
    input.build().map_err(|source| vec![source.to_string()])
}

/// Keeps what a table says of the columns that stay: their comments, parameters, and types in its own words.
fn keep_columns(columns: &mut [GlueColumn], before: Option<&[GlueColumn]>) {
    for column in columns {
        let known = before.unwrap_or_default().iter().find(|known| known.name == column.name);
        if let Some(known) = known {
            column.comment.clone_from(&known.comment);
            column.parameters.clone_from(&known.parameters);
            if is_same(known, column) {
                column.r#type.clone_from(&known.r#type);
            }
        }
    }
}

fn descriptor(
    table: &TableDeclaration,
    described: &Described,
    (address, columns): (&str, Vec<GlueColumn>),
    before: Option<&StorageDescriptor>,
) -> StorageDescriptor {
    let mut info = described.info();
    let known = before.and_then(|before| before.serde_info.as_ref());
    info.name = known.and_then(|known| known.name.clone());
    if table.format.format == Format::Jsonl {
        let pairs = info.parameters.get_or_insert_default();
        for column in &table.schema.columns {
            let lower = column.name.to_lowercase();
            if lower != column.name {
                pairs.insert(format!("mapping.{lower}"), column.name.clone());
            }
        }
    }
    let mut kept = before.cloned().unwrap_or_else(|| StorageDescriptor::builder().build());
    kept.columns = Some(columns);
    kept.location = Some(address.to_owned());
    kept.input_format = Some(described.input_format.to_owned());
    kept.output_format = Some(described.output_format.to_owned());
    kept.serde_info = Some(info);
    kept
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use aws_sdk_glue::primitives::DateTime;
    use serde_json::json;

    use super::*;

    const AT: &str = "s3://lake/sales/orders/";

    fn author() -> Author {
        Author { run_uid: "uid".to_owned(), attempt: 2 }
    }

    fn declaration(columns: &[(&str, DataType)], keys: &[&str]) -> TableDeclaration {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            data_type: ColumnType(data_type.clone()),
            nullable: true,
            source_type: None,
        };
        TableDeclaration {
            name: TableName { database: "sales".to_owned(), table: "Orders".to_owned() },
            locations: vec!["sales/orders".to_owned()],
            format: FileFormat::of(Format::Parquet),
            schema: Schema { columns: columns.iter().map(column).collect() },
            partition_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            found: SchemaFound::Declared,
        }
    }

    /// Returns a table as the catalogue has it after it was told of one.
    fn kept(input: &TableInput) -> Table {
        Table::builder()
            .name(&input.name)
            .set_table_type(input.table_type.clone())
            .set_storage_descriptor(input.storage_descriptor.clone())
            .set_partition_keys(input.partition_keys.clone())
            .set_parameters(input.parameters.clone())
            .create_time(DateTime::from_secs(1_700_000_000))
            .version_id("3")
            .build()
            .expect("should be a table")
    }

    #[test]
    fn a_declaration_is_read_as_it_was_written() {
        let columns = [("Id", DataType::UInt16), ("day", DataType::Date32)];
        let table = declaration(&columns, &["day"]);
        let written = input(&table, AT, None, &author()).expect("should be written");
        assert_eq!(written.name, "orders");
        let descriptor = written.storage_descriptor.as_ref().expect("has one");
        let first = &descriptor.columns.as_ref().expect("has columns")[0];
        assert_eq!((first.name.as_str(), first.r#type.as_deref()), ("id", Some("int")));
        let read = declared(&kept(&written)).expect("should be read");
        assert_eq!((read.schema, read.partition_keys), (table.schema, table.partition_keys));
        assert_eq!(version_of(&kept(&written)), TableVersion((1_700_000_000 << 20) | 3));
    }

    #[test]
    fn what_another_program_changed_counts_and_not_the_declaration() {
        let table = declaration(&[("Id", DataType::Int32)], &[]);
        let written = input(&table, AT, None, &author()).expect("should be written");
        let mut changed = kept(&written);
        let descriptor = changed.storage_descriptor.as_mut().expect("has one");
        let more = GlueColumn::builder().name("more").r#type("array<string>").build();
        descriptor.columns.get_or_insert_default().push(more.expect("should be a column"));
        let read = declared(&changed).expect("should be read");
        let names: Vec<_> = read.schema.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "more"]);
        assert_eq!(read.schema.columns[1].source_type.as_deref(), Some("array<string>"));
    }

    #[test]
    fn everything_that_the_catalogue_lacks_is_told_at_once() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Vienna".into()));
        let columns = [("a", DataType::UInt64), ("A", DataType::Int8), ("at", zoned)];
        let problems = input(&declaration(&columns, &[]), AT, None, &author());
        let problems = problems.expect_err("should be refused");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("`a` is UInt64, which the catalogue lacks"), "{problems:?}");
        assert!(problems[1].contains("cast it to timestamp by table/cast"), "{problems:?}");
        let twice = [("a", DataType::Int8), ("A", DataType::Int8)];
        let problems = input(&declaration(&twice, &[]), AT, None, &author()).expect_err("is twice");
        assert_eq!(problems, ["two columns are named `a` when case does not count"]);
    }

    #[test]
    fn all_else_of_a_table_stays_when_it_is_declared_anew() {
        let table = declaration(&[("id", DataType::Int32)], &[]);
        let written = input(&table, AT, None, &author()).expect("should be written");
        let mut existing = kept(&written);
        existing.description = Some("orders of the shop".to_owned());
        existing.owner = Some("sales".to_owned());
        existing.parameters.get_or_insert_default().insert("comment".to_owned(), "mine".to_owned());
        let again = input(&table, AT, Some(&existing), &author()).expect("should be written");
        assert_eq!(again.description.as_deref(), Some("orders of the shop"));
        assert_eq!(again.owner.as_deref(), Some("sales"));
        assert_eq!(again.parameters.expect("has some")["comment"], "mine");
    }

    #[test]
    fn tables_that_are_not_files_alone_are_known() {
        let of = |parameters: &[(&str, &str)], input: &str| {
            let mut table = Table::builder().name("t");
            for (key, value) in parameters {
                table = table.parameters(*key, *value);
            }
            let descriptor = StorageDescriptor::builder().input_format(input).build();
            foreign(&table.storage_descriptor(descriptor).build().expect("should be a table"))
        };
        assert_eq!(of(&[], "x"), None);
        assert_eq!(of(&[("table_type", "iceberg")], ""), Some("a table of Iceberg"));
        assert!(of(&[("spark.sql.sources.provider", "DELTA")], "").expect("is").contains("Delta"));
        assert!(of(&[], "org.apache.hudi.hadoop.HoodieParquetInputFormat").is_some());
        assert!(of(&[("projection.enabled", "true")], "").expect("is").contains("projected"));
        let own = serde_json::from_value::<Own>(json!({"version": 1})).is_err();
        assert!(own, "a declaration that lacks something is none");
        let view = Table::builder().name("v").table_type("VIRTUAL_VIEW").build();
        assert_eq!(foreign(&view.expect("should be a table")), Some("a view"));
    }
}
