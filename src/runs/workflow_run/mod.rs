//! Runs of workflows: gather, plan, create the runs of steps, record. The same thin layer as that of runs of operators.

mod drive;
mod gather;
mod nested;
mod reconcile;
mod record;
mod resources;
#[cfg(test)]
mod tests;

pub use drive::{WorkflowObserver, drive_workflow};
pub use reconcile::{WorkflowPass, reconcile_workflow};
pub use resources::{check_workflow, check_workflow_run};
