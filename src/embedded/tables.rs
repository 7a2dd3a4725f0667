//! The inputs of a job as tables: for SQL under their names, and for other operations as streams.
//!
//! Only the pinned files of the inputs can be read. Parquet goes through DataFusion's own source
//! (pruning, statistics, late materialisation) unless broken files are to be left out; every other
//! format through [`crate::formats`], with the parser and the types of inference.
//!
//! An operation that works on batches takes [`Tables::stream`] (all files of an input in their order),
//! [`Tables::streams`] (the same rows as several streams, to work in parallel) or
//! [`Tables::file_stream`] (one file in its own schema, for inputs whose files disagree), transforms
//! the batches, and hands them to [`super::sink::drain`].

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::memory::MemorySchemaProvider;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::prelude::SessionContext;

use super::counts::Counts;
use super::decoded::{DecodedFile, DecodedTable};
use super::error::{Allowed, failed, from_datafusion, unknown_column};
use super::footers::Footers;
use super::named_files::with_names;
use super::parquet::{ParquetTable, pinned_url};
use super::session::Batches;
use crate::embedded::work::Work;
use crate::engines::bad_rows::Tally;
use crate::engines::counted::counted;
use crate::engines::job_spec::{BadRows, Input, JobSpec};
use crate::engines::table::{Format, PinnedFile, TableName};
use crate::engines::{EngineError, ErrorKind};

const READING: &str = "read the table";

/// The inputs of a job.
pub(crate) struct Tables {
    inputs: Vec<Input>,
    work: Work,
    context: SessionContext,
    bad_rows: BadRows,
    batch_rows: usize,
    views: bool,
    counts: Arc<Counts>,
}

impl Tables {
    /// Makes the inputs readable within a session. Nothing is opened yet.
    ///
    /// # Errors
    /// `InvalidInput` when an input is not whole.
    pub(crate) fn new(
        spec: &JobSpec,
        work: &Work,
        context: &SessionContext,
    ) -> Result<Self, EngineError> {
        for input in &spec.inputs {
            check_input(input)?;
        }
        let files: Vec<PinnedFile> = spec
            .inputs
            .iter()
            .filter(|input| input.format.format == Format::Parquet)
            .flat_map(|input| input.files.iter().map(|file| file.file.clone()))
            .collect();
        let allowed = allowed(work);
        let url = pinned_url().map_err(|error| from_datafusion(READING, allowed, error))?;
        let objects = work.files.pinned(&files);
        context.runtime_env().register_object_store(url.as_ref(), objects);
        let config = context.copied_config();
        let batch_rows = config.batch_size();
        // Views of texts keep whole pages alive while rows are sorted: faster, but not thrifty.
        let size: u64 = files.iter().map(|file| file.size_bytes).sum();
        let views =
            config.options().optimizer.prefer_hash_join && size <= work.memory_limit_bytes / 2;
        Ok(Self {
            inputs: spec.inputs.clone(),
            work: work.clone(),
            context: context.clone(),
            bad_rows: spec.bad_rows,
            batch_rows,
            views,
            counts: Arc::new(Counts::of(&spec.inputs)),
        })
    }

