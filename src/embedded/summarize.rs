//! A summary as a job: every stream of the table has summaries of its own, which are merged.
//!
//! Which rows meet in which summary depends on files, parallelism and the size of batches only, so
//! that the same job gives the same estimates. Columns that the exact method has left over are read again one by one, each
//! sorted by the engine, which spills.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::from_datafusion;
use super::progress::Reporter;
use super::session::Batches;
use super::tables::{Tables, allowed};
use crate::embedded::work::{Executed, Work};
use crate::engines::job_spec::{AnswerLimits, JobSpec, Operation};
use crate::engines::{EngineError, ErrorKind};
use crate::transforms::summarize::{ColumnStatistics, Statistics, Summarizer, SummaryOptions};

const SUMMARIZE: &str = "summarize";
/// How many batches may wait for a summary.
const WAITING: usize = 2;
/// Most summaries of one stream.
const MOST_SHARDS: usize = 4;

/// What part of a job's memory the exact method may use for the values of all columns together.
const EXACT_MEMORY_DIVISOR: u64 = 4;

/// Summarises the first input. `sorted` gives the values of one column of it in ascending order, told
/// how many bytes a value takes on average.
///
/// # Errors
/// `InvalidInput` for unknown columns; `OutOfMemory` or `OutOfDisk` when a column cannot be sorted;
/// whatever reading fails with.
pub(crate) async fn summarize<F: Future<Output = Result<Batches, EngineError>>>(
    spec: &JobSpec,
    work: &Work,
    tables: &Tables,
    sorted: impl Fn(String, u64) -> F,
) -> Result<Executed, EngineError> {
    let Operation::Summarize { columns, method, quantiles, top } = &spec.operation else {
        return Err(unexpected("the job is no summary"));
    };
    let streams = tables.streams(0, (!columns.is_empty()).then_some(columns.as_slice()))?;
    let memory_bytes = work.memory_limit_bytes / EXACT_MEMORY_DIVISOR;
    let options = SummaryOptions {
        columns: Vec::new(),
        method: *method,
        quantiles: quantiles.clone(),
        top: usize::try_from(*top).unwrap_or(usize::MAX),
        exact_memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
    };
    let shards = (work.parallelism / streams.len().max(1)).clamp(1, MOST_SHARDS);
    let reporter = Arc::new(Mutex::new(Reporter::new(work, tables)));
    let shared = Shared { work: work.clone(), options, reporter };
    let mut parts = summarize_streams(streams, shards, &shared).await?;
    if parts.is_empty() {
        // A table without files has statistics too.
        let options = SummaryOptions { columns: columns.clone(), ..shared.options.clone() };
        let empty = Summarizer::new(&tables.schema(0)?, options);
        parts.push(empty.map_err(|error| error.into_engine_error(SUMMARIZE))?);
    }
    let memory_bytes = shared.options.exact_memory_bytes;
    let mut statistics = tokio::task::spawn_blocking(move || merged(parts, memory_bytes))
        .await
        .map_err(|error| unexpected(&error.to_string()))??;
    for column in statistics.left_over() {
        let values = sorted(column.name().to_owned(), column.mean_bytes()).await?;
        count_sorted(column, values, work).await?;
    }
    let answer = statistics.answer().map_err(|error| error.into_engine_error(SUMMARIZE))?;
    Ok(bounded(answer, spec.limits))
}

/// What all parts of a summary have in common.
#[derive(Clone)]
struct Shared {
    work: Work,
    options: SummaryOptions,
    reporter: Arc<Mutex<Reporter>>,
}

fn unexpected(message: &str) -> EngineError {
    EngineError::new(ErrorKind::Unexpected, "local", SUMMARIZE, message)
}

