//! Tables as the inputs of a job: looked up once, with their files pinned as they are now.

use futures::TryStreamExt;

use super::columns::listed;
use super::{Unprepared, WorkPlan};
use crate::engines::bad_rows::Tally;
use crate::engines::counted::counted;
use crate::engines::job_spec::{Input, InputFile};
use crate::engines::partitions::PartitionsRead;
use crate::engines::reading::{ORDINARY_NOTES, Reading};
use crate::engines::schema::{Column, ColumnType, Schema, SchemaConflict};
use crate::engines::table::{
    ConflictingTable, FileFormat, Format, PinnedFile, Table, TableLookup, TableName, UnreadTable,
};
use crate::engines::{EngineError, Engines, ErrorKind};

/// Returns a table as it is declared, or as its files are detected to be.
///
/// # Errors
/// `InvalidInput` that shows the conflict when its files disagree; whatever the look-up fails with;
/// [`Unprepared::Unread`].
pub(super) async fn stated_table(
    engines: &Engines,
    operator: &str,
    name: &TableName,
) -> Result<Table, Unprepared> {
    agreeing(operator, engines.metastore()?.get_table(name, &Reading::default()).await?)
}

/// Returns a table whose files agree.
///
/// # Errors
/// `InvalidInput` that shows the conflict when they do not; [`Unprepared::Unread`].
pub(super) fn agreeing(operator: &str, found: TableLookup) -> Result<Table, Unprepared> {
    match found {
        TableLookup::Table(table) => Ok(*table),
        TableLookup::Conflicting(table) => Err(conflict_refused(operator, &table).into()),
        TableLookup::Unread(table) => Err(unread(&table)),
    }
}

/// Says that a job has to look at a table.
pub(super) fn unread(table: &UnreadTable) -> Unprepared {
    Unprepared::Unread(format!("`{}`", table.name))
}

