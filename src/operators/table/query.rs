//! `table/query`: one query in SQL over tables of the metastore.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::Operation;
use crate::engines::table::TableName;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::rows_or_files_schema;
use crate::operators::inputs::table_input;
use crate::operators::parameters::{optional, refused, required};
use crate::operators::reading::read_tables;
use crate::operators::target::find_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request};
use crate::sql::{Scope, analyse, refusal};

const NAME: &str = "table/query";

/// Queries tables.
pub(in crate::operators) struct Query;

#[async_trait]
impl Operator for Query {
    fn name(&self) -> &'static str {
        "table.query"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Query]
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, EngineError> {
        let sql = required(NAME, request, "query_string")?;
        let default_database = optional(request, "database_name").map(str::to_owned);
        let this_table = this_table(request, default_database.as_deref())?;
        let scope = Scope {
            this_table: this_table.as_ref(),
            default_database: default_database.as_deref(),
            allow_writing: request.allow_writing_sql,
            bindings: None,
        };
        let analysed = analyse(sql, scope).map_err(|problems| refusal(NAME, &problems))?;
        let tables = read_tables(engines, NAME, request, analysed.tables()).await?;
        let rows = tables.iter().map(|table| table.rows).sum();
        let inputs: Vec<_> = tables.iter().map(table_input).collect();
        let names: Vec<String> = inputs.iter().map(|input| input.name.to_string()).collect();
        let work = Work {
            operator: NAME,
            what: match names.as_slice() {
                [] => "query no table".to_owned(),
                names => format!("query {}", names.join(", ")),
            },
            inputs,
            rows,
            operation: Operation::Query {
                sql: sql.to_owned(),
                this_table,
                default_database,
                allow_writing: request.allow_writing_sql,
                bindings: BTreeMap::new(),
            },
            target: find_target(engines, NAME, request).await?,
        };
        work.into_prepared(request)
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
