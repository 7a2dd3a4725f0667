//! What came of a job: what it read, what it wrote and committed, what it answers. The protocol between
//! every engine that executes jobs and the runs that wait for them; pure values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answer::Conclusion;
use super::job::{JobOwner, JobToken};
use super::job_spec::Input;
use super::metastore::Change;
use super::partitions::PartitionsRead;
use super::schema::{Schema, SchemaConflict, SchemaFound};
use super::table::{FileFormat, PinnedFile, StoragePath, TableName, TableVersion};

/// The proof of a job that ended well, written by the job itself under its token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOutcome {
    /// The token it worked under.
    pub token: JobToken,
    /// For whom.
    pub owner: JobOwner,
    /// The answer: rows as an array of objects, or one object. Bounded by the spec's limits.
    pub answer: Value,
    /// How many rows the answer has in all.
    pub rows: Option<u64>,
    /// Whether `answer` is only a part.
    pub truncated: bool,
    /// What it read: one line for each of its inputs, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Reads>,
    /// What was committed, when the job has a sink of files.
    pub commit: Option<Commit>,
    /// What a catalogue has to be told of it, when the sink says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<Box<Change>>,
    /// What a person should know: casts, nulls, rejected rows, a changed join algorithm.
    pub warnings: Vec<String>,
    /// How its inputs were read, where that was detected and is unusual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub info: Vec<String>,
    /// What it amounts to, of an operator's job that wrote no files: the run that collects it looks nothing up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concluded: Option<Box<Conclusion>>,
}

/// A table that a job read, as it was pinned: what the job opened of it was one of these files, unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reads {
    /// The table.
    pub table: TableName,
    /// Its version, when Mason manages it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
    /// `sha256:` over the pins of its files: path, size, time and identity, in the order of the paths. The same
    /// files give the same digest; a file that was written anew gives another one.
    pub digest: String,
    /// How many files were read of it.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How many of its partitions were read, where it has partition keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionsRead>,
}

impl Reads {
    /// Returns what a job reads of an input.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        let mut files: Vec<&PinnedFile> = input.files.iter().map(|file| &file.file).collect();
        files.sort_unstable_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
        let mut hash = Sha256::new();
        for file in &files {
            for part in [file.path.as_str(), file.identity.as_deref().unwrap_or_default()] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            hash.update(file.size_bytes.to_le_bytes());
            hash.update(file.modified_ns.to_le_bytes());
        }
        Self {
            table: input.name.clone(),
            version: input.version,
            digest: format!("sha256:{:x}", hash.finalize()),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            partitions: input.partitions,
        }
    }
}

/// Files that became visible at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// What the table is called; absent in what a Mason recorded that took the name out of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The folder.
    pub location: String,
    /// The generation of its manifest.
    pub version: TableVersion,
    /// How many files were written.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// `sha256:` of the manifest.
    pub digest: String,
    /// The attempt that committed: another attempt's commit of the same run counts as this one's.
    pub attempt: u32,
}

/// What a job of [`Operation::Infer`](super::job_spec::Operation::Infer) answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum InferAnswer {
    /// All files have one schema.
    #[serde(rename_all = "camelCase")]
    Same {
        /// How the files are read.
        format: FileFormat,
        /// Their columns, without those that come from the path.
        schema: Schema,
        /// Columns that come from the path, with their types.
        partition_columns: Schema,
        /// How the schema was found.
        found: SchemaFound,
        /// How many files the table has, those without content included.
        files: u64,
        /// What a reader should know: conversions, skipped empty files, detected headers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        /// Columns of text with what kept each from the type that most of its values are of.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        why_text: BTreeMap<String, String>,
    },
    /// The files disagree.
    #[serde(rename_all = "camelCase")]
    Conflict {
        /// How the files are read.
        format: FileFormat,
        /// How they disagree.
        conflict: Box<SchemaConflict>,
        /// Columns that come from the path, with their types.
        partition_columns: Schema,
        /// How the schemas were found.
        found: SchemaFound,
        /// Each file that was read with the index of its schema in `conflict.schemas`.
        files: Vec<(PinnedFile, u32)>,
        /// What a reader should know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
}

impl InferAnswer {
    /// Returns how the files are read.
    #[must_use]
    pub fn format(&self) -> &FileFormat {
        match self {
            Self::Same { format, .. } | Self::Conflict { format, .. } => format,
        }
    }
}

/// Files that are written but not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The files.
    pub files: Vec<WrittenFile>,
    /// Their columns, without the partition keys.
    pub schema: Schema,
    /// The partition keys with their types, in the order of the path.
    pub partition_columns: Schema,
}

impl Written {
    /// Returns the columns with the partition keys last.
    #[must_use]
    pub fn full_schema(&self) -> Schema {
        let columns = self.schema.columns.iter().chain(&self.partition_columns.columns);
        Schema { columns: columns.cloned().collect() }
    }
}

/// One written file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenFile {
    /// Where it is.
    pub path: StoragePath,
    /// Its size.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// Its rows.
    pub rows: u64,
    /// Values of the partition keys, in their order; `None` is a null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_values: Vec<Option<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::bad_rows::Tally;
    use crate::engines::job_spec::InputFile;
    use crate::engines::table::Format;

    fn input(files: &[(&str, u64, i64)]) -> Input {
        let pinned = |&(path, size_bytes, modified_ns): &(&str, u64, i64)| InputFile {
            file: PinnedFile {
                path: StoragePath::new(path).expect("should be a path"),
                size_bytes,
                modified_ns,
                identity: None,
                partition_values: Vec::new(),
            },
            schema: 0,
        };
        Input {
            name: TableName { database: "sales".into(), table: "orders".into() },
            format: FileFormat::of(Format::Csv),
            schemas: Vec::new(),
            partition_columns: Schema::default(),
            files: files.iter().map(pinned).collect(),
            version: Some(TableVersion(3)),
            left_out: Tally::default(),
            partitions: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_digest_is_that_of_the_files_in_whatever_order_they_are_listed() {
        let read = Reads::of(&input(&[("a.csv", 1, 7), ("b.csv", 2, 8)]));
        assert_eq!((read.files, read.bytes, read.version), (2, 3, Some(TableVersion(3))));
        assert_eq!(Reads::of(&input(&[("b.csv", 2, 8), ("a.csv", 1, 7)])), read);
        for other in [
            &[("a.csv", 1, 7), ("b.csv", 2, 9)][..],
            &[("a.csv", 1, 7), ("b.csv", 3, 8)],
            &[("a.csv", 1, 7), ("c.csv", 2, 8)],
            &[("a.csv", 1, 7)],
        ] {
            assert_ne!(Reads::of(&input(other)).digest, read.digest, "{other:?}");
        }
    }
}
