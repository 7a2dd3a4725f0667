//! Resources in a folder of files: the command line without a cluster.
//!
//! ```text
//! <root>/<namespace>/<plural>/<name>.json   one resource, as people can read it
//! <root>/.lock                              held by the process that changes something
//! <root>/.new/                              files being written; leftovers are swept
//! ```
//!
//! A write is a new file, flushed, renamed over the old one, and its folder flushed: a reader sees the
//! old resource or the new one, and a process that dies at any point leaves one of the two. Reads need
//! no lock. The rules of the schemas hold on every write, as at an API server.

mod change;
mod directory_store;
mod files;

pub use directory_store::DirectoryStore;
