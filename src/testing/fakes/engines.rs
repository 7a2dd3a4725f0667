//! Engines that act on the world.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::world::{Call, SharedWorld, World};
use crate::api::v1alpha1::EngineChoice;
use crate::engines::execution::{Execution, Fence};
use crate::engines::job::{JobId, JobOwner, JobRequest, JobStatus};
use crate::engines::job_spec::JobSpec;
use crate::engines::metastore::{Author, Change, Changed, Changes, Metastore, TableEntry};
use crate::engines::reading::Reading;
use crate::engines::result::JobOutcome;
use crate::engines::storage::Storage;
use crate::engines::table::{Database, PinnedFile, TableLookup, TableName};
use crate::engines::{EngineError, Engines, ErrorKind, Lookup};
use crate::runs::OpenEngines;
use crate::validate::ValidRun;

/// Every role, acting on one world.
#[derive(Clone)]
pub struct FakeEngines(pub SharedWorld);

impl FakeEngines {
    /// Returns the engines of the world.
    #[must_use]
    pub fn engines(&self) -> Engines {
        Engines {
            metastore: Some(Arc::new(self.clone())),
            storage: Some(Arc::new(self.clone())),
            execution: Some(Arc::new(self.clone())),
            ..Engines::default()
        }
    }
}

#[async_trait]
impl OpenEngines for FakeEngines {
    async fn open(&self, _run: &ValidRun) -> Result<Engines, EngineError> {
        World::of(&self.0).call(Call::Open, |_| Ok(self.engines()))
    }

    async fn open_storage(
        &self,
        _run: &ValidRun,
        _client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        World::of(&self.0).call(Call::Open, |_| Ok(Arc::new(self.clone()) as Arc<dyn Storage>))
    }
}

#[async_trait]
impl Execution for FakeEngines {
    async fn create(&self, _spec: &JobSpec, request: &JobRequest) -> Result<JobId, EngineError> {
        let JobRequest { token, owner, .. } = request;
        World::of(&self.0).call(Call::Create, |world| world.create(token, owner))
    }

    fn job_kind(&self) -> &'static str {
        "FakeJob"
    }

    async fn release(&self, id: &JobId) -> Result<(), EngineError> {
        World::of(&self.0).call(Call::Release, |world| world.release(id))
    }

    async fn find(&self, request: &JobRequest) -> Result<Lookup<JobStatus>, EngineError> {
        World::of(&self.0).call(Call::Find, |world| Ok(world.find(request)))
    }

    async fn status(&self, id: &JobId) -> Result<JobStatus, EngineError> {
        let mut world = World::of(&self.0);
        let job = world.by_id(id)?.1.clone();
        Ok(world.status_of(&job))
    }

    fn vanished(&self, _id: &JobId, _owner: &JobOwner) -> Option<JobStatus> {
        None
    }

    async fn sweep(&self, _ended: &[JobRequest]) -> Result<(), EngineError> {
        Ok(())
    }

    async fn ended(&self, _id: &JobId) {
        std::future::pending::<()>().await;
    }

    async fn collect(&self, id: &JobId) -> Result<JobOutcome, EngineError> {
        World::of(&self.0).call(Call::Collect, |world| world.collect(id))
    }

    async fn cancel(&self, id: &JobId) -> Result<(), EngineError> {
        World::of(&self.0).call(Call::Cancel, |world| world.cancel(id))
    }

    async fn fence(&self, request: &JobRequest) -> Result<Fence, EngineError> {
        World::of(&self.0).call(Call::Fence, |world| Ok(world.fence_request(request)))
    }

    fn list(&self) -> BoxStream<'_, Result<JobStatus, EngineError>> {
        let world = World::of(&self.0);
        let jobs: Vec<_> =
            world.jobs.iter().rev().map(|(_, job)| Ok(world.status_of(job))).collect();
        stream::iter(jobs).boxed()
    }

    async fn logs(&self, id: &JobId, _max_lines: usize) -> Result<Vec<String>, EngineError> {
        let mut world = World::of(&self.0);
        let (_, job) = world.by_id(id)?;
        Ok(vec!["created".to_owned(), format!("{:?}", job.state).to_lowercase()])
    }
}

#[async_trait]
impl Metastore for FakeEngines {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        stream::empty().boxed()
    }

    /// The only database is `x`, until it is deleted.
    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        World::of(&self.0).call(Call::Prepare, |world| {
            if world.changes.is_empty() {
                return Ok(Database {
                    name: name.to_owned(),
                    location: name.to_owned(),
                    tables: None,
                });
            }
            Err(EngineError::new(ErrorKind::NotFound, "fake", "get the database", "it is gone"))
        })
    }

    fn list_tables<'a>(
        &'a self,
        _database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        stream::empty().boxed()
    }

    async fn get_table(
        &self,
        name: &TableName,
        _reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        Err(EngineError::new(ErrorKind::NotFound, "fake", "get the table", name.to_string()))
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Changes for FakeEngines {
    async fn apply(&self, _change: &Change, author: &Author) -> Result<Changed, EngineError> {
        World::of(&self.0).call(Call::Apply, |world| world.change(author))
    }

    async fn find(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        World::of(&self.0).call(Call::FindChange, |world| Ok(world.find_change(author)))
    }

    async fn fence(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        World::of(&self.0).call(Call::FenceChange, |world| Ok(world.fence_author(author)))
    }
}

#[async_trait]
impl Storage for FakeEngines {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    fn list_files<'a>(
        &'a self,
        _location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        stream::empty().boxed()
    }

    async fn exists(&self, _location: &str) -> Result<bool, EngineError> {
        Ok(false)
    }
}
