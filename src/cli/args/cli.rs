//! The command line as a whole: the options of every verb, and the verbs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{
    Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum, ValueHint,
};
use clap_complete::Shell;

use super::controller::ControllerArgs;
use super::exec::ExecArgs;
use super::resources::{
    ApplyArgs, DeleteArgs, DescribeArgs, DoctorArgs, ExplainArgs, GetArgs, InitArgs, ValidateArgs,
};
use super::runs::{
    self, CancelArgs, GraphArgs, LogsArgs, ResumeArgs, RetryArgs, RunArgs, SuspendArgs,
};
use super::workflows::{ApproveArgs, BackfillArgs, SchedulerArgs};

/// Data operators for files on this machine and, with the same resources, for a cluster.
///
/// A sentence describes every piece of work: for CLIENT as ENGINE do OPERATOR(parameters).
#[derive(Debug, Parser)]
#[command(
    name = "mason",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
Begin with:
  mason init                          a first config, for the files below this folder
  mason get operators                 what can be done
  mason explain operator table/query  what an operator wants and gives back
  mason run table/list --config local -p database_name=sales"
)]
pub(crate) struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every verb")]
#[expect(clippy::doc_markdown, reason = "help shows the text as it is")]
pub(crate) struct Global {
    /// Folder that keeps configs, definitions and runs. Default: $MASON_STORE, else `mason` in your
    /// data folder ($XDG_DATA_HOME or ~/.local/share).
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub store: Option<PathBuf>,
    /// Work on the cluster of the current context, instead of a folder.
    #[arg(long, global = true, conflicts_with = "store")]
    pub cluster: bool,
    /// Work on the cluster of this context of the kubeconfig. Default: $MASON_CONTEXT.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "store")]
    pub context: Option<String>,
    /// Work on the cluster of this kubeconfig, instead of the one of $KUBECONFIG or ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "store",
          value_hint = ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace of the resources. Default: the one in the file, else $MASON_NAMESPACE, else that of the
    /// context, else `default`.
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// When to use colours: `auto` (on a terminal, unless $NO_COLOR is set), `always` or `never`.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: ColorChoice,
    /// Log what Mason does to standard error; twice for more. $MASON_LOG takes a filter instead.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// By what name this program was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// `mason`: resources are in a folder, unless a cluster is asked for.
    Mason,
    /// `kubectl mason`: resources are in a cluster, unless a folder is asked for.
    KubectlPlugin,
}

impl Called {
    /// Returns it by the first argument of the process; `kubectl` starts `kubectl-mason`.
    pub(crate) fn by(program: Option<&OsString>) -> Self {
        let name = program.and_then(|program| Path::new(program).file_name()?.to_str());
        match name {
            Some("kubectl-mason") => Self::KubectlPlugin,
            _ => Self::Mason,
        }
    }

    /// Reads the arguments.
    ///
    /// # Errors
    /// When they are wrong, or ask for help or the version.
    pub(crate) fn parse(self, arguments: &[OsString]) -> Result<Cli, clap::Error> {
        let command = match self {
            Self::Mason => Cli::command(),
            Self::KubectlPlugin => Cli::command().bin_name("kubectl mason"),
        };
        let matches = command.try_get_matches_from(arguments);
        Cli::from_arg_matches(&matches.map_err(|error| with_tip(error, arguments))?)
    }
}

/// Adds where the parameters of a run belong, for a person who gives them to a verb that reads files.
fn with_tip(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let is_parameter = unknown.starts_with("-p") || unknown.starts_with("--param");
    let reads_files = |verb: &OsString| ["validate", "apply"].iter().any(|one| verb == one);
    if is_parameter && arguments.iter().any(reads_files) {
        let tip = "parameters stand in the file, below `spec.parameters`; without a file, \
                   `mason run OPERATOR -p NAME=VALUE --dry-run` checks them";
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::doc_markdown, reason = "help shows the text as it is")]
pub(crate) enum ColorChoice {
    /// On a terminal, unless $NO_COLOR is set.
    Auto,
    /// Always, also into files.
    Always,
    /// Never.
    Never,
}

/// How resources are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table for people.
    Table,
    /// A table with every column.
    Wide,
    /// The whole resource with its status, as JSON.
    Json,
    /// The whole resource with its status, as YAML.
    Yaml,
    /// Kind and name only.
    Name,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a first config for the files below a folder.
    #[command(after_help = "\
