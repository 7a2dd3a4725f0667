//! Runs a statement everywhere and says where the answers differ.

use std::collections::BTreeSet;
use std::fmt;

use mason::engines::ErrorKind;
use tokio::runtime::Runtime;

use crate::compare::{Cell, difference, of_mason, of_peer, shown};
use crate::generator::Statement;
use crate::mason::Mason;
use crate::peers::Peers;
use crate::statement::{Engine, PEERS};
use crate::tables::{Table, tables};

/// What an engine says to a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Rows(Vec<Vec<Cell>>),
    Refused(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(words) => write!(formatter, "  refused: {words}"),
            Self::Rows(rows) => {
                write!(formatter, "  {} rows", rows.len())?;
                for row in rows.iter().take(20) {
                    write!(formatter, "\n  {}", shown(row))?;
                }
                if rows.len() > 20 { formatter.write_str("\n  …") } else { Ok(()) }
            }
        }
    }
}

/// A statement to which Mason and a peer say different things.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) engine: Engine,
    pub(crate) features: BTreeSet<&'static str>,
    /// As Mason was asked.
    pub(crate) sql: String,
    /// As the peer was asked.
    pub(crate) peer_sql: String,
    pub(crate) mason: Answer,
    pub(crate) peer: Answer,
    how: String,
}

impl Found {
    /// Returns Mason's words when it refuses what the peer answers.
    pub(crate) fn only_mason_refuses(&self) -> Option<&str> {
        match (&self.mason, &self.peer) {
            (Answer::Refused(words), Answer::Rows(_)) => Some(words),
            _ => None,
        }
    }

    /// Returns the peer's words when it refuses what Mason answers.
    pub(crate) fn only_peer_refuses(&self) -> Option<&str> {
        match (&self.mason, &self.peer) {
            (Answer::Rows(_), Answer::Refused(words)) => Some(words),
            _ => None,
        }
    }

    /// Returns whether both answer, with different rows.
    pub(crate) fn is_of_rows(&self) -> bool {
        matches!((&self.mason, &self.peer), (Answer::Rows(_), Answer::Rows(_)))
    }

    /// Returns it in a line.
    pub(crate) fn short(&self) -> String {
        let words = match (&self.mason, &self.peer) {
            (Answer::Refused(words), _) | (_, Answer::Refused(words)) => words,
            _ => "",
        };
        let words: String = words.lines().next().unwrap_or_default().chars().take(160).collect();
        format!("{:?}: {} {words}", self.engine, self.how)
    }

    /// Returns whether a smaller statement still differs in the same way.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let begin = |answer: &Answer| match answer {
            Answer::Rows(_) => String::new(),
            Answer::Refused(words) => words.chars().take(60).filter(|c| !c.is_numeric()).collect(),
        };
        self.engine == other.engine
            && begin(&self.mason) == begin(&other.mason)
            && begin(&self.peer) == begin(&other.peer)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}: {}", self.engine, self.how)?;
        writeln!(formatter, "Mason was asked\n  {}\nand says\n{}", self.sql, self.mason)?;
        writeln!(formatter, "{:?} was asked\n  {}", self.engine, self.peer_sql)?;
        writeln!(formatter, "and says\n{}", self.peer)?;
        write!(formatter, "features: {:?}", self.features)
    }
}

/// The tables of a seed in all three engines.
pub(crate) struct World<'a> {
    pub(crate) tables: Vec<Table>,
    number: u64,
    mason: Mason,
    peers: &'a Peers,
    runtime: &'a Runtime,
}

/// What came of a statement.
pub(crate) struct Judged {
    pub(crate) found: Vec<Found>,
    /// The peers that were asked, with whether both they and Mason answered with rows.
    pub(crate) asked: Vec<(Engine, bool)>,
}

impl<'a> World<'a> {
    /// Makes the tables everywhere.
    pub(crate) fn new(seed: u64, number: u64, peers: &'a Peers, runtime: &'a Runtime) -> Self {
        let tables = tables(seed.wrapping_add(number));
        peers.make(number, &tables);
        Self { mason: Mason::new(&tables), tables, number, peers, runtime }
    }

    /// Asks all engines that have every part of a statement.
    pub(crate) fn judge(&self, statement: &Statement) -> Judged {
        let sql = statement.node.spelled(Engine::Mason).expect("should be spelled");
        let mason = match self.mason.rows(self.runtime, &sql) {
            Ok(rows) => Answer::Rows(of_mason(&rows, &statement.outputs)),
            Err(words) => Answer::Refused(words),
        };
        let (mut found, mut asked) = (Vec::new(), Vec::new());
        for engine in PEERS {
            let Some(peer_sql) = statement.node.spelled(engine) else { continue };
            let peer = match self.peers.rows(self.number, engine, &peer_sql) {
                Ok(rows) => Answer::Rows(of_peer(&rows, &statement.outputs)),
                Err(words) => Answer::Refused(words),
            };
            let both = matches!((&mason, &peer), (Answer::Rows(_), Answer::Rows(_)));
            asked.push((engine, both));
            if let Some(how) = how(&mason, &peer, statement) {
                let (features, sql, mason) =
                    (statement.node.features(), sql.clone(), mason.clone());
                found.push(Found { engine, features, sql, peer_sql, mason, peer, how });
            }
        }
        Judged { found, asked }
    }
}

/// Whether Mason's words, which begin with the kind of the error, are of what it does not foresee.
fn is_unexpected(words: &str) -> bool {
    words.starts_with(ErrorKind::Unexpected.as_str())
}

fn how(mason: &Answer, peer: &Answer, statement: &Statement) -> Option<String> {
    match (mason, peer) {
        (Answer::Rows(mason), Answer::Rows(peer)) => {
            difference(mason, peer, &statement.outputs, statement.ordered)
        }
        (Answer::Refused(words), Answer::Refused(_)) if is_unexpected(words) => {
            Some("Mason does not refuse it, but breaks off".to_owned())
        }
        (Answer::Refused(_), Answer::Refused(_)) => None,
        (Answer::Refused(_), _) => Some("only Mason refuses it".to_owned()),
        (_, Answer::Refused(_)) => Some("Mason does not refuse it".to_owned()),
    }
}
