//! Engines whose calls are counted and traced; otherwise they are what they wrap.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use object_store::ObjectStore;
use tracing::Instrument;

use crate::api::v1alpha1::EngineChoice;
use crate::engines::execution::Fence;
use crate::engines::job::{JobId, JobOwner, JobRequest, JobStatus};
use crate::engines::job_spec::JobSpec;
use crate::engines::metastore::{Author, Change, Changed, Changes, TableEntry};
use crate::engines::partitions::PartitionFilter;
use crate::engines::reading::Reading;
use crate::engines::result::JobOutcome;
use crate::engines::schema::Schema;
use crate::engines::table::{Database, FileFormat, PinnedFile, Table, TableLookup, TableName};
use crate::engines::{ByRole, EngineError, Engines, Execution, Lookup, Metastore, Role, Storage};
use crate::metrics::{EngineCall, Metrics};

/// Returns the same engines, with their calls counted by the types of the chosen clients.
#[must_use]
pub fn measured(
    engines: Engines,
    choices: &ByRole<Option<&EngineChoice>>,
    metrics: &Metrics,
) -> Engines {
    let by = |role| By {
        client: choices.get(role).map_or("none", |choice| choice.kind.as_str()),
        metrics: metrics.clone(),
    };
    let Engines { metastore, storage, execution, in_job, pruner } = engines;
    Engines {
        metastore: metastore.map(|inner| Measured::of(inner, by(Role::Metastore)) as _),
        storage: storage.map(|inner| Measured::of(inner, by(Role::Storage)) as _),
        execution: execution.map(|inner| Measured::of(inner, by(Role::Execution)) as _),
        in_job,
        pruner,
    }
}

/// An engine of one role whose calls are counted.
struct Measured<T: ?Sized> {
    inner: Arc<T>,
    by: By,
}

impl<T: ?Sized> Measured<T> {
    fn of(inner: Arc<T>, by: By) -> Arc<Self> {
        Arc::new(Self { inner, by })
    }
}

/// How calls are counted.
struct By {
    client: &'static str,
    metrics: Metrics,
}

impl By {
    /// Makes a call.
    async fn call<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let mut call = self.begin(operation);
        let span = tracing::info_span!("engine", client = self.client, operation);
        let done = work.instrument(span).await;
        call.failure = done.as_ref().err().map(|error| error.kind.as_str());
        done
    }

    /// Makes a call whose answer comes piece by piece.
    fn stream<'a, T: 'a>(
        &self,
        operation: &'static str,
        answer: BoxStream<'a, Result<T, EngineError>>,
    ) -> BoxStream<'a, Result<T, EngineError>> {
        let mut call = self.begin(operation);
        call.failure = None;
        let seen = move |piece: &Result<T, EngineError>| {
            if let Err(error) = piece {
                call.fail(error);
            }
        };
        answer.inspect(seen).boxed()
    }

    /// Begins a call, which counts as given up unless something else is said before it is dropped.
    fn begin(&self, operation: &'static str) -> Call {
        let (client, metrics) = (self.client, self.metrics.clone());
        Call { client, operation, began: Instant::now(), failure: Some("GivenUp"), metrics }
    }
}

/// A call under way, counted when it is dropped.
struct Call {
    client: &'static str,
    operation: &'static str,
    began: Instant,
    failure: Option<&'static str>,
    metrics: Metrics,
}

impl Call {
    fn fail(&mut self, error: &EngineError) {
        self.failure = Some(error.kind.as_str());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Self { client, operation, failure, .. } = *self;
        let length = self.began.elapsed();
        self.metrics.calls.engine(&EngineCall { client, operation, length, failure });
    }
}

#[async_trait]
impl Metastore for Measured<dyn Metastore> {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        self.by.stream("metastore.list_databases", self.inner.list_databases())
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        self.by.call("metastore.get_database", self.inner.get_database(name)).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        self.by.stream("metastore.list_tables", self.inner.list_tables(database))
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        self.by.call("metastore.find_table", self.inner.find_table(name)).await
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        self.by.call("metastore.get_table", self.inner.get_table(name, reading)).await
    }

    async fn find_partitioned(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let found = self.inner.find_partitioned(name, reading);
        self.by.call("metastore.find_partitioned", found).await
    }

    async fn get_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        let pruned = self.inner.get_pruned(name, reading, filter);
        self.by.call("metastore.get_pruned", pruned).await
    }

    fn knows_commits(&self) -> bool {
        self.inner.knows_commits()
    }

    fn check_columns(
        &self,
        format: &FileFormat,
        columns: &Schema,
        partition_keys: &[String],
    ) -> Result<(), EngineError> {
        self.inner.check_columns(format, columns, partition_keys)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        self.inner.changes().map(|_| self as &dyn Changes)
    }
}

impl Measured<dyn Metastore> {
    /// Returns the part that changes things, which is there whenever this one was given out.
    fn inner_changes(&self) -> Result<&dyn Changes, EngineError> {
        self.inner.changes().ok_or_else(|| {
            let kind = crate::engines::ErrorKind::Unsupported;
            EngineError::new(kind, self.by.client, "change the metastore", "it cannot be changed")
        })
    }
}

#[async_trait]
impl Changes for Measured<dyn Metastore> {
    async fn check(&self) -> Result<(), EngineError> {
        self.by.call("metastore.check", self.inner_changes()?.check()).await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        self.by.call("metastore.apply", self.inner_changes()?.apply(change, author)).await
    }

    async fn find(&self, change: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        self.by.call("metastore.find_change", self.inner_changes()?.find(change, author)).await
    }

    async fn fence(
        &self,
        change: &Change,
        author: &Author,
    ) -> Result<Lookup<Changed>, EngineError> {
        self.by.call("metastore.fence", self.inner_changes()?.fence(change, author)).await
    }
}

#[async_trait]
impl Storage for Measured<dyn Storage> {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        self.inner.objects()
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        self.by.stream("storage.list_files", self.inner.list_files(location))
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        self.by.call("storage.exists", self.inner.exists(location)).await
    }
}

#[async_trait]
impl Execution for Measured<dyn Execution> {
    async fn create(&self, spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        self.by.call("execution.create", self.inner.create(spec, request)).await
    }

    fn job_kind(&self) -> &'static str {
        self.inner.job_kind()
    }

    fn reads_names(&self) -> bool {
        self.inner.reads_names()
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        self.by.call("execution.release", self.inner.release(id)).await
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        self.by.call("execution.find", self.inner.find(request)).await
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        self.by.call("execution.status", self.inner.status(id)).await
    }

    fn vanished(&self, id: &JobId, owner: &JobOwner) -> Option<JobStatus> {
        self.inner.vanished(id, owner)
    }

    async fn sweep(&self, ended: &[JobRequest]) -> Result<(), EngineError> {
        self.by.call("execution.sweep", self.inner.sweep(ended)).await
    }

    async fn ended(&self, id: &JobId) {
        self.inner.ended(id).await;
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        self.by.call("execution.collect", self.inner.collect(id)).await
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        self.by.call("execution.cancel", self.inner.cancel(id)).await
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        self.by.call("execution.fence", self.inner.fence(request)).await
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        self.by.stream("execution.list", self.inner.list())
    }

    async fn logs(&self, id: &JobId, max_lines: usize) -> Result<Vec<String>, EngineError> {
        self.by.call("execution.logs", self.inner.logs(id, max_lines)).await
    }
}
