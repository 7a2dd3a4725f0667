//! Steps that are not run again: they succeeded in the run that is retried, and ask for the same.

use std::collections::BTreeSet;

use super::child_run::ChildRun;
use super::observation::{ChildKey, ChildSight, Earlier};
use super::pass::{Move, Pass};
use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{StepPhase, StepStatus, WorkflowRun, WorkflowRunStatus, WorkflowSpec};

/// Returns the steps whose earlier runs a pass has to see: those that may begin next, and succeeded in the run that is
/// retried.
#[must_use]
pub fn wanted_of_earlier(
    run: &WorkflowRun,
    spec: &WorkflowSpec,
    status: &WorkflowRunStatus,
    earlier: &Earlier,
) -> BTreeSet<String> {
    let from = run.spec.retry_from.as_ref().map(|retried| retried.from.as_slice());
    let from = from.unwrap_or_default();
    let line = |id: &str| status.steps.iter().find(|line| line.id == id);
    let may_begin = spec.steps.iter().filter(|step| {
        let waits = line(&step.id).is_none_or(|line| line.phase == StepPhase::Pending);
        let settled = |id: &String| line(id).is_some_and(|line| line.phase.is_settled());
        waits && !step.finally && step.dependencies.iter().all(settled)
    });
    let ids = may_begin.map(|step| step.id.clone());
    ids.filter(|id| {
        let succeeded = succeeded_line(earlier, id).is_some();
        succeeded && !from.contains(id) && !earlier.children.contains_key(&ChildKey::of_step(id))
    })
    .collect()
}

fn succeeded_line<'a>(earlier: &'a Earlier, id: &str) -> Option<&'a StepStatus> {
    let line = earlier.steps.iter().find(|line| line.id == id)?;
    (line.phase == StepPhase::Succeeded && line.run.is_some()).then_some(line)
}

impl Pass<'_> {
    /// Returns what becomes of a step that need not run again; nothing when it has to.
    pub(super) fn reuse(&self, index: usize, child: &Resource) -> Option<Move> {
        let (retried, earlier) = (self.run.spec.retry_from.as_ref()?, self.seen.earlier.as_ref()?);
        let step = &self.spec.steps[index];
        if step.finally || retried.from.contains(&step.id) || !self.is_above_what_runs(index) {
            return None;
        }
        let line = succeeded_line(earlier, &step.id)?;
        match earlier.children.get(&ChildKey::of_step(&step.id)) {
            None => Some(Move::Look),
            Some(ChildSight::Found(before)) if asks_for_the_same(before, child) => {
                Some(Move::Reuse(Box::new(StepStatus {
                    reused: true,
                    finally: false,
                    reason: Some(Reason::Reused),
                    ..line.clone()
                })))
            }
            Some(_) => None,
        }
    }

    /// Whether nothing before a step runs again: each of its dependencies is taken over, or is skipped as it was.
    fn is_above_what_runs(&self, index: usize) -> bool {
        self.spec.steps[index].dependencies.iter().all(|id| {
            let line = self.by_id.get(id.as_str()).map(|&other| &self.lines[other]);
            line.is_some_and(|line| line.reused || self.was_skipped_too(line))
        })
    }

    fn was_skipped_too(&self, line: &StepStatus) -> bool {
        let earlier = self.seen.earlier.iter().flat_map(|earlier| &earlier.steps);
        line.phase == StepPhase::Skipped
            && earlier
                .into_iter()
                .any(|before| before.id == line.id && before.phase == StepPhase::Skipped)
    }
}

/// Whether a run that succeeded was asked for the same as one that would be created, and its result is still there.
fn asks_for_the_same(before: &ChildRun, child: &Resource) -> bool {
    !before.pruned && ChildRun::of(child).is_some_and(|child| child.asked == before.asked)
}
