//! The operations as parts of a job: tables of the job in, a stream of batches or an answer out.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, future, stream};
use serde_json::{Value, json};

use super::session::Batches;
use super::tables::Tables;
use crate::embedded::work::Executed;
use crate::engines::job_spec::{BadRows, Input, JobSpec, Operation};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::compare::types_come_from_values;
use crate::transforms::cast::{CastPlan, CastReport};
use crate::transforms::error::OperationError;
use crate::transforms::explode::ExplodePlan;
use crate::transforms::fake::FakeRows;
use crate::transforms::merge::{FilePart, MergeOptions, MergePlan, MergeSource};

/// The rows of an operation, with what is said about them once they have been taken.
pub(crate) struct Rows {
    /// The rows; ends with an error when what did not fit is a failure.
    pub(crate) batches: Batches,
    /// What becomes of the columns.
    pub(crate) report: Report,
}

/// What became of converted columns, filled while the rows are taken.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    operation: &'static str,
    casts: Arc<Mutex<CastReport>>,
    /// Whether values that did not fit are allowed to be null.
    lenient: bool,
}

/// Starts an operation that makes rows out of batches.
///
/// # Errors
/// `InvalidInput` for columns, types and paths that do not fit the inputs.
pub(crate) fn start(spec: &JobSpec, tables: &Arc<Tables>) -> Result<Rows, EngineError> {
    let operation = spec.operation.as_str();
    let report = Report::new(spec);
    let wrong = |error: OperationError| error.into_engine_error(operation);
    let batches = match &spec.operation {
        Operation::Cast { columns } => {
            let plan = CastPlan::new(&tables.schema(0)?, columns).map_err(wrong)?;
            cast(tables.stream(0, None)?, plan, report.clone())
        }
        Operation::Explode { columns, outer } => {
            let plan = ExplodePlan::new(&tables.schema(0)?, columns, *outer).map_err(wrong)?;
            explode(tables.stream(0, None)?, plan)
        }
        Operation::Merge { on_conflict, extract_paths } => {
            let input = first_input(spec)?;
            let options = MergeOptions {
                on_conflict: *on_conflict,
                extract_paths: extract_paths.clone(),
                text_format: types_come_from_values(input.format.format),
            };
            let plan = MergePlan::new(&merge_sources(input), &options).map_err(wrong)?;
            merge(Arc::clone(tables), input, plan, report.clone())
        }
        Operation::Fake { schema, rows, seed } => {
            fake(FakeRows::new(schema, *rows, *seed).map_err(wrong)?)
        }
        _ => {
            let message = "it makes no rows out of batches";
            return Err(EngineError::new(ErrorKind::Unexpected, "local", operation, message));
        }
    };
    Ok(Rows { batches, report })
}

fn first_input(spec: &JobSpec) -> Result<&Input, EngineError> {
    spec.inputs.first().ok_or_else(|| {
        let message = "the job has no input";
        EngineError::new(ErrorKind::InvalidInput, "local", spec.operation.as_str(), message)
    })
}

