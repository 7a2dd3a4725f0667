//! `table/delete`: a table's declaration, and the files that Mason wrote. Files that another program
//! wrote are kept unless the run asks for them to go.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::metastore::{Change, TableEntry};
use crate::engines::reading::Reading;
use crate::engines::table::{PinnedFile, TableKind, TableLookup, TableName, TableVersion};
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines, ErrorKind, Metastore};
use crate::operators::answers::changed_schema;
use crate::operators::inputs::list_files;
use crate::operators::parameters::table_name;
use crate::operators::{Effect, Operator, Prepared, Request, Unprepared, WorkPlan};

const NAME: &str = "table/delete";
/// Most files that a plan names.
const SHOWN_FILES: usize = 100;

/// Deletes a table.
pub(in crate::operators) struct Delete;

#[async_trait]
impl Operator for Delete {
    fn name(&self) -> &'static str {
        "table.delete"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::ChangeTables]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse::WRITES_ITS_TABLE]
    }

    fn result_schema(&self) -> Value {
        changed_schema(&json!({}))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let wanted = table_name(NAME, request)?;
        let database = engines.metastore()?.get_database(&wanted.database).await?;
        let wanted = TableName { database: database.name, table: wanted.table };
        let delete_files = request.parameters.is_true("delete_files");
        let Some(entry) = engines.metastore()?.find_table(&wanted).await? else {
            return Err(not_found(engines.metastore()?.as_ref(), &wanted).await.into());
        };
        refuse_undeclared(&entry, delete_files)?;
        let (expected, files) = look(engines, &entry, delete_files).await?;
        let change = Change::DeleteTable {
            name: entry.name.clone(),
            expected,
            delete_external_files: delete_files,
        };
        let plan = plan(&entry, delete_files, files.as_deref());
        Ok(Prepared::Effect { effect: Effect::Metastore { change }, plan })
    }
}

/// Returns the metastore's own error, which names the nearest tables.
async fn not_found(metastore: &dyn Metastore, name: &TableName) -> EngineError {
    match metastore.get_table(name, &Reading::default()).await {
        Err(error) => error,
        Ok(_) => EngineError::new(
            ErrorKind::Conflict,
            NAME,
            format!("find `{name}`"),
            "it appeared while it was looked for",
        ),
    }
}

fn refuse_undeclared(entry: &TableEntry, delete_files: bool) -> Result<(), EngineError> {
    if entry.kind != TableKind::Discovered || delete_files {
        return Ok(());
    }
    let message = "it is nothing but files that Mason did not write, and those are kept";
    Err(EngineError::new(
        ErrorKind::InvalidInput,
        NAME,
        format!("delete `{}`", entry.name),
        message,
    )
    .with_hint("give delete_files=true to delete the files"))
}

/// Returns the table's version and the files that go; no files where there are more than may be listed here. A table
/// that cannot be read can be deleted.
async fn look(
    engines: &Engines,
    entry: &TableEntry,
    delete_files: bool,
) -> Result<(Option<TableVersion>, Option<Vec<PinnedFile>>), EngineError> {
    // A table found in the files has no version, and reading its schema may be a long way.
    let version = match entry.kind {
        TableKind::Discovered => None,
        _ => match engines.metastore()?.get_table(&entry.name, &Reading::default()).await {
            Ok(TableLookup::Table(table)) if entry.kind == TableKind::Managed => {
                return Ok((table.version, Some(table.files)));
            }
            Ok(TableLookup::Unread(table)) if entry.kind == TableKind::Managed => {
                return Ok((table.version, None));
            }
            Ok(TableLookup::Table(table)) => table.version,
            Ok(TableLookup::Unread(table)) => table.version,
            Ok(TableLookup::Conflicting(_)) => None,
            Err(error) if error.kind == ErrorKind::InvalidInput => None,
            Err(error) => return Err(error),
        },
    };
    if !delete_files {
        return Ok((version, Some(Vec::new())));
    }
    match list_files(engines, NAME, &entry.locations).await {
        Ok(files) => Ok((version, Some(files))),
        Err(Unprepared::Unread(_)) => Ok((version, None)),
        Err(Unprepared::Failed(error)) if error.kind == ErrorKind::NotFound => {
            Ok((version, Some(Vec::new())))
        }
        Err(Unprepared::Failed(error)) => Err(error),
    }
}

fn plan(entry: &TableEntry, delete_files: bool, files: Option<&[PinnedFile]>) -> WorkPlan {
    let name = &entry.name;
    let Some(files) = files else {
        let most = Engines::MOST_FILES;
        return WorkPlan {
            what: format!("delete {name} with more than {}", counted(most, "file")),
            target: Some(name.to_string()),
            overwrites_total: most as u64 + 1,
            ..WorkPlan::default()
        };
    };
    let bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
    let what = match (entry.kind, delete_files) {
        (TableKind::External, false) => {
            format!("delete the declaration of {name}; its files are kept")
        }
        _ => format!(
            "delete {name} with {} of {}",
            counted(files.len(), "file"),
            counted(bytes, "byte")
        ),
    };
    WorkPlan {
        what,
        target: Some(name.to_string()),
        overwrites: files.iter().take(SHOWN_FILES).map(|file| file.path.to_string()).collect(),
        overwrites_total: files.len() as u64,
        ..WorkPlan::default()
    }
}
