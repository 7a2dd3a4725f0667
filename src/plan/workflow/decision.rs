//! What a pass over a run of a workflow does next.

use jiff::Timestamp;

use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{FreeForm, Phase, StepStatus, Stopping, Ticket};
use crate::validate::{Problems, ValidWorkflow};

/// What a pass over a run of a workflow does.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkflowDecision {
    /// Ends the run: it is wrong.
    Refuse(Problems),
    /// Waits for what the run names and is not there.
    Lack {
        /// What is missing.
        problems: Problems,
        /// When to look again.
        until: Timestamp,
    },
    /// Gives the run a ticket of its group.
    TakeTicket(Ticket),
    /// Records the workflow that the run begins with.
    Begin(Box<ValidWorkflow>),
    /// Moves steps on.
    Advance(Box<Advance>),
    /// Does nothing: the run has ended.
    Rest,
}

/// How a pass moves the steps of a run on.
#[derive(Debug, Clone, PartialEq)]
pub struct Advance {
    /// Every step as it is now, without the runs that are about to be created; items that get one count as begun.
    pub steps: Vec<StepStatus>,
    /// The runs to create, in the order of the workflow.
    pub create: Vec<NewChild>,
    /// Why every step that is not a `finally` step ends, if it does.
    pub stopping: Option<Stopping>,
    /// What follows.
    pub next: WorkflowNext,
}

/// The run of a step that is to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChild {
    /// The step's place in the workflow.
    pub index: usize,
    /// The item's place in its list, if the run is for one.
    pub item: Option<u32>,
    /// Its run, with name, labels and owner.
    pub run: Resource,
}

/// What follows a pass.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkflowNext {
    /// Another pass at once: there is more to decide.
    Again,
    /// The run waits for its steps, in this phase, at the latest until then.
    Wait {
        /// `Running`, `Suspended` or `Unknown`.
        phase: Phase,
        /// Why, as one word.
        reason: Reason,
        /// Why, in words.
        message: String,
        /// When to look again whatever happens.
        until: Option<Timestamp>,
    },
    /// The run ends.
    End {
        /// How.
        phase: Phase,
        /// Why, as one word.
        reason: Reason,
        /// Why, in words.
        message: String,
        /// What it answers; only when it succeeded.
        outputs: Option<FreeForm>,
    },
}
