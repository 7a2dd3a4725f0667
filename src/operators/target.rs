//! Where an operator writes: the parameters that all writing operators share, as one value.
//!
//! `output_table` (with `output_database`) is a managed table, `output_path` a folder below the
//! storage's root. Both end as the same files under the manifests of their folder.

use futures::StreamExt;

use super::columns::resolve;
use super::inputs::unread;
use super::parameters::{choice, count, refused, refused_all};
use super::{Request, Unprepared, WorkPlan};
use crate::engines::job_spec::{FileSink, Register, Sink, WriteMode};
use crate::engines::reading::Reading;
use crate::engines::schema::Schema;
use crate::engines::table::{
    FileFormat, Format, StoragePath, Table, TableKind, TableLookup, TableName,
};
use crate::engines::writing_parameters::{Output, output_of};
use crate::engines::{EngineError, Engines, ErrorKind};

/// The parameters read here. Every writing operator's definition has all of them.
#[cfg(test)]
pub(super) const PARAMETERS: &[&str] = &[
    "output_database",
    "output_table",
    "output_path",
    "format",
    "partition_columns",
    "mode",
    "target_file_size_mib",
];

/// Size at which a file is ended when the run says nothing else, MiB.
const FILE_SIZE_MIB: u64 = 128;
/// Most overwritten paths that a plan names.
const SHOWN_OVERWRITES: usize = 100;

/// Where is written, and what is there already.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// The table's name.
    pub(super) name: TableName,
    /// The files.
    pub(super) sink: FileSink,
    /// The table that is there now, if there is one.
    existing: Option<Table>,
}

/// As [`find_target`], for rows of a schema that is known: partition columns have to be among them.
///
/// # Errors
/// As [`find_target`], and `InvalidInput` for a partition column that the rows do not have.
pub(super) async fn find_checked_target(
    engines: &Engines,
    operator: &str,
    request: &Request,
    schema: &Schema,
) -> Result<Option<Target>, Unprepared> {
    let target = find_target(engines, operator, request).await?;
    Ok(target.map(|target| target.check_partition_columns(operator, schema)).transpose()?)
}

/// Returns where the request wants its output, or nothing when it names no output.
///
/// # Errors
/// `InvalidInput` when the parameters contradict each other or name no possible table; `NotFound`
/// when the database does not exist; `AlreadyExists` when there is a table and `mode` is `error`.
pub(super) async fn find_target(
    engines: &Engines,
    operator: &str,
    request: &Request,
) -> Result<Option<Target>, Unprepared> {
    let Some(wanted) = wanted_place(operator, request)? else { return Ok(None) };
    let mode = choice::<WriteMode>(operator, request, "mode")?.unwrap_or_default();
    let format = choice::<Format>(operator, request, "format")?.unwrap_or(Format::Parquet);
    let (place, existing) = look(engines, operator, wanted, mode).await?;
    if let (Some(table), WriteMode::Error) = (&existing, mode) {
        let message = format!("there is a table `{}` already", table.name);
        let error =
            EngineError::new(ErrorKind::AlreadyExists, operator, "find the output", message);
        let hint = "give mode=replace or mode=append, or another name";
        return Err(error.with_hint(hint).into());
    }
    let partition_by = request.parameters.list("partition_columns");
    let register = register(engines, operator, &place, existing.as_ref(), (format, mode))?;
    if register.is_some() && existing.is_some() && !partition_by.is_empty() {
        return Err(refused(operator, REPLACED_AT_ONCE).into());
    }
    let mib = count(operator, request, "target_file_size_mib")?.unwrap_or(FILE_SIZE_MIB).max(1);
    let sink = FileSink {
        table: Some(place.name.clone()),
        location: place.location,
        format,
        partition_by,
        mode,
        target_file_size_bytes: mib.saturating_mul(1024 * 1024),
        expected: existing.as_ref().filter(|_| register.is_none()).and_then(|table| table.version),
        register,
    };
    Ok(Some(Target { name: place.name, sink, existing }))
}

/// Why no partitions are written in the place of a catalogue's table.
const REPLACED_AT_ONCE: &str = "a table of the catalogue is replaced at once, and its partitions would be one by one; leave \
                                out `partition_columns`, or write another table";

