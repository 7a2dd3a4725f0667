//! What a person may type. Nothing here reads a file or the environment; texts are in the user's
//! voice, because `--help` is made from them.

mod admission;
mod cli;
mod controller;
mod exec;
mod keeping;
mod operation;
mod parameters;
mod resources;
mod runs;
mod workflows;

pub(crate) use admission::AdmissionArgs;
pub(crate) use cli::{Called, Cli, ColorChoice, Command, Global, Output};
pub(crate) use controller::ControllerArgs;
pub(crate) use exec::ExecArgs;
pub(crate) use parameters::read_parameters;
pub(crate) use resources::{
    ApplyArgs, DeleteArgs, DescribeArgs, DoctorArgs, ExplainArgs, GetArgs, InitArgs, ValidateArgs,
};
pub(crate) use runs::{
    CancelArgs, GraphArgs, GraphForm, LogsArgs, ResolutionChoice, ResumeArgs, RetryArgs, RunArgs,
    SuspendArgs, WaitingArgs,
};
pub(crate) use workflows::{ApproveArgs, BackfillArgs, SchedulerArgs};
