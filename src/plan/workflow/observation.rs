//! What a pass over a run of a workflow observed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::v1alpha1::{OperatorRun, StepStatus};
use crate::validate::{Problems, ValidWorkflow};

/// What a pass over a run of a workflow observed. Read after the run itself was read, never before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowObservation {
    /// Of a run that has not begun: whether it is valid.
    pub checked: Option<WorkflowChecked>,
    /// How long a run may wait for what it names and is not there.
    pub patience: Duration,
    /// The runs of steps that were looked at, by the step's id.
    pub children: BTreeMap<String, ChildSight>,
    /// The run that is retried, while it is there and steps may still be taken over from it.
    pub earlier: Option<Earlier>,
}

/// What was observed of the run that is retried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Earlier {
    /// Its steps.
    pub steps: Vec<StepStatus>,
    /// The runs of its steps that were looked at, by the step's id.
    pub children: BTreeMap<String, ChildSight>,
}

/// Whether a run of a workflow is valid.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkflowChecked {
    /// It is.
    Ready(Box<ValidWorkflow>),
    /// It is wrong.
    Refused(Problems),
}

/// What a look at the run of a step found.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildSight {
    /// It is gone, or another one has its name.
    Gone,
    /// It is there.
    Found(Box<OperatorRun>),
}
