//! Looks at files, several at a time, each by its content, unless it is known already.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Instant;

use super::at_once::{AtOnce, Watched};
use super::cache::Cache;
use super::shape::{FoundFile, Looked, Shape, Shapes};
use super::{Inference, OPERATION, failed};
use crate::engines::bad_rows::Bad;
use crate::engines::files::ByteSource;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::formats::error::FormatError;
use crate::formats::guard::guarded;
use crate::formats::infer::infer;
use crate::formats::sniff::sniff;
use crate::lake::file_error::{MEND, of_file};

/// Broken files that are named.
const NAMED: usize = 20;

/// A file, or what is wrong with its content.
type Outcome = Result<Looked, FormatError>;

/// Looks at some files of all; outcomes are in the order of the files, which are sorted, as all are.
///
/// # Errors
/// What is not of a file's content: `Conflict` when it changed, `Unexpected` when it cannot be read,
/// `Unavailable` when stopped.
pub(super) fn at_files(
    inference: &Inference<'_>,
    all: &[PinnedFile],
    files: &[PinnedFile],
) -> Result<Vec<Outcome>, EngineError> {
    // What is found in a part of the rows says nothing about the whole file, and the other way round.
    let whole = inference.sample.is_none_or(|sample| sample.rows == u64::MAX);
    let cache = whole.then(|| Cache::load(inference.files, all, inference.reading));
    let known = |file| cache.as_ref().and_then(|cache| cache.get(file));
    let mut outcomes: Vec<Option<Outcome>> = files.iter().map(|file| known(file).map(Ok)).collect();
    let unknown: Vec<(usize, &PinnedFile)> =
        files.iter().enumerate().filter(|(index, _)| outcomes[*index].is_none()).collect();
    if !unknown.is_empty() {
        let done = files.iter().map(|file| file.size_bytes).sum::<u64>()
            - unknown.iter().map(|(_, file)| file.size_bytes).sum::<u64>();
        for (index, outcome) in look_at(inference, &unknown, done)? {
            outcomes[index] = Some(outcome);
        }
    }
    let outcomes = share(outcomes.into_iter().flatten().collect());
    if let (Some(cache), false) = (cache, unknown.is_empty()) {
        let fresh =
            |(index, file): (usize, _)| Some((file, outcomes[index].as_ref().ok()?.clone()));
        let found: Vec<_> = unknown.into_iter().filter_map(fresh).collect();
        cache.store((inference.files, inference.now), all, &found);
    }
    Ok(outcomes)
}

/// Keeps what files have in common once.
fn share(mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut shapes = Shapes::default();
    for found in outcomes.iter_mut().filter_map(|outcome| outcome.as_mut().ok()?.as_mut()) {
        found.shape = shapes.one(Arc::clone(&found.shape));
    }
    outcomes
}

/// Files that several threads look at.
struct Looking<'a> {
    inference: &'a Inference<'a>,
    files: &'a [(usize, &'a PinnedFile)],
    next: AtomicUsize,
    /// The bytes of the files that are done with.
    done: AtomicU64,
    at_once: AtOnce,
    /// What was found, each with the index of its file.
    found: Mutex<Vec<(usize, Outcome)>>,
    failed: Mutex<Option<EngineError>>,
}

/// Looks at files with several threads; each is given back with its index.
fn look_at(
    inference: &Inference<'_>,
    files: &[(usize, &PinnedFile)],
    done: u64,
) -> Result<Vec<(usize, Outcome)>, EngineError> {
    let looking = Looking {
        inference,
        files,
        next: AtomicUsize::new(0),
        done: AtomicU64::new(done),
        at_once: AtOnce::new(inference.threads, files.len()),
        found: Mutex::new(Vec::with_capacity(files.len())),
        failed: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 0..looking.at_once.threads() {
            looking.begin(scope);
        }
    });
    if inference.cancelled.load(Ordering::Relaxed) {
        let error = failed(ErrorKind::Unavailable, "the job was cancelled");
        return Err(error.with_retry(Retry::Never));
    }
    if let Some(error) = looking.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let found = looking.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if found.len() < files.len() {
        return Err(failed(ErrorKind::Unavailable, "the system gives no thread to look at files"));
    }
    Ok(found)
}

impl Looking<'_> {
    fn begin<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let look = move || {
            let broke_off = |_| Err(failed(ErrorKind::Unexpected, "a thread broke off"));
            let worked = catch_unwind(AssertUnwindSafe(|| self.work(scope)));
            if let Err(error) = worked.unwrap_or_else(broke_off) {
                self.next.store(self.files.len(), Ordering::Relaxed); // the others stop
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        // Where the system gives no more threads, those that there are look at all of them.
        drop(std::thread::Builder::new().spawn_scoped(scope, look));
    }

    /// Looks at one file after the other, until none is left or one cannot be read.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Result<(), EngineError> {
        while let Some((index, file)) = self.files.get(self.next.fetch_add(1, Ordering::Relaxed))
            && !self.inference.cancelled.load(Ordering::Relaxed)
        {
            let began = Instant::now();
            let source = Watched::new(self.inference.files.open(file)?);
            let outcome = match look(self.inference, file, &source, &self.done) {
                Err(error @ FormatError::Read { .. }) => return Err(of_file(OPERATION, error)),
                outcome => outcome,
            };
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((*index, outcome));
            drop(found);
            if self.at_once.grows(began.elapsed(), &source) {
                self.begin(scope);
            }
        }
        Ok(())
    }
}

