//! Conditions, and the queries within them.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::expressions::{FAMILIES, PORTABLE, Scope, Typed, constant, one};
use crate::forms::Argument;
use crate::generator::Generator;
use crate::kinds::{Kind, Value, WHOLE};
use crate::queries::conjunction;
use crate::statement::{Family, Node, Place};

fn truth(template: impl Into<std::borrow::Cow<'static, str>>, parts: Vec<Node>) -> Node {
    Node::new(Place::Value(Family::Boolean), template, parts)
}

const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

impl Generator<'_> {
    /// A family that has a column in sight, mostly.
    pub(crate) fn family(&mut self, scope: &Scope) -> Family {
        match scope.own.choose(&mut self.random) {
            Some(column) if self.random.random_bool(0.9) => column.kind.family(),
            _ if self.portable => one(&mut self.random, &PORTABLE),
            _ => one(&mut self.random, &FAMILIES),
        }
    }

    /// A condition.
    pub(crate) fn condition(&mut self, scope: &Scope, depth: u32) -> Typed {
        let node = match self.random.random_range(0..14) {
            0 | 1 if depth > 0 => self.connected(scope, depth - 1),
            2 | 3 if self.may_nest() => self.query_condition(scope),
            4 => self.null_test(scope, depth),
            5 => self.in_list(scope, depth),
            6 => self.between(scope, depth),
            7 => self.like(scope, depth),
            8 => self.truth_test(scope, depth),
            9 => self.distinct_from(scope, depth),
            _ => self.comparison(scope, depth),
        };
        Typed { node, kind: Kind::Boolean }
    }

    fn connected(&mut self, scope: &Scope, depth: u32) -> Node {
        let template = match self.random.random_range(0..5) {
            0 | 1 => "({0} and {1})",
            2 | 3 => "({0} or {1})",
            _ => return truth("(not {0})", vec![self.condition(scope, depth).node]),
        };
        truth(template, vec![self.condition(scope, depth).node, self.condition(scope, depth).node])
    }

    fn comparison(&mut self, scope: &Scope, depth: u32) -> Node {
        let (family, operator) = (self.family(scope), one(&mut self.random, &OPERATORS));
        let parts =
            vec![self.value(family, scope, depth).node, self.value(family, scope, depth).node];
        let node = truth(format!("({{0}} {operator} {{1}})"), parts);
        if family == Family::Double { node.feature("compares floats") } else { node }
    }

    fn distinct_from(&mut self, scope: &Scope, depth: u32) -> Node {
        let family = self.family(scope);
        let parts =
            vec![self.value(family, scope, depth).node, self.value(family, scope, depth).node];
        let template = if self.random.random_bool(0.5) {
            "({0} is distinct from {1})"
        } else {
            "({0} is not distinct from {1})"
        };
        let node = truth(template, parts);
        if family == Family::Double { node.feature("compares floats") } else { node }
    }

    fn null_test(&mut self, scope: &Scope, depth: u32) -> Node {
        let family = self.family(scope);
        let value = self.value(family, scope, depth).node;
        let template =
            if self.random.random_bool(0.5) { "({0} is null)" } else { "({0} is not null)" };
        truth(template, vec![value])
    }

    fn truth_test(&mut self, scope: &Scope, depth: u32) -> Node {
        let value = self.value(Family::Boolean, scope, depth).node;
        match self.random.random_range(0..5) {
            0 => value,
            1 => truth("({0} is true)", vec![value]),
            2 => truth("({0} is not false)", vec![value]),
            3 => truth("coalesce({0}, false)", vec![value]),
            _ => truth("({0} is unknown)", vec![value])
                .sqlite("({0} is null)")
                .duckdb("({0} is null)"),
        }
    }

    fn in_list(&mut self, scope: &Scope, depth: u32) -> Node {
        let family = self.family(scope);
        let mut parts = vec![self.value(family, scope, depth).node];
        for _ in 0..self.random.random_range(1..=4) {
            parts.push(self.literal(Argument::Of(family)).node);
        }
        let holes: Vec<String> = (1..parts.len()).map(|at| format!("{{{at}}}")).collect();
        let not = if self.random.random_bool(0.4) { " not" } else { "" };
        truth(format!("({{0}}{not} in ({}))", holes.join(", ")), parts)
    }

    fn between(&mut self, scope: &Scope, depth: u32) -> Node {
        let family = self.family(scope);
        let parts = vec![
            self.value(family, scope, depth).node,
            self.literal(Argument::Of(family)).node,
            self.value(family, scope, 0).node,
        ];
        let not = if self.random.random_bool(0.3) { " not" } else { "" };
        let node = truth(format!("({{0}}{not} between {{1}} and {{2}})"), parts);
        if family == Family::Double { node.feature("compares floats") } else { node }
    }

    fn like(&mut self, scope: &Scope, depth: u32) -> Node {
        let value = self.value(Family::Text, scope, depth).node;
        let pattern =
            one(&mut self.random, &["a%", "%b", "%", "_", "", "%a%b%", "_ö%", "a b", "% %"]);
        let form = self.random.random_range(if self.portable { 2..6 } else { 0..6 });
        let template = match form {
            2 => format!("({{0}} not like '{pattern}')"),
            0 => return truth(format!("({{0}} ilike '{pattern}')"), vec![value]).without_sqlite(),
            1 => {
                return truth(
                    format!("starts_with({{0}}, '{}')", pattern.trim_matches('%')),
                    vec![value],
                )
                .without_sqlite();
            }
            _ => format!("({{0}} like '{pattern}')"),
        };
        truth(template, vec![value])
    }

    /// `exists`, `in`, `any` and `all` of a query.
    pub(crate) fn query_condition(&mut self, scope: &Scope) -> Node {
        let (family, not) = (self.family(scope), self.random.random_bool(0.5));
        match self.random.random_range(if self.portable { 0..7 } else { 0..8 }) {
            0..=2 => {
                let grouped = self.random.random_bool(0.2);
                let query = self.single(Family::Integer, scope, grouped);
                let template = if not { "(not exists ({0}))" } else { "(exists ({0}))" };
                truth(template, vec![query]).feature(if grouped {
                    "exists of an aggregate"
                } else {
                    "exists"
                })
            }
            3..=6 => {
                let grouped = self.random.random_bool(0.2);
                let value = self.value(family, scope, 1).node;
                let query = self.single(family, scope, grouped);
                let (template, feature) = if not {
                    ("({0} not in ({1}))", "not in query")
                } else {
                    ("({0} in ({1}))", "in query")
                };
                let node = truth(template, vec![value, query]).feature(feature);
                if grouped { node.feature("in of an aggregate") } else { node }
            }
            _ => {
                let (operator, value) =
                    (one(&mut self.random, &OPERATORS), self.value(family, scope, 0).node);
                let query = self.single(family, scope, false);
                let word = if not { "all" } else { "any" };
                truth(format!("({{0}} {operator} {word} ({{1}}))"), vec![value, query])
                    .without_sqlite()
                    .feature("any or all")
            }
        }
    }

    /// A query of one column and one row.
    pub(crate) fn scalar_query(&mut self, family: Family, scope: &Scope) -> Typed {
        let query = self.single(family, scope, true);
        let kind = match family {
            Family::Integer => WHOLE,
            Family::Double => Kind::Double { plain: false },
            Family::Decimal => Kind::Decimal { precision: 38, scale: 6 },
            Family::Text => Kind::Text,
            Family::Boolean => Kind::Boolean,
            Family::Date => Kind::Date,
            Family::Timestamp => Kind::Timestamp,
            Family::Instant => Kind::Instant,
        };
        let node = Node::new(Place::Value(family), "({0})", vec![query]).feature("scalar query");
        Typed { node, kind }
    }

    /// A query of one column; of one row when it is an aggregate.
    fn single(&mut self, family: Family, scope: &Scope, aggregate: bool) -> Node {
        self.nest(|generator| {
            let (from, columns) = generator.table();
            let inner = Scope { own: columns, outer: scope.around() };
            let mut conditions = Vec::new();
            if generator.random.random_bool(0.6) {
                conditions.extend(generator.correlation(&inner));
            }
            if generator.random.random_bool(0.4) {
                conditions.push(generator.condition(&inner, 1).node);
            }
            let own = Scope { own: inner.own.clone(), outer: Vec::new() };
            let item = match (aggregate, family) {
                (false, _) => generator.leaf(Argument::Of(family), &own).node,
                (true, Family::Integer) if generator.random.random_bool(0.5) => {
                    Node::word("count(*)")
                }
                (true, Family::Boolean) => {
                    let value = generator.leaf(Argument::Of(family), &own).node;
                    Node::new(Place::Fixed, "bool_or({0})", vec![value]).sqlite("max({0})")
                }
                (true, _) => {
                    let value = generator.leaf(Argument::Of(family), &own).node;
                    let template = one(&mut generator.random, &["max({0})", "min({0})"]);
                    Node::new(Place::Fixed, template, vec![value])
                }
            };
            let conditions = conjunction(conditions);
            Node::new(Place::Fixed, "select {0} from {1}{2}", vec![item, from, conditions])
        })
    }

    /// A column of the own table compared with one of those around, when there is a pair.
    fn correlation(&mut self, scope: &Scope) -> Option<Node> {
        let own = scope.own.choose(&mut self.random)?.clone();
        let alike: Vec<&Typed> = (scope.outer.iter())
            .filter(|column| column.kind.family() == own.kind.family())
            .collect();
        let outer = (*alike.choose(&mut self.random)?).clone();
        let operator =
            if self.random.random_bool(0.8) { "=" } else { one(&mut self.random, &OPERATORS) };
        let node = truth(format!("({{0}} {operator} {{1}})"), vec![own.node, outer.node]);
        let node = if own.kind.family() == Family::Double {
            node.feature("compares floats")
        } else {
            node
        };
        Some(node.feature("correlated"))
    }

    /// A condition that holds for few rows at the beginning of a table.
    pub(crate) fn first_rows(&mut self, id: Node) -> Node {
        let most = self.random.random_range(2..=12);
        let most = constant(Some(&Value::Integer(most)), WHOLE);
        truth("({0} <= {1})", vec![id, most])
    }
}
