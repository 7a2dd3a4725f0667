//! Runs that have ended: which of them are surplus, and how little of each the cache keeps.

use std::collections::HashMap;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;

use crate::api::v1alpha1::{FreeForm, Messages, OperatorRun};
use crate::validate::ValidRun;

/// Returns the runs of each namespace that have ended and are more than so many, the oldest first. What
/// is pruned already does not count.
pub(super) fn surplus<'a>(
    runs: impl Iterator<Item = &'a OperatorRun>,
    most: usize,
) -> Vec<&'a OperatorRun> {
    let mut ended: HashMap<String, Vec<(Timestamp, &OperatorRun)>> = HashMap::new();
    for run in runs {
        let Some(status) = run.status.as_ref().filter(|status| status.phase.is_terminal()) else {
            continue;
        };
        if status.pruned_at.is_none() && run.metadata.deletion_timestamp.is_none() {
            let at = status.finished_at.unwrap_or_default();
            ended.entry(run.namespace().unwrap_or_default()).or_default().push((at, run));
        }
    }
    let mut surplus = Vec::new();
    for runs in ended.values_mut() {
        runs.sort_by_key(|(at, run)| (*at, run.name_any()));
        let over = runs.len().saturating_sub(most);
        surplus.extend(runs[..over].iter().copied());
    }
    surplus.sort_by_key(|(at, run)| (*at, run.name_any()));
    surplus.into_iter().map(|(_, run)| run).collect()
}

/// Leaves of a run that has ended what deciding about it takes: thousands of them are remembered.
pub(super) fn trim(run: &mut OperatorRun) {
    let Some(status) = run.status.as_mut().filter(|status| status.phase.is_terminal()) else {
        return;
    };
    run.spec.parameters = FreeForm::default();
    if let Some(resolved) = &mut status.resolved {
        ValidRun::keep_results(resolved);
    }
    if let Some(result) = &mut status.result {
        result.data = Value::Null;
    }
    status.parameters = Vec::new();
    status.attempts = Vec::new();
    status.conditions = Vec::new();
    status.pending = None;
    status.messages = Messages::default();
    status.columns.message = String::new();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a test makes it for this call")]
    fn run(namespace: &str, name: &str, status: Value) -> OperatorRun {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}, "parameters": {"a": 1}},
            "status": status,
        }))
        .expect("should be a run")
    }

    fn ended(second: u8) -> Value {
        json!({"phase": "Succeeded", "finishedAt": format!("2026-01-01T00:00:0{second}Z")})
    }

    #[test]
    fn the_oldest_of_each_namespace_are_too_many() {
        let mut pruned = ended(0);
        pruned["prunedAt"] = json!("2026-01-02T00:00:00Z");
        let runs = [
            run("a", "third", ended(3)),
            run("a", "first", ended(1)),
            run("a", "second", ended(2)),
            run("a", "pruned", pruned),
            run("a", "works", json!({"phase": "Running"})),
            run("b", "only", ended(0)),
        ];
        let names = |most| -> Vec<String> {
            surplus(runs.iter(), most).into_iter().map(ResourceExt::name_any).collect()
        };
        assert_eq!(names(1), ["first", "second"]);
        assert_eq!(names(3), Vec::<String>::new());
        assert_eq!(names(0), ["only", "first", "second", "third"]);
    }

    #[test]
    fn little_is_remembered_of_a_run_that_has_ended_and_all_of_one_that_works() {
        let status = |phase: &str| {
            json!({
                "phase": phase,
                "resolved": {"results": {"location": "a:b"}, "clients": ["x".repeat(4_000)]},
                "result": {"kind": "Rows", "data": ["x".repeat(16_000)]},
            })
        };
        let size = |run: &OperatorRun| serde_json::to_string(run).expect("should be JSON").len();
        let mut ended = run("a", "x", status("Failed"));
        let mut works = run("a", "x", status("Running"));
        trim(&mut ended);
        trim(&mut works);
        assert!(size(&ended) < 1_000, "{}", size(&ended));
        assert!(size(&works) > 20_000);
        assert_eq!(
            crate::plan::results_of(&ended.status.unwrap()).location.as_deref(),
            Some("a:b")
        );
    }
}
