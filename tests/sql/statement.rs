//! A statement as a tree, spelled for each engine: what differs in spelling stands side by side.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Mason,
    DuckDb,
    Sqlite,
}

/// The two that Mason is held against.
pub(crate) const PEERS: [Engine; 2] = [Engine::DuckDb, Engine::Sqlite];

/// The family of a value: what may be compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Integer,
    Double,
    Decimal,
    Text,
    Boolean,
    Date,
    Timestamp,
    Instant,
}

/// What may stand in the place of a node when a statement is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A value of a family: one of its own parts of the same family, or a null.
    Value(Family),
    /// A clause that may be left out.
    Clause,
    /// A list of which all but one part may be left out.
    List,
    /// Nothing else.
    Fixed,
}

/// A part of a statement: a template whose `{0}`, `{1}` … are its parts.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// For Mason, and for every peer that has no template of its own.
    template: Cow<'static, str>,
    duckdb: Option<Cow<'static, str>>,
    sqlite: Option<Cow<'static, str>>,
    unknown_to_sqlite: bool,
    pub(crate) place: Place,
    pub(crate) parts: Vec<Node>,
    features: Vec<&'static str>,
}

impl Node {
    /// A node that every engine spells alike.
    pub(crate) fn new(
        place: Place,
        template: impl Into<Cow<'static, str>>,
        parts: Vec<Self>,
    ) -> Self {
        Self {
            template: template.into(),
            duckdb: None,
            sqlite: None,
            unknown_to_sqlite: false,
            place,
            parts,
            features: Vec::new(),
        }
    }

    /// A node without parts.
    pub(crate) fn word(word: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Place::Fixed, escaped(word.into()), Vec::new())
    }

    /// Parts with something else between, none of which may be left out.
    pub(crate) fn joined(between: &'static str, parts: Vec<Self>) -> Self {
        let holes: Vec<String> = (0..parts.len()).map(|at| format!("{{{at}}}")).collect();
        Self::new(Place::Fixed, holes.join(between), parts)
    }

    /// Another spelling for DuckDB.
    pub(crate) fn duckdb(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.duckdb = Some(template.into());
        self
    }

    /// Another spelling for SQLite.
    pub(crate) fn sqlite(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.sqlite = Some(template.into());
        self
    }

    /// SQLite does not have it, or has it with another meaning.
    pub(crate) fn without_sqlite(mut self) -> Self {
        self.unknown_to_sqlite = true;
        self
    }

    /// Notes something by which a difference may be known.
    pub(crate) fn feature(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self
    }

    /// Returns the statement for an engine, or nothing when it does not have all of it.
    pub(crate) fn spelled(&self, engine: Engine) -> Option<String> {
        if engine == Engine::Sqlite && self.unknown_to_sqlite {
            return None;
        }
        let parts: Option<Vec<String>> =
            self.parts.iter().map(|part| part.spelled(engine)).collect();
        let parts = parts?;
        if self.place == Place::List {
            return Some(parts.join(&self.template));
        }
        let own = match engine {
            Engine::Mason => None,
            Engine::DuckDb => self.duckdb.as_ref(),
            Engine::Sqlite => self.sqlite.as_ref(),
        };
        Some(filled(own.unwrap_or(&self.template), &parts))
    }

    /// Returns all that was noted of this part and those within.
    pub(crate) fn features(&self) -> BTreeSet<&'static str> {
        let mut all: BTreeSet<&'static str> = self.features.iter().copied().collect();
        for part in &self.parts {
            all.extend(part.features());
        }
        all
    }

    /// Returns how many parts there are in all.
    pub(crate) fn size(&self) -> usize {
        1 + self.parts.iter().map(Self::size).sum::<usize>()
    }
}

/// Doubles braces, so that a word is no template.
pub(crate) fn escaped(word: Cow<'static, str>) -> Cow<'static, str> {
    if word.contains(['{', '}']) {
        return Cow::Owned(word.replace('{', "{{").replace('}', "}}"));
    }
    word
}

fn filled(template: &str, parts: &[String]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            text.push_str(brace);
            rest = &rest[at + 2..];
            continue;
        }
        let end = at + rest[at..].find('}').expect("should be closed");
        let index: usize = rest[at + 1..end].parse().expect("should be a number");
        text.push_str(&parts[index]);
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text
}
