//! What decoding is told, and what it gives.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

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
    /// All columns of the table: a file that names others is counted. None are counted where it is not
    /// said.
    pub known: Option<SchemaRef>,
}

impl DecodeOptions {
    /// Returns the names of all columns of the table.
    pub(crate) fn known_columns(&self) -> Option<Arc<HashSet<String>>> {
        let fields = self.known.as_ref()?.fields();
        Some(Arc::new(fields.iter().map(|field| field.name().clone()).collect()))
    }

    /// Takes those columns of a file that its table does not have.
    pub(crate) fn take_unknown<'a>(&self, path: &str, columns: impl IntoIterator<Item = &'a str>) {
        if let Some(known) = self.known_columns() {
            self.bad.take_unknown(path, columns, &known);
        }
    }

    /// As [`take_unknown`](Self::take_unknown), by the schema that a file states.
    pub(crate) fn take_unknown_of(&self, path: &str, schema: &Schema) {
        self.take_unknown(path, schema.fields().iter().map(|field| field.name().as_str()));
    }
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

    /// Takes those columns of a file that its table does not have.
    pub(crate) fn take_unknown<'a>(
        &self,
        path: &str,
        columns: impl IntoIterator<Item = &'a str>,
        known: &HashSet<String>,
    ) {
        let mut bad = Bad::default();
        for column in columns.into_iter().filter(|column| !known.contains(*column)) {
            bad.add_unknown(column, path);
        }
        if !bad.is_none() {
            self.take(path, &bad);
        }
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
