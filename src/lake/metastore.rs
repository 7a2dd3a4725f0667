//! The metastore role over any files: databases and tables of the lake.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::changes::{self, ChangeLock};
use super::inference::{Inference, infer_files};
use super::tables::{self, FoundTable};
use super::threads::blocking;
use crate::engines::EngineError;
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed, Changes, Metastore, TableEntry, closest};
use crate::engines::reading::Reading;
use crate::engines::table::{Database, TableLookup, TableName};

/// The metastore role of a client whose tables are files.
#[derive(Clone)]
pub struct LakeMetastore {
    files: Arc<dyn Files>,
    lock: Arc<dyn ChangeLock>,
    now: fn() -> Timestamp,
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
        Self { files, lock, now }
    }

    /// Finds the schema of a table that was never declared.
    fn discover(&self, table: FoundTable, reading: &Reading) -> Result<TableLookup, EngineError> {
        let found = tables::discovered_files(&*self.files, &table.path)?;
        let inference = Inference {
            files: &*self.files,
            now: (self.now)(),
            sample: None,
            reading,
            threads: std::thread::available_parallelism().map_or(2, usize::from) * 2,
            on_bytes: &|_| {},
            cancelled: &AtomicBool::new(false),
        };
        let concluded = infer_files(&inference, found).map_err(|error| {
            let message = format!("`{}`: {}", table.name, error.message);
            EngineError { message, ..error }
        })?;
        Ok(concluded.into_lookup(table.name, table.path.to_string()))
    }

    fn look_up(&self, name: &TableName, reading: &Reading) -> Result<TableLookup, EngineError> {
        let found = tables::table(&*self.files, name)?;
        match found.manifest.clone() {
            Some(manifest) => {
                let table = tables::declared_table(&*self.files, found, &manifest)?;
                Ok(TableLookup::Table(Box::new(table)))
            }
            None => self.discover(found, reading),
        }
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
        stream_of(blocking(move || tables::databases(&*files)))
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let (files, name) = (Arc::clone(&self.files), name.to_owned());
        blocking(move || tables::database(&*files, &name)).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let (files, name) = (Arc::clone(&self.files), database.to_owned());
        stream_of(blocking(move || {
            let database = tables::database(&*files, &name)?;
            Ok(tables::tables(&*files, &database)?.into_iter().map(tables::entry).collect())
        }))
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let (files, name) = (Arc::clone(&self.files), name.clone());
        blocking(move || {
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
        blocking(move || own.look_up(&name, &reading)).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Changes for LakeMetastore {
    async fn check(&self) -> Result<(), EngineError> {
        let own = self.clone();
        blocking(move || {
            let _turn = own.lock.take()?;
            changes::check_room(&*own.files)
        })
        .await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let (own, change, author) = (self.clone(), change.clone(), author.clone());
        blocking(move || {
            let _turn = own.lock.take()?;
            changes::apply(&*own.files, &change, &author, (own.now)())
        })
        .await
    }

    async fn find(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        blocking(move || {
            let _turn = own.lock.take()?;
            changes::find(&*own.files, &author, (own.now)())
        })
        .await
    }

    async fn fence(&self, author: &Author) -> Result<Option<Changed>, EngineError> {
        let (own, author) = (self.clone(), author.clone());
        blocking(move || {
            let _turn = own.lock.take()?;
            changes::fence(&*own.files, &author, (own.now)())
        })
        .await
    }
}