impl Report {
    fn new(spec: &JobSpec) -> Self {
        let nulls_wanted = matches!(
            spec.operation,
            Operation::Merge { on_conflict: crate::engines::job_spec::MergeRule::Null, .. }
        );
        Self {
            operation: spec.operation.as_str(),
            casts: Arc::default(),
            lenient: nulls_wanted || spec.bad_rows == BadRows::Null,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut CastReport) -> T) -> T {
        act(&mut self.casts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn verdict(&self) -> Result<(), EngineError> {
        let bad_rows = if self.lenient { BadRows::Null } else { BadRows::Fail };
        self.with(|casts| casts.verdict(bad_rows)).map_err(|error| {
            error
                .into_engine_error(self.operation)
                .with_hint("let bad_rows be `null` to have null for such values, counted")
        })
    }

    /// Adds what became of the columns to what the job did.
    ///
    /// # Errors
    /// `InvalidInput` when a value did not fit and that is a failure.
    pub(crate) fn finish(&self, executed: &mut Executed) -> Result<(), EngineError> {
        self.verdict()?;
        self.with(|casts| {
            executed.warnings.extend(casts.in_words());
            if let (Value::Object(answer), false) = (&mut executed.answer, casts.columns.is_empty())
            {
                answer.insert("casts".to_owned(), json!(casts));
            }
        });
        Ok(())
    }
}

fn external(error: impl Into<EngineError>) -> DataFusionError {
    DataFusionError::External(Box::new(error.into()))
}

fn engine_error(operation: &'static str) -> impl Fn(OperationError) -> DataFusionError + Clone {
    move |error| external(error.into_engine_error(operation))
}

/// Ends a stream with an error when the report says so.
fn judged(
    rows: impl futures::Stream<Item = Result<RecordBatch, DataFusionError>> + Send + 'static,
    schema: SchemaRef,
    report: Report,
) -> Batches {
    let verdict = stream::once(async move { report.verdict().map_err(external) });
    let verdict = verdict.filter_map(|verdict| future::ready(verdict.err().map(Err)));
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.chain(verdict)))
}

fn cast(rows: Batches, mut plan: CastPlan, report: Report) -> Batches {
    let schema = plan.schema();
    let shared = report.clone();
    let cast = rows.map(move |batch| {
        shared.with(|casts| plan.apply(&batch?, casts).map_err(engine_error("cast")))
    });
    judged(cast, schema, report)
}

fn explode(rows: Batches, mut plan: ExplodePlan) -> Batches {
    let schema = plan.schema();
    let exploded = rows
        .map(move |batch| {
            let batches = plan.apply(&batch?).map_err(engine_error("explode"))?;
            Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        })
        .try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, exploded))
}

/// Files are opened one after another.
fn merge(tables: Arc<Tables>, input: &Input, plan: MergePlan, report: Report) -> Batches {
    let schema = plan.schema();
    let plan = Arc::new(plan);
    let shared = report.clone();
    let sources: Vec<(usize, String)> = input
        .files
        .iter()
        .map(|file| (usize::try_from(file.schema).unwrap_or(0), file.file.path.to_string()))
        .collect();
    let merged = stream::iter(sources.into_iter().enumerate())
        .map(move |(file, (source, path))| {
            let rows = tables.file_stream(0, file, plan.read_as()).map_err(external)?;
            let (plan, report) = (Arc::clone(&plan), shared.clone());
            let mut rows_before = 0;
            Ok::<_, DataFusionError>(rows.map(move |batch| {
                let batch = batch?;
                let part = FilePart { source, path: &path, rows_before };
                rows_before += batch.num_rows() as u64;
                report.with(|casts| plan.apply(part, &batch, casts).map_err(engine_error("merge")))
            }))
        })
        .try_flatten();
    judged(merged, schema, report)
}

fn fake(rows: FakeRows) -> Batches {
    let schema = rows.schema();
    let made = stream::iter(rows.map(|batch| batch.map_err(engine_error("fake"))));
    Box::pin(RecordBatchStreamAdapter::new(schema, made))
}

/// The schemas of an input's files, each with its partition keys.
fn merge_sources(input: &Input) -> Vec<MergeSource> {
    let source = |(index, schema): (usize, &crate::engines::schema::Schema)| {
        let mut fields: Vec<_> = schema.to_arrow().fields().iter().map(Arc::clone).collect();
        for key in &input.partition_columns.columns {
            fields.push(Arc::new(Field::new(&key.name, key.data_type.0.clone(), true)));
        }
        let has_it = |file: &&crate::engines::job_spec::InputFile| {
            usize::try_from(file.schema).is_ok_and(|schema| schema == index)
        };
        let mut files = input.files.iter().filter(has_it);
        let example = files.next().map(|file| file.file.path.to_string()).unwrap_or_default();
        let files = files.count() as u64 + u64::from(!example.is_empty());
        MergeSource { schema: Arc::new(ArrowSchema::new(fields)), files, example }
    };
    input.schemas.iter().enumerate().map(source).collect()
}
