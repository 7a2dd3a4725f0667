//! What a pass over a run of a workflow observed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::child_run::ChildRun;
use super::turn::Peer;
use crate::api::resource::Kind;
use crate::api::v1alpha1::StepStatus;
use crate::plan::observation::Parent;
use crate::validate::{Problems, ValidWorkflow};

/// What a pass over a run of a workflow observed. Read after the run itself was read, never before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowObservation {
    /// Of a run that has not begun: whether it is valid.
    pub checked: Option<WorkflowChecked>,
    /// What the run of the workflow says of which the run is a step.
    pub parent: Parent,
    /// How long a run may wait for what it names and is not there.
    pub patience: Duration,
    /// The other runs of its group that have not ended; only of a run that has a ticket and has not begun, or may be replaced.
    pub peers: Vec<Peer>,
    /// The runs of steps that were looked at.
    pub children: Children,
    /// The run that is retried, while it is there and steps may still be taken over from it.
    pub earlier: Option<Earlier>,
}

/// Runs of steps that were looked at.
pub type Children = BTreeMap<ChildKey, ChildSight>;

/// Which run of a step: its only one, or that of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildKey {
    /// The step's id.
    pub step: String,
    /// The item's place in the list, from 0.
    pub item: Option<u32>,
}

impl ChildKey {
    /// Returns the key of a step's only run.
    #[must_use]
    pub fn of_step(step: &str) -> Self {
        Self { step: step.to_owned(), item: None }
    }

    /// Returns the key of the run of an item.
    #[must_use]
    pub fn of_item(step: &str, item: u32) -> Self {
        Self { step: step.to_owned(), item: Some(item) }
    }
}

/// A run of a step that a pass has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedChild {
    /// Which it is.
    pub key: ChildKey,
    /// Whether it is of an operator or of a workflow.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its uid, as long as it stands in the parent's status: another run of the name is not the step's.
    pub uid: Option<String>,
}

/// What was observed of the run that is retried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Earlier {
    /// Its steps.
    pub steps: Vec<StepStatus>,
    /// The runs of its steps that were looked at.
    pub children: Children,
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
    Found(Box<ChildRun>),
}
