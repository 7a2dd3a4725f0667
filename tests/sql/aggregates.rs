//! Aggregates and windows.

use rand::RngExt;

use crate::compare::Closeness;
use crate::expressions::{Scope, Typed, one};
use crate::forms::Argument;
use crate::generator::{Generator, Named, Query, items};
use crate::kinds::{Kind, SMALL, WHOLE};
use crate::statement::{Family, Node, Place};

/// An aggregate, and how exactly its values are compared.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) typed: Typed,
    pub(crate) closeness: Closeness,
}

/// Counts of rows.
const COUNT: Kind = Kind::Integer { bits: 64, signed: true, most: 1 << 20 };
const FLOAT: Kind = Kind::Double { plain: false };

fn call(
    template: impl Into<std::borrow::Cow<'static, str>>,
    parts: Vec<Node>,
    kind: Kind,
) -> Typed {
    Typed { node: Node::new(Place::Value(kind.family()), template, parts), kind }
}

/// What a function of rows is called with, and what it gives.
struct Call {
    template: &'static str,
    part: Option<Node>,
    kind: Kind,
    closeness: Closeness,
}

impl Generator<'_> {
    /// An aggregate over the own columns, some with a filter.
    pub(crate) fn aggregate(&mut self, scope: &Scope) -> Aggregate {
        let Call { template, part, kind, closeness } = self.call(scope);
        let (mut template, mut parts) = (template.to_owned(), part.into_iter().collect::<Vec<_>>());
        if self.random.random_bool(0.2) {
            let own = Scope { own: scope.own.clone(), outer: Vec::new() };
            let at = parts.len();
            parts.push(self.flat(|generator| generator.condition(&own, 1).node));
            template = format!("{template} filter (where {{{at}}})");
        }
        let mut typed = call(template, parts, kind);
        if matches!(kind, Kind::Decimal { .. }) || closeness != Closeness::Exact {
            typed.node = typed.node.without_sqlite();
        }
        Aggregate { typed, closeness }
    }

    fn call(&mut self, scope: &Scope) -> Call {
        let family = self.family(scope);
        let exact =
            |template, part, kind| Call { template, part, kind, closeness: Closeness::Exact };
        match self.random.random_range(0..9) {
            0 => exact("count(*)", None, COUNT),
            1 => exact(
                "count({0})",
                Some(self.aggregated_value(Argument::Of(family), scope).node),
                COUNT,
            ),
            2 | 3 => {
                let value = self.aggregated_value(Argument::Of(family), scope);
                exact("count(distinct {0})", Some(value.node.feature("count distinct")), COUNT)
            }
            4 | 5 => {
                let template = one(&mut self.random, &["min({0})", "max({0})"]);
                let value = self.aggregated_value(Argument::Of(family), scope);
                exact(template, Some(value.node), value.kind)
            }
            6 if !self.portable => {
                let value = self.aggregated_value(Argument::Of(Family::Boolean), scope).node;
                let template = one(&mut self.random, &["bool_and({0})", "bool_or({0})"]);
                exact(template, Some(value.without_sqlite()), Kind::Boolean)
            }
            _ => self.sum(scope),
        }
    }

    fn sum(&mut self, scope: &Scope) -> Call {
        let is_mean = self.random.random_bool(0.4);
        let template = match (is_mean, self.random.random_range(0..4)) {
            (false, 0) => "sum(distinct {0})",
            (false, _) => "sum({0})",
            (true, 0) => "avg(distinct {0})",
            (true, _) => "avg({0})",
        };
        let form = self.random.random_range(if self.portable { 0..3 } else { 0..5 });
        let (argument, kind, closeness) = match (form, is_mean) {
            (0 | 1, false) => (Argument::Small, WHOLE, Closeness::Exact),
            (0 | 1, true) => (Argument::Small, FLOAT, Closeness::Exact),
            (2, _) => (Argument::Plain, FLOAT, Closeness::Exact),
            (3, false) => {
                (Argument::Short, Kind::Decimal { precision: 20, scale: 2 }, Closeness::Exact)
            }
            (3, true) => (
                Argument::Short,
                Kind::Decimal { precision: 20, scale: 6 },
                Closeness::MeanOfDecimals,
            ),
            _ => (Argument::Of(Family::Double), FLOAT, Closeness::Sum),
        };
        let value = self.aggregated_value(argument, scope);
        let part = value.node.feature("sum");
        Call { template, part: Some(part), kind, closeness }
    }

    /// `select` with window functions.
    pub(crate) fn windows(&mut self) -> Query {
        let (from, own, id) = self.ordered_rows();
        let scope = Scope { own, outer: Vec::new() };
        let mut columns = Vec::new();
        for _ in 0..self.random.random_range(1..=2) {
            let family = self.family(&scope);
            let typed = self.leaf(Argument::Of(family), &scope);
            let named = self.named(&typed, Closeness::Exact);
            columns.push((typed, named));
        }
        for _ in 0..self.random.random_range(1..=2) {
            let Aggregate { typed, closeness } = self.window(&scope, id.as_ref());
            let named = self.named(&typed, closeness);
            columns.push((typed, named));
        }
        let condition = self.random.random_bool(0.4).then(|| self.condition(&scope, 1).node);
        let filter = crate::queries::conjunction(condition.into_iter().collect());
        let parts = vec![items(&columns), from, filter];
        Query {
            node: Node::new(Place::Fixed, "select {0} from {1}{2}", parts).feature("window"),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    /// `select distinct` over windows whose values do not depend on the order of equal rows.
    pub(crate) fn distinct_windows(&mut self) -> Query {
        let (from, own) = self.from();
        let scope = Scope { own, outer: Vec::new() };
        let family = self.family(&scope);
        let typed = self.leaf(Argument::Of(family), &scope);
        let named = self.named(&typed, Closeness::Exact);
        let Aggregate { typed: window, closeness } = self.window(&scope, None);
        let other: Named = self.named(&window, closeness);
        let columns = vec![(typed, named), (window, other)];
        let parts = vec![items(&columns), from];
        Query {
            node: Node::new(Place::Fixed, "select distinct {0} from {1}", parts)
                .feature("window")
                .feature("distinct"),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    /// A `from`, and a column that no two of its rows share, when it is a table.
    fn ordered_rows(&mut self) -> (Node, Vec<Typed>, Option<Node>) {
        if self.random.random_bool(0.3) {
            let (from, own) = self.from();
            return (from, own, None);
        }
        let (from, own) = self.table();
        let id = own.first().map(|column| column.node.clone());
        (from, own, id)
    }

    fn window(&mut self, scope: &Scope, id: Option<&Node>) -> Aggregate {
        let Call { template, part, kind, closeness } = match id {
            Some(_) if self.random.random_bool(0.6) => self.by_position(scope),
            _ if self.random.random_bool(0.3) => {
                let template = one(&mut self.random, &["rank()", "dense_rank()"]);
                Call { template, part: None, kind: SMALL, closeness: Closeness::Exact }
            }
            _ => self.call(scope),
        };
        let mut parts: Vec<Node> = part.into_iter().collect();
        let is_distinct = template.contains("distinct");
        let partition = if self.random.random_bool(0.5) {
            let family = self.family(scope);
            self.column(family, scope)
        } else {
            None
        };
        let mut over = String::new();
        if let Some(partition) = partition {
            over = format!("partition by {{{}}} ", parts.len());
            parts.push(partition);
        }
        let needs_order = !template.ends_with("({0})") || id.is_some();
        if needs_order || self.random.random_bool(0.5) {
            let family = self.family(scope);
            let key = self.column(family, scope).or_else(|| id.cloned());
            let keys: Vec<Node> = key.into_iter().chain(id.cloned()).collect();
            let keys: Vec<Node> = keys.into_iter().map(|key| self.sort_key(key)).collect();
            if !keys.is_empty() {
                over = format!("{over}order by {{{}}}", parts.len());
                parts.push(Node::joined(", ", keys));
                if template.ends_with("({0})") {
                    over.push_str(self.frame(id.is_some()));
                }
            }
        }
        let mut typed = call(format!("{template} over ({over})"), parts, kind);
        if is_distinct || matches!(kind, Kind::Decimal { .. }) || closeness != Closeness::Exact {
            typed.node = typed.node.without_sqlite();
        }
        if is_distinct {
            typed.node = typed.node.feature("distinct in a window");
        }
        Aggregate { typed, closeness }
    }

    /// Frames of rows only where rows have one order.
    fn frame(&mut self, is_total: bool) -> &'static str {
        const OF_VALUES: [&str; 3] = [
            "",
            " range between unbounded preceding and current row",
            " range between current row and unbounded following",
        ];
        const OF_ROWS: [&str; 5] = [
            " rows between 1 preceding and 1 following",
            " rows between unbounded preceding and 1 preceding",
            " rows between 2 preceding and current row",
            " rows between current row and unbounded following",
            " rows between 3 preceding and 2 preceding",
        ];
        if is_total && self.random.random_bool(0.7) {
            one(&mut self.random, &OF_ROWS)
        } else {
            one(&mut self.random, &OF_VALUES)
        }
    }

    fn by_position(&mut self, scope: &Scope) -> Call {
        let template = one(
            &mut self.random,
            &[
                "row_number()",
                "ntile(3)",
                "lag({0}, 1)",
                "lead({0}, 2)",
                "first_value({0})",
                "last_value({0})",
                "nth_value({0}, 2)",
            ],
        );
        if !template.contains("{0}") {
            return Call { template, part: None, kind: SMALL, closeness: Closeness::Exact };
        }
        let family = self.family(scope);
        let value = self.aggregated_value(Argument::Of(family), scope);
        Call { template, part: Some(value.node), kind: value.kind, closeness: Closeness::Exact }
    }

    /// An own column of a family.
    fn column(&mut self, family: Family, scope: &Scope) -> Option<Node> {
        let columns: Vec<&Typed> =
            scope.own.iter().filter(|column| column.kind.family() == family).collect();
        if columns.is_empty() {
            return None;
        }
        let at = self.random.random_range(0..columns.len());
        let node = columns[at].node.clone();
        Some(if family == Family::Double { node.feature("window over floats") } else { node })
    }
}
