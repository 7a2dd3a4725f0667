//! What the verbs of runs take.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::cli::Output;
use crate::api::duration::DurationText;

pub(super) const RUN_EXAMPLES: &str = r#"Examples:
  mason run table/list --config lake -p database_name=sales
  mason run table query --config lake -p database_name=sales \
      -p "query_string=select a, b from t where x = 'a:b'"
  mason run table/query --config lake -p database_name=sales -p query_string=@report.sql
  mason run table/merge --config lake -p database_name=sales -p table_name=orders --dry-run
  mason run workflow table/validated_infer --config lake -p database_name=sales
  mason run -f run.yaml -o json | jq .status.result

Each -p is one parameter: everything after the first `=` is its value, whatever characters it has. A
value that begins with `@` is read from that file, exactly as it is; `@@` stands for one `@`.

Ctrl-C cancels the run and waits for its end; a second Ctrl-C leaves at once, and `mason resume`
drives the run on.

On a cluster (--context, --cluster) its controller does the work, and this process only waits; with
--detach it does not even wait.

Exit codes: 0 the run succeeded; 1 it did not; 2 what was asked for is wrong and nothing was done."#;

/// `mason run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The operator: `table/query`, or in two words `table query`; or `workflow` and the name of one.
    #[arg(value_name = "OPERATOR", num_args = 0..=3, required_unless_present = "file")]
    pub operator: Vec<String>,
    /// File with one run, of an operator or a workflow, `-` for standard input; instead of an operator.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["operator", "config", "parameters", "timeout", "retry"])]
    pub file: Option<PathBuf>,
    /// The config to run against.
    #[arg(long, short, value_name = "NAME")]
    pub config: Option<String>,
    /// A parameter; repeat it for more.
    #[arg(long = "parameter", short = 'p', value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Check and plan only: print what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long the run may take, such as 30m. Default: no limit.
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<DurationText>,
    /// How often an attempt that failed for what may pass is repeated. Default: never.
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(0..=10))]
    pub retry: Option<u32>,
    /// Name of the run. Default: made from the operator, `table-query-x7k2p`.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How to print the result.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
    /// How it is waited for.
    #[command(flatten)]
    pub waiting: WaitingArgs,
}

/// How the end of a run is waited for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WaitingArgs {
    /// Show no progress and no closing line of a success.
    #[arg(long, short)]
    pub quiet: bool,
    /// Wait for the end of the run and print its result; so it is unless --detach is given.
    #[arg(long, conflicts_with = "detach")]
    pub wait: bool,
    /// On a cluster: print the name of the run, and leave it to the controller.
    #[arg(long)]
    pub detach: bool,
}

/// `mason graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The workflow: `table/validated_infer`; or a run of one: `workflowrun/NAME`.
    #[arg(value_name = "WORKFLOW", required_unless_present = "file")]
    pub workflow: Option<String>,
    /// File with one Workflow, `-` for standard input; instead of a name.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with = "workflow")]
    pub file: Option<PathBuf>,
    /// The form of the picture.
    #[arg(long, short, value_name = "FORM", default_value = "text")]
    pub output: GraphForm,
}

/// The form of a picture of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphForm {
    /// Boxes and lines, or a list where they do not fit.
    Text,
    /// The language of Graphviz.
    Dot,
    /// A flowchart of Mermaid.
    Mermaid,
    /// A picture that stands alone.
    Svg,
}

/// `mason retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The run that has ended.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Of a workflow: a step that is run again although it succeeded, with what depends on it; repeat it for more.
    #[arg(long, value_name = "STEP")]
    pub from: Vec<String>,
    /// How to print the result.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
    /// How it is waited for.
    #[command(flatten)]
    pub waiting: WaitingArgs,
}

/// `mason suspend`.
#[derive(Debug, Args)]
pub(crate) struct SuspendArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Also when another manager applies the field.
    #[arg(long)]
    pub force: bool,
}

/// `mason logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print new lines until the run has ended.
    #[arg(long, short)]
    pub follow: bool,
}

/// `mason resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run. Default: every unfinished run of the namespace; on a cluster one has to be named.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// What became of the work of a run in phase `Unknown`, after you have looked.
    #[arg(long, value_name = "ANSWER", requires = "run", ignore_case = true)]
    pub resolution: Option<ResolutionChoice>,
    /// Also when another manager applies the field.
    #[arg(long, requires = "run")]
    pub force: bool,
    /// On a cluster: wait for the end of the run and print its result.
    #[arg(long)]
    pub wait: bool,
    /// How to print the results.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
    /// Show no progress and no closing line of a success.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `mason cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Also when another manager applies the field.
    #[arg(long)]
    pub force: bool,
}

/// What became of work of which it is not known whether it took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum ResolutionChoice {
    /// It did not take place: do it again.
    Repeat,
    /// It took place.
    Succeeded,
    /// It did not take place and shall not.
    Failed,
}
