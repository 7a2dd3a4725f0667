//! What `mason exec` is given.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `mason exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Copy this program there, and do nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub install: Option<PathBuf>,
    /// The attempt's token.
    #[arg(long, default_value = "")]
    pub token: String,
    /// The run's name.
    #[arg(long, default_value = "")]
    pub run: String,
    /// The file with the parameters.
    #[arg(long, value_name = "FILE", default_value = "/mason/in/parameters.json")]
    pub parameters: PathBuf,
    /// Where the command writes its result.
    #[arg(long, value_name = "FILE", default_value = "/mason/work/result.json")]
    pub result: PathBuf,
    /// Where the kubelet reads how the container ended.
    #[arg(long, value_name = "FILE", default_value = "/dev/termination-log")]
    pub termination_message: PathBuf,
    /// The folder of the storage.
    #[arg(long, value_name = "FOLDER")]
    pub storage: Option<PathBuf>,
    /// The folder of the storage for a result that is too large for the message.
    #[arg(long, value_name = "FOLDER")]
    pub upload: Option<PathBuf>,
    /// The folder with credentials.
    #[arg(long, value_name = "FOLDER")]
    pub credentials: Option<PathBuf>,
    /// The command.
    #[arg(last = true, required_unless_present = "install")]
    pub command: Vec<OsString>,
}
