//! A query that only reads, and what can be asked of the text of one.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::columns::{self, Spellings};
use super::parse::parse;
use super::problem::SqlProblem;
use super::{bind, check, conditions};
use crate::engines::job_spec::Binding;
use crate::engines::table::TableName;
use crate::engines::{EngineError, ErrorKind};

/// How a query is to be understood.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// What `$table` stands for.
    pub this_table: Option<&'a TableName>,
    /// The database of names without one.
    pub default_database: Option<&'a str>,
    /// Whether the definition allows SQL that changes data. No engine of this version does: what
    /// would change data is then `Unsupported` rather than `NotAllowed`.
    pub allow_writing: bool,
    /// What placeholders stand for, by name without `$`; without any, placeholders are refused.
    pub bindings: Option<&'a BTreeMap<String, Binding>>,
}

/// A query that only reads, with the tables it names.
#[derive(Debug, Clone)]
pub struct Analysed {
    query: Box<Query>,
    tables: Vec<TableName>,
}

impl Analysed {
    /// Returns the tables that the query reads, each once (compared without regard to ASCII case), in
    /// the order of their first mention and as they are spelled there.
    #[must_use]
    pub fn tables(&self) -> &[TableName] {
        &self.tables
    }

    /// Returns whether the query has conditions at all.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        conditions::has_conditions(&self.query)
    }

    /// Returns whether conditions of the query may limit any of these columns, by their names alone.
    #[must_use]
    pub fn may_limit(&self, columns: &[String]) -> bool {
        conditions::may_limit(&self.query, columns)
    }

    /// Returns the statement to run: tables are `"database"."table"` in ASCII lower case, and unquoted
    /// columns are spelled as the tables spell them.
    #[must_use]
    pub fn into_statement(mut self, spellings: &Spellings) -> Statement {
        columns::spell(&mut self.query, spellings);
        Statement::Query(self.query)
    }
}

/// Reads a query and returns it with its tables, or everything that is wrong with it.
///
/// # Errors
/// A syntax error alone; else every construct that is not allowed, in the order of the text.
pub fn analyse(sql: &str, scope: Scope<'_>) -> Result<Analysed, Vec<SqlProblem>> {
    let mut statements = parse(sql, scope).map_err(|problem| vec![problem])?;
    bind::put_values(&mut statements, scope.bindings.unwrap_or(&BTreeMap::new()));
    let mut checked = check::check(statements, scope)?;
    if checked.problems.is_empty() {
        return Ok(Analysed { query: checked.query, tables: checked.tables });
    }
    checked.problems.dedup();
    Err(checked.problems)
}

/// Returns the tables that a query reads; see [`Analysed::tables`].
///
/// # Errors
/// As [`analyse`].
pub fn referenced_tables(
    sql: &str,
    this_table: Option<&TableName>,
    default_database: Option<&str>,
) -> Result<Vec<TableName>, Vec<SqlProblem>> {
    let scope = Scope { this_table, default_database, ..Scope::default() };
    analyse(sql, scope).map(|analysed| analysed.tables)
}

/// Looks whether a text can be read as SQL; `$table` is taken for a table's name.
///
/// # Errors
/// The place that cannot be read, and how the text differs from SQL there.
pub fn check_syntax(sql: &str) -> Result<(), SqlProblem> {
    let any = TableName { database: "database".to_owned(), table: "table".to_owned() };
    parse(sql, Scope { this_table: Some(&any), ..Scope::default() }).map(drop)
}

/// Returns the names of the placeholders of a statement, without `$`.
///
/// # Errors
/// A syntax error.
pub fn placeholders(sql: &str) -> Result<BTreeSet<String>, SqlProblem> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize()
        .map_err(|error| SqlProblem::syntax(&error.message).at(error.location))?;
    let names = tokens.into_iter().filter_map(|token| match token {
        Token::Placeholder(name) => name.strip_prefix('$').map(str::to_owned),
        _ => None,
    });
    Ok(names.collect())
}

/// Returns every problem of a query as one error of the client that was to run it: `Unsupported` when nothing is
/// wrong but that no engine can do it.
#[must_use]
pub fn refusal(client: &str, problems: &[SqlProblem]) -> EngineError {
    let unsupported = problems.iter().all(SqlProblem::is_unsupported);
    let kind = if unsupported { ErrorKind::Unsupported } else { ErrorKind::InvalidInput };
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let error = EngineError::new(kind, client, "understand the query", texts.join("; "));
    let hints: Vec<&str> = problems.iter().filter_map(|problem| problem.hint.as_deref()).collect();
    if hints.is_empty() { error } else { error.with_hint(hints.join("; ")) }
}

#[cfg(test)]
#[path = "bind_tests.rs"]
mod bind_tests;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
