//! `job/cancel`: asks a job to stop.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::get::shown;
use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::job::JobId;
use crate::engines::table_use::TableUse;
use crate::operators::answers::object_schema;
use crate::operators::parameters::required;
use crate::operators::{Answer, Effect, Operator, Prepared, Request, Unprepared, WorkPlan};

const NAME: &str = "job/cancel";

/// Cancels a job.
pub(in crate::operators) struct Cancel;

#[async_trait]
impl Operator for Cancel {
    fn name(&self) -> &'static str {
        "job.cancel"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::Jobs]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        object_schema(&[], &json!({"id": {"type": "string"}, "state": {"type": "string"}}))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let id = JobId(required(NAME, request, "job_id")?.to_owned());
        let status = engines.execution()?.status(&id).await?;
        if status.state.has_ended() {
            let mut answer = Answer::object(Value::Object(shown(&status)));
            answer.info.push(format!("job {id} has ended already; nothing was done"));
            return Ok(Prepared::Answer(answer));
        }
        let plan = WorkPlan {
            what: format!("cancel job {id} of run {}", status.owner.run),
            target: Some(id.to_string()),
            ..WorkPlan::default()
        };
        Ok(Prepared::Effect { effect: Effect::CancelJob { id }, plan })
    }
}
