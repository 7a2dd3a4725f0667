//! Makes a statement from a seed and its number: the same two give the same statement.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::compare::{Closeness, Output};
use crate::expressions::Typed;
use crate::kinds::Kind;
use crate::statement::{Node, Place};
use crate::tables::Table;

/// A generated statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) node: Node,
    pub(crate) outputs: Vec<Output>,
    /// Whether all columns of the answer are ordered, so that rows have one order.
    pub(crate) ordered: bool,
}

/// A query with the columns of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) node: Node,
    pub(crate) columns: Vec<Named>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) closeness: Closeness,
}

/// What makes one statement.
pub(crate) struct Generator<'a> {
    pub(crate) random: ChaCha8Rng,
    pub(crate) tables: &'a [Table],
    /// Whether only what SQLite has is made.
    pub(crate) portable: bool,
    aliases: u32,
    nested: u32,
}

/// Returns the statement of a number.
pub(crate) fn statement(seed: u64, number: u64, tables: &[Table]) -> Statement {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let portable = random.random_bool(0.5);
    let mut generator = Generator { random, tables, portable, aliases: 0, nested: 0 };
    let query = match number % 20 {
        0..=3 => generator.select(None, &[]),
        4..=7 => generator.grouped(&[]),
        8 | 9 => generator.grouping_sets(),
        10 | 11 => generator.windows(),
        12 | 13 => generator.set_operation(),
        14 => generator.common_table(),
        15 => generator.recursive(),
        16 => generator.rows_of_expressions(),
        17 => generator.distinct_windows(),
        18 => generator.wildcard(),
        _ => generator.at_the_limits(),
    };
    generator.finished(query)
}

impl Generator<'_> {
    /// A new name for a table or column.
    pub(crate) fn alias(&mut self, letter: char) -> String {
        self.aliases += 1;
        format!("{letter}{}", self.aliases)
    }

    /// Whether a query may stand within an expression here.
    pub(crate) fn may_nest(&self) -> bool {
        self.nested < 2
    }

    /// Makes what stands within a query.
    pub(crate) fn nest<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        self.nested += 1;
        let whole = make(self);
        self.nested -= 1;
        whole
    }

    /// Makes expressions without queries in them.
    pub(crate) fn flat<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let depth = std::mem::replace(&mut self.nested, u32::MAX);
        let expression = make(self);
        self.nested = depth;
        expression
    }

    /// Orders some answers by all columns, and cuts some of those.
    fn finished(&mut self, query: Query) -> Statement {
        let outputs: Vec<Output> = (query.columns.iter())
            .map(|column| Output { family: column.kind.family(), closeness: column.closeness })
            .collect();
        let is_exact = outputs.iter().all(|output| output.closeness == Closeness::Exact);
        if !is_exact || self.random.random_bool(0.4) {
            return Statement { node: query.node, outputs, ordered: false };
        }
        let node = self.ordered(query.node, &query.columns);
        Statement { node, outputs, ordered: true }
    }

    /// Orders a query by all its columns, and cuts it sometimes.
    pub(crate) fn ordered(&mut self, query: Node, columns: &[Named]) -> Node {
        let keys = (1..=columns.len()).map(|at| {
            let key = Node::word(at.to_string());
            self.sort_key(key)
        });
        let keys = Node::joined(", ", keys.collect());
        let mut feature = "order by";
        if columns.iter().any(|column| matches!(column.kind, Kind::Double { .. })) {
            feature = "order by float";
        }
        let limit = if self.random.random_bool(0.4) {
            let (rows, skipped) = (self.random.random_range(0..9), self.random.random_range(0..4));
            let limit = if skipped == 0 {
                format!(" limit {rows}")
            } else {
                format!(" limit {rows} offset {skipped}")
            };
            Node::new(Place::Clause, limit, Vec::new()).feature("limit")
        } else {
            Node::word("")
        };
        Node::new(Place::Fixed, "{0} order by {1}{2}", vec![query, keys, limit]).feature(feature)
    }

    /// A key of `order by`, with its nulls where Mason has them by default, or where it says.
    pub(crate) fn sort_key(&mut self, key: Node) -> Node {
        let (template, sqlite) = match self.random.random_range(0..5) {
            0 | 1 => ("{0}", "{0} nulls last"),
            2 => ("{0} desc", "{0} desc nulls first"),
            3 => ("{0} nulls first", "{0} nulls first"),
            _ => ("{0} desc nulls last", "{0} desc nulls last"),
        };
        Node::new(Place::Fixed, template, vec![key]).sqlite(sqlite)
    }
}

/// Names expressions as the items of a `select`.
pub(crate) fn items(columns: &[(Typed, Named)]) -> Node {
    let item = |(typed, named): &(Typed, Named)| {
        Node::new(Place::Fixed, format!("{{0}} as {}", named.name), vec![typed.node.clone()])
    };
    Node::joined(", ", columns.iter().map(item).collect())
}

/// A clause that is left out when it has nothing in it.
pub(crate) fn clause(template: &'static str, part: Option<Node>) -> Node {
    match part {
        Some(part) => Node::new(Place::Clause, template, vec![part]),
        None => Node::word(""),
    }
}
