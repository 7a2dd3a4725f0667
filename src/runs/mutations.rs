//! What the layer of effects is like without a precondition, for the test that shows each is needed.

use super::act::Outcome;
use super::session::Identity;
use crate::api::v1alpha1::{AttemptState, OperatorRun};
use crate::engines::execution::Fence;
use crate::faults::Precondition;
use crate::plan::{Decision, Observation, Sight};

/// Returns what is observed by who does not look, or does not look closely.
pub(super) fn blurred(mut seen: Observation, run: &OperatorRun) -> Observation {
    let last = run.status.as_ref().and_then(|status| status.attempts.last());
    let is_intended = last.is_some_and(|last| last.state == AttemptState::Intended);
    if is_intended && Precondition::Look.is_removed() && seen.job != Sight::NotLooked {
        seen.job = Sight::Nothing;
    }
    if Precondition::LookForChange.is_removed() && seen.change != Sight::NotLooked {
        seen.change = Sight::Nothing;
    }
    if let (Sight::Found(job), Some(identity)) = (&mut seen.job, Identity::of(run)) {
        if Precondition::OwnerUid.is_removed() {
            job.owner = identity.owner;
        }
        let recorded = last.and_then(|last| last.job.as_ref());
        if let Some(recorded) = recorded.filter(|_| Precondition::RecordedJob.is_removed()) {
            recorded.id.clone_into(&mut job.id.0);
        }
    }
    seen
}

/// Returns what is told of a fence that was never made.
pub(super) fn untold_fence(decision: &Decision) -> Option<Outcome> {
    let is_fence = matches!(decision, Decision::Fence { .. });
    (is_fence && Precondition::Fence.is_removed()).then_some(Outcome::Fenced(Fence::Down))
}
