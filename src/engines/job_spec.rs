//! The description of one job: one versioned JSON document that every execution client compiles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::bad_rows::BadRows;
use super::bad_rows::Tally;
use super::job::JobToken;
use super::partitions::PartitionsRead;
use super::reading::Reading;
use super::request::OperatorJob;
use super::schema::{ColumnType, Schema};
use super::table::{
    FileFormat, Format, PathError, PinnedFile, StoragePath, TableName, TableVersion,
};
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;

/// One job: pinned inputs, one operation, one sink, limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSpec {
    /// The version of this document; [`JobSpec::VERSION`].
    pub version: u32,
    /// What is read. Operations on one table read the first.
    pub inputs: Vec<Input>,
    /// What is done.
    pub operation: Operation,
    /// Where the outcome goes.
    pub sink: Sink,
    /// What happens to values that cannot be read, converted or written.
    #[serde(default)]
    pub bad_rows: BadRows,
    /// Bounds on the answer.
    pub limits: AnswerLimits,
}

impl JobSpec {
    /// The version this program writes. Documents of version 1, whose types are text, are read too.
    pub const VERSION: u32 = 2;

    /// Returns whether this program understands the document.
    #[must_use]
    pub fn is_known(&self) -> bool {
        (1..=Self::VERSION).contains(&self.version)
    }
}

/// A statement of a definition, with what its placeholders stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundStatement {
    /// The statement, with placeholders `$name`.
    pub statement: String,
    /// What each stands for, by name without `$`.
    pub bindings: BTreeMap<String, Binding>,
}

/// What a placeholder of a statement stands for. It becomes a node of the parsed tree, never text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "value")]
pub enum Binding {
    /// A database, table or column, quoted.
    Identifier(String),
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// An instant.
    Timestamp(jiff::Timestamp),
    /// A length of time in microseconds.
    Microseconds(i64),
    /// Texts, for `in ($name)`.
    List(Vec<String>),
    /// No value was given.
    Null,
}

/// A table as it was when the job was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// The table's name, by which SQL refers to it.
    pub name: TableName,
    /// How its files are read.
    pub format: FileFormat,
    /// The distinct schemas of its files, without partition keys; one unless the files disagree.
    pub schemas: Vec<Schema>,
    /// Columns that come from the path, with their types.
    pub partition_columns: Schema,
    /// The files, each with the index of its schema in `schemas`.
    pub files: Vec<InputFile>,
    /// The version of the table, when Mason manages it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
    /// Files that were left out when the table was looked up, for the warnings of the outcome.
    #[serde(default, skip_serializing_if = "Tally::is_none")]
    pub left_out: Tally,
    /// What a reader should know of how the files are read, for the outcome: what was detected, and is unusual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many partitions of the table the files are of, where it has partition keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionsRead>,
}

impl Input {
    /// Returns it without its files.
    #[must_use]
    pub fn without_files(&self) -> Self {
        let Self { name, format, schemas, partition_columns, version, left_out, notes, .. } = self;
        Self {
            partitions: self.partitions,
            name: name.clone(),
            format: format.clone(),
            schemas: schemas.clone(),
            partition_columns: partition_columns.clone(),
            files: Vec::new(),
            version: *version,
            left_out: left_out.clone(),
            notes: notes.clone(),
        }
    }
}

/// A file of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFile {
    /// The file as it was.
    #[serde(flatten)]
    pub file: PinnedFile,
    /// The index of its schema in the input's `schemas`.
    #[serde(default)]
    pub schema: u32,
}

/// What is done with the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Operation {
    /// One query in the engine's dialect; tables are `database.table`, and `$table` is `this_table`.
    #[serde(rename_all = "camelCase")]
    Query {
        /// The statement, as the user wrote it.
        sql: String,
        /// What `$table` stands for.
        this_table: Option<TableName>,
        /// The database that unqualified names are looked up in.
        default_database: Option<String>,
        /// Whether the definition allows more than one read-only query.
        allow_writing: bool,
        /// What the statement's placeholders stand for, by name without `$`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        bindings: BTreeMap<String, Binding>,
    },
    /// The first rows.
    Preview {
        /// How many.
        rows: u64,
    },
    /// Statistics of every column.
    #[serde(rename_all = "camelCase")]
    Summarize {
        /// The columns; all when empty.
        columns: Vec<String>,
        /// Whether distinct counts, quantiles and top values may be estimates.
        method: SummaryMethod,
        /// Which quantiles of orderable columns, each within 0 to 1.
        quantiles: Vec<f64>,
        /// How many of the most frequent values.
        top: u32,
    },
    /// Finds the schema of the files (the input's `schemas` is empty).
    #[serde(rename_all = "camelCase")]
    Infer {
        /// How much is read; everything when `None`.
        sample: Option<Sample>,
        /// What is known of delimited text already.
        #[serde(default)]
        reading: Reading,
    },
    /// Files of differing schemas to one.
    #[serde(rename_all = "camelCase")]
    Merge {
        /// What happens to a column whose types have no lossless common type.
        on_conflict: MergeRule,
        /// Columns made from nested values: new column name to path, `address.city`, `items[0].sku`.
        extract_paths: BTreeMap<String, String>,
    },
    /// Another format or layout; nothing else changes.
    #[serde(rename_all = "camelCase")]
    Format {
        /// The columns to keep; all when empty.
        columns: Vec<String>,
        /// Only this many rows, the first in the order of files.
        sample_rows: Option<u64>,
    },
    /// One row per key.
    #[serde(rename_all = "camelCase")]
    Deduplicate {
        /// The key; all columns when empty.
        keys: Vec<String>,
        /// Which row stays: the first by these columns (`-column` for descending), then by every other column.
        order_by: Vec<String>,
    },
    /// Two tables to one.
    #[serde(rename_all = "camelCase")]
    Join {
        /// How rows without a partner are treated.
        join: JoinKind,
        /// Pairs of columns that must be equal: left, right.
        on: Vec<(String, String)>,
        /// Put behind the name of a right column that the left has too.
        suffix: String,
    },
    /// Lists to rows, structs to columns.
    #[serde(rename_all = "camelCase")]
    Explode {
        /// The columns; lists become rows, structs become columns `column_field`.
        columns: Vec<String>,
        /// Whether a row with an empty or null list stays, with null.
        outer: bool,
    },
    /// Other types for columns.
    #[serde(rename_all = "camelCase")]
    Cast {
        /// Column to wanted type.
        columns: BTreeMap<String, ColumnType>,
    },
    /// Made-up rows of a schema (no inputs).
    Fake {
        /// The columns.
        schema: Schema,
        /// How many rows.
        rows: u64,
        /// The same seed gives the same rows.
        seed: u64,
    },
    /// What an operator does over data that the job itself has to read first (no inputs; the sink is that of the
    /// job which is planned then).
    Operator(Box<OperatorJob>),
    /// A container of a definition (no inputs).
    Container {
        /// The container, as the definition has it.
        container: Box<ContainerAction>,
        /// The parameters of the run.
        parameters: Parameters,
    },
}

