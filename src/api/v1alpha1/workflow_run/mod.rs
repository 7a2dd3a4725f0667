//! `WorkflowRun`: one execution of a workflow, with a line for each of its steps.

mod items;
mod spec;
mod status;

pub use items::{ItemOutcome, ItemOutcomes, ItemsStatus, MOST_ITEMS, OpenItem};
pub use spec::{
    ApprovalDecision, Decision, RetryFrom, StepOverride, StepOverrides, WorkflowRef, WorkflowRun,
    WorkflowRunSpec, WorkflowRunTtl,
};
pub use status::{
    ChildReference, StepKind, StepPhase, StepStatus, Stopping, Ticket, WorkflowReference,
    WorkflowRunColumns, WorkflowRunStatus,
};
