//! Makes a statement smaller as long as Mason and a peer still differ in the same way.

use crate::generator::{Generator, Statement};
use crate::kinds::{Kind, WHOLE};
use crate::statement::{Family, Node, Place};

/// Most statements that are tried.
const MOST_TRIES: usize = 250;

/// Returns the smallest statement found of which `differs` holds.
pub(crate) fn shrunk(statement: &Statement, differs: impl Fn(&Statement) -> bool) -> Statement {
    let mut best = statement.clone();
    let mut tries = 0;
    'again: loop {
        for candidate in candidates(&best.node) {
            if candidate.size() >= best.node.size() {
                continue;
            }
            tries += 1;
            if tries > MOST_TRIES {
                return best;
            }
            let smaller = Statement { node: candidate, ..best.clone() };
            if differs(&smaller) {
                best = smaller;
                continue 'again;
            }
        }
        return best;
    }
}

/// Returns the node with one part left out or put in the place of what it is part of, outermost first.
fn candidates(node: &Node) -> Vec<Node> {
    let mut all = instead(node);
    for (at, part) in node.parts.iter().enumerate() {
        for candidate in candidates(part) {
            let mut whole = node.clone();
            whole.parts[at] = candidate;
            all.push(whole);
        }
    }
    all
}

fn instead(node: &Node) -> Vec<Node> {
    match node.place {
        Place::Clause => vec![Node::word("")],
        Place::List if node.parts.len() > 1 => (0..node.parts.len())
            .map(|at| {
                let mut fewer = node.clone();
                fewer.parts.remove(at);
                fewer
            })
            .collect(),
        Place::Value(family) => {
            let mut inner = Vec::new();
            of_family(node, family, &mut inner);
            inner.push(Generator::null(kind(family)));
            inner
        }
        _ => Vec::new(),
    }
}

/// Values of the family within a value, but not those of queries within, which see other tables.
fn of_family(node: &Node, family: Family, found: &mut Vec<Node>) {
    for part in &node.parts {
        if part.place == Place::Value(family) {
            found.push(part.clone());
        }
        of_family(part, family, found);
    }
}

fn kind(family: Family) -> Kind {
    match family {
        Family::Integer => WHOLE,
        Family::Double => Kind::Double { plain: true },
        Family::Decimal => Kind::Decimal { precision: 10, scale: 2 },
        Family::Text => Kind::Text,
        Family::Boolean => Kind::Boolean,
        Family::Date => Kind::Date,
        Family::Timestamp => Kind::Timestamp,
        Family::Instant => Kind::Instant,
    }
}