async fn summarize_streams(
    streams: Vec<Batches>,
    shards: usize,
    shared: &Shared,
) -> Result<Vec<Summarizer>, EngineError> {
    let parts_in_all = (streams.len() * shards).max(1);
    let mut tasks = JoinSet::new();
    for (position, stream) in streams.into_iter().enumerate() {
        let shared = shared.clone();
        let options = SummaryOptions {
            exact_memory_bytes: shared.options.exact_memory_bytes / parts_in_all,
            ..shared.options.clone()
        };
        tasks.spawn(async move {
            let parts = summarize_stream(stream, shards, options, &shared).await;
            parts.map(|parts| (position, parts))
        });
    }
    let mut found = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        found.push(ended.map_err(|error| unexpected(&error.to_string()))??);
    }
    found.sort_by_key(|(position, _)| *position);
    Ok(found.into_iter().flat_map(|(_, parts)| parts).collect())
}

/// Deals the batches of a stream out in turn.
async fn summarize_stream(
    mut stream: Batches,
    shards: usize,
    options: SummaryOptions,
    shared: &Shared,
) -> Result<Vec<Summarizer>, EngineError> {
    let (mut senders, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..shards {
        let (sender, receiver) = mpsc::channel(WAITING);
        let summarizer = Summarizer::new(&stream.schema(), options.clone())
            .map_err(|error| error.into_engine_error(SUMMARIZE))?;
        senders.push(sender);
        tasks.push(tokio::task::spawn_blocking(move || take_up(summarizer, receiver)));
    }
    let mut turn = 0;
    while let Some(batch) = stream.next().await {
        let batch =
            batch.map_err(|error| from_datafusion(SUMMARIZE, allowed(&shared.work), error))?;
        let rows = batch.num_rows();
        shared.reporter.lock().unwrap_or_else(PoisonError::into_inner).add_rows(rows, "scanning");
        let Some(sender) = senders.get(turn % shards) else { break };
        if sender.send(batch).await.is_err() {
            break;
        }
        turn += 1;
    }
    drop(senders);
    let mut parts = Vec::with_capacity(shards);
    for task in tasks {
        parts.push(task.await.map_err(|error| unexpected(&error.to_string()))??);
    }
    Ok(parts)
}

fn take_up(
    mut summarizer: Summarizer,
    mut receiver: mpsc::Receiver<RecordBatch>,
) -> Result<Summarizer, EngineError> {
    while let Some(batch) = receiver.blocking_recv() {
        summarizer.update(&batch).map_err(|error| error.into_engine_error(SUMMARIZE))?;
    }
    Ok(summarizer)
}

fn merged(parts: Vec<Summarizer>, memory_bytes: usize) -> Result<Statistics, EngineError> {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().ok_or_else(|| unexpected("there is nothing to summarise"))?;
    whole.allow_memory(memory_bytes);
    for part in parts {
        whole.merge(&part);
    }
    whole.finish().map_err(|error| error.into_engine_error(SUMMARIZE))
}

/// Counts the values of a column that was left over.
async fn count_sorted(
    column: &mut ColumnStatistics,
    mut values: Batches,
    work: &Work,
) -> Result<(), EngineError> {
    while let Some(batch) = values.next().await {
        let batch = batch.map_err(|error| from_datafusion(SUMMARIZE, allowed(work), error))?;
        let counted = column.update_sorted(batch.column(0));
        counted.map_err(|error| error.into_engine_error(SUMMARIZE))?;
    }
    column.end_sorted().map_err(|error| error.into_engine_error(SUMMARIZE))
}

/// Leaves out the last columns when the answer is too large.
fn bounded(mut answer: Value, limits: AnswerLimits) -> Executed {
    let size = |value: &Value| serde_json::to_vec(value).map_or(0, |text| text.len() as u64 + 1);
    let mut warnings = Vec::new();
    let mut truncated = false;
    let columns = answer.get_mut("columns").and_then(Value::as_array_mut);
    if let Some(columns) = columns {
        const ROOM: u64 = 256;
        let (mut bytes, all) = (ROOM, columns.len());
        let fits = |column: &Value| {
            bytes = bytes.saturating_add(size(column));
            bytes <= limits.bytes
        };
        let kept = columns.iter().map(fits).take_while(|fits| *fits).count();
        columns.truncate(kept);
        truncated = kept < all;
        if truncated {
            warnings.push(format!(
                "the statistics of the first {kept} of {all} columns are shown; name the columns wanted"
            ));
        }
    }
    Executed { truncated, warnings, ..Executed::answering(answer) }
}
