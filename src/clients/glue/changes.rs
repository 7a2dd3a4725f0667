//! The effects of changes on the catalogue, between the records that the client of the files keeps.
//!
//! A table is changed by its version, so that no other change is lost, and says which run changed it: after a refusal or a
//! lost answer that is looked at. Glue deletes and creates without a condition; what stands there is looked at right before.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use aws_sdk_glue::types::{DatabaseInput, PartitionInput, StorageDescriptor, Table, TableInput};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::client::{Catalogue, is_of};
use super::declaration::{
    ATTEMPT, RUN, check_columns, foreign, input, is_written, kind_of, location_of, same, version_of,
};
use super::places::Places;
use super::tables::visit_data;
use crate::engines::files::{EntryKind, Files};
use crate::engines::metastore::{Change, Changed, TableDeclaration};
use crate::engines::table::{PinnedFile, StoragePath, TableKind, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::catalogue::MANIFESTS;
use crate::lake::changes::{Doomed, Effects, Record};
use crate::lake::listing::base_of;
use crate::lake::partitions::{NULL, assign};

const OPERATION: &str = "change the metastore";
/// What is said of delimited text, whose cells no declaration tells of.
const OF_TEXT: &str = "; other engines read its text by position and line by line (docs/glue.md)";
const OF_QUOTED_TEXT: &str = "; other engines read its text by position and line by line, all columns as texts: parquet, or \
                              quote=none where no cell is quoted, keeps their types";

/// What changes a catalogue.
pub(super) struct TableEffects {
    pub(super) catalogue: Catalogue,
    pub(super) files: Arc<dyn Files>,
    pub(super) places: Places,
    pub(super) requests: Handle,
}

impl TableEffects {
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        self.requests.block_on(answer)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> EngineError {
        self.catalogue.error(kind, OPERATION, message)
    }

    fn check_database(&self, name: &str, if_not_exists: bool) -> Result<Doomed, EngineError> {
        self.check_name(name)?;
        match self.wait(self.catalogue.fetch_database(name))? {
            Some(_) if if_not_exists => Ok(Doomed { already: true, ..Doomed::default() }),
            Some(existing) => {
                let message = format!("there is a database `{}` already", existing.name);
                Err(self.error(ErrorKind::AlreadyExists, message))
            }
            None => Ok(Doomed::default()),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), EngineError> {
        let is_plain = |c: char| !c.is_control() && c != '/';
        if (1..=255).contains(&name.len()) && name.chars().all(is_plain) {
            return Ok(());
        }
        let shown: String = name.chars().take(120).collect();
        let message = format!("{shown:?} is no name");
        let refused = self.error(ErrorKind::InvalidInput, message);
        Err(refused.with_hint("a name has 1 to 255 bytes and no `/`"))
    }

    fn check_empty(&self, name: &str) -> Result<Doomed, EngineError> {
        let found = self.wait(self.catalogue.fetch_database(name))?;
        let missing = || self.error(ErrorKind::NotFound, format!("there is no database `{name}`"));
        let database = found.ok_or_else(missing)?;
        let first = self.wait(async { self.catalogue.list_tables(name).try_next().await })?;
        let Some(table) = first else { return Ok(Doomed::default()) };
        let message =
            format!("database `{}` has tables, for example `{}`", database.name, table.name);
        let refused = self.error(ErrorKind::Conflict, message);
        Err(refused
            .with_hint("delete its tables first: Glue would delete them all, without a look"))
    }

    fn check_put(
        &self,
        table: &TableDeclaration,
        expected: Option<TableVersion>,
    ) -> Result<Doomed, EngineError> {
        self.check_name(&table.name.table)?;
        self.folder_of(table)?;
        let existing = self.wait(self.catalogue.fetch_table(&table.name))?;
        self.check_version(&table.name, existing.as_ref(), expected)?;
        let checked = check_columns(&table.format, &table.schema, &table.partition_keys);
        checked.map_err(|problems| self.undeclarable(table, &problems))?;
        Ok(Doomed { base: existing.as_ref().map(version_of), ..Doomed::default() })
    }

    fn undeclarable(&self, table: &TableDeclaration, problems: &[String]) -> EngineError {
        let message = format!("`{}` cannot be declared: {}", table.name, problems.join("; "));
        let refused = self.error(ErrorKind::InvalidInput, message);
        refused.with_hint("table/format writes the files anew, as parquet")
    }

    /// Returns the one folder that a table of the catalogue is.
    fn folder_of(&self, table: &TableDeclaration) -> Result<StoragePath, EngineError> {
        let refused = |what: String| {
            let refused = self.error(ErrorKind::InvalidInput, format!("`{}` {what}", table.name));
            refused.with_hint("a table of the catalogue is a folder with everything below it")
        };
        let [location] = table.locations.as_slice() else {
            return Err(refused("has several locations".to_owned()));
        };
        let path = StoragePath::new(location)
            .map_err(|wrong| refused(format!("has a location that is none: {wrong}")))?;
        match self.files.kind(&path)? {
            Some(EntryKind::Folder) if self.holds_outputs(&path)? => {
                let what =
                    format!("would have all that jobs wrote to `{location}`, also what is no more");
                Err(refused(what)
                    .with_hint("write with output_table, which registers what the job wrote"))
            }
            Some(EntryKind::Folder) => Ok(path),
            Some(EntryKind::File) => Err(refused(format!("would be the one file `{location}`"))),
            None if base_of(location) != location => {
                Err(refused(format!("would be the files of the pattern `{location}`")))
            }
            // The folder of a job that wrote no row for any partition: on S3 there is none.
            None if is_written(location) => Ok(path),
            None => {
                Err(self.error(ErrorKind::NotFound, format!("there is nothing at `{location}`")))
            }
        }
    }

    /// Returns whether jobs wrote to a folder: of what lies there, its manifests say what counts, and no other engine reads
    /// them.
    fn holds_outputs(&self, folder: &StoragePath) -> Result<bool, EngineError> {
        match folder.join(MANIFESTS) {
            Ok(manifests) => Ok(self.files.kind(&manifests)?.is_some()),
            Err(_) => Ok(false),
        }
    }

    fn check_version(
        &self,
        name: &TableName,
        now: Option<&Table>,
        expected: Option<TableVersion>,
    ) -> Result<(), EngineError> {
        if let Some(what) = now.and_then(foreign) {
            let message = format!("`{name}` is {what}, which is not changed here");
            return Err(self.error(ErrorKind::Unsupported, message));
        }
        if now.map(version_of) == expected {
            return Ok(());
        }
        let message = match (now, expected) {
            (Some(_), None) => format!("there is a table `{name}` by now"),
            (None, _) => format!("there is no table `{name}` any more"),
            _ => format!("`{name}` has another version by now"),
        };
        let hint = "the table was changed meanwhile; run it again";
        Err(self.error(ErrorKind::Conflict, message).with_hint(hint))
    }

    fn check_delete(
        &self,
        name: &TableName,
        expected: Option<TableVersion>,
        files_too: bool,
    ) -> Result<Doomed, EngineError> {
        let existing = self.wait(self.catalogue.fetch_table(name))?;
        let missing = || self.error(ErrorKind::NotFound, format!("there is no table `{name}`"));
        let existing = existing.ok_or_else(missing)?;
        let expected = expected.or_else(|| Some(version_of(&existing)));
        self.check_version(name, Some(&existing), expected)?;
        let files_too = files_too || kind_of(&name.database, &existing) == TableKind::Managed;
        let doomed = if files_too { self.files_below(&existing)? } else { Vec::new() };
        Ok(Doomed {
            bytes: doomed.iter().map(|file| file.size_bytes).sum(),
            files: doomed.into_iter().map(|file| file.path).collect(),
            declared: true,
            base: expected,
            ..Doomed::default()
        })
    }

    fn files_below(&self, table: &Table) -> Result<Vec<PinnedFile>, EngineError> {
        let address = location_of(table.storage_descriptor.as_ref());
        let path = self.places.path(address.unwrap_or_default());
        let path = path.map_err(|why| self.error(ErrorKind::InvalidInput, why))?;
        self.data_of(&path)
    }

    fn data_of(&self, path: &StoragePath) -> Result<Vec<PinnedFile>, EngineError> {
        let mut found = Vec::new();
        if self.files.kind(path)?.is_none() {
            return Ok(found);
        }
        visit_data(&*self.files, path, &mut |file| {
            found.push(file);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    fn create_database(&self, name: &str, record: &Record) -> Result<(), EngineError> {
        let author = &record.author;
        let input = DatabaseInput::builder()
            .name(name.to_lowercase())
            .location_uri(self.places.address(&name.to_lowercase()))
            .parameters(RUN, &author.run_uid)
            .parameters(ATTEMPT, author.attempt.to_string())
            .build()
            .map_err(|source| self.error(ErrorKind::Unexpected, source.to_string()))?;
        let made = self.wait(self.catalogue.create_database(input));
        if made.is_ok() {
            return Ok(());
        }
        let there = self.wait(self.catalogue.fetch_database(name))?;
        let is_own = there.is_some_and(|found| is_of(found.parameters.as_ref(), &author.run_uid));
        if is_own { Ok(()) } else { made }
    }

    fn delete_database(&self, name: &str) -> Result<(), EngineError> {
        if self.wait(self.catalogue.fetch_database(name))?.is_none() {
            return Ok(());
        }
        self.check_empty(name)?;
        match self.wait(self.catalogue.delete_database(name)) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes a table's declaration, and returns the version that it has.
    fn put(
        &self,
        table: &TableDeclaration,
        expected: Option<TableVersion>,
        record: &Record,
    ) -> Result<TableVersion, EngineError> {
        let run = &record.author.run_uid;
        let folder = self.folder_of(table)?;
        let version = match self.wait(self.catalogue.fetch_made_by(&table.name, run))? {
            Some(made) => version_of(&made),
            None => self.declare(table, &folder, expected, record)?,
        };
        if !table.partition_keys.is_empty() {
            self.put_partitions(table, &folder)?;
        }
        Ok(version)
    }

    fn declare(
        &self,
        table: &TableDeclaration,
        folder: &StoragePath,
        expected: Option<TableVersion>,
        record: &Record,
    ) -> Result<TableVersion, EngineError> {
        let name = &table.name;
        let existing = self.wait(self.catalogue.fetch_table(name))?;
        self.check_version(name, existing.as_ref(), expected)?;
        let address = self.places.address(folder.as_str());
        let input = input(table, &address, existing.as_ref(), &record.author)
            .map_err(|problems| self.undeclarable(table, &problems))?;
        let asked = self.ask(name, input, existing.as_ref());
        // After a refusal or a lost answer, what stands there says whether it took effect.
        let run = &record.author.run_uid;
        match (self.wait(self.catalogue.fetch_made_by(name, run))?, asked) {
            (Some(made), _) => Ok(version_of(&made)),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => {
                let message = format!("`{name}` does not show the change that Glue accepted");
                Err(self.error(ErrorKind::Unexpected, message))
            }
        }
    }

    fn ask(
        &self,
        name: &TableName,
        input: TableInput,
        existing: Option<&Table>,
    ) -> Result<(), EngineError> {
        match existing {
            Some(existing) => {
                let version = existing.version_id.clone();
                self.wait(self.catalogue.update_table(&name.database, input, version))
            }
            None => self.wait(self.catalogue.create_table(&name.database, input)),
        }
    }

    /// Registers the partitions whose folders are there, and gives those that are registered the table's columns.
    fn put_partitions(
        &self,
        table: &TableDeclaration,
        folder: &StoragePath,
    ) -> Result<(), EngineError> {
        let name = &table.name;
        let now = self.wait(self.catalogue.fetch_table(name))?;
        let Some(descriptor) = now.and_then(|now| now.storage_descriptor) else { return Ok(()) };
        let mut files = self.data_of(folder)?;
        assign(&mut files)?;
        let mut found: BTreeMap<Vec<String>, String> = BTreeMap::new();
        for file in &files {
            let values = file
                .partition_values
                .iter()
                .map(|value| value.clone().unwrap_or_else(|| NULL.to_owned()));
            found
                .entry(values.collect())
                .or_insert_with(|| self.places.address(partition_folder(&file.path)));
        }
        let known = self
            .wait(async { self.catalogue.list_partitions(name).try_collect::<Vec<_>>().await })?;
        let of = |values: &[String], location: &str| {
            let mut descriptor = descriptor.clone();
            descriptor.location = Some(location.to_owned());
            PartitionInput::builder()
                .set_values(Some(values.to_vec()))
                .storage_descriptor(descriptor)
                .build()
        };
        let mut seen = BTreeSet::new();
        let mut changed = Vec::new();
        for partition in known {
            let values = partition.values.clone().unwrap_or_default();
            let own = partition
                .storage_descriptor
                .unwrap_or_else(|| StorageDescriptor::builder().build());
            let columns = |of: &StorageDescriptor| of.columns.clone().unwrap_or_default();
            let is_same = same(&columns(&own), &columns(&descriptor))
                && own.serde_info == descriptor.serde_info;
            if let Some(location) = own.location.as_ref().filter(|_| !is_same) {
                let mut kept = of(&values, location);
                kept.parameters = partition.parameters;
                changed.push((values.clone(), kept));
            }
            seen.insert(values);
        }
        let new = found.iter().filter(|(values, _)| !seen.contains(*values));
        let new: Vec<PartitionInput> = new.map(|(values, location)| of(values, location)).collect();
        self.wait(self.catalogue.update_partitions(name, changed))?;
        self.wait(self.catalogue.create_partitions(name, new))
    }

    fn delete(&self, name: &TableName, record: &Record) -> Result<(), EngineError> {
        if let Some(now) = self.wait(self.catalogue.fetch_table(name))? {
            // One that was made anew meanwhile is another table.
            self.check_version(name, Some(&now), record.doomed.base)?;
            match self.wait(self.catalogue.delete_table(name)) {
                Err(error) if error.kind == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        for file in &record.doomed.files {
            self.files.remove(file)?;
        }
        Ok(())
    }
}

/// Returns the folder of a file's partition: up to its last part that has a key.
fn partition_folder(file: &StoragePath) -> &str {
    let (folder, _) = file.as_str().rsplit_once('/').unwrap_or_default();
    let mut end = folder.len();
    while let Some(part) = folder[..end].rsplit('/').next() {
        if part.contains('=') || part.len() == end {
            break;
        }
        end -= part.len() + 1;
    }
    &folder[..end]
}

impl Effects for TableEffects {
    fn check(&self, change: &Change) -> Result<Doomed, EngineError> {
        match change {
            Change::CreateDatabase { name, if_not_exists } => {
                self.check_database(name, *if_not_exists)
            }
            Change::DeleteDatabase { name, .. } => self.check_empty(name),
            Change::PutTable { table, expected } => self.check_put(table, *expected),
            Change::DeleteTable { name, expected, delete_external_files } => {
                self.check_delete(name, *expected, *delete_external_files)
            }
        }
    }

    fn make(&self, record: &Record, _now: Timestamp) -> Result<Changed, EngineError> {
        let doomed = &record.doomed;
        let changed = |what: String, version| Changed {
            what,
            version,
            files_deleted: doomed.files.len() as u64,
            bytes_deleted: doomed.bytes,
            attempt: record.author.attempt,
        };
        match &record.change {
            Change::CreateDatabase { name, .. } if doomed.already => {
                Ok(changed(format!("database {name} exists already"), None))
            }
            Change::CreateDatabase { name, .. } => {
                self.create_database(name, record)?;
                Ok(changed(format!("created database {name}"), None))
            }
            Change::DeleteDatabase { name, .. } => {
                self.delete_database(name)?;
                Ok(changed(format!("deleted database {name}"), None))
            }
            Change::PutTable { table, expected } => {
                let version = self.put(table, *expected, record)?;
                let note = match &table.format.csv {
                    Some(csv) if csv.quote.is_some() => OF_QUOTED_TEXT,
                    Some(_) => OF_TEXT,
                    None => "",
                };
                Ok(changed(format!("declared table {}{note}", table.name), Some(version)))
            }
            Change::DeleteTable { name, .. } => {
                self.delete(name, record)?;
                Ok(changed(format!("deleted table {name}"), None))
            }
        }
    }

    fn has_begun(&self, record: &Record) -> Result<bool, EngineError> {
        let run = &record.author.run_uid;
        match &record.change {
            Change::CreateDatabase { name, .. } => {
                let found = self.wait(self.catalogue.fetch_database(name))?;
                Ok(found.is_some_and(|found| is_of(found.parameters.as_ref(), run)))
            }
            Change::DeleteDatabase { name, .. } => {
                Ok(self.wait(self.catalogue.fetch_database(name))?.is_none())
            }
            Change::PutTable { table, .. } => {
                Ok(self.wait(self.catalogue.fetch_made_by(&table.name, run))?.is_some())
            }
            Change::DeleteTable { name, .. } => {
                let now = self.wait(self.catalogue.fetch_table(name))?;
                Ok(now.as_ref().map(version_of) != record.doomed.base)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_the_folder_of_its_last_key() {
        let folder = |path: &str| {
            partition_folder(&StoragePath::new(path).expect("should be a path")).to_owned()
        };
        assert_eq!(folder("sales/t/year=2024/day=1/part.parquet"), "sales/t/year=2024/day=1");
        assert_eq!(folder("sales/t/year=2024/a/b/part.parquet"), "sales/t/year=2024");
        assert_eq!(folder("t/part.parquet"), "t");
    }
}
