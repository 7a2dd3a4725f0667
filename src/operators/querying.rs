//! The job of a query in SQL over tables, whether a run or its definition wrote it.

use std::collections::BTreeMap;

use super::inputs::table_input;
use super::pruned::Queried;
use super::reading::{named_inputs, read_tables};
use super::target::find_target;
use super::work::Work;
use super::{Prepared, Request, Unprepared};
use crate::engines::job_spec::{Binding, Operation};
use crate::engines::table::TableName;
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::sql::{Scope, analyse, refusal};

/// A query and what its names mean.
#[derive(Debug, Default)]
pub(super) struct Querying<'a> {
    /// The query.
    pub(super) sql: &'a str,
    /// What `$table` stands for.
    pub(super) this_table: Option<TableName>,
    /// The database of names without one.
    pub(super) default_database: Option<String>,
    /// What placeholders stand for; without any, placeholders are refused.
    pub(super) bindings: Option<&'a BTreeMap<String, Binding>>,
}

impl Querying<'_> {
    /// Returns the job: rows as the answer, or files when the request has a target.
    ///
    /// # Errors
    /// `InvalidInput` or `Unsupported` with all that is wrong with the query; those of looking its tables
    /// up.
    pub(super) async fn prepare(
        self,
        engines: &Engines,
        operator: &'static str,
        request: &Request,
    ) -> Result<Prepared, Unprepared> {
        let scope = Scope {
            this_table: self.this_table.as_ref(),
            default_database: self.default_database.as_deref(),
            allow_writing: request.allow_writing_sql,
            bindings: self.bindings,
        };
        let analysed = analyse(self.sql, scope).map_err(|problems| refusal(operator, &problems))?;
        let operation = Operation::Query {
            sql: self.sql.to_owned(),
            this_table: self.this_table.clone(),
            default_database: self.default_database.clone(),
            allow_writing: request.allow_writing_sql,
            bindings: self.bindings.cloned().unwrap_or_default(),
        };
        let target = find_target(engines, operator, request).await?;
        if let (Some(_), true) = (&target, engines.reads_names()) {
            return Err(writes_nothing(operator).into());
        }
        let (inputs, rows) = if engines.reads_names() {
            (named_inputs(engines, operator, request, analysed.tables()).await?, None)
        } else {
            let query = Some(Queried { analysed: &analysed, operation: &operation });
            let tables = read_tables(engines, operator, request, analysed.tables(), query).await?;
            let rows = tables.iter().map(|table| table.rows).sum();
            (tables.iter().map(table_input).collect::<Vec<_>>(), rows)
        };
        let names: Vec<String> = inputs.iter().map(|input| input.name.to_string()).collect();
        let work = Work {
            operator,
            what: match names.as_slice() {
                [] => "query no table".to_owned(),
                names => format!("query {}", names.join(", ")),
            },
            rows,
            inputs,
            operation,
            target,
        };
        work.into_prepared(request)
    }
}

/// Refuses to write with an engine that answers only.
fn writes_nothing(operator: &str) -> EngineError {
    let message = "the engine that was picked for queries answers only, and writes no files yet";
    let refused = EngineError::new(ErrorKind::Unsupported, operator, "find the output", message);
    refused.with_hint("use a config whose `execution` names a client `local` first")
}
