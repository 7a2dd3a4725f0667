//! Queries that make rows, recursive ones, and expressions at the limits of their types.

use rand::RngExt;

use crate::compare::Closeness;
use crate::expressions::{Scope, Typed, constant, most, one};
use crate::forms::Argument;
use crate::generator::{Generator, Named, Query, items};
use crate::kinds::{Kind, SMALL, WHOLE};
use crate::queries::conjunction;
use crate::statement::{Engine, Family, Node, Place};

fn named(name: &str, kind: Kind) -> Named {
    Named { name: name.to_owned(), kind, closeness: Closeness::Exact }
}

impl Generator<'_> {
    /// `with recursive`.
    pub(crate) fn recursive(&mut self) -> Query {
        let most = self.random.random_range(1..=6);
        let step = one(&mut self.random, &["r.i + 1", "r.i + 2", "r.i * 2 + 1"]);
        let (template, kinds) = match self.random.random_range(0..4) {
            0 => (
                format!(
                    "with recursive r(i, s) as (select 1, 'a' union all select {step}, r.s || 'b' from r where r.i < {most}) select r.i as c1, r.s as c2 from r"
                ),
                [SMALL, Kind::Text],
            ),
            1 => (
                format!(
                    "with recursive r(i, s) as (select t.id, t.word from d.links t where t.n = 1 union all select {step}, r.s from r where r.i < {most}) select r.i as c1, r.s as c2 from r"
                ),
                [SMALL, Kind::Text],
            ),
            2 => (
                format!(
                    "with recursive r(i, s) as (select 1, 1 union select r.s % 5, {step} % 3 from r where r.i < {most}) select r.i as c1, r.s as c2 from r"
                ),
                [SMALL, SMALL],
            ),
            _ => (
                format!(
                    "with recursive r(i, s) as (select 1, t.x from d.logs t where t.id = 1 union all select {step}, t.x from r join d.logs t on t.id = r.i + 1 where r.i < {most}) select r.i as c1, r.s as c2 from r"
                ),
                [SMALL, Kind::Double { plain: true }],
            ),
        };
        let columns = vec![named("c1", kinds[0]), named("c2", kinds[1])];
        Query { node: Node::word(template).feature("recursive"), columns }
    }

    /// `values`, `unnest` and series.
    pub(crate) fn rows_of_expressions(&mut self) -> Query {
        match self.random.random_range(0..4) {
            0 => self.unnested(),
            1 => self.series(),
            _ => self.values(),
        }
    }

    fn values(&mut self) -> Query {
        let families: Vec<Family> = (0..self.random.random_range(1..=3))
            .map(|_| one(&mut self.random, &crate::expressions::FAMILIES))
            .collect();
        let mut rows = Vec::new();
        let mut kinds = Vec::new();
        for _ in 0..self.random.random_range(1..=5) {
            let row: Vec<Typed> =
                families.iter().map(|family| self.literal(Argument::Of(*family))).collect();
            kinds = row.iter().map(|value| value.kind).collect();
            let values = row.into_iter().map(|value| value.node).collect();
            rows.push(Node::new(Place::Fixed, "({0})", vec![Node::joined(", ", values)]));
        }
        let aliases: Vec<String> = (1..=families.len()).map(|at| format!("v{at}")).collect();
        let rows = Node::new(Place::List, ", ", rows);
        let own: Vec<Typed> = (aliases.iter().zip(&kinds))
            .map(|(name, kind)| Typed {
                node: Node::new(Place::Value(kind.family()), format!("v.{name}"), Vec::new())
                    .feature("column"),
                kind: *kind,
            })
            .collect();
        let scope = Scope { own, outer: Vec::new() };
        let mut columns = Vec::new();
        for family in &families {
            let typed = self.value(*family, &scope, 2);
            let named = self.named(&typed, Closeness::Exact);
            columns.push((typed, named));
        }
        let filter = self.random.random_bool(0.5).then(|| self.condition(&scope, 1).node);
        let filter = conjunction(filter.into_iter().collect());
        let aliases = aliases.join(", ");
        let template = if self.random.random_bool(0.5) {
            format!("with v({aliases}) as (values {{0}}) select {{1}} from v{{2}}")
        } else {
            format!("select {{1}} from (values {{0}}) as v({aliases}){{2}}")
        };
        let mut node =
            Node::new(Place::Fixed, template.clone(), vec![rows, items(&columns), filter]);
        if !template.starts_with("with") {
            node = node.without_sqlite();
        }
        Query {
            node: node.feature("values"),
            columns: columns.into_iter().map(|(_, named)| named).collect(),
        }
    }

    fn unnested(&mut self) -> Query {
        let family = one(&mut self.random, &[Family::Integer, Family::Text, Family::Double]);
        let items: Vec<Typed> = (0..self.random.random_range(1..=4))
            .map(|_| self.literal(Argument::Of(family)))
            .collect();
        let kind = items[0].kind;
        let list = Node::joined(", ", items.into_iter().map(|item| item.node).collect());
        let template = one(
            &mut self.random,
            &[
                "select unnest([{0}]) as c1",
                "select u.v as c1 from unnest([{0}]) as u(v)",
                "select u.v as c1 from d.single t cross join unnest([{0}]) as u(v)",
            ],
        );
        let node = Node::new(Place::Fixed, template, vec![list]).without_sqlite().feature("unnest");
        Query { node, columns: vec![named("c1", kind)] }
    }

    fn series(&mut self) -> Query {
        let (from, to, step) = (
            self.random.random_range(-2..3),
            self.random.random_range(-2..9),
            one(&mut self.random, &[1, 2, 3, -1]),
        );
        let function = one(&mut self.random, &["generate_series", "range"]);
        let template = format!(
            "select g.v as c1, t.n as c2 from {function}({from}, {to}, {step}) as g(v) left join d.links t on t.n = g.v"
        );
        let node = Node::word(template).without_sqlite().feature("series");
        Query { node, columns: vec![named("c1", WHOLE), named("c2", SMALL)] }
    }

    /// Arithmetic, sums and casts that may leave their type: every engine must refuse, or none.
    pub(crate) fn at_the_limits(&mut self) -> Query {
        let index = one(&mut self.random, &[0, 1]);
        let (from, own) = self.table_at(index);
        let id = own[0].node.clone();
        let scope = Scope { own, outer: Vec::new() };
        let typed = match self.random.random_range(0..7) {
            0..=2 => self.integers_at_the_limits(&scope),
            3 => self.decimals_at_the_limits(&scope),
            4 => self.sum_at_the_limits(&scope),
            _ => self.cast_at_the_limits(&scope),
        };
        let conditions =
            if self.random.random_bool(0.6) { vec![self.first_rows(id)] } else { Vec::new() };
        let named = self.named(&typed, Closeness::Exact);
        let columns = [(typed, named.clone())];
        let parts = vec![items(&columns), from, conjunction(conditions)];
        Query {
            node: Node::new(Place::Fixed, "select {0} from {1}{2}", parts).feature("at the limits"),
            columns: vec![named],
        }
    }

    fn integers_at_the_limits(&mut self, scope: &Scope) -> Typed {
        let of = Argument::Of(Family::Integer);
        let (left, right) = (self.leaf(of, scope), self.leaf(of, scope));
        let Kind::Integer { bits, signed: true, .. } = left.kind else {
            return self.cast_at_the_limits(scope);
        };
        let (template, duckdb) = one(
            &mut self.random,
            &[
                ("({0} + {1})", None),
                ("({0} - {1})", None),
                ("({0} * {1})", None),
                ("({0} / {1})", Some("({0} // {1})")),
                ("({0} % {1})", None),
                ("(-{0})", None),
                ("abs({0})", None),
            ],
        );
        // Both sides of one type: what types of two widths meet in differs by engine.
        let name = left.kind.name(Engine::Mason);
        let right = if right.kind == left.kind || most(right.kind) < 1 << (bits - 1) {
            right.node
        } else {
            left.node.clone()
        };
        let right = Node::new(Place::Fixed, format!("cast({{0}} as {name})"), vec![right]);
        let mut parts = vec![left.node, right];
        if !template.contains("{1}") {
            parts.pop();
        }
        let mut node =
            Node::new(Place::Fixed, template, parts).without_sqlite().feature("overflow");
        if template.contains(['/', '%']) {
            node = node.feature("division by zero");
        }
        if let Some(duckdb) = duckdb {
            node = node.duckdb(duckdb);
        }
        Typed { node, kind: WHOLE }
    }

    fn decimals_at_the_limits(&mut self, scope: &Scope) -> Typed {
        let of = Argument::Of(Family::Decimal);
        let parts = vec![self.leaf(of, scope).node, self.leaf(of, scope).node];
        let template = one(&mut self.random, &["({0} + {1})", "({0} - {1})", "({0} * {1})"]);
        let node =
            Node::new(Place::Fixed, template, parts).without_sqlite().feature("decimal overflow");
        Typed { node, kind: Kind::Decimal { precision: 38, scale: 6 } }
    }

    fn sum_at_the_limits(&mut self, scope: &Scope) -> Typed {
        let family = one(&mut self.random, &[Family::Integer, Family::Integer, Family::Decimal]);
        let value = self.leaf(Argument::Of(family), scope);
        let kind = if family == Family::Integer {
            WHOLE
        } else {
            Kind::Decimal { precision: 38, scale: 6 }
        };
        let node = Node::new(Place::Fixed, "sum({0})", vec![value.node]).without_sqlite();
        Typed { node: node.feature("sum at the limits"), kind }
    }

    fn cast_at_the_limits(&mut self, scope: &Scope) -> Typed {
        let (family, kind, name) = one(
            &mut self.random,
            &[
                (Family::Integer, WHOLE, "smallint"),
                (Family::Integer, WHOLE, "bigint"),
                (Family::Integer, WHOLE, "integer"),
                (Family::Double, WHOLE, "bigint"),
                (Family::Text, WHOLE, "bigint"),
                (Family::Text, Kind::Double { plain: false }, "double"),
                (Family::Text, Kind::Date, "date"),
                (Family::Text, Kind::Boolean, "boolean"),
                (Family::Decimal, WHOLE, "bigint"),
                (Family::Decimal, Kind::Decimal { precision: 5, scale: 1 }, "decimal(5, 1)"),
                (Family::Integer, Kind::Decimal { precision: 5, scale: 1 }, "decimal(5, 1)"),
                (Family::Timestamp, Kind::Text, "varchar"),
                (Family::Double, Kind::Text, "varchar"),
            ],
        );
        let value = self.leaf(Argument::Of(family), scope);
        let mut node = Node::new(Place::Fixed, format!("cast({{0}} as {name})"), vec![value.node]);
        if matches!(kind, Kind::Integer { .. })
            && matches!(family, Family::Double | Family::Decimal)
        {
            node = node.duckdb(format!("cast(trunc({{0}}) as {name})"));
        }
        let node = match (family, kind) {
            (Family::Timestamp, Kind::Text) => node.feature("times"),
            (Family::Double, Kind::Text) => node.feature("float as text"),
            _ => node,
        };
        Typed { node: node.without_sqlite().feature("cast at the limits"), kind }
    }

    /// A null of a kind, to make a statement smaller.
    pub(crate) fn null(kind: Kind) -> Node {
        constant(None, kind)
    }
}
