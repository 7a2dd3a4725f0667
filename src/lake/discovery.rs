//! How a job reads undeclared tables: with its threads and memory, reporting its progress, and stopped with it.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::DataType;
use jiff::Timestamp;

use super::inference::{Inference, infer_files, infer_some};
use super::listing::files_of;
use super::partitions;
use super::tables::FoundTable;
use crate::engines::EngineError;
use crate::engines::bad_rows::BadRows;
use crate::engines::files::Files;
use crate::engines::partitions::{PartitionFilter, PartitionsRead};
use crate::engines::reading::Reading;
use crate::engines::table::{PinnedFile, StoragePath, Table, TableLookup, TableName};
use crate::formats::compare::types_come_from_values;

/// Called with the bytes that are read so far of a table, and the bytes it has in all.
pub type OnBytes = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Reads tables for one job. Each is read once: later look-ups of the job find what the first found.
pub struct Discovery {
    threads: usize,
    on_bytes: OnBytes,
    cancelled: Arc<AtomicBool>,
    known: Mutex<Vec<(TableName, Reading, TableLookup)>>,
    listed: Mutex<Vec<(StoragePath, Vec<PinnedFile>)>>,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Discovery").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// Where and when the files of tables are looked at.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) now: Timestamp,
}

/// The files of an undeclared table whose paths have the same partition keys.
struct Partitioned {
    keys: Vec<String>,
    files: Vec<PinnedFile>,
}

impl Discovery {
    /// Makes one that looks at so many files at once, and stops when `cancelled` is set.
    #[must_use]
    pub fn new(threads: usize, on_bytes: OnBytes, cancelled: Arc<AtomicBool>) -> Self {
        let (known, listed) = (Mutex::default(), Mutex::default());
        Self { threads, on_bytes, cancelled, known, listed }
    }

