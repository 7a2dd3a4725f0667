//! The batches of a text's blocks, one after the other, up to the first error.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::blocks::{InOrder, ParseBlock};
use super::decoding::{BadCollector, Batches};
use super::error::FormatError;
use crate::engines::bad_rows::Bad;

/// What a block became.
pub(crate) struct BlockBatches<E> {
    /// The rows before the first that failed.
    pub(crate) batches: Vec<RecordBatch>,
    /// What is wrong with that row.
    pub(crate) failed: Option<E>,
    /// What is null or left out because it is bad.
    pub(crate) bad: Bad,
}

/// Returns the batches of all blocks. What is bad is taken by `collector`; `error` makes an error of
/// what is wrong with a row, given the number of rows in the blocks before.
pub(crate) fn in_order<P, E>(
    ordered: InOrder<P>,
    path: String,
    collector: Arc<BadCollector>,
    error: impl Fn(u64, E) -> FormatError + Send + 'static,
) -> Batches
where
    P: ParseBlock<Output = BlockBatches<E>> + Send + 'static,
    E: Send + 'static,
{
    Box::new(Flattened {
        ordered,
        path,
        collector,
        bad: Bad::default(),
        error,
        ready: Vec::new().into_iter(),
        failed: None,
        done: false,
    })
}

struct Flattened<P: ParseBlock, F> {
    ordered: InOrder<P>,
    path: String,
    collector: Arc<BadCollector>,
    /// What was bad in the blocks so far.
    bad: Bad,
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
                    if !block.bad.is_none() {
                        self.bad.add_part(block.bad, &self.path, before);
                        self.collector.take(&self.path, &self.bad);
                    }
                    self.ready = block.batches.into_iter();
                    self.failed = block.failed.map(|failed| (self.error)(before, failed));
                }
            }
        }
    }
}
