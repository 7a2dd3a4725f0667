//! What decoding is told, and what it gives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::FormatError;
use crate::engines::bad_rows::{Bad, BadRows};

/// How a file is read.
///
/// Columns of the file that the schema lacks are left out; a column of the schema that the file lacks
/// is an error, except for JSON and `MessagePack`, where a missing key is a null.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// The columns wanted, by name, in order; types are those the file was inferred with.
    pub schema: SchemaRef,
    /// Most rows in a batch.
    pub batch_rows: usize,
    /// How many threads may parse one file.
    pub threads: usize,
    /// What happens to a cell that does not fit its type, and to a row that is broken.
    pub bad_rows: BadRows,
    /// Takes what is therefore null or left out.
    pub bad: Arc<BadCollector>,
    /// All columns of the table: a file of delimited text that names others is counted. None are counted
    /// where it is not said.
    pub known: Option<SchemaRef>,
}

/// What was bad in files that were decoded. What is bad in a file that is decoded several times, as in
/// a join with itself, counts once.
#[derive(Debug, Default)]
pub struct BadCollector(Mutex<BTreeMap<String, Bad>>);

impl BadCollector {
    /// Takes all that was bad in a file so far.
    pub(crate) fn take(&self, path: &str, bad: &Bad) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(path.to_owned()).or_default().unite(bad);
    }

    /// Takes a file that is left out, and why.
    pub fn reject(&self, path: &str, why: &str) {
        let mut bad = Bad::default();
        bad.files.add(path, 0, || why.to_owned());
        self.take(path, &bad);
    }

    /// Takes the columns of a file that its table does not have.
    pub(crate) fn unknown(&self, path: &str, columns: &[&String]) {
        let mut bad = Bad::default();
        for column in columns {
            let files = bad.unknown.entry((*column).clone()).or_default();
            files.add(path, 0, String::new);
        }
        self.take(path, &bad);
    }

    /// Returns what was bad in all files.
    #[must_use]
    pub fn total(&self) -> Bad {
        let mut total = Bad::default();
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.values().for_each(|bad| total.merge(bad));
        total
    }
}

/// Batches of one file, in the order of the file.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FormatError>> + Send>;
