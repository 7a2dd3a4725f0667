//! The files of a table of the catalogue, as the client that keeps them has them now.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aws_sdk_glue::types::{Column, Partition, StorageDescriptor, Table as GlueTable};

use super::client::Catalogue;
use super::declaration::{Declared, is_written, location_of, same};
use super::places::Places;
use super::reader;
use crate::engines::counted::counted;
use crate::engines::files::Files;
use crate::engines::partitions::{PartitionFilter, PartitionsRead, are_few};
use crate::engines::table::{PinnedFile, StoragePath, TableName};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::listing::visit;
use crate::lake::partitions::NULL;

const OPERATION: &str = "read a table of the catalogue";
/// Most partitions outside the table's folder that are looked into one by one outside a job.
const MOST_APART: usize = 100;

/// A table of the catalogue with its partitions.
pub(super) struct Kept {
    pub(super) name: TableName,
    pub(super) table: GlueTable,
    pub(super) declared: Declared,
    pub(super) partitions: Vec<Partition>,
}

/// The files of a table.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<PinnedFile>,
    /// How many partitions they are of, where the table has partition keys.
    pub(super) partitions: Option<PartitionsRead>,
    /// Files below the folder that are in no partition.
    pub(super) unregistered: u64,
    pub(super) notes: Vec<String>,
}

/// A partition, and where its files are.
struct Place {
    path: StoragePath,
    values: Vec<Option<String>>,
    files: u64,
    /// Whether its files are wanted.
    is_read: bool,
}

/// Looks for the files of tables, and takes no more than so many.
pub(super) struct Looking<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) files: &'a dyn Files,
    pub(super) places: &'a Places,
    pub(super) most: usize,
    /// Which partitions are read; all without one.
    pub(super) filter: Option<&'a dyn PartitionFilter>,
}

