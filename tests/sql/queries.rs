//! Whole queries: what they read, filter, group and name.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::aggregates::Aggregate;
use crate::compare::Closeness;
use crate::expressions::{Scope, Typed, one};
use crate::forms::Argument;
use crate::generator::{Generator, Named, Query, clause, items};
use crate::kinds::Kind;
use crate::statement::{Engine, Family, Node, Place};
use crate::tables::DATABASE;

/// `where` of conditions of which each may be left out.
pub(crate) fn conjunction(conditions: Vec<Node>) -> Node {
    if conditions.is_empty() {
        return Node::word("");
    }
    let conditions = Node::new(Place::List, " and ", conditions);
    clause(" where {0}", Some(conditions))
}

/// Columns of a query under an alias.
fn visible(alias: &str, columns: &[Named]) -> Vec<Typed> {
    let exact = columns.iter().filter(|column| column.closeness == Closeness::Exact);
    exact.map(|column| column_of(&format!("{alias}.{}", column.name), column.kind, true)).collect()
}

fn column_of(name: &str, kind: Kind, is_of_sqlite: bool) -> Typed {
    let mut node =
        Node::new(Place::Value(kind.family()), name.to_owned(), Vec::new()).feature("column");
    if let Kind::Double { plain } = kind {
        node = node.feature(if plain { "float" } else { "special float" });
    }
    if matches!(kind, Kind::Date | Kind::Timestamp | Kind::Instant) {
        node = node.feature("times");
    }
    if !is_of_sqlite {
        node = node.without_sqlite();
    }
    Typed { node, kind }
}