Examples:
  mason init                 config `local` for the files below the current folder
  mason init --root ~/data   … below ~/data

Databases are the folders below the root; tables are the files and folders in them. A config that
exists already is never changed.")]
    Init(InitArgs),
    /// Run an operator, follow it to its end and print its result.
    #[command(after_help = runs::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Drive on the runs whose process died, finding again what they had started.
    #[command(after_help = "\
Examples:
  mason resume                     every unfinished run of the namespace
  mason resume table-query-x7k2p   one run, also one that is suspended
  mason resume table-query-x7k2p --resolution Repeat
                                   one of which it is not known whether its work took place

On a cluster, where a controller drives the runs, it lets a suspended run go on.")]
    Resume(ResumeArgs),
    /// Run once more what has ended, as a run of its own.
    #[command(after_help = "\
Example:
  mason retry table-query-x7k2p   as table-query-x7k2p-r2, then -r3 and so on
  mason retry nightly-x7k2p --from check
                                  a workflow from step `check`: what succeeded before is taken over

A run never changes once it has ended. The new one has its operator, config, parameters, timeout,
retries and labels, and is checked like any other.")]
    Retry(RetryArgs),
    /// Draw a workflow, or a run of one.
    #[command(after_help = "\
Examples:
  mason graph table/validated_infer
  mason graph -f flow.yaml -o svg > flow.svg
  mason graph workflowrun/nightly-x7k2p   with where each step stands")]
    Graph(GraphArgs),
    /// Answer a step of a workflow that waits for approval.
    #[command(after_help = "\
Examples:
  mason approve nightly-x7k2p                    the only step that waits
  mason approve nightly-x7k2p publish --reject --comment 'wrong month'

A decision is final.")]
    Approve(ApproveArgs),
    /// Make and drive the runs of workflows that have a schedule, until it is interrupted.
    #[command(after_help = "\
Examples:
  mason scheduler          keeps the schedules of the folder; on a cluster the controller does
  mason scheduler --once   what is due now, for a timer of the system

Two at the same time make no run twice. What was planned while none was at work is caught up as each
schedule says.")]
    Scheduler(SchedulerArgs),
    /// Make the runs of planned times that are past.
    #[command(after_help = "\
Examples:
  mason backfill orders/daily --from 2026-11-01T00:00:00Z --dry-run
  mason backfill orders/daily --from 2026-11-01T00:00:00Z --to 2026-11-30T23:59:59Z

The runs have the names that the schedule gives them: what is there already is not made again.")]
    Backfill(BackfillArgs),
    /// Let a run begin nothing more until it is resumed.
    #[command(after_help = "\
Example:
  mason suspend table-query-x7k2p

An attempt that works already goes on; `mason resume` lets the run go on.")]
    Suspend(SuspendArgs),
    /// Print what the work of a run has logged.
    #[command(after_help = "\
Examples:
  mason logs table-query-x7k2p
  mason logs table-query-x7k2p -f   until the run has ended")]
    Logs(LogsArgs),
    /// Cancel a run and the work it started.
    #[command(after_help = "\
Example:
  mason cancel table-query-x7k2p

The process that drives the run stops its work. When there is none, `mason resume` ends it. On a
cluster the controller does.")]
    Cancel(CancelArgs),
    /// Create or change resources from files.
    #[command(after_help = "\
Examples:
  mason apply -f config.yaml
  mason apply -f configs/ -f operators/    every .yaml, .yml and .json below the folders
  cat config.yaml | mason apply -f -       from standard input

Problems of all documents are listed at once, and nothing is applied when there is one. Applying a run
only stores it: `mason resume` drives it, or `mason run -f` does both.")]
    Apply(ApplyArgs),
    /// List resources, or show one.
    #[command(after_help = "\
Examples:
  mason get                            everything in the namespace
  mason get runs                       runs (also: operatorruns, oprun)
  mason get operators                  operators, those built in as well
  mason get run table-query-x7k2p -o yaml
  mason get configs -A -o wide
  mason get runs -w                    and what changes, until Ctrl-C")]
    Get(GetArgs),
    /// Tell everything about one resource.
    #[command(after_help = "\
