//! What a person may type. Nothing here reads a file or the environment; texts are in the user's
//! voice, because `--help` is made from them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::api::duration::DurationText;

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
    /// Namespace of the resources. Default: the one in the file, else `default`.
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
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Drive on the runs whose process died, finding again what they had started.
    #[command(after_help = "\
Examples:
  mason resume                     every unfinished run of the namespace
  mason resume table-query-x7k2p   one run")]
    Resume(ResumeArgs),
    /// Cancel a run and the work it started.
    #[command(after_help = "\
Example:
  mason cancel table-query-x7k2p

The process that drives the run stops its work. When there is none, `mason resume` ends it.")]
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
  mason get configs -A -o wide")]
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
    /// Explain an operator, or a field of a resource.
    #[command(after_help = "\
Examples:
  mason explain operator table/query    its parameters, needs and result
  mason explain operatorrun.spec.retry  a field of a resource")]
    Explain(ExplainArgs),
    /// Print the CRDs of all kinds, for `kubectl apply -f -`.
    Crds,
    /// Reconcile the resources of a cluster until told to stop (SIGTERM, Ctrl-C).
    #[command(after_help = "\
Examples:
  mason crds | kubectl apply -f -
  mason controller --local-root /data                        every namespace
  mason controller --local-root /data --watch-namespace team

The cluster is the one that kubectl uses ($KUBECONFIG), or the one this process is a pod of. Logs go to
standard error; `/healthz` and `/readyz` are served at --health-address.")]
    Controller(ControllerArgs),
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
        #[arg(long)]
        job: PathBuf,
    },
    /// Write the generated files of the project.
    #[command(hide = true)]
    Generate {
        /// The project's folder.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

const RUN_EXAMPLES: &str = r#"Examples:
  mason run table/list --config lake -p database_name=sales
  mason run table query --config lake -p database_name=sales \
      -p "query_string=select a, b from t where x = 'a:b'"
  mason run table/query --config lake -p database_name=sales -p query_string=@report.sql
  mason run table/merge --config lake -p database_name=sales -p table_name=orders --dry-run
  mason run -f run.yaml -o json | jq .status.result

Each -p is one parameter: everything after the first `=` is its value, whatever characters it has. A
value that begins with `@` is read from that file, exactly as it is; `@@` stands for one `@`.

Ctrl-C cancels the run and waits for its end; a second Ctrl-C leaves at once, and `mason resume`
drives the run on.

Exit codes: 0 the run succeeded; 1 it did not; 2 what was asked for is wrong and nothing was done."#;

/// `mason init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder with the data. Default: the current folder.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Name of the config.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub name: String,
}

/// `mason run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The operator: `table/query`, or in two words `table query`.
    #[arg(value_name = "OPERATOR", num_args = 0..=3, required_unless_present = "file")]
    pub operator: Vec<String>,
    /// File with one OperatorRun, `-` for standard input; instead of an operator.
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
    /// Show no progress and no closing line of a success.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `mason resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run. Default: every unfinished run of the namespace.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
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
}

/// `mason apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// File or folder with resources, `-` for standard input; may be repeated.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// How to print what was applied.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
}

/// `mason get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The kind: `configs`, `operators`, `runs`, any name kubectl knows, or `all`.
    #[arg(value_name = "KIND", default_value = "all")]
    pub kind: String,
    /// The names; all of the kind when none is given.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Resources of all namespaces.
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// How to print them.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
}

/// `mason controller`.
#[derive(Debug, Args)]
pub(crate) struct ControllerArgs {
    /// Namespace whose resources are reconciled; may be repeated. Default: all.
    #[arg(long, value_name = "NAME", env = "MASON_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespace: Vec<String>,
    /// Folder that `local` clients may use; a config of namespace N has its root at FOLDER/N or below.
    /// May be repeated. Default: none.
    #[arg(long, value_name = "FOLDER", env = "MASON_LOCAL_ROOTS", value_delimiter = ',', value_hint = ValueHint::DirPath)]
    pub local_root: Vec<PathBuf>,
    /// How many passes over resources take place at one time.
    #[arg(long, value_name = "NUMBER", env = "MASON_CONCURRENCY", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
    /// How many runs work at one time; others wait for their turn.
    #[arg(long, value_name = "NUMBER", env = "MASON_WORKING_RUNS", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub working_runs: u16,
    /// How often the clients of a config are looked at.
    #[arg(long, value_name = "DURATION", env = "MASON_PROBE_INTERVAL", default_value = "5m")]
    pub probe_interval: DurationText,
    /// How many runs that have ended are kept in each namespace; of more, the oldest are pruned or deleted
    /// as their `ttl` says. Default: all.
    #[arg(long, value_name = "NUMBER", env = "MASON_KEPT_RUNS")]
    pub kept_runs: Option<u32>,
    /// How long runs that have ended are kept at most, also without a `ttl` of their own, for example
    /// `30d`. Default: for ever.
    #[arg(long, value_name = "DURATION", env = "MASON_KEPT_FOR")]
    pub kept_for: Option<DurationText>,
    /// How many times a second the progress of runs is stored, of all runs together; other changes of a
    /// run are always stored.
    #[arg(long, value_name = "NUMBER", env = "MASON_PROGRESS_WRITES", default_value_t = 10,
          value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub progress_writes: u16,
    /// Where health is served.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MASON_HEALTH_ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    pub health_address: SocketAddr,
}

/// `mason describe`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// The kind, or KIND/NAME.
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// The name.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// `mason delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The kind, or KIND/NAME.
    #[arg(value_name = "KIND", required_unless_present = "files")]
    pub kind: Option<String>,
    /// The names.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Delete what these files or folders hold; may be repeated.
    #[arg(long = "file", short = 'f', value_name = "FILE", conflicts_with = "kind", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Delete also runs that have not ended; work they started may go on without a record.
    #[arg(long)]
    pub force: bool,
    /// Nothing is wrong when it does not exist.
    #[arg(long)]
    pub ignore_not_found: bool,
}

/// `mason validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// File or folder with resources, `-` for standard input; may be repeated.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
}

/// `mason explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// `operator table/query`, `table/query`, or a field such as `operatorrun.spec.retry`.
    #[arg(value_name = "WHAT", required = true, num_args = 1..=3)]
    pub what: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