    /// Returns what reading has counted so far.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Returns the inputs as the job describes them.
    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Returns the size of all files, when reading them is counted in bytes.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        let counted = |input: &Input| input.format.format != Format::Parquet;
        let size =
            |input: &Input| -> u64 { input.files.iter().map(|file| file.file.size_bytes).sum() };
        self.inputs.iter().all(counted).then(|| self.inputs.iter().map(size).sum())
    }

    /// Makes every input a table of the session, `database.table` in ASCII lower case.
    pub(crate) fn register(&self) -> Result<(), EngineError> {
        let allowed = allowed(&self.work);
        let wrong = |error| from_datafusion(READING, allowed, error);
        for (index, input) in self.inputs.iter().enumerate() {
            let provider = self.provider(index, self.views)?;
            register(&self.context, &input.name, provider).map_err(wrong)?;
        }
        Ok(())
    }

    /// Returns an input as a table of DataFusion; with `views`, Parquet's texts are read as views, as
    /// DataFusion reads them by default.
    pub(crate) fn provider(
        &self,
        input: usize,
        views: bool,
    ) -> Result<Arc<dyn TableProvider>, EngineError> {
        let described = self.input(input)?;
        one_schema(described)?;
        if self.is_scanned(described) {
            Ok(Arc::new(self.parquet(described, views)?))
        } else {
            Ok(Arc::new(self.decoded(described)?))
        }
    }

    /// Returns the columns of an input, partition keys last.
    pub(crate) fn schema(&self, input: usize) -> Result<SchemaRef, EngineError> {
        let described = self.input(input)?;
        one_schema(described)?;
        table_schema(described, 0)
    }

    /// Streams an input in the order of its files, with these columns (all when `None`).
    pub(crate) fn stream(
        &self,
        input: usize,
        columns: Option<&[String]>,
    ) -> Result<Batches, EngineError> {
        let mut streams = self.split(input, columns, 1)?;
        streams.pop().ok_or_else(|| failed(ErrorKind::Unexpected, READING, "there is no stream"))
    }

    /// Streams an input as at most `parallelism` streams that hold all rows between them.
    pub(crate) fn streams(
        &self,
        input: usize,
        columns: Option<&[String]>,
    ) -> Result<Vec<Batches>, EngineError> {
        self.split(input, columns, self.context.copied_config().target_partitions())
    }

    /// Streams one file of an input in the schema the file itself has, partition keys last; the
    /// columns of `read_as` are read in its types instead.
    pub(crate) fn file_stream(
        &self,
        input: usize,
        file: usize,
        read_as: &BTreeMap<String, DataType>,
    ) -> Result<Batches, EngineError> {
        let described = self.input(input)?;
        let Some(one) = described.files.get(file) else {
            return Err(failed(
                ErrorKind::InvalidInput,
                READING,
                format!("there is no file {file}"),
            ));
        };
        let schema = usize::try_from(one.schema).ok().and_then(|at| described.schemas.get(at));
        let Some(schema) = schema else {
            return Err(failed(
                ErrorKind::InvalidInput,
                READING,
                format!("the job describes no schema of `{}`", one.file.path),
            ));
        };
        let mut alone = one.clone();
        alone.schema = 0;
        let mut schema = schema.clone();
        for column in &mut schema.columns {
            if let Some(data_type) = read_as.get(&column.name) {
                column.data_type.0 = data_type.clone();
            }
        }
        let alone = Input {
            name: described.name.clone(),
            format: described.format.clone(),
            schemas: vec![schema],
            partition_columns: described.partition_columns.clone(),
            files: vec![alone],
            version: described.version,
            left_out: Tally::default(),
            partitions: None,
            notes: Vec::new(),
        };
        let all = all_columns(&alone)?;
        let mut streams = self.split_input(&alone, &all, 1)?;
        streams.pop().ok_or_else(|| failed(ErrorKind::Unexpected, READING, "there is no stream"))
    }

    fn split(
        &self,
        input: usize,
        columns: Option<&[String]>,
        parts: usize,
    ) -> Result<Vec<Batches>, EngineError> {
        let described = self.input(input)?;
        one_schema(described)?;
        let schema = table_schema(described, 0)?;
        let projection = match columns {
            None => (0..schema.fields().len()).collect(),
            Some(columns) => columns
                .iter()
                .map(|column| column_index(&schema, column))
                .collect::<Result<Vec<_>, _>>()?,
        };
        self.split_input(described, &projection, parts)
    }

    fn split_input(
        &self,
        described: &Input,
        projection: &[usize],
        parts: usize,
    ) -> Result<Vec<Batches>, EngineError> {
        let task = self.context.task_ctx();
        let allowed = allowed(&self.work);
        let wrong = |error| from_datafusion(READING, allowed, error);
        let plan = if self.is_scanned(described) {
            let footers = Footers::of(&self.context.runtime_env()).map_err(wrong)?;
            self.parquet(described, false)?
                .unplanned(footers, projection, parts)
                .and_then(with_names)
        } else {
            self.decoded(described)?.plan(Some(projection), None, parts)
        }
        .map_err(wrong)?;
        let partitions = plan.properties().output_partitioning().partition_count();
        (0..partitions)
            .map(|partition| plan.execute(partition, Arc::clone(&task)).map_err(wrong))
            .collect()
    }

    /// Whether DataFusion's own source reads an input. It begins before it knows whether a file is
    /// whole, and so cannot leave one out.
    fn is_scanned(&self, described: &Input) -> bool {
        described.format.format == Format::Parquet && self.bad_rows != BadRows::Reject
    }

    fn parquet(&self, described: &Input, views: bool) -> Result<ParquetTable, EngineError> {
        let counts = Arc::clone(&self.counts);
        let file_schema = file_schema(described, 0)?;
        let partition_fields = partition_fields(described);
        let files = described
            .files
            .iter()
            .map(|file| Ok((file.file.clone(), partition_values(&partition_fields, &file.file)?)))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let table = ParquetTable { file_schema, partition_fields, files, counts };
        Ok(if views { table.with_views() } else { table })
    }

    fn decoded(&self, described: &Input) -> Result<DecodedTable, EngineError> {
        let fields = partition_fields(described);
        let files = described
            .files
            .iter()
            .map(|file| {
                let partition_values = partition_values(&fields, &file.file)?;
                Ok(Arc::new(DecodedFile { file: file.file.clone(), partition_values }))
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(DecodedTable {
            schema: table_schema(described, 0)?,
            file_columns: file_schema(described, 0)?.fields().len(),
            format: described.format.clone(),
            files,
            source: Arc::clone(&self.work.files),
            bad_rows: self.bad_rows,
            batch_rows: self.batch_rows,
            parallelism: self.context.copied_config().target_partitions(),
            counts: Arc::clone(&self.counts),
        })
    }

    fn input(&self, index: usize) -> Result<&Input, EngineError> {
        self.inputs.get(index).ok_or_else(|| {
            let message = format!(
                "the job has {}, and needs {}",
                counted(self.inputs.len(), "input"),
                index + 1
            );
            failed(ErrorKind::InvalidInput, READING, message)
        })
    }
}

/// Makes a table one of a session, `database.table` in ASCII lower case.
pub(super) fn register(
    context: &SessionContext,
    name: &TableName,
    provider: Arc<dyn TableProvider>,
) -> Result<(), DataFusionError> {
    let catalog = context.catalog("datafusion");
    let catalog = catalog
        .ok_or_else(|| DataFusionError::Internal("the session has no catalogue".to_owned()))?;
    let database = name.database.to_ascii_lowercase();
    let schema = if let Some(schema) = catalog.schema(&database) {
        schema
    } else {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(&database, Arc::clone(&schema))?;
        schema
    };
    schema.register_table(name.table.to_ascii_lowercase(), provider).map(drop)
}

/// Returns what a job may use, for the words of errors.
pub(crate) fn allowed(work: &Work) -> Allowed {
    Allowed { memory_bytes: work.memory_limit_bytes, disk_bytes: work.disk_limit_bytes }
}

/// Returns the index of a column: the exact name, else the only one that differs in ASCII case.
pub(crate) fn column_index(schema: &ArrowSchema, name: &str) -> Result<usize, EngineError> {
    if let Some((index, _)) = schema.fields().find(name) {
        return Ok(index);
    }
    let near: Vec<usize> = (0..schema.fields().len())
        .filter(|index| schema.field(*index).name().eq_ignore_ascii_case(name))
        .collect();
    match near.as_slice() {
        [index] => Ok(*index),
        [] => {
            let known: Vec<&str> =
                schema.fields().iter().map(|field| field.name().as_str()).collect();
            Err(unknown_column(READING, name, name, &known))
        }
        _ => Err(failed(
            ErrorKind::InvalidInput,
            READING,
            format!("several columns are called `{name}` but for upper and lower case"),
        )),
    }
}

fn check_input(input: &Input) -> Result<(), EngineError> {
    let keys = input.partition_columns.columns.len();
    for file in &input.files {
        let values = file.file.partition_values.len();
        if values != keys {
            let message = format!(
                "`{}` has {}, and `{}` has {}",
                file.file.path,
                counted(values, "partition value"),
                input.name,
                counted(keys, "partition key")
            );
            return Err(failed(ErrorKind::InvalidInput, READING, message));
        }
    }
    Ok(())
}

/// Only a merge reads files that disagree.
fn one_schema(input: &Input) -> Result<(), EngineError> {
    if input.schemas.len() == 1 {
        return Ok(());
    }
    let message =
        format!("the files of `{}` have {} different schemas", input.name, input.schemas.len());
    Err(failed(ErrorKind::InvalidInput, READING, message)
        .with_hint("run `table/merge` first, which brings them to one schema"))
}

fn file_schema(input: &Input, schema: usize) -> Result<SchemaRef, EngineError> {
    input.schemas.get(schema).map(crate::engines::schema::Schema::to_arrow).ok_or_else(|| {
        failed(ErrorKind::InvalidInput, READING, format!("`{}` has no schema", input.name))
    })
}

fn partition_fields(input: &Input) -> Vec<FieldRef> {
    let has_null = |key: usize| {
        input.files.iter().any(|file| matches!(file.file.partition_values.get(key), Some(None)))
    };
    let field = |(key, field): (usize, &FieldRef)| {
        let name = field.name().clone();
        Arc::new(Field::new(name, field.data_type().clone(), has_null(key)))
    };
    input.partition_columns.to_arrow().fields().iter().enumerate().map(field).collect()
}

/// The fields of partition keys where it is not known which files there are.
pub(super) fn nullable_partition_fields(input: &Input) -> Vec<FieldRef> {
    let nullable =
        |field: &FieldRef| Arc::new(Field::new(field.name(), field.data_type().clone(), true));
    input.partition_columns.to_arrow().fields().iter().map(nullable).collect()
}

fn table_schema(input: &Input, schema: usize) -> Result<SchemaRef, EngineError> {
    schema_with(input, schema, partition_fields(input))
}

/// Returns the columns of one of an input's schemas, with those of its partition keys last.
pub(super) fn schema_with(
    input: &Input,
    schema: usize,
    partition_fields: Vec<FieldRef>,
) -> Result<SchemaRef, EngineError> {
    let mut fields: Vec<FieldRef> = file_schema(input, schema)?.fields().to_vec();
    fields.extend(partition_fields);
    Ok(Arc::new(ArrowSchema::new(fields)))
}

fn all_columns(input: &Input) -> Result<Vec<usize>, EngineError> {
    Ok((0..table_schema(input, 0)?.fields().len()).collect())
}

/// Returns the value of a partition key in the key's type.
pub(super) fn partition_value(
    text: Option<&String>,
    data_type: &DataType,
) -> Result<ScalarValue, DataFusionError> {
    match text {
        None => ScalarValue::try_from(data_type),
        Some(text) => ScalarValue::try_from_string(text.clone(), data_type),
    }
}

/// The values of a file's partition keys in the types of the keys.
fn partition_values(
    fields: &[FieldRef],
    file: &PinnedFile,
) -> Result<Vec<ScalarValue>, EngineError> {
    let value = |(text, field): (&Option<String>, &FieldRef)| {
        partition_value(text.as_ref(), field.data_type())
    };
    file.partition_values.iter().zip(fields).map(value).collect::<Result<Vec<_>, _>>().map_err(
        |error| {
            let message = format!(
                "the path `{}` has a partition value that does not fit: {error}",
                file.path
            );
            failed(ErrorKind::InvalidInput, READING, message)
        },
    )
}
