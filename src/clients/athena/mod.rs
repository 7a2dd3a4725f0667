//! Amazon Athena, which queries the tables of the Glue Data Catalog.
//!
//! Fills execution. What it was asked for is recorded beside the files of the config's `s3` client before it is asked:
//! a query is started at most once for an attempt, and found again. Docs: `docs/athena.md`.

mod answer;
mod client;
mod connection;
mod execution;
mod record;
mod state;
mod statement;

pub(super) use connection::ROW;

use super::clock;
use crate::api::v1alpha1::ClientKind;
use crate::engines::Role;
use crate::engines::capability::{Capability, ClientDescription};
use crate::engines::table::Format;

/// What this type of client is and can do.
pub const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::Athena,
    summary: "Amazon Athena, which queries the tables of a `glue` client",
    roles: &[Role::Execution],
    capabilities: &[Capability::Query, Capability::Preview],
    reads: &[Format::Parquet, Format::Csv, Format::Jsonl, Format::Avro, Format::Orc],
    writes: &[],
};
