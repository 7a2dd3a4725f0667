//! Files below one folder of this machine, with an embedded SQL engine in a process of its own.
//!
//! Fills metastore, storage and execution. Needs no credentials. Layout, commit protocol and limits
//! are described in `docs/local.md`.

mod change_lock;
mod connection;
pub mod disk;
pub mod durable;
mod ends;
pub mod execution;
pub mod files;
pub mod jobs;
pub mod leftovers;
mod listing;
mod memory;
pub mod objects;
pub mod processes;
mod proof;
mod roles;
pub mod root;
pub mod settings;
mod store;
pub mod worker;

#[cfg(test)]
mod tests;

pub(super) use connection::ROW;
pub use roles::{lake, metastore, storage};

use super::clock;
use crate::api::v1alpha1::ClientKind;
use crate::engines::Role;
use crate::engines::capability::{Capability, ClientDescription};
use crate::engines::table::Format;

/// What this type of client is and can do.
pub const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::Local,
    summary: "Files below one folder of this machine, with an embedded SQL engine in a process of its own",
    roles: &[Role::Metastore, Role::Storage, Role::Execution],
    capabilities: &[
        Capability::ReadTables,
        Capability::ChangeDatabases,
        Capability::ChangeTables,
        Capability::ReadFiles,
        Capability::WriteFiles,
        Capability::DeleteFiles,
        Capability::Jobs,
        Capability::Query,
        Capability::Preview,
        Capability::Summarize,
        Capability::Infer,
        Capability::Merge,
        Capability::Format,
        Capability::Deduplicate,
        Capability::Join,
        Capability::Explode,
        Capability::Cast,
        Capability::Fake,
    ],
    reads: &[
        Format::Parquet,
        Format::Csv,
        Format::Json,
        Format::Jsonl,
        Format::Avro,
        Format::Orc,
        Format::Msgpack,
        Format::Arrow,
    ],
    writes: &[
        Format::Parquet,
        Format::Csv,
        Format::Json,
        Format::Jsonl,
        Format::Avro,
        Format::Arrow,
        Format::Xlsx,
    ],
};
