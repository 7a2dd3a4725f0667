//! What decoding is told, and what it gives.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::FormatError;
use crate::engines::job_spec::BadRows;

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
    /// What happens to a cell that does not fit its type.
    pub bad_rows: BadRows,
    /// Counts cells that became null because they did not fit.
    pub nulled: Arc<AtomicU64>,
}

/// Batches of one file, in the order of the file.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FormatError>> + Send>;