impl Generator<'_> {
    /// A table under an alias, with its columns.
    pub(crate) fn table(&mut self) -> (Node, Vec<Typed>) {
        let weights = [8, 5, 4, 1, 1];
        let mut at = self.random.random_range(0..weights.iter().sum());
        let mut index = 0;
        while at >= weights[index] {
            at -= weights[index];
            index += 1;
        }
        self.table_at(index)
    }

    pub(crate) fn table_at(&mut self, index: usize) -> (Node, Vec<Typed>) {
        let table = &self.tables[index];
        let alias = self.alias('t');
        let portable = self.portable;
        let known = table.columns.iter().filter(|column| !portable || column.kind.is_of_sqlite());
        let columns = known.map(|column| {
            column_of(&format!("{alias}.{}", column.name), column.kind, column.kind.is_of_sqlite())
        });
        let from = Node::word(format!("{DATABASE}.{} {alias}", table.name));
        (from.feature(table.name), columns.collect())
    }

    /// A query in parentheses, with its columns.
    fn derived(&mut self, outer: &[Typed]) -> (Node, Vec<Typed>) {
        let query = self.nest(|generator| {
            if generator.random.random_bool(0.4) {
                generator.grouped(outer)
            } else {
                generator.select(None, outer)
            }
        });
        let is_exact = query.columns.iter().all(|column| column.closeness == Closeness::Exact);
        let node = if is_exact && self.random.random_bool(0.3) {
            self.ordered(query.node, &query.columns)
        } else {
            query.node
        };
        let alias = self.alias('q');
        let columns = visible(&alias, &query.columns);
        (
            Node::new(Place::Fixed, format!("({{0}}) as {alias}"), vec![node])
                .feature("derived table"),
            columns,
        )
    }

    fn factor(&mut self) -> (Node, Vec<Typed>) {
        if self.may_nest() && self.random.random_bool(0.2) {
            self.derived(&[])
        } else {
            self.table()
        }
    }

    /// A `from` with its columns: a table, or up to three joined.
    pub(crate) fn from(&mut self) -> (Node, Vec<Typed>) {
        let (mut from, mut columns) = self.factor();
        for _ in 0..one(&mut self.random, &[0, 0, 0, 1, 1, 2]) {
            let (other, others) = self.factor();
            (from, columns) = self.join((from, columns), (other, others));
        }
        (from, columns)
    }

    fn join(&mut self, left: (Node, Vec<Typed>), right: (Node, Vec<Typed>)) -> (Node, Vec<Typed>) {
        let kind = one(
            &mut self.random,
            &["join", "join", "left join", "left join", "right join", "full join"],
        );
        let mut conditions: Vec<Node> = self.equality(&left.1, &right.1).into_iter().collect();
        let columns: Vec<Typed> = left.1.into_iter().chain(right.1).collect();
        let scope = Scope { own: columns, outer: Vec::new() };
        if conditions.is_empty() || self.random.random_bool(0.25) {
            conditions.push(self.flat(|generator| generator.condition(&scope, 1).node));
        }
        let on = Node::new(Place::List, " and ", conditions);
        let node = Node::new(
            Place::Fixed,
            format!("{{0}} {kind} {{1}} on {{2}}"),
            vec![left.0, right.0, on],
        );
        (node.feature(kind), scope.own)
    }

    /// A column of each side that are equal.
    fn equality(&mut self, left: &[Typed], right: &[Typed]) -> Option<Node> {
        for _ in 0..20 {
            let (one, other) = (left.choose(&mut self.random)?, right.choose(&mut self.random)?);
            if one.kind.family() == other.kind.family() && one.kind.family() != Family::Boolean {
                let parts = vec![one.node.clone(), other.node.clone()];
                let node = Node::new(Place::Value(Family::Boolean), "{0} = {1}", parts);
                let floats = one.kind.family() == Family::Double;
                return Some(if floats { node.feature("joins by floats") } else { node });
            }
        }
        None
    }

    /// A name for an item of `select`.
    pub(crate) fn named(&mut self, typed: &Typed, closeness: Closeness) -> Named {
        Named { name: self.alias('c'), kind: typed.kind, closeness }
    }

    fn filter(&mut self, scope: &Scope) -> Node {
        let conditions = match self.random.random_range(0..5) {
            0 => Vec::new(),
            1 => vec![self.condition(scope, 2).node, self.condition(scope, 1).node],
            _ => vec![self.condition(scope, 2).node],
        };
        conjunction(conditions)
    }

    /// `select`, without groups. The families of its columns may be given.
    pub(crate) fn select(&mut self, families: Option<&[Family]>, outer: &[Typed]) -> Query {
        let (from, own) = self.from();
        let scope = Scope { own, outer: outer.to_vec() };
        let count = self.random.random_range(1..=4);
        let families: Vec<Family> = match families {
            Some(families) => families.to_vec(),
            None => (0..count).map(|_| self.family(&scope)).collect(),
        };
        let mut columns = Vec::new();
        for family in families {
            let typed = self.value(family, &scope, 3);
            let named = self.named(&typed, Closeness::Exact);
            columns.push((typed, named));
        }
        let filter = self.filter(&scope);
        let distinct = if self.random.random_bool(0.2) {
            Node::new(Place::Clause, " distinct", Vec::new()).feature("distinct")
        } else {
            Node::word("")
        };
        let parts = vec![distinct, items(&columns), from, filter];
        Query {
            node: Node::new(Place::Fixed, "select{0} {1} from {2}{3}", parts),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    /// Keys to group by: columns, or expressions of columns.
    pub(crate) fn keys(&mut self, scope: &Scope, most: usize) -> Vec<Typed> {
        let mut keys: Vec<Typed> = Vec::new();
        for _ in 0..self.random.random_range(1..=most) {
            let family = self.family(scope);
            let own = Scope { own: scope.own.clone(), outer: Vec::new() };
            let mut key = self.flat(|generator| generator.value(family, &own, 1));
            if !key.node.features().contains("column") {
                let Some(column) = scope.own.choose(&mut self.random) else { continue };
                key = column.clone();
            }
            keys.push(key);
        }
        keys
    }

    /// `select` with `group by` and `having`, or one row of aggregates.
    pub(crate) fn grouped(&mut self, outer: &[Typed]) -> Query {
        let (from, own) = self.from();
        let scope = Scope { own, outer: outer.to_vec() };
        let keys = if self.random.random_bool(0.75) { self.keys(&scope, 2) } else { Vec::new() };
        let group = (!keys.is_empty())
            .then(|| Node::joined(", ", keys.iter().map(|key| key.node.clone()).collect()));
        self.aggregated(from, &scope, keys, clause(" group by {0}", group))
    }

    /// `group by rollup`, `cube` and `grouping sets`.
    pub(crate) fn grouping_sets(&mut self) -> Query {
        let (from, own) = self.from();
        let scope = Scope { own, outer: Vec::new() };
        let keys = self.keys(&scope, 3);
        let nodes: Vec<Node> = keys.iter().map(|key| key.node.clone()).collect();
        let joined = Node::joined(", ", nodes.clone());
        let group = match self.random.random_range(0..3) {
            0 => Node::new(Place::Fixed, " group by rollup ({0})", vec![joined]),
            1 => Node::new(Place::Fixed, " group by cube ({0})", vec![joined]),
            _ => {
                let first = nodes[0].clone();
                Node::new(
                    Place::Fixed,
                    " group by grouping sets (({0}), ({1}), ())",
                    vec![joined, first],
                )
            }
        };
        self.aggregated(from, &scope, keys, group.without_sqlite().feature("grouping sets"))
    }

    fn aggregated(&mut self, from: Node, scope: &Scope, keys: Vec<Typed>, group: Node) -> Query {
        let mut columns: Vec<(Typed, Named)> = Vec::new();
        for key in &keys {
            let named = self.named(key, Closeness::Exact);
            columns.push((key.clone(), named));
        }
        let mut seen = keys;
        for _ in 0..self.random.random_range(1..=3) {
            let Aggregate { typed, closeness } = self.aggregate(scope);
            let named = self.named(&typed, closeness);
            if closeness == Closeness::Exact {
                seen.push(typed.clone());
            }
            columns.push((typed, named));
        }
        let after = Scope { own: seen, outer: Vec::new() };
        let having = match self.random.random_range(0..10) {
            0..3 => Some(self.flat(|generator| generator.condition(&after, 1).node)),
            3 if self.may_nest() => {
                let nothing = Scope { own: Vec::new(), outer: Vec::new() };
                Some(self.nest(|generator| generator.query_condition(&nothing)))
            }
            _ => None,
        };
        let filter = self.filter(scope);
        let parts = vec![items(&columns), from, filter, group, clause(" having {0}", having)];
        Query {
            node: Node::new(Place::Fixed, "select {0} from {1}{2}{3}{4}", parts)
                .feature("aggregate"),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    /// Two queries of the same families as one.
    pub(crate) fn set_operation(&mut self) -> Query {
        let (from, own) = self.from();
        drop(from);
        let scope = Scope { own, outer: Vec::new() };
        let families: Vec<Family> =
            (0..self.random.random_range(1..=3)).map(|_| self.family(&scope)).collect();
        let (left, right) = (self.select(Some(&families), &[]), self.select(Some(&families), &[]));
        let word = one(&mut self.random, &["union", "union all", "intersect", "except"]);
        let node =
            Node::new(Place::Fixed, format!("{{0}} {word} {{1}}"), vec![left.node, right.node])
                .feature(word);
        let columns = left.columns.into_iter().zip(right.columns).map(|(left, right)| Named {
            kind: match (left.kind, right.kind) {
                (Kind::Double { plain }, Kind::Double { plain: other }) => {
                    Kind::Double { plain: plain && other }
                }
                (kind, _) => kind,
            },
            ..left
        });
        Query { node, columns: columns.collect() }
    }

    /// A named query, read once or twice.
    pub(crate) fn common_table(&mut self) -> Query {
        let inner = self.nest(|generator| {
            if generator.random.random_bool(0.5) {
                generator.grouped(&[])
            } else {
                generator.select(None, &[])
            }
        });
        let name = self.alias('k');
        let (one, other) = (self.alias('a'), self.alias('b'));
        let first = visible(&one, &inner.columns);
        let (from, own) = if self.random.random_bool(0.4) && !first.is_empty() {
            let second = visible(&other, &inner.columns);
            let at = self.random.random_range(0..first.len());
            let parts = vec![first[at].node.clone(), second[at].node.clone()];
            let on = Node::new(
                Place::Fixed,
                format!("{name} {one} left join {name} {other} on {{0}} = {{1}}"),
                parts,
            );
            (on, first.into_iter().chain(second).collect())
        } else {
            (Node::word(format!("{name} {one}")), first)
        };
        let scope = Scope { own, outer: Vec::new() };
        let mut columns = Vec::new();
        for _ in 0..self.random.random_range(1..=3) {
            let family = self.family(&scope);
            let typed = self.value(family, &scope, 2);
            let named = self.named(&typed, Closeness::Exact);
            columns.push((typed, named));
        }
        let filter = self.filter(&scope);
        let template = format!("with {name} as ({{0}}) select {{1}} from {{2}}{{3}}");
        let parts = vec![inner.node, items(&columns), from, filter];
        Query {
            node: Node::new(Place::Fixed, template, parts).feature("common table"),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    /// `using`, `natural`, `t.*` and `*`.
    pub(crate) fn wildcard(&mut self) -> Query {
        let index = self.random.random_range(1..self.tables.len());
        let (from, own) = self.table_at(index);
        let first = own[0].node.spelled(Engine::Mason).expect("should be spelled");
        let alias = first.split('.').next().expect("should be an alias").to_owned();
        let table = &self.tables[index];
        let columns: Vec<Named> = (table.columns.iter())
            .map(|column| Named {
                name: column.name.to_owned(),
                kind: column.kind,
                closeness: Closeness::Exact,
            })
            .collect();
        let scope = Scope { own, outer: Vec::new() };
        let filter = self.filter(&scope);
        let is_of_sqlite = table.columns.iter().all(|column| column.kind.is_of_sqlite());
        let (template, columns) = match self.random.random_range(0..4) {
            0 => ("select * from {0}{1}".to_owned(), columns),
            1 => (format!("select {alias}.* from {{0}}{{1}}"), columns),
            _ => return self.shared_names(),
        };
        let node = Node::new(Place::Fixed, template, vec![from, filter]).feature("wildcard");
        Query { node: if is_of_sqlite { node } else { node.without_sqlite() }, columns }
    }

    /// Two tables joined by the columns whose names they share.
    fn shared_names(&mut self) -> Query {
        let kind = one(&mut self.random, &["join", "left join"]);
        let shared = one(&mut self.random, &["word", "n", "flag"]);
        let (left, right) = (
            one(&mut self.random, &["things", "logs"]),
            one(&mut self.random, &["links", "single", "hollow"]),
        );
        let template = if self.random.random_bool(0.5) {
            format!(
                "select {shared} as c1, l.x as c2, r.id as c3 from {DATABASE}.{left} l {kind} {DATABASE}.{right} r using ({shared})"
            )
        } else {
            format!(
                "select * from (select {shared}, id as c2 from {DATABASE}.{left}) l natural {kind} \
                 (select {shared}, id as c3 from {DATABASE}.{right}) r"
            )
        };
        let is_natural = template.contains("natural");
        let key = match shared {
            "word" => Kind::Text,
            "n" => crate::kinds::SMALL,
            _ => Kind::Boolean,
        };
        let second = if is_natural { crate::kinds::SMALL } else { Kind::Double { plain: true } };
        let named =
            |name: &str, kind| Named { name: name.to_owned(), kind, closeness: Closeness::Exact };
        let columns = vec![named("c1", key), named("c2", second), named("c3", crate::kinds::SMALL)];
        let node = Node::word(template)
            .feature(if is_natural { "natural" } else { "using" })
            .feature(kind);
        Query { node, columns }
    }

    /// An argument for an aggregate.
    pub(crate) fn aggregated_value(&mut self, argument: Argument, scope: &Scope) -> Typed {
        let own = Scope { own: scope.own.clone(), outer: Vec::new() };
        self.leaf(argument, &own)
    }
}
