//! The standing of configs and definitions: what their status says of whether they can be used. Pure.
//!
//! One for every door: the command line keeps it when a resource is applied, a controller keeps it up to
//! date. Runs say how they stand by themselves. May import `api`, `engines` and `validate`.

mod config;
mod definition;

pub use config::{ClientProbe, standing_of_config};
pub use definition::{Usability, standing_of_definition};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::conditions::{ConditionType, Reason, Truth, set_condition};

/// Whether somebody has to do something before the resource can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It can be used.
    Ready,
    /// It cannot be used now, and is looked at again.
    Waiting,
    /// It cannot be used until a person changes something.
    Stalled,
}

/// Sets the three conditions of kstatus.
fn set_stand(
    conditions: &mut Vec<Condition>,
    (stand, reason): (Stand, Reason),
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let truth = |holds: bool| if holds { Truth::True } else { Truth::False };
    let truths = [
        (ConditionType::Ready, truth(stand == Stand::Ready)),
        (ConditionType::Reconciling, truth(stand == Stand::Waiting)),
        (ConditionType::Stalled, truth(stand == Stand::Stalled)),
    ];
    for (kind, truth) in truths {
        set_condition(conditions, (kind, truth, reason), message, generation, now);
    }
}

#[cfg(test)]
mod tests;
