//! Looks up the workflows that steps run.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{Workflow, WorkflowSpec};
use crate::store::{Kind, Resource, Store, StoreError};
use crate::validate::{DEEPEST, Nested};

/// Returns the workflows that the steps of a workflow run, by their `spec.workflow`; nothing when no step runs one.
///
/// # Errors
/// When the store fails.
pub(super) async fn nested_of(
    store: &dyn Store,
    namespace: &str,
    spec: &WorkflowSpec,
) -> Result<BTreeMap<String, Nested>, StoreError> {
    if named(spec).next().is_none() {
        return Ok(BTreeMap::new());
    }
    let listed = store.list(Kind::Workflow, Some(namespace)).await?;
    let workflows = listed.into_iter().filter_map(|found| match found {
        Ok(Resource::Workflow(workflow)) => Some(*workflow),
        _ => None,
    });
    let workflows: Vec<Workflow> = workflows.collect();
    let looked_up = named(spec).map(|name| {
        let found: Vec<Workflow> =
            workflows.iter().filter(|one| one.spec.workflow == name).cloned().collect();
        let known = match found.as_slice() {
            [] => workflows.iter().map(|one| one.spec.workflow.clone()).collect(),
            _ => Vec::new(),
        };
        let refused = refusal(&workflows, &mut vec![spec.workflow.as_str()], name);
        (name.to_owned(), Nested { found, known, refused })
    });
    Ok(looked_up.collect())
}

/// Returns the names of the workflows that steps run.
fn named(spec: &WorkflowSpec) -> impl Iterator<Item = &str> {
    spec.steps.iter().filter_map(|step| step.workflow.as_deref())
}

/// Returns why a workflow cannot be run below others, if it cannot: it leads back to one of them, or too deep.
fn refusal<'a>(
    workflows: &'a [Workflow],
    above: &mut Vec<&'a str>,
    name: &'a str,
) -> Option<String> {
    let is_cycle = above.contains(&name);
    above.push(name);
    let refused = if is_cycle {
        Some(format!("these workflows run each other: {}", above.join(" -> ")))
    } else if above.len() > DEEPEST {
        Some(format!(
            "{} workflows run each other, at most {DEEPEST} can: {}",
            above.len(),
            above.join(" -> ")
        ))
    } else {
        let below = workflows.iter().filter(|one| one.spec.workflow == name);
        let mut below = below.flat_map(|one| named(&one.spec));
        below.find_map(|name| refusal(workflows, above, name))
    };
    above.pop();
    refused
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow(name: &str, runs: &[&str]) -> Workflow {
        let steps: Vec<_> = runs.iter().map(|run| json!({"id": "a", "workflow": run})).collect();
        let spec = json!({"workflow": name, "description": "d", "steps": steps});
        Workflow::new(name, serde_json::from_value(spec).expect("a spec"))
    }

    fn told(workflows: &[Workflow], name: &str) -> Option<String> {
        refusal(workflows, &mut vec!["top"], name)
    }

    #[test]
    fn workflows_that_run_each_other_are_refused_with_the_way() {
        let all = [workflow("a", &["b"]), workflow("b", &["a"]), workflow("c", &["top"])];
        assert_eq!(
            told(&all, "a").as_deref(),
            Some("these workflows run each other: top -> a -> b -> a")
        );
        assert_eq!(
            told(&all, "c").as_deref(),
            Some("these workflows run each other: top -> c -> top")
        );
    }

    #[test]
    fn five_levels_are_the_deepest() {
        let one = |at: usize, length: usize| {
            let next = format!("w{}", at + 1);
            let runs: &[&str] = if at + 1 < length { &[&next] } else { &[] };
            workflow(&format!("w{at}"), runs)
        };
        let chain = |length: usize| (0..length).map(|at| one(at, length)).collect::<Vec<_>>();
        assert_eq!(told(&chain(4), "w0"), None);
        assert!(told(&chain(5), "w0").is_some_and(|why| why.contains("at most 5 can")));
    }
}