/// Returns every data file of the locations, pinned, each once, by path.
///
/// # Errors
/// `NotFound` when a location holds none; [`Unprepared::Unread`] when there are more than may be listed here.
pub(super) async fn list_files(
    engines: &Engines,
    operator: &str,
    locations: &[String],
) -> Result<Vec<PinnedFile>, Unprepared> {
    let mut files: Vec<PinnedFile> = Vec::new();
    for location in locations {
        let before = files.len();
        let mut stream = engines.storage()?.list_files(location);
        while let Some(file) = stream.try_next().await? {
            if files.len() == engines.most_files() {
                return Err(Unprepared::Unread(format!("`{location}`")));
            }
            files.push(file);
        }
        if files.len() == before {
            let message = format!("there is no data file at `{location}`");
            let error = EngineError::new(ErrorKind::NotFound, operator, "list the files", message);
            return Err(Unprepared::Failed(error.with_hint(
                "the path is relative to the storage's root; files and folders whose name begins \
                 with `_` or `.` are left out",
            )));
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files.dedup_by(|left, right| left.path == right.path);
    Ok(files)
}

/// Returns a table as the input of a job.
pub(super) fn table_input(table: &Table) -> Input {
    let (partition_columns, schema) = split_columns(&table.schema, &table.partition_keys);
    Input {
        name: table.name.clone(),
        format: table.format.clone(),
        schemas: vec![schema],
        partition_columns,
        files: table.files.iter().map(|file| InputFile { file: file.clone(), schema: 0 }).collect(),
        version: table.version,
        left_out: table.bad.files.clone(),
        notes: unusual(&table.notes).into_iter().chain(pruned(table)).collect(),
        partitions: table.partitions,
    }
}

/// Says of a table how many of its partitions are read, where it is not all of them.
fn pruned(table: &Table) -> Option<String> {
    let PartitionsRead { read, total } = table.partitions.filter(|count| count.is_pruned())?;
    let of = total.map_or_else(String::new, |total| format!(" of {total}"));
    let name = &table.name;
    Some(format!("partitions of `{name}`: {read}{of} read, as the conditions on its keys leave"))
}

/// Most notes of a table that are shown.
const NOTES: usize = 20;

/// Returns as many notes of a table as are shown.
pub(super) fn shown_notes(notes: &[String]) -> Vec<String> {
    notes.iter().take(NOTES).cloned().collect()
}

/// Returns the notes of a table that a run which reads it tells again.
fn unusual(notes: &[String]) -> Vec<String> {
    let is_ordinary = |note: &&String| ORDINARY_NOTES.iter().any(|words| note.contains(words));
    notes.iter().filter(|note| !is_ordinary(note)).take(NOTES).cloned().collect()
}

/// Returns a table whose files disagree as the input of a job.
pub(super) fn conflicting_input(table: &ConflictingTable) -> Input {
    let schemas: Vec<(Schema, Schema)> = table
        .conflict
        .schemas
        .iter()
        .map(|found| split_columns(&found.schema, &table.partition_keys))
        .collect();
    let partition_type = |key: &String| {
        let known = schemas.iter().find_map(|(keys, _)| keys.column(key).cloned());
        known.unwrap_or_else(|| text_column(key))
    };
    Input {
        name: table.name.clone(),
        format: table.format.clone(),
        partition_columns: Schema {
            columns: table.partition_keys.iter().map(partition_type).collect(),
        },
        schemas: schemas.into_iter().map(|(_, schema)| schema).collect(),
        files: table
            .files
            .iter()
            .map(|(file, schema)| InputFile { file: file.clone(), schema: *schema })
            .collect(),
        version: None,
        left_out: table.bad.files.clone(),
        notes: unusual(&table.notes),
        partitions: None,
    }
}

fn text_column(name: &str) -> Column {
    let data_type = ColumnType(arrow::datatypes::DataType::Utf8);
    Column { name: name.to_owned(), data_type, nullable: true, source_type: None }
}

/// Returns the partition columns, in the order of the keys, and the others.
fn split_columns(schema: &Schema, keys: &[String]) -> (Schema, Schema) {
    let of_path = keys.iter().filter_map(|key| schema.column(key).cloned()).collect::<Vec<_>>();
    let of_files = schema
        .columns
        .iter()
        .filter(|column| !of_path.iter().any(|key| key.name == column.name))
        .cloned()
        .collect();
    (Schema { columns: of_path }, Schema { columns: of_files })
}

/// Returns the plan of reading these inputs, for the work that `what` says.
pub(super) fn reading_plan(what: String, inputs: &[Input], rows: Option<u64>) -> WorkPlan {
    let files = inputs.iter().flat_map(|input| &input.files);
    let partitions = inputs.iter().filter_map(|input| input.partitions);
    let partitions = partitions.reduce(PartitionsRead::plus);
    WorkPlan {
        what,
        files_read: inputs.iter().map(|input| input.files.len() as u64).sum(),
        bytes_read: files.map(|file| file.file.size_bytes).sum(),
        rows_read: rows,
        partitions_read: partitions.map(|count| count.read),
        partitions_total: partitions.and_then(|count| count.total),
        ..WorkPlan::default()
    }
}

/// Returns how the files disagree, in a sentence.
pub(super) fn describe_conflict(conflict: &SchemaConflict) -> String {
    const SHOWN: usize = 5;
    let files: u64 = conflict.schemas.iter().map(|found| found.files).sum();
    let columns: Vec<String> = conflict
        .differing_columns
        .iter()
        .take(SHOWN)
        .map(|column| {
            let types: Vec<String> = column
                .types
                .iter()
                .map(|(word, files)| format!("{word} in {}", counted(*files, "file")))
                .collect();
            format!("column `{}` is {}", column.name, types.join(", "))
        })
        .collect();
    let more = conflict.differing_columns.len().saturating_sub(SHOWN);
    let more = match more {
        0 => String::new(),
        1 => "; 1 more column differs".to_owned(),
        more => format!("; {more} more columns differ"),
    };
    let schemas = conflict.schemas.len();
    format!("{files} files have {schemas} schemas: {}{more}", columns.join("; "))
}

fn conflict_refused(operator: &str, table: &ConflictingTable) -> EngineError {
    let name = &table.name;
    let examples = table.conflict.schemas.iter().filter_map(|found| found.examples.first());
    let message = format!(
        "the files of `{name}` disagree: {} (one file of each schema: {})",
        describe_conflict(&table.conflict),
        listed(examples.map(String::as_str))
    );
    EngineError::new(ErrorKind::InvalidInput, operator, format!("read `{name}`"), message)
        .with_hint(format!(
            "run table/merge with database_name={} table_name={} and an output_table, then use that table",
            name.database, name.table
        ))
}

/// Returns files whose schema is not known yet as the input of an inference.
pub(super) fn unread_input(name: TableName, files: Vec<PinnedFile>) -> Input {
    Input {
        name,
        // The inference finds the format of every file; what stands here is not looked at.
        format: FileFormat::of(Format::Parquet),
        schemas: Vec::new(),
        partition_columns: Schema::default(),
        files: files.into_iter().map(|file| InputFile { file, schema: 0 }).collect(),
        version: None,
        left_out: Tally::default(),
        notes: Vec::new(),
        partitions: None,
    }
}
