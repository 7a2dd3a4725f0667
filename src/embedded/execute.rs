//! Runs one job: a task of its own, which is given up when the job is cancelled, and the operation
//! as a stream of batches.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::runtime::SpawnedTask;
use datafusion::prelude::SessionContext;

use super::error::{cancelled, failed, from_datafusion};
use super::progress::Reporter;
use super::session::{Batches, Budget, session};
use super::tables::{Tables, allowed};
use super::work::{Executed, Work};
use super::{deduplicate, infer, join, query, rows, sink, sorted, summarize, transform};
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::{EngineError, ErrorKind};

/// How often is looked whether the job was asked to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Runs a job. A plan that needs more memory than there is, is run once more in smaller steps with
/// joins by sorting, which the warnings of the outcome then say.
///
/// # Errors
/// `OutOfMemory` and `OutOfDisk` with the limit and its field; `InvalidInput` for a wrong query,
/// column or value; `Conflict` when a pinned file has changed; `Unavailable` when cancelled. After an
/// error, files that were written are removed.
pub async fn execute(spec: &JobSpec, work: &Work) -> Result<Executed, EngineError> {
    if !spec.is_known() {
        let message =
            format!("the job is of version {}, later than {}", spec.version, JobSpec::VERSION);
        return Err(failed(ErrorKind::Unsupported, spec.operation.as_str(), message));
    }
    let budget = Budget::of(work.memory_limit_bytes, work.parallelism);
    match attempt(spec, work, budget).await {
        Err(error) if error.kind == ErrorKind::OutOfMemory && is_planned(&spec.operation) => {
            tracing::warn!(%error, "runs once more with joins by sorting");
            let mut executed = attempt(spec, work, budget.thrifty()).await?;
            executed.warnings.push(format!(
                "the memory limit of {} MiB was too small for the fast plan: it was run once more in \
                 smaller steps with joins by sorting, which takes longer",
                work.memory_limit_bytes / (1024 * 1024)
            ));
            Ok(executed)
        }
        other => other,
    }
}

/// Whether another plan could need less.
fn is_planned(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Query { .. } | Operation::Deduplicate { .. } | Operation::Join { .. }
    )
}

/// Runs a job on a task of its own, and stops waiting for it when it is asked to stop.
async fn attempt(spec: &JobSpec, work: &Work, budget: Budget) -> Result<Executed, EngineError> {
    let operation = spec.operation.as_str();
    let mut task = Box::pin(SpawnedTask::spawn(run(spec.clone(), work.clone(), budget)).join());
    loop {
        if work.is_cancelled() {
            return Err(cancelled(operation));
        }
        tokio::select! {
            ended = &mut task => {
                return ended.unwrap_or_else(|error| {
                    let message = format!("the work broke off: {error}");
                    Err(failed(ErrorKind::Unexpected, operation, message))
                });
            }
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
        }
    }
}

async fn run(spec: JobSpec, work: Work, budget: Budget) -> Result<Executed, EngineError> {
    if let Operation::Infer { .. } = &spec.operation {
        return infer(spec, work).await;
    }
    let context = session(&budget, &work.scratch, work.disk_limit_bytes)
        .map_err(|error| from_datafusion(spec.operation.as_str(), allowed(&work), error))?;
    let tables = Arc::new(Tables::new(&spec, &work, &context)?);
    let reporter = Reporter::new(&work, &tables);
    let mut executed = match &spec.operation {
        Operation::Summarize { .. } => {
            let sorted = |column, value_bytes| {
                sorted::values(&spec, &work, budget.one_sort(value_bytes), column)
            };
            summarize::summarize(&spec, &work, &tables, sorted).await?
        }
        Operation::Merge { .. }
        | Operation::Explode { .. }
        | Operation::Cast { .. }
        | Operation::Fake { .. } => {
            let rows = transform::start(&spec, &tables)?;
            let mut executed = sink::drain(rows.batches, &spec, &work, reporter).await?;
            rows.report.finish(&mut executed)?;
            executed
        }
        _ => {
            let stream = rows_of(&spec, &work, &tables, &context).await?;
            sink::drain(stream, &spec, &work, reporter).await?
        }
    };
    executed.warnings.extend(tables.counts().warnings());
    Ok(executed)
}

/// Inference opens files itself: nothing is known of their tables yet.
async fn infer(spec: JobSpec, work: Work) -> Result<Executed, EngineError> {
    let inferred = tokio::task::spawn_blocking(move || infer::run(&spec, &work));
    inferred.await.unwrap_or_else(|error| {
        let message = format!("the work broke off: {error}");
        Err(failed(ErrorKind::Unexpected, "infer", message))
    })
}

/// Starts the operation: its rows as a stream.
async fn rows_of(
    spec: &JobSpec,
    work: &Work,
    tables: &Tables,
    context: &SessionContext,
) -> Result<Batches, EngineError> {
    let frame = match &spec.operation {
        Operation::Query { .. } => return query::query(spec, work, tables, context).await,
        Operation::Preview { rows } => return rows::first_rows(tables, &[], Some(*rows)),
        Operation::Format { columns, sample_rows } => {
            return rows::first_rows(tables, columns, *sample_rows);
        }
        Operation::Deduplicate { keys, order_by } => {
            deduplicate::deduplicate(tables, context, work, keys, order_by)?
        }
        Operation::Join { join, on, suffix } => {
            let joining = join::Joining { kind: *join, on, suffix };
            join::join(tables, context, work, &joining)?
        }
        Operation::Summarize { .. }
        | Operation::Infer { .. }
        | Operation::Merge { .. }
        | Operation::Explode { .. }
        | Operation::Cast { .. }
        | Operation::Fake { .. }
        | Operation::Operator(_)
        | Operation::Container { .. } => {
            let operation = spec.operation.as_str();
            return Err(failed(ErrorKind::Unsupported, operation, "this client cannot do it"));
        }
    };
    query::start(frame, work).await
}
