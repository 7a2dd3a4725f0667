//! Which tables a built-in action reads and writes, told by the parameters that name them.
//!
//! It is data, as [`capability`](super::capability) is: what an action uses can be said of a run whose parameters are
//! not all known yet. Folders and files that are no tables are not told here. Pure.

/// Whether a table is read or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Its rows or its declaration are read.
    Read,
    /// It is written, declared or deleted.
    Write,
}

/// The parameters that name tables. A parameter without a value, or with an empty text, names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// One table.
    Table {
        /// The parameters of its database: the first that has a value counts.
        databases: &'static [&'static str],
        /// The parameter of its name.
        table: &'static str,
        /// The path whose [`table_of_path`] is the name when the parameter has no value.
        path: Option<&'static str>,
    },
    /// A database with all of its tables.
    Database(&'static str),
    /// The tables that a statement in SQL names.
    Statement {
        /// The parameter of the statement.
        statement: &'static str,
        /// The parameter of the database of names without one, and of `$table`.
        database: &'static str,
        /// The parameter of the table that `$table` stands for.
        table: &'static str,
    },
}

/// One use of tables by an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableUse {
    /// What is done with them.
    pub access: Access,
    /// Which tables they are.
    pub named: NamedBy,
}

impl TableUse {
    /// Reads the table of `database_name` and `table_name`.
    pub const READS_ITS_TABLE: Self = Self { access: Access::Read, named: NamedBy::ITS_TABLE };
    /// Writes the table of `database_name` and `table_name`.
    pub const WRITES_ITS_TABLE: Self = Self { access: Access::Write, named: NamedBy::ITS_TABLE };
    /// Writes the output, if there is one.
    pub const WRITES_OUTPUT: Self = Self {
        access: Access::Write,
        named: NamedBy::Table {
            databases: &["output_database", "database_name"],
            table: "output_table",
            path: None,
        },
    };
    /// Reads the table of `database_name` and `table_name`, and writes the output, if there is one.
    pub const OF_A_CONVERSION: &[Self] = &[Self::READS_ITS_TABLE, Self::WRITES_OUTPUT];
}

impl NamedBy {
    /// The table of `database_name` and `table_name`.
    pub const ITS_TABLE: Self =
        Self::Table { databases: &["database_name"], table: "table_name", path: None };
}

/// Returns the name that a path suggests for a table over its files: its last part that is no glob and no partition,
/// without endings.
#[must_use]
pub fn table_of_path(path: &str) -> Option<&str> {
    let is_name = |part: &&str| {
        !part.is_empty()
            && !part.contains(['*', '?', '[', '{', '='])
            && *part != "."
            && *part != ".."
    };
    let part = path.rsplit('/').find(is_name)?;
    part.split('.').find(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::table_of_path;

    #[test]
    fn the_name_is_the_last_part_of_the_path_that_is_no_glob_or_partition() {
        assert_eq!(table_of_path("raw/orders.csv.gz"), Some("orders"));
        assert_eq!(table_of_path("raw/orders/*.csv"), Some("orders"));
        assert_eq!(table_of_path("raw/orders/year=*/"), Some("orders"));
        assert_eq!(table_of_path("orders"), Some("orders"));
        assert_eq!(table_of_path("*.csv"), None);
        assert_eq!(table_of_path(""), None);
    }
}
