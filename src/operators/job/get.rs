//! `job/get`: how far one job is, and what it committed.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::job::{JobId, JobState, JobStatus};
use crate::engines::table_use::TableUse;
use crate::operators::answers::{exact, object_schema};
use crate::operators::parameters::required;
use crate::operators::{Answer, Operator, Prepared, Request, Unprepared};

const NAME: &str = "job/get";

/// Gets a job.
pub(in crate::operators) struct Get;

#[async_trait]
impl Operator for Get {
    fn name(&self) -> &'static str {
        "job.get"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::Jobs]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        exact(object_schema(
            &["id", "run", "state", "operation"],
            &json!({
                "id": {"type": "string"},
                "run": {"type": "string"},
                "attempt": {"type": "integer"},
                "state": {"type": "string"},
                "operation": {"type": "string"},
                "progress": {"type": ["object", "null"]},
                "createdAt": {"type": ["string", "null"]},
                "startedAt": {"type": ["string", "null"]},
                "finishedAt": {"type": ["string", "null"]},
                "error": {"type": ["object", "null"]},
                "outcome": {"type": "object"},
            }),
        ))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let id = JobId(required(NAME, request, "job_id")?.to_owned());
        let status = engines.execution()?.status(&id).await?;
        let mut job = shown(&status);
        if status.state == JobState::Succeeded {
            let outcome = engines.execution()?.collect(&id).await?;
            let ended = json!({
                "rows": outcome.rows,
                "truncated": outcome.truncated,
                "commit": outcome.commit,
                "warnings": outcome.warnings.iter().take(20).collect::<Vec<_>>(),
            });
            job.insert("outcome".to_owned(), ended);
        }
        Ok(Prepared::Answer(Answer::object(Value::Object(job))))
    }
}

/// Returns what people want to know of a job.
pub(super) fn shown(job: &JobStatus) -> Map<String, Value> {
    let columns = [
        ("id", json!(job.id)),
        ("run", json!(job.owner.run)),
        ("attempt", json!(job.owner.attempt)),
        ("operation", json!(job.operation)),
        ("state", json!(job.state)),
        ("progress", json!(job.progress)),
        ("createdAt", json!(job.created_at)),
        ("startedAt", json!(job.started_at)),
        ("finishedAt", json!(job.finished_at)),
        ("error", json!(job.error)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
