//! The metastore role: databases and tables of the catalogue, whose files another client keeps.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_glue::types::{Database as GlueDatabase, Table as GlueTable};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::changes::TableEffects;
use super::client::Catalogue;
use super::declaration::{
    Declared, check_columns, declared, foreign, kind_of, location_of, version_of,
};
use super::places::Places;
use super::tables::{Found, Kept, Looking};
use crate::engines::bad_rows::Bad;
use crate::engines::files::Files;
use crate::engines::metastore::{Author, Change, Changed, Changes, Metastore, TableEntry};
use crate::engines::nearest::did_you_mean;
use crate::engines::partitions::PartitionFilter;
use crate::engines::reading::Reading;
use crate::engines::schema::Schema;
use crate::engines::table::{Database, FileFormat, Table, TableLookup, TableName, UnreadTable};
use crate::engines::{EngineError, Engines, ErrorKind, Lookup};
use crate::lake::changes::{self, ChangeLock};
use crate::lake::error::of_client;
use crate::lake::roles::Lake;
use crate::lake::threads::blocking;

/// Most names that are looked at for those that come near.
const MOST_NAMES: usize = 1_000;

/// The metastore role over a catalogue and the files of its tables.
#[derive(Clone)]
pub(super) struct GlueMetastore {
    pub(super) catalogue: Catalogue,
    pub(super) lake: Lake,
    pub(super) places: Places,
    pub(super) lock: Arc<dyn ChangeLock>,
    pub(super) now: fn() -> Timestamp,
    pub(super) client: Arc<str>,
    /// Whether it is that of a job, where anything may be listed.
    pub(super) in_job: bool,
}

impl GlueMetastore {
    fn files(&self) -> &Arc<dyn Files> {
        self.lake.files()
    }

    fn database(&self, database: GlueDatabase) -> Database {
        let address = database.location_uri.unwrap_or_default();
        let location = match self.places.path(&address) {
            Ok(path) => path.into(),
            // One without a place has its tables below the root, in a folder of its name.
            Err(_) if address.is_empty() => database.name.clone(),
            Err(_) => address,
        };
        Database { name: database.name, location, tables: None }
    }

    fn entry(&self, database: &str, table: &GlueTable) -> TableEntry {
        let location = location_of(table.storage_descriptor.as_ref());
        TableEntry {
            name: TableName { database: database.to_owned(), table: table.name.clone() },
            kind: kind_of(database, table),
            locations: location.map(|address| self.places.shown(address)).into_iter().collect(),
            version: Some(version_of(table)),
        }
    }

    async fn missing(&self, name: &TableName) -> EngineError {
        let message = format!("there is no table `{name}`");
        let missing = self.catalogue.error(ErrorKind::NotFound, "find a table", message);
        let listed = self.catalogue.list_tables(&name.database).take(MOST_NAMES);
        match listed.map_ok(|table| table.name).try_collect::<Vec<String>>().await {
            Ok(known) => with_nearest(missing, &name.table, &known),
            Err(_) => missing,
        }
    }

    async fn kept(&self, name: &TableName) -> Result<Kept, EngineError> {
        const OPERATION: &str = "read a table of the catalogue";
        self.get_database(&name.database).await?;
        let Some(table) = self.catalogue.fetch_table(name).await? else {
            return Err(self.missing(name).await);
        };
        let refused =
            |kind, why: String| self.catalogue.error(kind, OPERATION, format!("`{name}` {why}"));
        if let Some(what) = foreign(&table) {
            let hint = "query it with the engine that made it";
            return Err(refused(
                ErrorKind::Unsupported,
                format!("is {what}, which is not read here"),
            )
            .with_hint(hint));
        }
        let declared = declared(&table)
            .map_err(|why| refused(ErrorKind::Unsupported, format!("is not read here: {why}")))?;
        Ok(named(name, table, declared))
    }

    async fn with_partitions(
        &self,
        mut kept: Kept,
        most: usize,
    ) -> Result<Option<Kept>, EngineError> {
        if kept.declared.partition_keys.is_empty() {
            return Ok(Some(kept));
        }
        let name = kept.name.clone();
        let mut listed = self.catalogue.list_partitions(&name);
        while let Some(partition) = listed.try_next().await? {
            if kept.partitions.len() >= most {
                return Ok(None);
            }
            kept.partitions.push(partition);
        }
        Ok(Some(kept))
    }

    /// Returns a table with those of its partitions that a filter keeps.
    async fn look_up(
        &self,
        name: &TableName,
        filter: Option<Arc<dyn PartitionFilter>>,
    ) -> Result<TableLookup, EngineError> {
        let most = if self.in_job { usize::MAX } else { Engines::MOST_FILES };
        let kept = self.kept(name).await?;
        let entry = self.entry(&kept.name.database, &kept.table);
        let Some(kept) = self.with_partitions(kept, most).await? else { return Ok(unread(entry)) };
        self.blocking(move |own| {
            let files = Arc::clone(own.files());
            let filter = filter.as_deref();
            let (catalogue, places) = (&own.catalogue, &own.places);
            let looking = Looking { catalogue, files: &*files, places, most, filter };
            match looking.files_of(&kept)? {
                Some(found) => Ok(TableLookup::Table(Box::new(own.table(kept, found)))),
                None => Ok(unread(entry)),
            }
        })
        .await
    }

