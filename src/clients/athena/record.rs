//! What is written down of a job, `.mason/athena/<token>/`, each document once:
//!
//! | document        | says |
//! |-----------------|------|
//! | `job.json`      | for whom, what, with which parameters: nothing runs yet |
//! | `starting.json` | it may have been started, since when |
//! | `query.json`    | which query it is |
//! | `refused.json`  | it was not started, because Athena refused to, for this reason |
//! | `stopped.json`  | it is to stop, and starts no more |
//! | `nothing.json`  | it was never started, and its token is taken: it never will be |
//!
//! A start writes `starting.json` and then looks for `stopped.json`; a stop writes `stopped.json` and then looks for
//! `starting.json`. So one of them sees the other.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engines::files::Files;
use crate::engines::job::JobOwner;
use crate::engines::job_spec::AnswerLimits;
use crate::engines::table::StoragePath;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::threads::blocking;

/// The folder of all records.
const FOLDER: &str = ".mason/athena";

pub(super) const JOB: &str = "job";
pub(super) const STARTING: &str = "starting";
pub(super) const QUERY: &str = "query";
pub(super) const REFUSED: &str = "refused";
pub(super) const STOPPED: &str = "stopped";
pub(super) const NOTHING: &str = "nothing";

/// A job, with the parameters that it is started with: the same ones whenever it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub(super) owner: JobOwner,
    pub(super) operation: String,
    pub(super) created_at: Timestamp,
    pub(super) statement: String,
    pub(super) database: Option<String>,
    pub(super) catalog: String,
    pub(super) workgroup: String,
    pub(super) output_location: Option<String>,
    pub(super) limits: AnswerLimits,
}

/// When something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct At {
    pub(super) at: Timestamp,
}

/// The query of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Query {
    pub(super) id: String,
}

/// The records of one job.
#[derive(Clone)]
pub(super) struct Records {
    files: Arc<dyn Files>,
    token: String,
    client: String,
}

impl Records {
    /// Returns those of a token.
    pub(super) fn of(files: &Arc<dyn Files>, token: &str, client: &str) -> Self {
        Self { files: Arc::clone(files), token: token.to_owned(), client: client.to_owned() }
    }

    fn error(&self, kind: ErrorKind, message: String) -> EngineError {
        EngineError::new(kind, &self.client, "keep the records of a job", message)
    }

    fn path(&self, document: &str) -> Result<StoragePath, EngineError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.token.is_empty() || !self.token.chars().all(plain) {
            let message = format!("{:?} is no job", self.token);
            return Err(self.error(ErrorKind::NotFound, message));
        }
        let path = StoragePath::new(&format!("{FOLDER}/{}/{document}.json", self.token));
        path.map_err(|wrong| self.error(ErrorKind::InvalidInput, wrong.to_string()))
    }

    /// Returns a document, if it is there.
    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
        &self,
        document: &'static str,
    ) -> Result<Option<T>, EngineError> {
        let (own, path) = (self.clone(), self.path(document)?);
        blocking(move || match own.files.read(&path) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|source| {
                let message = format!("`{path}` is not readable: {source}");
                own.error(ErrorKind::Unexpected, message).with_source(source)
            }),
        })
        .await
    }

    /// Returns whether a document is there.
    pub(super) async fn has(&self, document: &'static str) -> Result<bool, EngineError> {
        Ok(self.read::<serde_json::Value>(document).await?.is_some())
    }

    /// Writes a document, unless it is there; returns whether it was written.
    pub(super) async fn publish<T: Serialize>(
        &self,
        document: &'static str,
        content: &T,
    ) -> Result<bool, EngineError> {
        let (own, path) = (self.clone(), self.path(document)?);
        let bytes = serde_json::to_vec(content).map_err(|source| {
            self.error(ErrorKind::Unexpected, source.to_string()).with_source(source)
        })?;
        blocking(move || own.files.publish(&path, &bytes)).await
    }

    /// Checks that documents are written once.
    pub(super) async fn check(&self) -> Result<(), EngineError> {
        let own = self.clone();
        blocking(move || own.files.check_publishing()).await
    }
}
