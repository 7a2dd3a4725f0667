//! What a table is on any files: its generations and how one is committed, the changes of a catalogue, how files
//! are found to be read, what the folders of partitions say, and which names are meant. Knows no client and no
//! clock, and stands on [`Files`](crate::engines::files::Files).

pub mod catalogue;
pub mod changes;
pub mod commit;
mod conditions;
pub mod discovery;
pub(crate) mod error;
pub(crate) mod file_error;
pub(crate) mod file_lists;
pub(crate) mod inference;
pub mod listing;
pub mod manifest;
pub mod metastore;
pub(crate) mod names;
pub mod object_files;
pub mod object_path;
pub mod one_at_a_time;
pub(crate) mod partition_folders;
pub(crate) mod partitions;
mod pinned_objects;
pub mod retention;
pub mod roles;
pub(crate) mod run_record;
pub mod storage;
pub(crate) mod tables;
pub(crate) mod threads;
pub mod verify;

#[cfg(test)]
pub(crate) mod tests;
