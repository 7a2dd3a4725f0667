//! `database/delete`: a database, and with `cascade` the tables that Mason keeps in it.

use async_trait::async_trait;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::metastore::{Change, TableEntry};
use crate::engines::table::TableKind;
use crate::engines::table_use::{Access, NamedBy, TableUse};
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::operators::answers::changed_schema;
use crate::operators::columns::listed;
use crate::operators::parameters::required;
use crate::operators::{Effect, Operator, Prepared, Request, Unprepared, WorkPlan};

const NAME: &str = "database/delete";

/// Deletes a database.
pub(in crate::operators) struct Delete;

#[async_trait]
impl Operator for Delete {
    fn name(&self) -> &'static str {
        "database.delete"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::ChangeDatabases]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse { access: Access::Write, named: NamedBy::Database("database_name") }]
    }

    fn result_schema(&self) -> Value {
        changed_schema(&json!({}))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let wanted = required(NAME, request, "database_name")?;
        let database = engines.metastore()?.get_database(wanted).await?;
        let cascade = request.parameters.is_true("cascade");
        let tables: Vec<TableEntry> =
            engines.metastore()?.list_tables(&database.name).try_collect().await?;
        let can_cascade = engines.metastore()?.knows_commits();
        refuse_tables_that_stay(&database.name, (cascade, can_cascade), &tables)?;
        let plan = WorkPlan {
            what: format!("delete database {}", database.name),
            target: Some(database.name.clone()),
            overwrites: tables.iter().take(100).map(|entry| entry.name.to_string()).collect(),
            overwrites_total: tables.len() as u64,
            ..WorkPlan::default()
        };
        let change = Change::DeleteDatabase { name: database.name, cascade };
        Ok(Prepared::Effect { effect: Effect::Metastore { change }, plan })
    }
}

fn refuse_tables_that_stay(
    database: &str,
    (cascade, can_cascade): (bool, bool),
    tables: &[TableEntry],
) -> Result<(), EngineError> {
    let refused = |message| {
        Err(EngineError::new(ErrorKind::Conflict, NAME, format!("delete `{database}`"), message))
    };
    let names =
        |kept: Vec<&TableEntry>| listed(kept.into_iter().map(|entry| entry.name.table.as_str()));
    let files =
        tables.iter().filter(|entry| entry.kind == TableKind::Discovered).collect::<Vec<_>>();
    if !files.is_empty() {
        return refused(format!("it holds files that Mason did not write: {}", names(files)))
            .map_err(|error| error.with_hint("move or delete those files first"));
    }
    let go_too = cascade && can_cascade;
    if !go_too && !tables.is_empty() {
        let hint = if can_cascade {
            "give cascade=true to delete them too"
        } else {
            "delete each of them first: no table of a catalogue goes with its database"
        };
        return refused(format!("it has tables: {}", names(tables.iter().collect())))
            .map_err(|error| error.with_hint(hint));
    }
    Ok(())
}
