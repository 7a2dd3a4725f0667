//! `table/query`: one query in SQL over tables of the metastore.

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::bindings::bindings_of;
use crate::engines::capability::Capability;
use crate::engines::table::TableName;
use crate::engines::table_use::{Access, NamedBy, TableUse};
use crate::engines::{EngineError, Engines};
use crate::operators::answers::rows_or_files_schema;
use crate::operators::parameters::{optional, refused, refused_all, required};
use crate::operators::querying::Querying;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/query";

/// Queries tables.
pub(in crate::operators) struct Query;

#[async_trait]
impl Operator for Query {
    fn name(&self) -> &'static str {
        "table.query"
    }

    fn needs(&self) -> &'static [Capability] {
        Capability::OF_A_QUERY
    }

    fn uses(&self) -> &'static [TableUse] {
        const QUERIED: NamedBy = NamedBy::Statement {
            statement: "query_string",
            database: "database_name",
            table: "table_name",
        };
        &[TableUse { access: Access::Read, named: QUERIED }, TableUse::WRITES_OUTPUT]
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let sql = required(NAME, request, "query_string")?;
        let default_database = optional(request, "database_name").map(str::to_owned);
        let this_table = this_table(request, default_database.as_deref())?;
        let bindings = bindings_of(&request.parameters);
        let bindings = bindings.map_err(|problems| refused_all(NAME, &problems))?;
        // Without any, a placeholder is told to be no parameter.
        let bindings = Some(&bindings).filter(|bindings| !bindings.is_empty());
        let querying = Querying { sql, this_table, default_database, bindings };
        querying.prepare(engines, NAME, request).await
    }
}

/// Returns the table that `$table` stands for, if the run names one.
fn this_table(request: &Request, database: Option<&str>) -> Result<Option<TableName>, EngineError> {
    match (optional(request, "table_name"), database) {
        (None, _) => Ok(None),
        (Some(table), Some(database)) => {
            Ok(Some(TableName { database: database.to_owned(), table: table.to_owned() }))
        }
        (Some(_), None) => Err(refused(NAME, "parameter `table_name` needs `database_name`")),
    }
}
