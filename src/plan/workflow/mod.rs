//! The next step of a run of a workflow: what it came to, what may begin, and when it ends.
//!
//! A run of a workflow executes nothing itself. It decides which runs of operators exist, and those read from its status
//! whether they may begin.

mod approval;
mod child;
mod child_run;
mod decision;
mod ending;
mod items;
mod lifetime;
mod look;
mod observation;
mod pass;
mod reuse;
mod step;
mod turn;

pub use child::{ParentReference, child_name, parent_of, parent_says, settle};
pub use child_run::{Asked, ChildRun};
pub use decision::{Advance, NewChild, WorkflowDecision, WorkflowNext};
pub use items::fail_item;
pub use lifetime::leaves_at;
pub use look::wanted;
pub use observation::{
    ChildKey, ChildSight, Children, Earlier, WantedChild, WorkflowChecked, WorkflowObservation,
};
pub use pass::plan_workflow;
pub use reuse::wanted_of_earlier;
pub use turn::{Peer, peer_of};