/// Returns how a catalogue is told of the table, where the metastore does not know of commits by itself.
///
/// # Errors
/// `Unsupported` for what a catalogue cannot be told at once; `InvalidInput` for a format that it does not know.
fn register(
    engines: &Engines,
    operator: &str,
    place: &Place,
    existing: Option<&Table>,
    (format, mode): (Format, WriteMode),
) -> Result<Option<Register>, EngineError> {
    let metastore = engines.metastore()?;
    if metastore.knows_commits() || !place.is_table {
        return Ok(None);
    }
    let unsupported = |message: String| {
        Err(EngineError::new(ErrorKind::Unsupported, operator, "find the output", message))
    };
    if existing.is_some() && mode == WriteMode::Append {
        return unsupported(format!(
            "rows are not added to `{}`: a table of the catalogue is replaced as a whole",
            place.name
        ));
    }
    if place.location.contains("://") {
        return unsupported(format!(
            "the place of the database, `{}`, is outside the root of the files",
            place.location
        ));
    }
    metastore.check_columns(&FileFormat::of(format), &Schema::default(), &[])?;
    Ok(Some(Register { expected: existing.and_then(|table| table.version) }))
}

/// Returns where the request wants its output.
///
/// # Errors
/// As [`find_target`], and `InvalidInput` when no output is named.
pub(super) async fn require_target(
    engines: &Engines,
    operator: &str,
    request: &Request,
) -> Result<Target, Unprepared> {
    let target = find_target(engines, operator, request).await?;
    target.ok_or_else(|| {
        refused(operator, "neither `output_table` nor `output_path` is given")
            .with_hint("give output_table=<name> to write a table that Mason keeps")
            .into()
    })
}

/// Where the output goes.
struct Place {
    name: TableName,
    location: String,
    /// Whether it is that of a table, not only of a folder.
    is_table: bool,
}

fn wanted_place(operator: &str, request: &Request) -> Result<Option<Output>, EngineError> {
    output_of(&request.parameters).map_err(|problems| refused_all(operator, &problems))
}

/// Finds the place and the table that is there, spelled as the metastore spells them.
async fn look(
    engines: &Engines,
    operator: &str,
    wanted: Output,
    mode: WriteMode,
) -> Result<(Place, Option<Table>), Unprepared> {
    if let Some(folder) = wanted.folder {
        return look_at_folder(engines, operator, &folder, mode).await;
    }
    let database =
        engines.metastore()?.get_database(&wanted.name.database).await.map_err(|error| {
            let hint = format!("run database/create with database_name={}", wanted.name.database);
            if error.kind == ErrorKind::NotFound { error.with_hint(hint) } else { error }
        })?;
    let knows_commits = engines.metastore()?.knows_commits();
    let mut name = TableName { database: database.name, table: wanted.name.table };
    if !knows_commits {
        // The names of a catalogue have no case: nor has the folder of its table.
        name.table = name.table.to_lowercase();
    }
    let location = format!("{}/{}", database.location.trim_end_matches('/'), name.table);
    let existing = existing_table(engines, operator, &name).await?;
    if !knows_commits {
        // What is written goes beside what is there, and the catalogue is told of its place.
        return Ok((Place { name, location, is_table: true }, existing));
    }
    Ok(placed(name, location, existing))
}

fn placed(name: TableName, location: String, existing: Option<Table>) -> (Place, Option<Table>) {
    let place = |name, location| Place { name, location, is_table: existing.is_some() };
    match &existing {
        Some(table) => {
            let location = table.locations.first().cloned().unwrap_or(location);
            (place(table.name.clone(), location), existing)
        }
        None => (place(name, location), None),
    }
}

async fn look_at_folder(
    engines: &Engines,
    operator: &str,
    folder: &StoragePath,
    mode: WriteMode,
) -> Result<(Place, Option<Table>), Unprepared> {
    let knows_commits = engines.metastore()?.knows_commits();
    let folder =
        if knows_commits { spelled(engines, folder).await? } else { folder.as_str().to_owned() };
    let (parent, table) = folder.rsplit_once('/').unwrap_or(("", &folder));
    let name = TableName { database: parent.to_owned(), table: table.to_owned() };
    // What lies deeper than a database's tables is not known to the metastore.
    if knows_commits && !parent.contains('/') {
        match existing_table(engines, operator, &name).await {
            Ok(Some(table)) => return Ok(placed(name, folder, Some(table))),
            Err(Unprepared::Failed(error)) if error.kind == ErrorKind::NotFound => {
                refuse_files(engines, operator, &folder).await?;
            }
            Err(other) => return Err(other),
            Ok(None) => refuse_files(engines, operator, &folder).await?,
        }
    } else if mode != WriteMode::Append {
        refuse_files(engines, operator, &folder).await?;
    }
    Ok(placed(name, folder, None))
}

