//! The Glue Data Catalog of an account and region.
//!
//! Fills metastore. The files of its tables are those of the config's `s3` client, which also keeps the records of
//! changes. Credentials, what is read and written, and limits are described in `docs/glue.md`.

mod changes;
mod client;
mod connection;
mod declaration;
mod hive_type;
mod metastore;
mod places;
mod reader;
mod tables;

pub(super) use connection::ROW;

use super::clock;
use crate::api::v1alpha1::ClientKind;
use crate::engines::Role;
use crate::engines::capability::{Capability, ClientDescription};

/// What this type of client is and can do.
pub const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::Glue,
    summary: "The Glue Data Catalog of an account and region; the files of its tables are those of an `s3` client",
    roles: &[Role::Metastore],
    capabilities: &[Capability::ReadTables, Capability::ChangeDatabases, Capability::ChangeTables],
    reads: &[],
    writes: &[],
};
