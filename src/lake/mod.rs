//! What a table is on any files: how its files are found to be read, what the folders of its partitions
//! say, and which names are meant. Knows no client, and stands on [`Files`](crate::engines::files::Files).

pub(crate) mod error;
pub(crate) mod file_error;
pub(crate) mod inference;
pub(crate) mod names;
pub mod object_files;
pub mod object_path;
pub(crate) mod partitions;
mod pinned_objects;
#[cfg(test)]
mod tests;
