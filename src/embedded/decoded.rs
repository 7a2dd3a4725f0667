//! Tables that are read through [`crate::formats`]: delimited text, JSON, Avro, ORC and the rest.
//! Files are cut into contiguous parts, each part is a stream that a thread of its own fills.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::mpsc::Sender;

use super::counts::Counts;
use super::session::Batches;
use crate::engines::bad_rows::BadRows;
use crate::engines::files::{ByteSource, Files};
use crate::engines::reading::Concerns;
use crate::engines::table::{FileFormat, PinnedFile};
use crate::formats::decode::decode;
use crate::formats::decoding::{self, DecodeOptions};
use crate::formats::error::FormatError;

/// How many batches may wait between the thread that decodes and the stream that takes them.
const WAITING: usize = 2;

/// A file with the values of its partition keys.
#[derive(Debug)]
pub(super) struct DecodedFile {
    pub(super) file: PinnedFile,
    pub(super) partition_values: Vec<ScalarValue>,
}

/// A table of files that are decoded.
#[derive(Clone)]
pub(super) struct DecodedTable {
    /// All columns, partition keys last.
    pub(super) schema: SchemaRef,
    /// How many of them are in the files.
    pub(super) file_columns: usize,
    pub(super) format: FileFormat,
    pub(super) files: Vec<Arc<DecodedFile>>,
    pub(super) source: Arc<dyn Files>,
    pub(super) bad_rows: BadRows,
    pub(super) batch_rows: usize,
    pub(super) parallelism: usize,
    pub(super) counts: Arc<Counts>,
}

impl fmt::Debug for DecodedTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DecodedTable({}, {} files)", self.format.format, self.files.len())
    }
}

impl DecodedTable {
    /// A scan as at most `parts` streams, each of files that follow one another.
    pub(super) fn plan(
        &self,
        projection: Option<&[usize]>,
        limit: Option<usize>,
        parts: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let every: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&every);
        let schema = Arc::new(self.schema.project(projection)?);
        let groups = contiguous(&self.files, parts);
        let threads = (self.parallelism.max(1) / groups.len().max(1)).max(1);
        let part = |files: Vec<Arc<DecodedFile>>| -> Arc<dyn PartitionStream> {
            let projection = projection.to_vec();
            Arc::new(Part {
                table: self.clone(),
                schema: Arc::clone(&schema),
                projection,
                files,
                threads,
            })
        };
        let partitions = groups.into_iter().map(part).collect();
        let plan =
            StreamingTableExec::try_new(Arc::clone(&schema), partitions, None, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// Cuts files into at most `parts` runs of about the same size, at least one (which may be empty).
fn contiguous(files: &[Arc<DecodedFile>], parts: usize) -> Vec<Vec<Arc<DecodedFile>>> {
    let total: u64 = files.iter().map(|file| file.file.size_bytes.max(1)).sum();
    let parts = parts.clamp(1, files.len().max(1));
    let share = total.div_ceil(u64::try_from(parts).unwrap_or(1)).max(1);
    let mut groups: Vec<Vec<Arc<DecodedFile>>> = vec![Vec::new()];
    let mut filled = 0;
    for file in files {
        if filled >= share && groups.len() < parts {
            groups.push(Vec::new());
            filled = 0;
        }
        filled += file.file.size_bytes.max(1);
        if let Some(group) = groups.last_mut() {
            group.push(Arc::clone(file));
        }
    }
    groups
}

#[async_trait]
impl TableProvider for DecodedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.plan(projection.map(Vec::as_slice), limit, session.config().target_partitions())
    }
}

/// One stream of a scan.
struct Part {
    table: DecodedTable,
    schema: SchemaRef,
    projection: Vec<usize>,
    files: Vec<Arc<DecodedFile>>,
    threads: usize,
}

impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} files", self.files.len(), self.table.format.format)
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> Batches {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), WAITING);
        let sender = builder.tx();
        let reader = FileReader {
            table: self.table.clone(),
            schema: Arc::clone(&self.schema),
            projection: self.projection.clone(),
            threads: self.threads,
        };
        let files = self.files.clone();
        builder.spawn_blocking(move || reader.read_all(&files, &sender));
        builder.build()
    }
}

/// Decodes files one after another on one thread.
struct FileReader {
    table: DecodedTable,
    schema: SchemaRef,
    projection: Vec<usize>,
    threads: usize,
}

/// Whether the stream still takes batches.
#[derive(PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

