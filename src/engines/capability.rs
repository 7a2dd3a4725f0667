//! What a client can do, as data that `validate` reads.

use serde::{Deserialize, Serialize};

use super::by_role::Role;
use super::table::Format;
use crate::api::v1alpha1::{ClientConfig, ClientKind};

/// One thing a client of a role may be able to do. The words stand in docs and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Capability {
    /// Metastore: list and get databases and tables.
    ReadTables,
    /// Metastore: create and delete databases.
    ChangeDatabases,
    /// Metastore: create, replace and delete tables by compare-and-swap.
    ChangeTables,
    /// Storage: list and read files.
    ReadFiles,
    /// Storage: write files.
    WriteFiles,
    /// Storage: delete files.
    DeleteFiles,
    /// Execution: look jobs up, follow, cancel and read their logs.
    Jobs,
    /// Execution: run a query in SQL.
    Query,
    /// Execution: first rows of a table.
    Preview,
    /// Execution: statistics of every column.
    Summarize,
    /// Execution: find the schema of files.
    Infer,
    /// Execution: merge files whose schemas conflict.
    Merge,
    /// Execution: write a table in another format or layout.
    Format,
    /// Execution: drop duplicate rows.
    Deduplicate,
    /// Execution: join two tables.
    Join,
    /// Execution: lists and structs to rows and columns.
    Explode,
    /// Execution: change types of columns.
    Cast,
    /// Execution: make up rows.
    Fake,
}

impl Capability {
    /// What a query in SQL over tables needs, whether a run or its definition wrote it.
    pub const OF_A_QUERY: &'static [Self] = &[Self::ReadTables, Self::Query];

    /// Returns the role whose client has it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::ReadTables | Self::ChangeDatabases | Self::ChangeTables => Role::Metastore,
            Self::ReadFiles | Self::WriteFiles | Self::DeleteFiles => Role::Storage,
            _ => Role::Execution,
        }
    }
}

/// What a client is and can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientDescription {
    /// The type.
    pub kind: ClientKind,
    /// One sentence for the docs.
    pub summary: &'static str,
    /// The roles it fills.
    pub roles: &'static [Role],
    /// What it can do.
    pub capabilities: &'static [Capability],
    /// The formats it reads.
    pub reads: &'static [Format],
    /// The formats it writes.
    pub writes: &'static [Format],
}

/// A type of client. Listed by `clients::types()`.
#[derive(Debug, Clone, Copy)]
pub struct ClientType {
    /// What a client of the type is, and the most that one can do. Docs and definitions, which know types only, go
    /// by it.
    pub most: ClientDescription,
    /// Returns what is left of [`ClientType::most`] with the block of one client.
    pub narrow: fn(ClientDescription, &ClientConfig) -> ClientDescription,
}

impl ClientType {
    /// Returns a type of which every client can do the same, whatever its block says.
    #[must_use]
    pub const fn uniform(description: ClientDescription) -> Self {
        Self { most: description, narrow: |most, _| most }
    }

    /// Returns what one client of the type can do.
    #[must_use]
    pub fn describe(&self, client: &ClientConfig) -> ClientDescription {
        (self.narrow)(self.most, client)
    }

    /// Returns the type of this kind, if this program has it.
    #[must_use]
    pub fn find(types: &[Self], kind: ClientKind) -> Option<&Self> {
        types.iter().find(|known| known.most.kind == kind)
    }
}
