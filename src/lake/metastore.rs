//! The metastore role over any files: databases and tables of the lake.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::changes::{self, ChangeLock, FileEffects};
use super::discovery::{Discovery, Place};
use super::error::of_client;
use super::tables::{self, WantedFiles};
use super::threads::blocking;
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed, Changes, Metastore, TableEntry, closest};
use crate::engines::partitions::PartitionFilter;
use crate::engines::reading::Reading;
use crate::engines::table::{Database, Table, TableLookup, TableName};
use crate::engines::{EngineError, Engines, Lookup};

/// The metastore role of a client whose tables are files.
#[derive(Clone)]
pub struct LakeMetastore {
    files: Arc<dyn Files>,
    lock: Arc<dyn ChangeLock>,
    now: fn() -> Timestamp,
    /// How tables are read; nothing outside a job.
    discovery: Option<Arc<Discovery>>,
    client: Option<Arc<str>>,
}

impl fmt::Debug for LakeMetastore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LakeMetastore").field("files", &self.files).finish_non_exhaustive()
    }
}

impl LakeMetastore {
    /// Makes the role over files, whose changes follow one another under a lock, with a client's clock.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, lock: Arc<dyn ChangeLock>, now: fn() -> Timestamp) -> Self {
        Self { files, lock, now, discovery: None, client: None }
    }

    /// Makes the same role for a job: it reads the files of undeclared tables.
    #[must_use]
    pub fn in_job(self, discovery: Discovery) -> Self {
        Self { discovery: Some(Arc::new(discovery)), ..self }
    }

    /// Returns the same role, whose errors name its client.
    #[must_use]
    pub(crate) fn of_client(self, client: Option<Arc<str>>) -> Self {
        Self { client, ..self }
    }

    /// Runs blocking work on a thread of its own.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        blocking(work).await.map_err(|error| of_client(error, self.client.as_deref()))
    }

    fn look_up(&self, name: &TableName, reading: &Reading) -> Result<TableLookup, EngineError> {
        if let Some(known) = self.discovery.as_ref().and_then(|known| known.recall(name, reading)) {
            return Ok(known);
        }
        let found = tables::table(&*self.files, name)?;
        let most = self.most_files();
        let looked_up = match (found.manifest.clone(), &self.discovery) {
            (Some(manifest), _) => tables::declared_table(
                &*self.files,
                found,
                &manifest,
                WantedFiles { most, filter: None },
            )?,
            (None, None) => return Ok(tables::unread(found)),
            (None, Some(discovery)) => discovery.discover(self.place(), found, reading)?,
        };
        if let Some(discovery) = &self.discovery {
            discovery.remember(name, reading, &looked_up);
        }
        Ok(looked_up)
    }

    /// Looks a table up in a job, with the files of the partitions that a filter keeps. Nothing is remembered of it:
    /// it is not the whole table.
    fn look_up_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        filter: &dyn PartitionFilter,
    ) -> Result<TableLookup, EngineError> {
        let found = tables::table(&*self.files, name)?;
        let Some(manifest) = found.manifest.clone() else {
            return match &self.discovery {
                Some(discovery) => discovery.discover_pruned(self.place(), found, reading, filter),
                None => Ok(tables::unread(found)),
            };
        };
        let wanted = WantedFiles { most: self.most_files(), filter: Some(filter) };
        tables::declared_table(&*self.files, found, &manifest, wanted)
    }

    fn without_files(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let found = tables::table(&*self.files, name)?;
        match (&found.manifest, &self.discovery) {
            (None, Some(discovery)) => discovery.find_partitioned(self.place(), &found, reading),
            _ => tables::partitioned_table(found),
        }
    }

    fn place(&self) -> Place<'_> {
        Place { files: &*self.files, now: (self.now)() }
    }

    fn most_files(&self) -> usize {
        if self.discovery.is_some() { usize::MAX } else { Engines::MOST_FILES }
    }
}

fn stream_of<'a, T: Send + 'a>(
    listed: impl Future<Output = Result<Vec<T>, EngineError>> + Send + 'a,
) -> BoxStream<'a, Result<T, EngineError>> {
    stream::once(listed).map_ok(|all| stream::iter(all.into_iter().map(Ok))).try_flatten().boxed()
}

#[async_trait]
impl Metastore for LakeMetastore {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        let files = Arc::clone(&self.files);
        stream_of(self.blocking(move || tables::databases(&*files)))
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let (files, name) = (Arc::clone(&self.files), name.to_owned());
        self.blocking(move || tables::database(&*files, &name)).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let (files, name) = (Arc::clone(&self.files), database.to_owned());
        stream_of(self.blocking(move || {
            let database = tables::database(&*files, &name)?;
            Ok(tables::tables(&*files, &database)?.into_iter().map(tables::entry).collect())
        }))
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let (files, name) = (Arc::clone(&self.files), name.clone());
        self.blocking(move || {
            let database = tables::database(&*files, &name.database)?;
            let found = tables::tables_called(&*files, &database, &name.table)?;
            Ok(closest(found.into_iter().map(tables::entry), &name))
        })
        .await
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        let (own, name, reading) = (self.clone(), name.clone(), reading.clone());
        self.blocking(move || own.look_up(&name, &reading)).await
    }

    async fn find_partitioned(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let (own, name, reading) = (self.clone(), name.clone(), reading.clone());
        self.blocking(move || own.without_files(&name, &reading)).await
    }

    async fn get_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        let (own, name, reading) = (self.clone(), name.clone(), reading.clone());
        self.blocking(move || own.look_up_pruned(&name, &reading, &*filter)).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Changes for LakeMetastore {
    async fn check(&self) -> Result<(), EngineError> {
        let own = self.clone();
        self.blocking(move || {
            let _turn = own.lock.take()?;
            changes::check_room(&*own.files)
        })
        .await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let (own, change, author) = (self.clone(), change.clone(), author.clone());
        self.blocking(move || {
            let _turn = own.lock.take()?;
            changes::apply(&*own.files, &FileEffects(&*own.files), &change, &author, (own.now)())
        })
        .await
    }

    async fn find(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        self.blocking(move || {
            let _turn = own.lock.take()?;
            changes::find(&*own.files, &FileEffects(&*own.files), &author, (own.now)())
                .map(Lookup::from)
        })
        .await
    }

    async fn fence(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        self.blocking(move || {
            let _turn = own.lock.take()?;
            changes::fence(&*own.files, &FileEffects(&*own.files), &author, (own.now)())
                .map(Lookup::from)
        })
        .await
    }
}
