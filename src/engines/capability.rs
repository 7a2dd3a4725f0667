//! What a client can do, as data that `validate` reads.

use serde::{Deserialize, Serialize};

use super::table::Format;
use crate::api::v1alpha1::ClientKind;

/// An engine role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Knows databases and tables.
    Metastore,
    /// Keeps files.
    Storage,
    /// Runs jobs.
    Execution,
}

impl Role {
    /// Every role, in the order of the docs.
    pub const ALL: [Self; 3] = [Self::Metastore, Self::Storage, Self::Execution];

    /// Returns the role's word in a config.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metastore => "metastore",
            Self::Storage => "storage",
            Self::Execution => "execution",
        }
    }
}

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
    /// What a query in SQL over tables needs, whoever wrote it.
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

/// What a type of client is and can do. Listed by `clients::descriptions()`.
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