/// Looks at one file. Its bytes count as done when it is, whatever was read of them.
fn look(
    inference: &Inference<'_>,
    file: &PinnedFile,
    source: &dyn ByteSource,
    done: &AtomicU64,
) -> Outcome {
    let own = AtomicU64::new(0);
    let advance = |bytes: u64| {
        let bytes = bytes.min(file.size_bytes);
        let added = bytes.saturating_sub(own.fetch_max(bytes, Ordering::Relaxed));
        (inference.on_bytes)(done.fetch_add(added, Ordering::Relaxed) + added);
    };
    let on_bytes = |bytes: u64| {
        advance(bytes);
        !inference.cancelled.load(Ordering::Relaxed)
    };
    let rows = inference.sample.map(|sample| sample.rows).filter(|rows| *rows < u64::MAX);
    let path = file.path.as_str();
    let sniffed = guarded(path, "any format", || sniff(source, inference.reading));
    let outcome = sniffed.and_then(|sniffed| {
        let Some(sniffed) = sniffed else { return Ok(None) };
        let bad_rows = inference.reading.bad_rows;
        let found = infer(source, &sniffed, rows, bad_rows, &on_bytes)?;
        let shape = Shape {
            format: found.format,
            schema: found.schema,
            declared: found.declared,
            notes: sniffed.notes.into_iter().chain(found.notes).collect(),
            unsure: sniffed.unsure,
        };
        Ok(Some(FoundFile {
            shape: Arc::new(shape),
            rows: found.rows,
            bad: found.bad,
            bytes: found.bytes,
            complete: found.complete,
            nearly: found.nearly,
        }))
    });
    advance(file.size_bytes);
    outcome
}

/// Returns what was found in the files that are not broken, which are kept in `files`, and what is bad
/// in the others.
///
/// # Errors
/// `InvalidInput` when all are broken.
pub(super) fn without_broken(
    files: &mut Vec<PinnedFile>,
    outcomes: Vec<Outcome>,
) -> Result<(Vec<Looked>, Bad), EngineError> {
    if outcomes.iter().all(Result::is_err) {
        let none_is_left = "with bad_rows=reject a broken file is left out, and here no other is left: correct the \
                            files, or say how they are read (input_format, delimiter, quote, encoding ...)";
        let looked = all_or_broken(outcomes).map_err(|error| error.with_hint(none_is_left))?;
        return Ok((looked, Bad::default()));
    }
    let (mut looked, mut bad) = (Vec::with_capacity(outcomes.len()), Bad::default());
    let mut is_kept = Vec::with_capacity(outcomes.len());
    for (outcome, file) in outcomes.into_iter().zip(&*files) {
        is_kept.push(outcome.is_ok());
        match outcome {
            Ok(one) => looked.push(one),
            Err(problem) => bad.files.add(file.path.as_str(), 0, || problem.to_string()),
        }
    }
    let mut is_kept = is_kept.into_iter();
    files.retain(|_| is_kept.next().unwrap_or(true));
    Ok((looked, bad))
}

/// Returns what was found, if no file is broken.
///
/// # Errors
/// `InvalidInput` naming every broken file, at most 20.
pub(super) fn all_or_broken(outcomes: Vec<Outcome>) -> Result<Vec<Looked>, EngineError> {
    let of = outcomes.len();
    let (mut looked, mut broken) = (Vec::with_capacity(of), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(one) => looked.push(one),
            Err(problem) => broken.push(problem.to_string()),
        }
    }
    let Some(message) = in_words(broken, &format!("of {of} files are broken")) else {
        return Ok(looked);
    };
    Err(failed(ErrorKind::InvalidInput, message).with_hint(MEND))
}

/// Returns problems of files in one line, at most 20 of them; `None` when there is none.
pub(super) fn in_words(mut problems: Vec<String>, of_what: &str) -> Option<String> {
    let count = problems.len();
    if count < 2 {
        return problems.pop();
    }
    problems.truncate(NAMED);
    let more = count - problems.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("{count} {of_what}: {}{more}", problems.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_file_is_named() {
        let broken = |index: usize| {
            let (path, format) = (index.to_string(), "csv".to_owned());
            Err(FormatError::Broken { path, format, message: "cut".to_owned() })
        };
        let error = all_or_broken((0..25).map(broken).collect()).expect_err("should be broken");
        assert!(error.message.starts_with("25 of 25 files are broken: `0` is not"), "{error}");
        assert!(error.message.ends_with("`19` is not readable as csv: cut; and 5 more"), "{error}");
    }
}
