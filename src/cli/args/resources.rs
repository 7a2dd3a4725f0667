//! What the verbs of resources take.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::cli::Output;

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

/// `mason apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// File or folder with resources, `-` for standard input; may be repeated.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// On a cluster: take over fields that others apply with other values.
    #[arg(long)]
    pub force: bool,
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
    /// Print what changes as well, until interrupted.
    #[arg(long, short)]
    pub watch: bool,
    /// How to print them.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
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
    /// `operator table/query`, `table/query`, a field such as `operatorrun.spec.retry`, or `schedule '0 2 * * *'`.
    #[arg(value_name = "WHAT", required = true, num_args = 1..=6)]
    pub what: Vec<String>,
    /// Of a schedule: its time zone. Default: `UTC`.
    #[arg(long, value_name = "NAME")]
    pub time_zone: Option<String>,
}

/// `mason doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// On a cluster: look also whether this service account has the rights of a controller.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub service_account: Option<String>,
    /// How to print what was found.
    #[arg(long, short, value_name = "FORM", default_value = "table")]
    pub output: Output,
}