/// Returns a folder with its first part as the metastore spells that database, so that no second
/// one comes into being that differs in case only.
async fn spelled(engines: &Engines, folder: &StoragePath) -> Result<String, EngineError> {
    let text = folder.as_str();
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    match engines.metastore()?.get_database(first).await {
        Ok(database) => Ok(format!("{}/{rest}", database.location.trim_end_matches('/'))),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(text.to_owned()),
        Err(error) => Err(error),
    }
}

async fn refuse_files(engines: &Engines, operator: &str, folder: &str) -> Result<(), Unprepared> {
    let first = match engines.storage()?.list_files(folder).next().await.transpose() {
        Err(error) if error.kind == ErrorKind::NotFound => None,
        found => found?,
    };
    let Some(file) = first else { return Ok(()) };
    let message = format!("`{folder}` holds files already, such as `{}`", file.path);
    let error = EngineError::new(ErrorKind::AlreadyExists, operator, "find the output", message);
    let hint = if engines.metastore()?.knows_commits() {
        "choose another folder; mode=replace is for tables of a database, that is for output_table and for an \
         output_path of two parts"
    } else {
        "choose another folder; mode=replace is for output_table"
    };
    Err(error.with_hint(hint).into())
}

fn foreign(operator: &str, place: &str, example: &str) -> EngineError {
    let message = format!("`{place}` holds files that Mason did not write, such as `{example}`");
    EngineError::new(ErrorKind::AlreadyExists, operator, "find the output", message)
        .with_hint("choose another name; Mason never overwrites what it did not write")
}

/// Returns the table of this name if Mason keeps it.
async fn existing_table(
    engines: &Engines,
    operator: &str,
    name: &TableName,
) -> Result<Option<Table>, Unprepared> {
    let Some(entry) = engines.metastore()?.find_table(name).await? else { return Ok(None) };
    let place = entry.name.to_string();
    match entry.kind {
        TableKind::Managed => {
            match engines.metastore()?.get_table(&entry.name, &Reading::default()).await? {
                TableLookup::Table(table) => Ok(Some(*table)),
                TableLookup::Unread(table) => Err(unread(&table)),
                TableLookup::Conflicting(_) => Err(Unprepared::Failed(EngineError::new(
                    ErrorKind::Unexpected,
                    operator,
                    "find the output",
                    format!("the files of the managed table `{place}` disagree"),
                ))),
            }
        }
        TableKind::External => {
            let message = format!("`{place}` is declared over files that Mason did not write");
            let error =
                EngineError::new(ErrorKind::AlreadyExists, operator, "find the output", message);
            Err(Unprepared::Failed(
                error.with_hint(
                    "choose another name, or run table/delete first: it keeps the files",
                ),
            ))
        }
        TableKind::Discovered => {
            let example = entry.locations.first().map_or("", String::as_str);
            Err(foreign(operator, &place, example).into())
        }
    }
}

impl Target {
    /// Returns the sink of the job.
    pub(super) fn to_sink(&self) -> Sink {
        Sink::Files(Box::new(self.sink.clone()))
    }

    /// Checks the partition columns against the schema of what is written, and spells them as it does.
    ///
    /// # Errors
    /// `InvalidInput` when one does not exist, or no other column is left.
    pub(super) fn check_partition_columns(
        mut self,
        operator: &str,
        schema: &Schema,
    ) -> Result<Self, EngineError> {
        let names = resolve(operator, "partition_columns", schema, &self.sink.partition_by)?;
        if !names.is_empty() && names.len() == schema.columns.len() {
            let message = "parameter `partition_columns` leaves no column for the files";
            return Err(refused(operator, message));
        }
        self.sink.partition_by = names;
        Ok(self)
    }

    /// Adds to a plan where is written and what would be overwritten.
    pub(super) fn complete(&self, mut plan: WorkPlan) -> WorkPlan {
        plan.target = Some(format!("{} ({})", self.name, self.sink.location));
        if let (Some(table), WriteMode::Replace) = (&self.existing, self.sink.mode) {
            let paths = table.files.iter().map(|file| file.path.to_string());
            plan.overwrites = paths.take(SHOWN_OVERWRITES).collect();
            plan.overwrites_total = table.files.len() as u64;
        }
        plan
    }

    /// Returns the rows of the plan's words: `write sales.a as parquet`.
    pub(super) fn verb(&self) -> String {
        let how = match self.sink.mode {
            WriteMode::Error => "write",
            WriteMode::Replace => "replace",
            WriteMode::Append => "append to",
        };
        format!("{how} {} as {}", self.name, self.sink.format)
    }
}
