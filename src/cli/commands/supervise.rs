//! `mason worker --supervise`: a worker in a pod, with its log where the job's creator reads it.

use std::io::Write as _;
use std::path::Path;

use crate::cli::failure::Exit;

/// Starts the worker of a job, waits for its end, and notes how it ended.
#[cfg(feature = "local")]
pub(crate) fn supervise(job: &Path, credentials: Option<&Path>) -> Exit {
    match crate::clients::local::processes::supervise(job, credentials) {
        Ok(true) => Exit::Success,
        Ok(false) => Exit::Failed,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error}"));
            Exit::Failed
        }
    }
}

/// Refuses to work: there is nothing that could.
#[cfg(not(feature = "local"))]
pub(crate) fn supervise(_: &Path, _: Option<&Path>) -> Exit {
    drop(writeln!(std::io::stderr(), "error: this program was built without the local client"));
    Exit::Failed
}