impl FileReader {
    fn read_all(
        &self,
        files: &[Arc<DecodedFile>],
        sender: &Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        for file in files {
            if self.table.bad_rows == BadRows::Reject
                && let Some(why) = self.rejection(file)?
            {
                self.table.counts.bad.reject(file.file.path.as_str(), &why);
                continue;
            }
            if self.read(file, sender)? == Taken::No {
                break;
            }
        }
        Ok(())
    }

    /// Reads a whole file once to see whether every cell fits: a file is left out whole or not at all.
    /// Returns why it is left out, if it is.
    fn rejection(&self, file: &DecodedFile) -> Result<Option<String>> {
        let schema = Arc::new(self.table.schema.project(&self.every_column())?);
        let batches = match self.open(file, schema, false) {
            Ok(batches) => batches,
            Err(error) => return rejects(error).map(Some),
        };
        for batch in batches {
            if let Err(error) = batch {
                return rejects(error).map(Some);
            }
        }
        Ok(None)
    }

    fn every_column(&self) -> Vec<usize> {
        (0..self.table.file_columns).collect()
    }

    /// Whether rows are left out because of a cell that does not fit, in whichever column it is.
    fn leaves_out_rows(&self) -> bool {
        self.table.bad_rows == BadRows::Skip
            && Concerns::WithoutTypes.includes(self.table.format.format)
    }

    fn read(&self, file: &DecodedFile, sender: &Sender<Result<RecordBatch>>) -> Result<Taken> {
        let wanted: Vec<usize> =
            self.projection.iter().copied().filter(|at| *at < self.table.file_columns).collect();
        // Without any column of the file, one is read so that its rows are counted.
        let read = match wanted.as_slice() {
            _ if self.leaves_out_rows() => self.every_column(),
            [] if self.table.file_columns > 0 => vec![0],
            _ => wanted,
        };
        let positions: HashMap<usize, usize> =
            read.iter().enumerate().map(|(position, column)| (*column, position)).collect();
        let schema = Arc::new(self.table.schema.project(&read)?);
        let batches = self.open(file, schema, true).map_err(external)?;
        for batch in batches {
            let batch = self.with_partition_values(file, &batch.map_err(external)?, &positions)?;
            if sender.blocking_send(Ok(batch)).is_err() {
                return Ok(Taken::No);
            }
        }
        Ok(Taken::Yes)
    }

    fn open(
        &self,
        file: &DecodedFile,
        schema: Arc<ArrowSchema>,
        counted: bool,
    ) -> Result<decoding::Batches, FormatError> {
        let source = self.table.source.open(&file.file).map_err(|error| FormatError::Read {
            path: file.file.path.to_string(),
            source: io::Error::other(error),
        })?;
        let source: Arc<dyn ByteSource> = if counted {
            Arc::new(CountedSource { source, counts: Arc::clone(&self.table.counts) })
        } else {
            source
        };
        let options = DecodeOptions {
            schema,
            batch_rows: self.table.batch_rows,
            threads: self.threads,
            bad_rows: match self.table.bad_rows {
                BadRows::Reject => BadRows::Fail,
                other => other,
            },
            bad: Arc::clone(&self.table.counts.bad),
            known: Some(Arc::clone(&self.table.schema)),
        };
        decode(source, &self.table.format, &options)
    }

    fn with_partition_values(
        &self,
        file: &DecodedFile,
        batch: &RecordBatch,
        positions: &HashMap<usize, usize>,
    ) -> Result<RecordBatch> {
        let column = |wanted: &usize| -> Result<ArrayRef> {
            if *wanted >= self.table.file_columns {
                return file.partition_values[*wanted - self.table.file_columns]
                    .to_array_of_size(batch.num_rows());
            }
            let at = positions.get(wanted).copied().unwrap_or_default();
            Ok(Arc::clone(batch.column(at)))
        };
        let columns = self.projection.iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// Returns why a file is left out: for a value or a break in its content. A file that cannot be read
/// fails the job.
fn rejects(error: FormatError) -> Result<String> {
    if error.is_of_content() { Ok(error.to_string()) } else { Err(external(error)) }
}

fn external(error: FormatError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A source that counts what is read of it.
struct CountedSource {
    source: Arc<dyn ByteSource>,
    counts: Arc<Counts>,
}

impl ByteSource for CountedSource {
    fn path(&self) -> &str {
        self.source.path()
    }

    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.source.read_at(buffer, offset)?;
        self.counts.bytes.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(read)
    }
}
