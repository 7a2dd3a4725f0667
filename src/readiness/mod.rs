//! The readiness of configs and definitions: the conditions of their status. Pure.
//!
//! It is the same for every door: the command line stores it when a resource is applied, a controller
//! keeps it up to date. Runs have conditions of their own. May import `api`, `engines` and `validate`.

mod config;
mod definition;

pub use config::{ClientProbe, config_readiness};
pub use definition::{Usability, definition_readiness};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::conditions::{ConditionType, Reason, Truth, set_condition};

/// Whether a resource can be used, and if not, whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    /// It can be used.
    Ready,
    /// It cannot be used now, and is looked at again.
    Waiting,
    /// It cannot be used until a person changes something.
    Stalled,
}

/// Sets the three conditions of kstatus.
fn set_readiness(
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

#[cfg(test)]
mod tests;
