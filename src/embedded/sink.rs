//! Where the rows of a job go: into its answer within the limits, or into files that are not visible
//! before they are committed.
//!
//! [`drain`] takes a stream of batches to the sink of the job. Rows of an answer are exact in number
//! only when all were streamed: one row beyond the limit is read, so that `truncated` is known, and
//! `rows` is then not. The limit of an answer is kept here, where the stream is read, and is no part
//! of the plan: what a query answers does not depend on how much of it is shown. The stream is
//! dropped at the limit, which ends what still reads for it.

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{FieldRef, Schema as ArrowSchema, SchemaRef};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

use super::error::{Allowed, failed, from_datafusion};
use super::files::FileWriter;
use super::progress::Reporter;
use super::session::Batches;
use super::tables::allowed;
use crate::embedded::work::{Executed, Work};
use crate::engines::job_spec::{AnswerLimits, FileSink, JobSpec, Sink};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::canonical::canonical_schema;
use crate::formats::json_rows::json_rows;

/// How many batches may wait for the thread that encodes.
const WAITING: usize = 2;

/// Takes all batches to the job's sink. The warnings of the outcome are left empty.
///
/// # Errors
/// Whatever the stream fails with; `InvalidInput` when two columns have one name; `OutOfDisk`. After
/// an error no file of this call is left.
pub(crate) async fn drain(
    stream: Batches,
    spec: &JobSpec,
    work: &Work,
    reporter: Reporter,
) -> Result<Executed, EngineError> {
    let operation = spec.operation.as_str();
    let schema = canonical_schema(&stream.schema());
    refuse_double_names(operation, &schema)?;
    let canonical = Canonical { operation, allowed: allowed(work), schema };
    match &spec.sink {
        Sink::Answer => answer(stream, canonical, spec.limits, reporter).await,
        Sink::Files(sink) => files(stream, canonical, sink, work, reporter).await,
    }
}

/// Batches as the sink takes them.
struct Canonical<'a> {
    operation: &'a str,
    allowed: Allowed,
    schema: SchemaRef,
}

impl Canonical<'_> {
    async fn next(&self, stream: &mut Batches) -> Option<Result<RecordBatch, EngineError>> {
        let batch = stream.next().await?;
        Some(
            batch
                .map_err(|error| from_datafusion(self.operation, self.allowed, error))
                .and_then(|batch| self.batch(&batch)),
        )
    }

    fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, EngineError> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let column = |(column, field): (&ArrayRef, &FieldRef)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast_with_options(column, field.data_type(), &strict)
            }
        };
        let columns: Result<Vec<_>, _> =
            batch.columns().iter().zip(self.schema.fields()).map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        columns
            .and_then(|columns| {
                RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            })
            .map_err(|error| from_datafusion(self.operation, self.allowed, error.into()))
    }
}

/// Two columns of one name would be one key of a JSON object, and no table.
fn refuse_double_names(operation: &str, schema: &ArrowSchema) -> Result<(), EngineError> {
    let mut seen = std::collections::BTreeSet::new();
    let double: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| !seen.insert(*name))
        .collect();
    if double.is_empty() {
        return Ok(());
    }
    let message = format!("several columns of the outcome are called `{}`", double.join("`, `"));
    Err(failed(ErrorKind::InvalidInput, operation, message)
        .with_hint("give each a name of its own: `a.id as a_id`"))
}

async fn answer(
    mut stream: Batches,
    canonical: Canonical<'_>,
    limits: AnswerLimits,
    mut reporter: Reporter,
) -> Result<Executed, EngineError> {
    let most = usize::try_from(limits.rows).unwrap_or(usize::MAX);
    let mut rows: Vec<Value> = Vec::new();
    let mut bytes: u64 = 2;
    let mut truncated = false;
    'batches: while let Some(batch) = canonical.next(&mut stream).await {
        let batch = batch?;
        reporter.add_rows(batch.num_rows(), "scanning");
        let wanted = batch.num_rows().min(most - rows.len());
        truncated = wanted < batch.num_rows();
        for row in json_rows(&batch.slice(0, wanted)) {
            let size = serde_json::to_vec(&row).map_or(0, |text| text.len() + 1);
            bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
            if bytes > limits.bytes {
                truncated = true;
                break 'batches;
            }
            rows.push(Value::Object(row));
        }
        if truncated {
            break;
        }
    }
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let rows_in_all = (!truncated).then_some(count);
    Ok(Executed { rows: rows_in_all, truncated, ..Executed::answering(Value::Array(rows)) })
}

async fn files(
    mut stream: Batches,
    canonical: Canonical<'_>,
    sink: &FileSink,
    work: &Work,
    mut reporter: Reporter,
) -> Result<Executed, EngineError> {
    let mut writer = FileWriter::new(sink, work, &canonical.schema)?;
    let (sender, mut receiver) = mpsc::channel::<RecordBatch>(WAITING);
    // Encoding has a thread of its own, beside the threads that scan.
    let encoding = tokio::task::spawn_blocking(move || {
        while let Some(batch) = receiver.blocking_recv() {
            writer.write(&batch)?;
        }
        Ok::<_, EngineError>(writer)
    });
    let mut failure = None;
    while let Some(batch) = canonical.next(&mut stream).await {
        match batch {
            Ok(batch) => {
                reporter.add_rows(batch.num_rows(), "writing");
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    drop(sender);
    let ended = encoding.await.map_err(|error| {
        failed(ErrorKind::Unexpected, canonical.operation, format!("the writer broke: {error}"))
    })?;
    let writer = ended?;
    if let Some(error) = failure {
        // What was written is removed, which may wait.
        drop(tokio::task::spawn_blocking(move || drop(writer)).await);
        return Err(error);
    }
    let written =
        tokio::task::spawn_blocking(move || writer.finish()).await.map_err(|error| {
            failed(ErrorKind::Unexpected, canonical.operation, format!("the writer broke: {error}"))
        })??;
    let rows: u64 = written.files.iter().map(|file| file.rows).sum();
    let bytes: u64 = written.files.iter().map(|file| file.size_bytes).sum();
    let answer = json!({"rows": rows, "files": written.files.len(), "bytes": bytes});
    Ok(Executed { rows: Some(rows), written: Some(written), ..Executed::answering(answer) })
}
