//! The action `sql`: the statement of a definition, with the run's parameters bound to it.

use async_trait::async_trait;
use serde_json::Value;

use super::answers::rows_or_files_schema;
use super::inputs::table_input;
use super::parameters::refused;
use super::reading::read_tables;
use super::target::find_target;
use super::work::Work;
use super::{Operator, Prepared, Request};
use crate::engines::capability::Capability;
use crate::engines::job_spec::Operation;
use crate::engines::{EngineError, Engines};
use crate::sql::{Scope, analyse, refusal};

/// The name of whoever performs the action.
pub(super) const NAME: &str = "sql";

/// Runs the statement of a definition.
pub(super) struct Statement;

#[async_trait]
impl Operator for Statement {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Query]
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, EngineError> {
        let Some(bound) = &request.statement else {
            return Err(refused(NAME, "the definition has no statement"));
        };
        let scope = Scope {
            allow_writing: request.allow_writing_sql,
            bindings: Some(&bound.bindings),
            ..Scope::default()
        };
        let analysed =
            analyse(&bound.statement, scope).map_err(|problems| refusal(NAME, &problems))?;
        let tables = read_tables(engines, NAME, request, analysed.tables()).await?;
        let inputs: Vec<_> = tables.iter().map(table_input).collect();
        let names: Vec<String> = inputs.iter().map(|input| input.name.to_string()).collect();
        let work = Work {
            operator: NAME,
            what: format!("run a statement on {}", names.join(", ")),
            rows: tables.iter().map(|table| table.rows).sum(),
            inputs,
            operation: Operation::Query {
                sql: bound.statement.clone(),
                this_table: None,
                default_database: None,
                allow_writing: request.allow_writing_sql,
                bindings: bound.bindings.clone(),
            },
            target: find_target(engines, NAME, request).await?,
        };
        work.into_prepared(request)
    }
}
