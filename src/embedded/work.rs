//! What the runner of a job hands to the embedded engine, and what comes back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::engines::answer::Conclusion;
use crate::engines::files::Files;
use crate::engines::job::{JobOwner, JobProgress, JobToken};
use crate::engines::job_spec::JobSpec;
use crate::engines::result::{JobOutcome, Reads, Written};
use crate::lake::discovery::Discovery;

/// Everything a job may use.
#[derive(Debug, Clone)]
pub struct Work {
    /// Where files are read and written.
    pub files: Arc<dyn Files>,
    /// A folder of this machine for what does not fit into memory.
    pub scratch: PathBuf,
    /// When the work began.
    pub began: Timestamp,
    /// For whom.
    pub owner: JobOwner,
    /// The token the job works under; files are written to its folder, [`FileSink::staging`](crate::engines::job_spec::FileSink::staging).
    pub token: JobToken,
    /// How much memory the job may use.
    pub memory_limit_bytes: u64,
    /// How much disk the job may use, for spilling and for what it writes together.
    pub disk_limit_bytes: u64,
    /// How many threads.
    pub parallelism: usize,
    /// Where the job says how far it is.
    pub progress: Arc<ProgressCell>,
    /// Set when the job is to stop; looked at between batches.
    pub cancelled: Arc<AtomicBool>,
}

impl Work {
    /// Returns whether the job is to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Returns how the job reads undeclared tables: with its threads, telling its progress.
    #[must_use]
    pub fn discovery(&self) -> Discovery {
        let progress = Arc::clone(&self.progress);
        let on_bytes = move |done, total| progress.scanned(done, total);
        Discovery::new(self.parallelism, Arc::new(on_bytes), Arc::clone(&self.cancelled))
    }
}

/// How far a job is, shared between the engine that sets it and the worker that writes it down.
#[derive(Debug, Default)]
pub struct ProgressCell {
    current: Mutex<Option<JobProgress>>,
}

impl ProgressCell {
    /// Says how far the job is.
    pub fn set(&self, progress: JobProgress) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// Says how many bytes are read of all whose schema is looked for.
    pub fn scanned(&self, done: u64, total: u64) {
        self.set(JobProgress {
            phase: "scanning".to_owned(),
            done: done.min(total),
            total: Some(total),
            unit: "bytes".to_owned(),
        });
    }

    /// Changes what was said last; begins with nothing done of an unknown phase.
    pub fn update(&self, change: impl FnOnce(&mut JobProgress)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = current.get_or_insert_with(|| JobProgress {
            phase: "working".to_owned(),
            done: 0,
            total: None,
            unit: "rows".to_owned(),
        });
        change(progress);
    }

    /// Returns what was said last.
    #[must_use]
    pub fn get(&self) -> Option<JobProgress> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the embedded engine did.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// The answer, within the spec's limits.
    pub answer: Value,
    /// How many rows the answer has in all.
    pub rows: Option<u64>,
    /// Whether the answer is only a part.
    pub truncated: bool,
    /// The files written, when the job has a sink of files; not yet visible.
    pub written: Option<Written>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What it amounts to, of an operator's job that wrote no files.
    pub concluded: Option<Box<Conclusion>>,
    /// The job as it was planned, of an operator's job.
    pub planned: Option<Box<JobSpec>>,
}

impl Executed {
    /// Returns what an operator's job did whose reads were the work.
    #[must_use]
    pub fn concluded(conclusion: Box<Conclusion>) -> Self {
        Self { concluded: Some(conclusion), ..Self::answering(Value::Null) }
    }

    /// Returns what a job did that has a whole answer and nothing else.
    #[must_use]
    pub fn answering(answer: Value) -> Self {
        Self {
            answer,
            rows: None,
            truncated: false,
            written: None,
            warnings: Vec::new(),
            concluded: None,
            planned: None,
        }
    }

    /// Returns what the job proves, before anything is committed, and the files that are to be.
    #[must_use]
    pub fn into_outcome(
        self,
        spec: &JobSpec,
        token: &JobToken,
        owner: &JobOwner,
    ) -> (JobOutcome, Option<Written>) {
        let inputs = &self.planned.as_deref().unwrap_or(spec).inputs;
        let outcome = JobOutcome {
            token: token.clone(),
            owner: owner.clone(),
            answer: self.answer,
            rows: self.rows,
            truncated: self.truncated,
            reads: inputs.iter().map(Reads::of).collect(),
            commit: None,
            warnings: self.warnings,
            info: inputs.iter().flat_map(|input| input.notes.clone()).collect(),
            register: None,
            concluded: self.concluded,
        };
        (outcome, self.written)
    }
}
