//! The batches of a text's blocks, one after the other, up to the first error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::blocks::{InOrder, ParseBlock};
use super::decoding::Batches;
use super::error::FormatError;

/// What a block became.
pub(crate) struct BlockBatches<E> {
    /// The rows before the first that failed.
    pub(crate) batches: Vec<RecordBatch>,
    /// What is wrong with that row.
    pub(crate) failed: Option<E>,
    /// Cells that became null because they did not fit.
    pub(crate) nulled: u64,
}

/// Returns the batches of all blocks. Nulled cells are counted in `nulled`; `error` makes an error of
/// what is wrong with a row, given the number of rows in the blocks before.
pub(crate) fn in_order<P, E>(
    ordered: InOrder<P>,
    nulled: Arc<AtomicU64>,
    error: impl Fn(u64, E) -> FormatError + Send + 'static,
) -> Batches
where
    P: ParseBlock<Output = BlockBatches<E>> + Send + 'static,
    E: Send + 'static,
{
    Box::new(Flattened {
        ordered,
        nulled,
        error,
        ready: Vec::new().into_iter(),
        failed: None,
        done: false,
    })
}

struct Flattened<P: ParseBlock, F> {
    ordered: InOrder<P>,
    nulled: Arc<AtomicU64>,
    error: F,
    ready: std::vec::IntoIter<RecordBatch>,
    failed: Option<FormatError>,
    done: bool,
}

impl<P, E, F> Iterator for Flattened<P, F>
where
    P: ParseBlock<Output = BlockBatches<E>>,
    F: Fn(u64, E) -> FormatError,
{
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.next() {
                return Some(Ok(batch));
            }
            if let Some(error) = self.failed.take() {
                self.done = true;
                return Some(Err(error));
            }
            if self.done {
                return None;
            }
            match self.ordered.next() {
                None => self.done = true,
                Some(Err(error)) => self.failed = Some(error),
                Some(Ok((block, before))) => {
                    self.nulled.fetch_add(block.nulled, Ordering::Relaxed);
                    self.ready = block.batches.into_iter();
                    self.failed = block.failed.map(|failed| (self.error)(before, failed));
                }
            }
        }
    }
}
