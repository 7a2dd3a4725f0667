//! The action `container`: one container of a definition, with the run's parameters.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::parameters::refused;
use super::{Operator, Prepared, Request, Unprepared, WorkPlan};
use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::job_spec::{AnswerLimits, BadRows, JobSpec, Operation, Sink};
use crate::engines::table_use::TableUse;

/// The name of the client that performs the action.
pub(super) const NAME: &str = "container";

/// Runs the container of a definition.
pub(super) struct Container;

#[async_trait]
impl Operator for Container {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> &'static [Capability] {
        &[]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    /// Whatever the command writes; a definition may say more.
    fn result_schema(&self) -> Value {
        json!({})
    }

    async fn prepare(&self, _: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let Some(container) = &request.container else {
            return Err(refused(NAME, "the definition has no container").into());
        };
        let command = container.command.first().map_or("", String::as_str);
        let plan = WorkPlan {
            what: format!("run `{command}` in a pod with the image `{}`", container.image),
            ..WorkPlan::default()
        };
        let operation = Operation::Container {
            container: container.clone(),
            parameters: request.parameters.clone(),
        };
        let spec = JobSpec {
            version: JobSpec::VERSION,
            inputs: Vec::new(),
            operation,
            sink: Sink::Answer,
            bad_rows: BadRows::default(),
            limits: AnswerLimits::default(),
        };
        Ok(Prepared::Job { spec: Box::new(spec), plan })
    }
}
