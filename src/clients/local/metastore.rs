//! The metastore role: databases and tables of the lake, in the folders of the root.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::clock::now;
use super::files::RootFiles;
use super::root::Root;
use crate::engines::EngineError;
use crate::engines::metastore::{Changes, Metastore, TableEntry, closest};
use crate::engines::reading::Reading;
use crate::engines::table::{Database, TableLookup, TableName};
use crate::lake::inference::{Inference, infer_files};
use crate::lake::tables::{self, FoundTable};

/// The metastore role of a `local` client.
#[derive(Debug, Clone)]
pub struct LocalMetastore {
    pub(super) root: Arc<Root>,
    pub(super) files: RootFiles,
}

impl LocalMetastore {
    /// Makes the role over a root.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        Self { files: RootFiles::new(Arc::clone(&root)), root }
    }
}

impl LocalMetastore {
    /// Finds the schema of a table that nobody declared.
    fn discover(&self, table: FoundTable, reading: &Reading) -> Result<TableLookup, EngineError> {
        let found = tables::discovered_files(&self.files, &table.path)?;
        let inference = Inference {
            files: &self.files,
            now: now(),
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
        let found = tables::table(&self.files, name)?;
        match found.manifest.clone() {
            Some(manifest) => {
                let table = tables::declared_table(&self.files, found, &manifest)?;
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
impl Metastore for LocalMetastore {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        let files = self.files.clone();
        stream_of(super::threads::blocking(move || tables::databases(&files)))
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        let (files, name) = (self.files.clone(), name.to_owned());
        super::threads::blocking(move || tables::database(&files, &name)).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let (files, name) = (self.files.clone(), database.to_owned());
        stream_of(super::threads::blocking(move || {
            let database = tables::database(&files, &name)?;
            Ok(tables::tables(&files, &database)?.into_iter().map(tables::entry).collect())
        }))
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let (files, name) = (self.files.clone(), name.clone());
        super::threads::blocking(move || {
            let database = tables::database(&files, &name.database)?;
            let found = tables::tables_called(&files, &database, &name.table)?;
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
        super::threads::blocking(move || own.look_up(&name, &reading)).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}