    fn table(&self, kept: Kept, found: Found) -> Table {
        let entry = self.entry(&kept.name.database, &kept.table);
        let TableEntry { name, kind, locations, version } = entry;
        let Declared { format, schema, partition_keys, found: how, notes } = kept.declared;
        Table {
            name,
            kind,
            locations,
            format,
            schema,
            partition_keys,
            found: how,
            version,
            files: found.files,
            rows: None,
            bad: Bad::default(),
            notes: notes.into_iter().chain(found.notes).collect(),
            partitions: found.partitions,
            unregistered: found.unregistered,
            why_text: std::collections::BTreeMap::new(),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let own = self.clone();
        let done = blocking(move || work(own)).await;
        done.map_err(|error| of_client(error, Some(&self.client)))
    }

    /// Returns the effects of changes, whose requests are waited for on a thread of their own.
    fn effects(&self, requests: Handle) -> TableEffects {
        TableEffects {
            catalogue: self.catalogue.clone(),
            files: Arc::clone(self.files()),
            places: self.places.clone(),
            requests,
        }
    }

    async fn changing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Files, &TableEffects, Timestamp) -> Result<T, EngineError>
        + Send
        + 'static,
    ) -> Result<T, EngineError> {
        let effects = self.effects(Handle::current());
        self.blocking(move |own| {
            let _turn = own.lock.take()?;
            work(&**own.files(), &effects, (own.now)())
        })
        .await
    }
}

fn with_nearest(missing: EngineError, wanted: &str, known: &[String]) -> EngineError {
    match did_you_mean(wanted, known.iter().map(String::as_str)) {
        Some(hint) => missing.with_hint(hint),
        None => missing,
    }
}

/// Returns a table under the name that the catalogue has for it.
fn named(name: &TableName, table: GlueTable, declared: Declared) -> Kept {
    let database = table.database_name.clone().unwrap_or_else(|| name.database.clone());
    let name = TableName { database, table: table.name.clone() };
    Kept { name, table, declared, partitions: Vec::new() }
}

fn unread(entry: TableEntry) -> TableLookup {
    let TableEntry { name, kind, locations, version } = entry;
    TableLookup::Unread(UnreadTable { name, kind, locations, version })
}

#[async_trait]
impl Metastore for GlueMetastore {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        self.catalogue.list_databases().map_ok(|database| self.database(database)).boxed()
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        if let Some(database) = self.catalogue.fetch_database(name).await? {
            return Ok(self.database(database));
        }
        let shown: String = name.chars().take(120).collect();
        let message = format!("there is no database `{shown}`");
        let missing = self.catalogue.error(ErrorKind::NotFound, "find a database", message);
        let listed = self.catalogue.list_databases().take(MOST_NAMES);
        match listed.map_ok(|database| database.name).try_collect::<Vec<String>>().await {
            Ok(known) => Err(with_nearest(missing, name, &known)),
            Err(_) => Err(missing),
        }
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        let listed = self.catalogue.list_tables(database);
        listed.map_ok(|table| self.entry(&database.to_lowercase(), &table)).boxed()
    }

    async fn find_table(&self, name: &TableName) -> Result<Option<TableEntry>, EngineError> {
        let found = self.catalogue.fetch_table(name).await?;
        Ok(found.map(|table| self.entry(&name.database.to_lowercase(), &table)))
    }

    async fn get_table(
        &self,
        name: &TableName,
        _reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        self.look_up(name, None).await
    }

    async fn find_partitioned(
        &self,
        name: &TableName,
        _reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        // What cannot be read here is refused by the look-up, in its words.
        let Some(table) = self.catalogue.fetch_table(name).await? else { return Ok(None) };
        let Some(declared) = declared(&table).ok().filter(|_| foreign(&table).is_none()) else {
            return Ok(None);
        };
        if declared.partition_keys.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.table(named(name, table, declared), Found::default())))
    }

    async fn get_pruned(
        &self,
        name: &TableName,
        _reading: &Reading,
        filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        self.look_up(name, Some(filter)).await
    }

    fn knows_commits(&self) -> bool {
        false
    }

    fn check_columns(
        &self,
        format: &FileFormat,
        columns: &Schema,
        partition_keys: &[String],
    ) -> Result<(), EngineError> {
        check_columns(format, columns, partition_keys).map_err(|problems| {
            let refused = self.catalogue.refused("declare a table", &problems);
            refused.with_hint(if columns.columns.is_empty() {
                "write parquet, orc, avro, csv or jsonl"
            } else {
                "cast or rename the columns in the query; parquet holds the most"
            })
        })
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Changes for GlueMetastore {
    async fn check(&self) -> Result<(), EngineError> {
        self.changing(|files, _, _| changes::check_room(files)).await
    }

    async fn apply(&self, change: &Change, author: &Author) -> Result<Changed, EngineError> {
        let (change, author) = (change.clone(), author.clone());
        self.changing(move |files, effects, now| {
            changes::apply(files, effects, &change, &author, now)
        })
        .await
    }

    async fn find(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        let author = author.clone();
        let found =
            self.changing(move |files, effects, now| changes::find(files, effects, &author, now));
        found.await.map(Lookup::from)
    }

    async fn fence(&self, _: &Change, author: &Author) -> Result<Lookup<Changed>, EngineError> {
        let author = author.clone();
        let found =
            self.changing(move |files, effects, now| changes::fence(files, effects, &author, now));
        found.await.map(Lookup::from)
    }
}
