//! `job/logs`: the last lines of a job's log.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::job::JobId;
use crate::engines::table_use::TableUse;
use crate::operators::answers::{exact, object_schema};
use crate::operators::parameters::{ANSWER_BYTES, count, required};
use crate::operators::{Answer, Operator, Prepared, Request, Unprepared};

const NAME: &str = "job/logs";
/// Lines when the run says nothing else.
const LINES: u64 = 200;

/// Shows a job's log.
pub(in crate::operators) struct Logs;

#[async_trait]
impl Operator for Logs {
    fn name(&self) -> &'static str {
        "job.logs"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::Jobs]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        exact(object_schema(
            &["id", "lines"],
            &json!({
                "id": {"type": "string"},
                "lines": {"type": "array", "items": {"type": "string"}},
            }),
        ))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let id = JobId(required(NAME, request, "job_id")?.to_owned());
        let wanted = count(NAME, request, "lines")?.unwrap_or(LINES);
        // One line more than wanted shows whether there are more.
        let most = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_add(1);
        let lines = engines.execution()?.logs(&id, most).await?;
        Ok(Prepared::Answer(last_lines(&id, &lines, wanted)))
    }
}

/// Returns the last lines that fit into an answer, oldest first; says when there were more.
fn last_lines(id: &JobId, lines: &[String], wanted: u64) -> Answer {
    let mut bytes = 0;
    let mut kept: Vec<&String> = Vec::new();
    for line in lines.iter().rev() {
        bytes += json!(line).to_string().len() as u64 + 1;
        if bytes > ANSWER_BYTES - 1024 || kept.len() as u64 == wanted {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    let mut answer = Answer::object(json!({"id": id, "lines": kept}));
    answer.truncated = kept.len() < lines.len();
    if answer.truncated {
        let shown = counted(kept.len(), "line");
        answer.warnings.push(format!("not all of the log is shown, only its last {shown}"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay_and_the_rest_is_said_to_be_missing() {
        let lines: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let answer = last_lines(&JobId("a".into()), &lines, 10);
        assert_eq!(answer.data["lines"][0], "1");
        assert!(answer.truncated);
        let long = vec!["x".repeat(40_000); 3];
        assert_eq!(
            last_lines(&JobId("a".into()), &long, 10).data["lines"].as_array().map(Vec::len),
            Some(1)
        );
        assert!(!last_lines(&JobId("a".into()), &lines[..3], 10).truncated);
    }
}
