//! Objects below one address of a bucket of S3, or of a server that speaks its protocol.
//!
//! Fills metastore and storage, with the catalogue, the commit and the changes of the lake. Jobs on its files are those
//! of another client. Credentials, limits and what a server has to keep to are described in `docs/s3.md`.

mod connection;
mod error;
mod keys;
mod open;

pub(super) use connection::ROW;

use super::clock;
use crate::api::v1alpha1::ClientKind;
use crate::engines::Role;
use crate::engines::capability::{Capability, ClientDescription};

/// What this type of client is and can do.
pub const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::S3,
    summary: "Objects below one address of a bucket of S3, or of a server that speaks its protocol",
    roles: &[Role::Metastore, Role::Storage],
    capabilities: &[
        Capability::ReadTables,
        Capability::ChangeDatabases,
        Capability::ChangeTables,
        Capability::ReadFiles,
        Capability::WriteFiles,
        Capability::DeleteFiles,
    ],
    reads: &[],
    writes: &[],
};
