//! A condition that has been checked, and what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::{IdedExpr, ParseError, Program};
use regex::Regex;

use super::super::scope::{Path, Root};
use super::check::Visitor;
use super::source;

/// A value that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// The value at a path.
    Value(Path),
    /// Whether there is a value at a path, as `has(…)` asks.
    Has(Path),
    /// `run.phase`.
    RunPhase,
}

impl Variable {
    /// Returns the path, if it has one.
    #[must_use]
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Value(path) | Self::Has(path) => Some(path),
            Self::RunPhase => None,
        }
    }
}

/// A condition that can be evaluated: known names and functions only, bounded in size and work.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The tree as it is evaluated: a path is one identifier, and some operators are functions of ours.
    pub(super) tree: IdedExpr,
    /// What the identifiers stand for.
    pub(super) variables: BTreeMap<String, Variable>,
    /// The patterns of `matches`, by their index in the tree.
    pub(super) patterns: Arc<[Regex]>,
}

impl Condition {
    /// Reads a condition. It is at most 2 KiB of text and 256 nodes; comprehensions are nested at most twice, and
    /// pass over at most 100,000 items, where a list that is not written out counts as 1,000.
    ///
    /// # Errors
    /// Everything that is wrong; only the first kind of problem when the text cannot be parsed.
    pub fn parse(text: &str, in_finally: bool) -> Result<Self, Vec<String>> {
        let problems = source::check(text);
        if !problems.is_empty() {
            return Err(problems);
        }
        with_stack(|| {
            let program = Program::compile(text)
                .map_err(|wrong| wrong.errors.iter().map(in_words).collect::<Vec<_>>())?;
            Visitor::new(in_finally).finish(program.expression())
        })
    }

    /// Returns the ids of the steps that it names.
    #[must_use]
    pub fn steps(&self) -> BTreeSet<String> {
        let id = |path: &Path| match &path.root {
            Root::Step { id, .. } => Some(id.clone()),
            _ => None,
        };
        self.paths().filter_map(id).collect()
    }

    /// Returns the names of the parameters that it names.
    #[must_use]
    pub fn parameters(&self) -> BTreeSet<String> {
        let name = |path: &Path| match &path.root {
            Root::Parameter(name) => Some(name.clone()),
            _ => None,
        };
        self.paths().filter_map(name).collect()
    }

    /// Returns every path that it looks up or asks for, for a check against the schemas of results.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.variables.values().filter_map(Variable::path)
    }
}

/// Runs what goes down a tree on a stack that is large enough for the largest one: the parser takes many frames for
/// each bracket, and no error comes of a stack that ends.
pub(super) fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    const NEEDED: usize = 32 * 1024 * 1024;
    stacker::maybe_grow(NEEDED, NEEDED, work)
}

fn in_words(error: &ParseError) -> String {
    let (line, column) = error.pos;
    match error.msg.as_str() {
        "UNKNOWN" => "is nested too deep".to_owned(),
        message => {
            let message = message.trim_start_matches("Syntax error: ");
            format!("line {line}, column {column}: {message}")
        }
    }
}
