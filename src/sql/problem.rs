//! What is wrong with a query, with its place and what to do about it.

use std::fmt;

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::Location;

/// What sort of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SqlProblemKind {
    /// The text is no SQL.
    Syntax,
    /// It is SQL that is refused: it may write, read files by path, or names nothing known.
    NotAllowed,
    /// It is allowed, and no engine of this version can do it.
    Unsupported,
}

/// One problem of a query, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlProblem {
    /// What sort of problem it is.
    pub kind: SqlProblemKind,
    /// The facts: lower case, no full stop.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Line and column, from 1, where they are known.
    pub position: Option<(u64, u64)>,
}

impl SqlProblem {
    fn new(kind: SqlProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, position: None }
    }

    pub(super) fn syntax(message: &str) -> Self {
        let message = first_small(message).replace("EOF", "the end of the query");
        let stops = message.contains("the end of the query");
        let problem = Self::new(SqlProblemKind::Syntax, format!("syntax error: {message}"));
        if stops {
            problem.with_hint("the text stops within the statement: complete it")
        } else {
            problem
        }
    }

    pub(super) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(SqlProblemKind::NotAllowed, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(SqlProblemKind::Unsupported, message)
    }

    pub(super) fn from_parser(error: &ParserError) -> Self {
        match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                Self::syntax(message)
            }
            ParserError::RecursionLimitExceeded => {
                Self::not_allowed("the query is nested more than 50 levels deep")
                    .with_hint("name parts of it with `with name as (…)`")
            }
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place; line 0 means that it is not known.
    pub(super) fn at(mut self, location: Location) -> Self {
        if location.line > 0 {
            self.position = Some((location.line, location.column));
        }
        self
    }
}

impl fmt::Display for SqlProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if let Some((line, column)) = self.position {
            write!(formatter, " (line {line}, column {column})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SqlProblem {}

/// The parser's messages begin with a capital (`Expected: …`); ours do not.
fn first_small(message: &str) -> String {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    let mut characters = message.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
