//! How a job reads undeclared tables: with its threads and memory, reporting its progress, and stopped with it.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::inference::{Inference, infer_files};
use super::listing::files_of;
use super::tables::FoundTable;
use crate::engines::EngineError;
use crate::engines::files::Files;
use crate::engines::reading::Reading;
use crate::engines::table::{TableLookup, TableName};

/// Called with the bytes that are read so far of a table, and the bytes it has in all.
pub type OnBytes = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Reads tables for one job. Each is read once: later look-ups of the job find what the first found.
pub struct Discovery {
    threads: usize,
    on_bytes: OnBytes,
    cancelled: Arc<AtomicBool>,
    known: Mutex<Vec<(TableName, Reading, TableLookup)>>,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Discovery").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Discovery {
    /// Makes one that looks at so many files at once, and stops when `cancelled` is set.
    #[must_use]
    pub fn new(threads: usize, on_bytes: OnBytes, cancelled: Arc<AtomicBool>) -> Self {
        Self { threads, on_bytes, cancelled, known: Mutex::default() }
    }

    /// Returns what was found of a table before.
    pub(super) fn recall(&self, name: &TableName, reading: &Reading) -> Option<TableLookup> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |entry: &&(TableName, Reading, TableLookup)| entry.0 == *name && entry.1 == *reading;
        known.iter().find(is_it).map(|(_, _, found)| found.clone())
    }

    /// Keeps what was found of a table.
    pub(super) fn remember(&self, name: &TableName, reading: &Reading, found: &TableLookup) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((name.clone(), reading.clone(), found.clone()));
    }

    /// Finds the schema of an undeclared table.
    pub(super) fn discover(
        &self,
        files: &dyn Files,
        now: Timestamp,
        table: FoundTable,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        let found = files_of(files, table.path.as_str())?;
        let total: u64 = found.iter().map(|file| file.size_bytes).sum();
        let inference = Inference {
            files,
            now,
            sample: None,
            reading,
            threads: self.threads,
            on_bytes: &|done| (self.on_bytes)(done, total),
            cancelled: &self.cancelled,
        };
        let concluded = infer_files(&inference, found).map_err(|error| {
            let message = format!("`{}`: {}", table.name, error.message);
            EngineError { message, ..error }
        })?;
        Ok(concluded.into_lookup(table.name, table.path.to_string()))
    }
}