Examples:
  mason describe run table-query-x7k2p
  mason describe config lake")]
    Describe(DescribeArgs),
    /// Delete resources.
    #[command(after_help = "\
Examples:
  mason delete run table-query-x7k2p
  mason delete -f config.yaml

Files and tables are not touched: for those there is the operator table/delete.")]
    Delete(DeleteArgs),
    /// Check files without applying them: every problem, with its place and a hint.
    #[command(after_help = "\
Examples:
  mason validate -f run.yaml
  mason validate -f operators/ -f config.yaml")]
    Validate(ValidateArgs),
    /// Look whether everything Mason needs is there: each check with its result and a hint.
    #[command(after_help = "\
Examples:
  mason doctor                    the folder of resources, the configs and their clients
  mason doctor --context lab      a cluster: reachable, CRDs, rights, controller, configs
  mason doctor --cluster --service-account mason/mason
                                  the rights of a controller as well

Exit codes: 0 all is well, warnings aside; 1 a check failed.")]
    Doctor(DoctorArgs),
    /// Explain an operator, a field of a resource, or a schedule.
    #[command(after_help = "\
Examples:
  mason explain operator table/query    its parameters, needs and result
  mason explain operatorrun.spec.retry  a field of a resource
  mason explain schedule '0 2 * * MON' --time-zone Europe/Vienna
                                        what it means, and its next times")]
    Explain(ExplainArgs),
    /// Print the CRDs of all kinds, for `kubectl apply -f -`.
    #[command(after_help = "\
Example:
  mason crds | kubectl apply --server-side -f -")]
    Crds,
    /// Reconcile the resources of a cluster until told to stop (SIGTERM, Ctrl-C).
    #[command(after_help = "\
Examples:
  mason crds | kubectl apply -f -
  mason controller --local-root /data                        every namespace
  mason controller --local-root /data --watch-namespace team

The cluster is the one that kubectl uses ($KUBECONFIG), or the one this process is a pod of. Logs go to
standard error; `/healthz`, `/readyz` and `/metrics` are served at --health-address.")]
    Controller(Box<ControllerArgs>),
    /// Print a completion script for a shell.
    #[command(after_help = "\
Example:
  mason completions bash > ~/.local/share/bash-completion/completions/mason")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Work on one job; started by Mason itself.
    #[command(hide = true)]
    Worker {
        /// The job's folder.
        #[arg(long, required_unless_present = "wait")]
        job: Option<PathBuf>,
        /// Wait to be told the job's folder on the standard input.
        #[arg(long, conflicts_with_all = ["job", "supervise"])]
        wait: bool,
        /// Look after the worker as a process of its own, whose log is in the job's folder.
        #[arg(long)]
        supervise: bool,
        /// Folder with the credentials of the job's files, a file for each key.
        #[arg(long, requires = "supervise")]
        credentials: Option<PathBuf>,
    },
    /// Apply the operators that are part of Mason as definitions of --namespace; the chart calls it.
    #[command(hide = true)]
    Library,
    /// Take Mason's hold off every run, once its last controller is gone; the chart calls it.
    #[command(hide = true)]
    Release {
        /// Namespace whose runs are released; may be repeated. Default: all.
        #[arg(long, value_name = "NAME")]
        watch_namespace: Vec<String>,
        /// Lease of the controllers that are gone, NAMESPACE/NAME: it is deleted, so that the next installation
        /// does not wait until it expires.
        #[arg(long, value_name = "LEASE")]
        lease: Option<String>,
    },
    /// Stand before the command of a container operator in its pod; started by Mason itself.
    #[command(hide = true)]
    Exec(ExecArgs),
    /// Write the generated files of the project.
    #[command(hide = true)]
    Generate {
        /// The project's folder.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn parameters_of_verbs_that_read_files_stand_in_the_files() {
        let said = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            Called::Mason.parse(&arguments).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let tip = "parameters stand in the file, below `spec.parameters`";
        for verb in ["validate", "apply"] {
            let error = said(&["mason", verb, "-f", "x", "-p", "a=1"]);
            assert!(error.contains(tip) && error.contains("unexpected argument"), "{error}");
        }
        assert!(!said(&["mason", "validate", "-x"]).contains(tip));
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
