//! The three conditions of kstatus, which every resource but a run has.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::conditions::{ConditionType, Reason, Truth, set_condition};

/// Whether a resource can be used, and if not, whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It can be used.
    Ready,
    /// It cannot be used now, and is looked at again.
    Waiting,
    /// It cannot be used until a person changes something.
    Stalled,
}

/// Sets the three conditions of kstatus.
pub(super) fn set_readiness(
    conditions: &mut Vec<Condition>,
    (readiness, reason): (Readiness, Reason),
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let truth = |holds: bool| if holds { Truth::True } else { Truth::False };
    let truths = [
        (ConditionType::Ready, truth(readiness == Readiness::Ready)),
        (ConditionType::Reconciling, truth(readiness == Readiness::Waiting)),
        (ConditionType::Stalled, truth(readiness == Readiness::Stalled)),
    ];
    for (kind, truth) in truths {
        set_condition(conditions, (kind, truth, reason), message, generation, now);
    }
}
