//! The action `sql`: the statement of a definition, with the run's parameters bound to it.

use async_trait::async_trait;
use serde_json::Value;

use super::answers::rows_or_files_schema;
use super::parameters::refused;
use super::querying::Querying;
use super::{Operator, Prepared, Request};
use crate::engines::capability::Capability;
use crate::engines::{EngineError, Engines};

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
        Capability::OF_A_QUERY
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, EngineError> {
        let Some(bound) = &request.statement else {
            return Err(refused(NAME, "the definition has no statement"));
        };
        let querying = Querying {
            sql: &bound.statement,
            bindings: Some(&bound.bindings),
            ..Querying::default()
        };
        querying.prepare(engines, NAME, request).await
    }
}
