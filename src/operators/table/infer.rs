//! `table/infer`: finds the schema of files and declares a table over them. Files that disagree are
//! the answer, and nothing is declared.

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::WriteMode;
use crate::engines::metastore::Change;
use crate::engines::result::JobOutcome;
use crate::engines::table::{TableKind, TableName, TableVersion};
use crate::engines::table_use::{Access, NamedBy, TableUse, table_of_path};
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::operators::inference::{Inferred, answered, inference, inferred, result_schema};
use crate::operators::inputs::list_files;
use crate::operators::parameters::{choice, optional, refused, required};
use crate::operators::reading::{check_format, reading};
use crate::operators::{Conclusion, Effect, Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/infer";

/// Infers a table.
pub(in crate::operators) struct Infer;

#[async_trait]
impl Operator for Infer {
    fn name(&self) -> &'static str {
        "table.infer"
    }

    fn needs(&self) -> &'static [Capability] {
        &[
            Capability::ReadTables,
            Capability::ChangeTables,
            Capability::ReadFiles,
            Capability::Infer,
        ]
    }

    fn uses(&self) -> &'static [TableUse] {
        const DECLARED: NamedBy = NamedBy::Table {
            databases: &["database_name"],
            table: "table_name",
            path: Some("storage_path"),
        };
        &[TableUse { access: Access::Write, named: DECLARED }]
    }

    fn result_schema(&self) -> Value {
        result_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let reading = reading(NAME, request)?;
        let location = required(NAME, request, "storage_path")?.to_owned();
        let name = wanted_name(engines, request, &location).await?;
        expected_version(engines, request, &name).await?;
        let files = list_files(engines, NAME, &[location]).await?;
        Ok(inference(NAME, request, &name, files, reading)?)
    }

    async fn conclude(
        &self,
        engines: &Engines,
        request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let location = required(NAME, request, "storage_path")?.to_owned();
        let name = wanted_name(engines, request, &location).await?;
        let found = answered(NAME, outcome)?;
        check_format(NAME, request, found.format())?;
        match inferred(&name, vec![location], found, &outcome.warnings) {
            Inferred::Conflict(answer) => Ok(Conclusion { answer, effect: None }),
            Inferred::Table(table, answer) => {
                let expected = expected_version(engines, request, &name).await?;
                let effect = Effect::Metastore { change: Change::PutTable { table, expected } };
                Ok(Conclusion { answer, effect: Some(effect) })
            }
        }
    }
}

/// Returns the table's name: as given, or the last part of the path that is no glob, without endings.
async fn wanted_name(
    engines: &Engines,
    request: &Request,
    location: &str,
) -> Result<TableName, EngineError> {
    let database = required(NAME, request, "database_name")?;
    let database = engines.metastore()?.get_database(database).await?.name;
    let table = match optional(request, "table_name") {
        Some(name) => name.to_owned(),
        None => table_of_path(location).map(str::to_owned).ok_or_else(|| {
            refused(NAME, format!("`storage_path` {location:?} suggests no name for the table"))
                .with_hint("give table_name")
        })?,
    };
    Ok(TableName { database, table })
}

/// Returns the version of the declaration that is replaced; `None` when there is no declaration.
async fn expected_version(
    engines: &Engines,
    request: &Request,
    name: &TableName,
) -> Result<Option<TableVersion>, EngineError> {
    let Some(entry) = engines.metastore()?.find_table(name).await? else { return Ok(None) };
    let mode: WriteMode = choice(NAME, request, "mode")?.unwrap_or_default();
    let refused = |message, hint: &str| {
        let operation = format!("declare `{name}`");
        Err(EngineError::new(ErrorKind::AlreadyExists, NAME, operation, message).with_hint(hint))
    };
    match (entry.kind, mode) {
        (TableKind::Discovered, _) => Ok(None),
        (TableKind::Managed, _) => refused(
            "there is a table of this name already, and Mason keeps its files",
            "give another table_name",
        ),
        (TableKind::External, WriteMode::Replace) => Ok(entry.version),
        (TableKind::External, _) => refused(
            "it is declared already",
            "give mode=replace, or run table/refresh to look at the same files again",
        ),
    }
}
