//! Reconciles the resources of a cluster: the door through which Kubernetes comes in.
//!
//! One folder for each kind, all of one shape: gather, validate, plan, act, status. They use the same
//! `validate`, `plan` and [`crate::runs::reconcile`] as the command line, and decide nothing themselves.
//! Safety rests on compare-and-swap, recorded tokens and fences, never on being alone: several
//! controllers may work on the same resources. May import everything but `cli`.

mod clock;
mod context;
mod control_loop;
mod events;
mod health;
mod leader;
mod mason_config;
mod operator_definition;
mod operator_run;
mod queue;
mod scope;
mod settings;
mod start;
mod surroundings;
#[cfg(test)]
mod tests;
mod workflow;
mod workflow_run;

pub use leader::LeaseSettings;
pub use queue::AdmissionSettings;
pub use settings::Settings;
pub use start::{ControllerError, run};
