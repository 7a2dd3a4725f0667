//! The job of `table/infer`.

use super::error::failed;
use super::work::{Executed, Work};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::inference::{Inference, OPERATION, infer_files};

/// Finds the schema of the first input's files.
///
/// # Errors
/// As [`infer_files`].
pub(crate) fn run(spec: &JobSpec, work: &Work) -> Result<Executed, EngineError> {
    let (Operation::Infer { sample, reading }, Some(input)) =
        (&spec.operation, spec.inputs.first())
    else {
        return Err(failed(ErrorKind::InvalidInput, OPERATION, "the job has no input to infer"));
    };
    let files: Vec<PinnedFile> = input.files.iter().map(|file| file.file.clone()).collect();
    let total: u64 = files.iter().map(|file| file.size_bytes).sum();
    let inference = Inference {
        files: work.files.as_ref(),
        now: work.began,
        sample: *sample,
        reading,
        threads: work.parallelism,
        on_bytes: &|done| work.progress.scanned(done, total),
        cancelled: &work.cancelled,
    };
    let concluded = infer_files(&inference, files)?;
    let warnings = concluded.warnings();
    let answer = concluded.into_answer();
    let answer = serde_json::to_value(&answer).map_err(|source| {
        let message = "the answer cannot be written as JSON";
        failed(ErrorKind::Unexpected, OPERATION, message).with_source(source)
    })?;
    Ok(Executed { warnings, ..Executed::answering(answer) })
}
