//! `WorkflowRun`: one execution of a workflow, with a line for each of its steps.

mod spec;
mod status;

pub use spec::{RetryFrom, StepOverride, StepOverrides, WorkflowRef, WorkflowRun, WorkflowRunSpec};
pub use status::{
    ChildReference, StepPhase, StepStatus, Stopping, WorkflowReference, WorkflowRunColumns,
    WorkflowRunStatus,
};
