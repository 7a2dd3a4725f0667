//! What an operator answers, and the effect that may remain to be done.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::JobId;
use super::metastore::{Change, Changed};
use crate::api::v1alpha1::{ResultKind, ResultReference};

/// One effect that an operator ends with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Effect {
    /// A change of the metastore, made once per run.
    Metastore {
        /// The change.
        #[serde(flatten)]
        change: Change,
    },
    /// Asks another run's job to stop; asking twice changes nothing.
    CancelJob {
        /// The job.
        id: JobId,
    },
}

/// What a job's proof amounts to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conclusion {
    /// The answer.
    pub answer: Answer,
    /// What remains to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What an operator answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What sort of answer it is.
    pub kind: ResultKind,
    /// The answer, as the result schema says.
    pub data: Value,
    /// How many rows there are in all, if it is rows.
    pub rows: Option<u64>,
    /// Whether `data` is only a part.
    pub truncated: bool,
    /// What may surprise.
    pub warnings: Vec<String>,
    /// What is good to know.
    pub info: Vec<String>,
    /// Where the whole answer is stored, if `data` is a preview of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ResultReference>,
}

impl Answer {
    /// Makes a whole answer of one object.
    #[must_use]
    pub fn object(data: Value) -> Self {
        Self {
            kind: ResultKind::Object,
            data,
            rows: None,
            truncated: false,
            warnings: Vec::new(),
            info: Vec::new(),
            reference: None,
        }
    }

    /// Adds what an effect did, under `changed`.
    #[must_use]
    pub fn with_changed(mut self, changed: &Changed) -> Self {
        if let Value::Object(object) = &mut self.data {
            object
                .insert("changed".to_owned(), serde_json::to_value(changed).unwrap_or(Value::Null));
        }
        self.info.push(changed.what.clone());
        self
    }
}

/// What would be done: the answer of a dry run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkPlan {
    /// In words: `write sales.by_city as parquet`.
    pub what: String,
    /// How many files are read.
    pub files_read: u64,
    /// Their size.
    pub bytes_read: u64,
    /// How many rows are read, if it is known.
    pub rows_read: Option<u64>,
    /// How many partitions are read, of tables with partition keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions_read: Option<u64>,
    /// How many partitions these tables have, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions_total: Option<u64>,
    /// Where is written, or what is changed.
    pub target: Option<String>,
    /// What would be overwritten or deleted: paths or tables, at most 100.
    pub overwrites: Vec<String>,
    /// How many there are in all; at least so many where `what` says "more than".
    pub overwrites_total: u64,
}

impl WorkPlan {
    /// Returns it as the answer of what was not done yet, or is not to be done.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        Answer::object(serde_json::to_value(self).unwrap_or_default())
    }
}
