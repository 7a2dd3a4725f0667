//! The proof of a job that ended well, also when its worker died between the commit and the proof.
//!
//! Before a worker commits it writes down what the job answers if the commit takes place. Whether it
//! did is told by the commit record, the manifest with the run's UID. Looks only; changes nothing.

use std::sync::Arc;

use super::jobs::{JobFolder, Succeeded, file};
use crate::engines::EngineError;
use crate::engines::files::Files;
use crate::engines::job_spec::{JobSpec, Sink};
use crate::lake::commit;

/// Returns the proof that the worker wrote, or else the one that follows from its commit among the files that it works
/// on. To be called when no worker works on the job: a worker may still commit what is not committed now.
///
/// # Errors
/// When the manifests cannot be read, so that it cannot be told whether the job committed.
pub(crate) fn of(
    files: impl FnOnce() -> Result<Arc<dyn Files>, EngineError>,
    folder: &JobFolder,
) -> Result<Option<Succeeded>, EngineError> {
    match folder.read::<Succeeded>(file::OUTCOME)? {
        Some(written) => Ok(Some(written)),
        None => by_commit(files, folder),
    }
}

fn by_commit(
    files: impl FnOnce() -> Result<Arc<dyn Files>, EngineError>,
    folder: &JobFolder,
) -> Result<Option<Succeeded>, EngineError> {
    let Some(Succeeded { at, mut outcome }) = folder.read(file::PREPARED)? else { return Ok(None) };
    let Some(JobSpec { sink: Sink::Files(sink), .. }) = folder.spec()? else {
        return Ok(None);
    };
    let files = files()?;
    let Some(found) = commit::find_commit(&*files, &sink, &outcome.owner)? else { return Ok(None) };
    outcome.register =
        commit::registration(&*files, &sink, (&found, &outcome.token))?.map(Box::new);
    outcome.commit = Some(found);
    Ok(Some(Succeeded { at, outcome }))
}
