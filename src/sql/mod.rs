//! What a query in SQL may be and which tables it names: pure, and the same for whoever gathers the
//! tables and whoever runs the query.
//!
//! A query is tokenised, `$table` is replaced among the tokens (never in the text), parsed, and then
//! judged on the tree by an allow-list: what is not known to only read is refused, and every refusal
//! is reported at once. May import models of `engines` only; runs nothing and reads nothing.

mod bind;
#[cfg(test)]
mod bind_tests;
mod check;
mod columns;
mod kept;
mod misplaced;
mod own_functions;
mod problem;
#[cfg(test)]
mod tests;
mod volatile;

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::engines::job_spec::Binding;
use crate::engines::table::TableName;
use crate::engines::{EngineError, ErrorKind};
pub use columns::Spellings;
pub use kept::{KEPT_DATABASE, Kept, keep};
pub use problem::{SqlProblem, SqlProblemKind};

/// Most bytes a query may have.
pub const MAX_BYTES: usize = 256 * 1024;

/// Most operators (`+`, `=`, `and`, `union`, …) a query may have: each may be one more level of the
/// tree.
pub const MAX_OPERATORS: usize = 2_000;

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

/// Returns every problem of a query as one error of whoever was to run it: `Unsupported` when nothing is
/// wrong but that no engine can do it.
#[must_use]
pub fn refusal(whose: &str, problems: &[SqlProblem]) -> EngineError {
    let unsupported = problems.iter().all(SqlProblem::is_unsupported);
    let kind = if unsupported { ErrorKind::Unsupported } else { ErrorKind::InvalidInput };
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let error = EngineError::new(kind, whose, "understand the query", texts.join("; "));
    let hints: Vec<&str> = problems.iter().filter_map(|problem| problem.hint.as_deref()).collect();
    if hints.is_empty() { error } else { error.with_hint(hints.join("; ")) }
}

fn parse(sql: &str, scope: Scope<'_>) -> Result<Vec<Statement>, SqlProblem> {
    if sql.len() > MAX_BYTES {
        return Err(SqlProblem::not_allowed(format!(
            "the query has {} bytes, more than {MAX_BYTES}",
            sql.len()
        )));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlProblem::syntax(&error.message).at(error.location))?;
    let operators = tokens.iter().filter(|token| is_operator(&token.token)).count();
    if operators > MAX_OPERATORS {
        return Err(SqlProblem::not_allowed(format!(
            "the query has {operators} operators, more than {MAX_OPERATORS}"
        ))
        .with_hint("write `x in (…)` instead of many `x = …` joined by `or`"));
    }
    let tokens = put_this_table(tokens, scope)?;
    Parser::new(&dialect)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| SqlProblem::from_parser(&error))
}

/// Replaces the token `$table` by the tokens of a quoted name, unless a parameter has that name.
fn put_this_table(
    tokens: Vec<TokenWithSpan>,
    scope: Scope<'_>,
) -> Result<Vec<TokenWithSpan>, SqlProblem> {
    let mut replaced = Vec::with_capacity(tokens.len() + 2);
    let is_bound = scope.bindings.is_some_and(|bindings| bindings.contains_key("table"));
    for token in tokens {
        let bound = scope.bindings.and_then(|bindings| bind::identifier(&token.token, bindings));
        if let Some(bound) = bound {
            replaced.push(TokenWithSpan::new(bound, token.span));
            continue;
        }
        let is_this_table = matches!(&token.token, Token::Placeholder(name) if name == "$table");
        if is_bound || !is_this_table {
            replaced.push(token);
            continue;
        }
        let Some(name) = scope.this_table else {
            return Err(no_this_table(token.span.start));
        };
        let parts = [
            Token::make_word(&name.database, Some('"')),
            Token::Period,
            Token::make_word(&name.table, Some('"')),
        ];
        replaced.extend(parts.map(|part| TokenWithSpan::new(part, token.span)));
    }
    Ok(replaced)
}

fn no_this_table(location: Location) -> SqlProblem {
    SqlProblem::not_allowed("`$table` stands for the run's own table, and the run names none")
        .at(location)
        .with_hint("give the run a `table_name`, or write `database.table`")
}

/// Returns whether a token may add a level to the tree without the parser noticing its depth.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::DIV
                | Keyword::OVERLAPS
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::MINUS
                | Keyword::NOTNULL
                | Keyword::PIVOT
                | Keyword::UNPIVOT
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon => false,
        _ => true,
    }
}
