//! The action `sql`: the statement of a definition, with the run's parameters bound to it.

use async_trait::async_trait;
use serde_json::Value;

use super::answers::rows_or_files_schema;
use super::parameters::refused;
use super::querying::Querying;
use super::{Operator, Prepared, Request, Unprepared};
use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::table_use::TableUse;
use crate::sql;

/// The name of the action.
pub(super) const NAME: &str = "sql";

/// Runs the statement of a definition.
pub(super) struct Statement;

#[async_trait]
impl Operator for Statement {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> &'static [Capability] {
        Capability::OF_A_QUERY
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse::WRITES_OUTPUT]
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let Some(bound) = &request.statement else {
            return Err(refused(NAME, "the definition has no statement").into());
        };
        let request = &without_bound(request, &bound.statement);
        let querying = Querying {
            sql: &bound.statement,
            bindings: Some(&bound.bindings),
            ..Querying::default()
        };
        querying.prepare(engines, NAME, request).await
    }
}

/// Returns a request in which what the statement has placeholders for says nothing else: not how files
/// are read, nor where rows go. `limit` bounds the answer too.
fn without_bound(request: &Request, statement: &str) -> Request {
    let bound = sql::placeholders(statement).unwrap_or_default();
    let mut request = request.clone();
    request.parameters.0.retain(|name, _| name == "limit" || !bound.contains(name));
    request
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_statement_has_a_placeholder_for_says_nothing_else() {
        let parameters = json!({
            "comment": "fine", "mode": "bus", "output_path": "kept", "decimal": ",", "limit": 3,
        });
        let request = Request {
            parameters: serde_json::from_value(parameters).expect("should be parameters"),
            allow_writing_sql: false,
            statement: None,
            answer_bytes: 0,
            container: None,
        };
        let statement = "select * from s.t where comment = $comment and mode = $mode limit $limit";
        let left: BTreeMap<String, Value> = without_bound(&request, statement).parameters.0;
        assert_eq!(left.keys().collect::<Vec<_>>(), ["decimal", "limit", "output_path"]);
    }
}