impl Operation {
    /// Returns what a job of it does, in a word: the operation's, or of an operator's job the operator's command.
    #[must_use]
    pub fn command(&self) -> &str {
        match self {
            Self::Operator(job) => job.operator.rsplit('.').next().unwrap_or_default(),
            other => other.as_str(),
        }
    }

    /// Returns the operation's word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Query { .. } => "query",
            Self::Preview { .. } => "preview",
            Self::Summarize { .. } => "summarize",
            Self::Infer { .. } => "infer",
            Self::Merge { .. } => "merge",
            Self::Format { .. } => "format",
            Self::Deduplicate { .. } => "deduplicate",
            Self::Join { .. } => "join",
            Self::Explode { .. } => "explode",
            Self::Cast { .. } => "cast",
            Self::Fake { .. } => "fake",
            Self::Operator(_) => "operator",
            Self::Container { .. } => "container",
        }
    }
}

/// Whether a summary may estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SummaryMethod {
    /// One pass; distinct counts, quantiles and top values are estimates with a stated error.
    Approximate,
    /// Every figure is exact; needs more memory and time.
    Exact,
}

/// How much of the data an inference reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// At most this many files, the first by path.
    pub files: u64,
    /// At most this many rows of each.
    pub rows: u64,
}

/// What a merge does with a column whose types have no lossless common type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeRule {
    /// The job fails and names the column.
    Fail,
    /// The column becomes text, each value as it was printed.
    Text,
    /// The column gets the most frequent type; values that do not fit are null, and counted.
    Null,
}

/// How rows without a partner are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinKind {
    /// Left out.
    Inner,
    /// Left rows stay.
    Left,
    /// Right rows stay.
    Right,
    /// Both stay.
    Full,
    /// Left rows with a partner, left columns only.
    Semi,
    /// Left rows without a partner, left columns only.
    Anti,
}

/// Where the outcome goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Sink {
    /// Into the job's answer, within the limits.
    Answer,
    /// Into files that become visible at once.
    Files(Box<FileSink>),
}

/// Files that become visible at once, under the next generation of their folder's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSink {
    /// What the table is called; absent in documents of a Mason that took the name out of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The folder, below the storage's root: `<database>/<table>` for a managed table.
    pub location: String,
    /// The format.
    pub format: Format,
    /// Columns that become folders `column=value`, outermost first.
    pub partition_by: Vec<String>,
    /// What happens when the folder holds a table already.
    pub mode: WriteMode,
    /// The size at which a file is ended and another begun, before compression of the last block.
    pub target_file_size_bytes: u64,
    /// The version of the folder's table when the job was planned; `None` when there was none.
    pub expected: Option<TableVersion>,
    /// Whether a catalogue has to be told of the table: what is committed then counts once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<Register>,
}

/// How a catalogue is told of a table that a job wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// The version of the table that is replaced; `None` when there must be none.
    pub expected: Option<TableVersion>,
}

impl FileSink {
    /// How the name of a folder begins that a job writes to, directly in the table's. What is in it is of
    /// the table only when a manifest names it.
    pub const STAGING_PREFIX: &str = "mason-job-";

    /// Returns the folder that the job of a token writes to, committed or not.
    ///
    /// # Errors
    /// When the location is no path.
    pub fn staging(&self, token: &JobToken) -> Result<StoragePath, PathError> {
        StoragePath::new(&self.location)?.join(&format!("{}{token}", Self::STAGING_PREFIX))
    }
}

/// What happens when there is a table already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// It is an error.
    #[default]
    Error,
    /// Its content is replaced, at once.
    Replace,
    /// Rows are added; the schemas must be equal.
    Append,
}

/// Bounds on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerLimits {
    /// Most rows in the answer.
    pub rows: u64,
    /// Most bytes of JSON in the answer.
    pub bytes: u64,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { rows: 1_000, bytes: 64 * 1024 }
    }
}
