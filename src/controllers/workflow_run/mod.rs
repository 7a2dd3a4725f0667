//! Runs of workflows: the runs of their steps are created and recorded; those of operators are reconciled as any other.

mod controller;
mod groups;
mod parents;

pub(super) use controller::WorkflowRuns;
pub(super) use groups::Groups;
pub(super) use parents::Parents;