    /// Returns what was found of a table before.
    pub(super) fn recall(&self, name: &TableName, reading: &Reading) -> Option<TableLookup> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |entry: &&(TableName, Reading, TableLookup)| entry.0 == *name && entry.1 == *reading;
        known.iter().find(is_it).map(|(_, _, found)| found.clone())
    }

    /// Keeps what was found of a table.
    pub(super) fn remember(&self, name: &TableName, reading: &Reading, found: &TableLookup) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((name.clone(), reading.clone(), found.clone()));
    }

    /// Finds the schema of an undeclared table.
    pub(super) fn discover(
        &self,
        place: Place<'_>,
        table: FoundTable,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        let found = self.listed(place.files, &table.path)?;
        let concluded = self.looking(place, reading, bytes(&found), |inference| {
            infer_files(inference, found).map_err(|error| of_table(&table, error))
        })?;
        Ok(concluded.into_lookup(table.name, table.path.to_string()))
    }

    /// Returns an undeclared table with partition keys as its first file is, without its files; nothing where its schema
    /// follows from all its files, and where a look at all of them has more to say.
    pub(super) fn find_partitioned(
        &self,
        place: Place<'_>,
        table: &FoundTable,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let Some(all) = self.partitioned(place.files, &table.path, reading)? else {
            return Ok(None);
        };
        let found = all
            .first()
            .and_then(|first| self.of_some(place, table, &all, std::slice::from_ref(first)));
        Ok(found.map(|found| Table { files: Vec::new(), rows: None, ..found }))
    }

    /// Finds the schema of an undeclared table in the files of the partitions that a filter keeps.
    pub(super) fn discover_pruned(
        &self,
        place: Place<'_>,
        table: FoundTable,
        reading: &Reading,
        filter: &dyn PartitionFilter,
    ) -> Result<TableLookup, EngineError> {
        let Some(all) = self.partitioned(place.files, &table.path, reading)? else {
            return self.discover(place, table, reading);
        };
        let mut kept = all.files.clone();
        partitions::retain(&mut kept, filter);
        let of = |files: &[PinnedFile]| {
            partitions::count(files.iter().map(|file| file.partition_values.as_slice()))
        };
        let partitions = PartitionsRead { read: of(&kept), total: Some(of(&all.files)) };
        // The columns are known also where nothing is kept.
        let is_kept = |file: &PinnedFile| kept.iter().any(|kept| kept.path == file.path);
        let first = all.first().filter(|file| !is_kept(file));
        let mut some: Vec<PinnedFile> = kept.iter().chain(first).cloned().collect();
        some.sort_by(|left, right| left.path.cmp(&right.path));
        let has_more = first.is_some();
        let Some(mut found) = self.of_some(place, &table, &all, &some) else {
            // What is wrong is told by a look at all of it.
            return self.discover(place, table, reading);
        };
        partitions::retain(&mut found.files, filter);
        found.rows = found.rows.filter(|_| !has_more);
        found.partitions = Some(partitions);
        Ok(TableLookup::Table(Box::new(found)))
    }

    /// Returns the files of an undeclared table by their partition keys; nothing where there are none, and where files
    /// are not all read in one way.
    fn partitioned(
        &self,
        files: &dyn Files,
        location: &StoragePath,
        reading: &Reading,
    ) -> Result<Option<Partitioned>, EngineError> {
        if reading.is_stated() || reading.bad_rows != BadRows::Fail {
            return Ok(None);
        }
        let mut files = self.listed(files, location)?;
        let keys = partitions::assign(&mut files).unwrap_or_default();
        Ok((!keys.is_empty()).then_some(Partitioned { keys, files }))
    }

    /// Returns a table as some of its files are; nothing where these disagree, and where the types of its columns come
    /// from values, so that they follow from all files.
    fn of_some(
        &self,
        place: Place<'_>,
        table: &FoundTable,
        all: &Partitioned,
        some: &[PinnedFile],
    ) -> Option<Table> {
        let reading = Reading::default();
        let concluded = self.looking(place, &reading, bytes(some), |inference| {
            infer_some(inference, &all.files, &all.keys, some)
        });
        let found = concluded.ok()?.into_lookup(table.name.clone(), table.path.to_string());
        let TableLookup::Table(found) = found else { return None };
        let columns = &found.schema.columns;
        let is_typed = !types_come_from_values(found.format.format)
            && !columns.iter().any(|column| has_null(&column.data_type.0));
        is_typed.then_some(*found)
    }

    /// Looks at files of so many bytes, telling the progress.
    fn looking<T>(
        &self,
        Place { files, now }: Place<'_>,
        reading: &Reading,
        total: u64,
        look: impl FnOnce(&Inference<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        look(&Inference {
            files,
            now,
            sample: None,
            reading,
            threads: self.threads,
            on_bytes: &|done| (self.on_bytes)(done, total),
            cancelled: &self.cancelled,
        })
    }

    /// Returns the files of a location, which are listed once for a job.
    fn listed(
        &self,
        files: &dyn Files,
        location: &StoragePath,
    ) -> Result<Vec<PinnedFile>, EngineError> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = listed.iter().find(|(of, _)| of == location) {
            return Ok(known.clone());
        }
        let found = files_of(files, location.as_str())?;
        listed.push((location.clone(), found.clone()));
        Ok(found)
    }
}

impl Partitioned {
    /// Returns the first file with content.
    fn first(&self) -> Option<&PinnedFile> {
        self.files.iter().find(|file| file.size_bytes > 0)
    }
}

fn bytes(files: &[PinnedFile]) -> u64 {
    files.iter().map(|file| file.size_bytes).sum()
}

fn of_table(table: &FoundTable, error: EngineError) -> EngineError {
    let message = format!("`{}`: {}", table.name, error.message);
    EngineError { message, ..error }
}

/// Whether a part of a type has no values yet, and may have others in another file.
fn has_null(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            has_null(item.data_type())
        }
        DataType::Struct(members) => members.iter().any(|member| has_null(member.data_type())),
        _ => false,
    }
}