impl Looking<'_> {
    fn refused(&self, name: &TableName, why: impl std::fmt::Display) -> EngineError {
        let message = format!("`{name}`: {why}");
        self.catalogue.error(ErrorKind::InvalidInput, OPERATION, message)
    }

    /// Returns the files of a table; nothing where there are too many to be taken.
    ///
    /// # Errors
    /// `InvalidInput` for places outside the root, and partitions with other columns than the table; `NotFound` where
    /// a table without partitions has no object at all.
    pub(super) fn files_of(&self, kept: &Kept) -> Result<Option<Found>, EngineError> {
        let name = &kept.name;
        let address = location_of(kept.table.storage_descriptor.as_ref());
        let address = address.ok_or_else(|| self.refused(name, "it has no location"))?;
        let path = self.places.path(address).map_err(|why| self.refused(name, why))?;
        if kept.declared.partition_keys.is_empty() {
            return self.in_folder(name, &path);
        }
        self.in_partitions(kept, &path)
    }

    fn in_folder(
        &self,
        name: &TableName,
        path: &StoragePath,
    ) -> Result<Option<Found>, EngineError> {
        if self.files.kind(path)?.is_none() {
            let message = format!("there is nothing at `{path}`, where `{name}` has its files");
            return Err(self.catalogue.error(ErrorKind::NotFound, OPERATION, message));
        }
        let mut files = Vec::new();
        let most = self.most;
        visit_data(self.files, path, &mut |file| {
            if file.size_bytes > 0 {
                files.push(file);
            }
            if files.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        files.sort_by(|left: &PinnedFile, right| left.path.cmp(&right.path));
        Ok((files.len() <= most).then_some(Found { files, ..Found::default() }))
    }

    fn in_partitions(
        &self,
        kept: &Kept,
        folder: &StoragePath,
    ) -> Result<Option<Found>, EngineError> {
        let mut places = self.places_of(kept)?;
        let total = places.len();
        let read = self.leave_out(&mut places);
        let below = format!("{folder}/");
        let is_below = |path: &StoragePath| path.as_str().starts_with(&below);
        let one_by_one = read < total && are_few(read, total);
        let wanted = places.values().filter(|place| place.is_read).map(|place| place.path.clone());
        let (apart, together): (Vec<StoragePath>, Vec<StoragePath>) =
            wanted.partition(|path| one_by_one || !is_below(path));
        let most = self.most;
        if most < usize::MAX && apart.len() > MOST_APART {
            return Ok(None);
        }
        let (mut files, mut unregistered) = (Vec::new(), 0_u64);
        let mut take = |file: PinnedFile, unregistered: &mut u64| {
            match place_of(&mut places, &file.path) {
                _ if file.size_bytes == 0 => {}
                Some(place) if place.is_read => {
                    place.files += 1;
                    let partition_values = place.values.clone();
                    files.push(PinnedFile { partition_values, ..file });
                }
                Some(_) => {}
                None => *unregistered += 1,
            }
            if files.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let is_below_too = total == 0 || !together.is_empty();
        if is_below_too && self.files.kind(folder)?.is_some() {
            visit_data(self.files, folder, &mut |file| take(file, &mut unregistered))?;
        }
        for path in apart {
            if self.files.kind(&path)?.is_some() {
                visit_data(self.files, &path, &mut |file| take(file, &mut 0))?;
            }
        }
        if files.len() > most {
            return Ok(None);
        }
        files.sort_by(|left: &PinnedFile, right| left.path.cmp(&right.path));
        let notes = notes(&places, unregistered);
        let partitions = Some(PartitionsRead { read: read as u64, total: Some(total as u64) });
        Ok(Some(Found { files, partitions, unregistered, notes }))
    }

    /// Returns the places of all partitions, each apart from the others.
    fn places_of(&self, kept: &Kept) -> Result<BTreeMap<StoragePath, Place>, EngineError> {
        let mut places = BTreeMap::new();
        for partition in &kept.partitions {
            let place = self.place(kept, partition)?;
            let path = place.path.clone();
            if places.insert(path.clone(), place).is_some() {
                let why = format!("two of its partitions have their files at `{path}`");
                return Err(self.refused(&kept.name, why));
            }
        }
        if let Some((outer, inner)) = nested(&places) {
            let why = format!("its partition at `{inner}` is within that at `{outer}`");
            return Err(self.refused(&kept.name, why));
        }
        Ok(places)
    }

    /// Marks the partitions that are not read, and returns how many are.
    fn leave_out(&self, places: &mut BTreeMap<StoragePath, Place>) -> usize {
        let Some(filter) = self.filter else { return places.len() };
        let values: Vec<&[Option<String>]> =
            places.values().map(|place| place.values.as_slice()).collect();
        let kept = filter.keeps(&values);
        for (place, is_read) in places.values_mut().zip(kept) {
            place.is_read = is_read;
        }
        places.values().filter(|place| place.is_read).count()
    }

    fn path_of(&self, partition: &Partition) -> Result<StoragePath, String> {
        let address = location_of(partition.storage_descriptor.as_ref());
        self.places.path(address.ok_or("it has no location")?)
    }

    /// Returns where the files of a partition are, which have the columns of the table.
    fn place(&self, kept: &Kept, partition: &Partition) -> Result<Place, EngineError> {
        let given = partition.values.clone().unwrap_or_default();
        let refused = |why: &str| {
            self.refused(&kept.name, format!("partition [{}]: {why}", given.join(", ")))
        };
        if given.len() != kept.declared.partition_keys.len() {
            let keys = counted(kept.declared.partition_keys.len(), "partition key");
            return Err(refused(&format!("the table has {keys}")));
        }
        let path = self.path_of(partition).map_err(|why| refused(&why))?;
        let table = kept.table.storage_descriptor.as_ref();
        if let Some(own) = &partition.storage_descriptor {
            check_like(kept, own, table).map_err(|why| refused(&why))?;
        }
        let values = given.into_iter().map(|value| (value != NULL).then_some(value)).collect();
        Ok(Place { path, values, files: 0, is_read: true })
    }
}

/// Hands on every data file below a place, in no order. In the folder of a job, all it wrote is data: the catalogue says
/// that it counts, whatever the manifests of the table's folder have come to since.
pub(super) fn visit_data(
    files: &dyn Files,
    path: &StoragePath,
    take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    if path.as_str().split('/').any(is_written) {
        return files.walk(Some(path), take);
    }
    visit(files, path.as_str(), take)
}

/// Checks that the files of a partition are read as those of its table.
fn check_like(
    kept: &Kept,
    own: &StorageDescriptor,
    table: Option<&StorageDescriptor>,
) -> Result<(), String> {
    let columns =
        |of: Option<&StorageDescriptor>| of.and_then(|of| of.columns.clone()).unwrap_or_default();
    let (declared, all) = (columns(Some(own)), columns(table));
    if !declared.is_empty() && !same(&declared, &all) {
        let shown = |columns: &[Column]| {
            let words = columns.iter().map(|column| {
                format!("{} {}", column.name, column.r#type.as_deref().unwrap_or_default())
            });
            words.collect::<Vec<_>>().join(", ")
        };
        return Err(format!(
            "it declares the columns [{}], and the table [{}]; table/infer with mode=replace gives all one schema",
            shown(&declared),
            shown(&all)
        ));
    }
    let Some(table) = table.filter(|table| own.serde_info != table.serde_info) else {
        return Ok(());
    };
    let names: Vec<String> = all.iter().map(|column| column.name.clone()).collect();
    let read = |of| reader::read(of, kept.table.parameters.as_ref(), &names).map(|read| read.0);
    if own.serde_info.is_none() || read(own) == read(table) {
        return Ok(());
    }
    Err("its files are read in another way than those of the table".to_owned())
}

/// Returns two partitions of which one is within the other, so that its files would be of both.
fn nested(places: &BTreeMap<StoragePath, Place>) -> Option<(&StoragePath, &StoragePath)> {
    places.keys().find_map(|inner| {
        let mut above = inner.as_str();
        while let Some((folder, _)) = above.rsplit_once('/') {
            above = folder;
            let outer = StoragePath::new(folder).ok()?;
            if let Some((outer, _)) = places.get_key_value(&outer) {
                return Some((outer, inner));
            }
        }
        None
    })
}

/// Returns the partition that a file is of: the one whose place is nearest above it.
fn place_of<'a>(
    places: &'a mut BTreeMap<StoragePath, Place>,
    file: &StoragePath,
) -> Option<&'a mut Place> {
    let mut path = file.as_str();
    let mut found = None;
    while let Some((above, _)) = path.rsplit_once('/') {
        path = above;
        let above = StoragePath::new(above).ok()?;
        if places.contains_key(&above) {
            found = Some(above);
            break;
        }
    }
    places.get_mut(&found?)
}

fn notes(places: &BTreeMap<StoragePath, Place>, unregistered: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let read: Vec<&Place> = places.values().filter(|place| place.is_read).collect();
    let empty: Vec<&&Place> = read.iter().filter(|place| place.files == 0).collect();
    if let Some(example) = empty.first() {
        let of = counted(read.len(), "partition");
        notes.push(format!("{} of {of} have no files, such as `{}`", empty.len(), example.path));
    }
    if unregistered > 0 {
        let files = counted(unregistered, "file");
        notes.push(format!(
            "left out: {files} below the table's folder in no partition of the catalogue; table/refresh registers them"
        ));
    }
    notes
}
