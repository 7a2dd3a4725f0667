//! Values and conditions over the columns in sight.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::forms::{Argument, FORMS, Form};
use crate::generator::Generator;
use crate::kinds::{Kind, SMALL, Value, literal};
use crate::statement::{Engine, Family, Node, Place};

/// An expression with what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
}

/// What can be seen: columns of the own `from`, and of those around it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) own: Vec<Typed>,
    pub(crate) outer: Vec<Typed>,
}

impl Scope {
    /// Returns the scope of a query within.
    pub(crate) fn around(&self) -> Vec<Typed> {
        let mut outer = self.own.clone();
        outer.extend(self.outer.iter().cloned());
        outer
    }
}

/// Every family.
pub(crate) const FAMILIES: [Family; 8] = [
    Family::Integer,
    Family::Double,
    Family::Decimal,
    Family::Text,
    Family::Boolean,
    Family::Date,
    Family::Timestamp,
    Family::Instant,
];

/// The families that SQLite has.
pub(crate) const PORTABLE: [Family; 6] = [
    Family::Integer,
    Family::Double,
    Family::Text,
    Family::Boolean,
    Family::Date,
    Family::Timestamp,
];

/// Returns one of a list.
pub(crate) fn one<T: Copy>(random: &mut ChaCha8Rng, of: &[T]) -> T {
    *of.choose(random).expect("should be one")
}

fn is_small(kind: Kind) -> bool {
    match kind {
        Kind::Integer { bits, signed, most } => signed && bits >= 32 && most <= 10_000,
        _ => false,
    }
}

/// Returns whether an expression may stand for an argument.
fn suits(argument: Argument, kind: Kind) -> bool {
    match argument {
        Argument::Of(family) => kind.family() == family,
        Argument::Plain => kind == Kind::Double { plain: true },
        Argument::Small => is_small(kind),
        Argument::Short => matches!(kind, Kind::Decimal { precision, .. } if precision <= 14),
    }
}

fn family_of(argument: Argument) -> Family {
    match argument {
        Argument::Of(family) => family,
        Argument::Plain => Family::Double,
        Argument::Small => Family::Integer,
        Argument::Short => Family::Decimal,
    }
}

impl Generator<'_> {
    /// A column in sight, mostly of the own `from`; a literal when there is none.
    pub(crate) fn leaf(&mut self, argument: Argument, scope: &Scope) -> Typed {
        let from = |of: &[Typed]| -> Vec<Typed> {
            of.iter().filter(|column| suits(argument, column.kind)).cloned().collect()
        };
        let (own, outer) = (from(&scope.own), from(&scope.outer));
        let outer_first = self.random.random_bool(0.25);
        let columns = if own.is_empty() || (outer_first && !outer.is_empty()) {
            outer
                .into_iter()
                .map(|mut column| {
                    column.node = column.node.feature("correlated");
                    column
                })
                .collect()
        } else {
            own
        };
        if columns.is_empty() || self.random.random_bool(0.12) {
            return self.literal(argument);
        }
        columns.choose(&mut self.random).expect("should be one").clone()
    }

    /// A literal.
    pub(crate) fn literal(&mut self, argument: Argument) -> Typed {
        let random = &mut self.random;
        let (kind, value) = match family_of(argument) {
            Family::Integer => (SMALL, Value::Integer(random.random_range(-3..=7))),
            Family::Double => {
                let eighths = one(random, &[0, 0, 1, 4, 12, -8, 20]);
                let number = f64::from(eighths) / 8.0;
                let number = if random.random_bool(0.3) { -number } else { number };
                (Kind::Double { plain: true }, Value::Double(number))
            }
            Family::Decimal => {
                let kind = Kind::Decimal { precision: 10, scale: 2 };
                (kind, Value::Decimal(one(random, &[0, 150, 5, -1_999])))
            }
            Family::Text => {
                let text = one(random, &["a", "b", "", "ö", "a b", "it's", "B", " "]);
                (Kind::Text, Value::Text(text.to_owned()))
            }
            Family::Boolean => (Kind::Boolean, Value::Boolean(random.random_bool(0.5))),
            Family::Date => (Kind::Date, Value::Date(one(random, &[0, 18_321, 10_957]))),
            Family::Timestamp => {
                (Kind::Timestamp, Value::Time(one(random, &[0, 951_782_400_000_000])))
            }
            Family::Instant => (Kind::Instant, Value::Time(one(random, &[0, 951_782_400_000_000]))),
        };
        let value = if self.random.random_bool(0.08) { None } else { Some(value) };
        Typed { node: constant(value.as_ref(), kind), kind }
    }

    /// A value of a family.
    pub(crate) fn value(&mut self, family: Family, scope: &Scope, depth: u32) -> Typed {
        self.argument(Argument::Of(family), scope, depth)
    }

    fn argument(&mut self, argument: Argument, scope: &Scope, depth: u32) -> Typed {
        if depth == 0 || self.random.random_bool(0.45) {
            return self.leaf(argument, scope);
        }
        let family = family_of(argument);
        let typed = match self.random.random_range(0..10) {
            0 => self.case(argument, scope, depth - 1),
            1 => self.coalesce(argument, scope, depth - 1),
            2 if family != Family::Boolean => self.nullif(argument, scope, depth - 1),
            3 if self.may_nest() => self.scalar_query(family, scope),
            _ if family == Family::Boolean => self.condition(scope, depth - 1),
            4..=6 if family == Family::Integer => self.arithmetic(scope, depth - 1),
            _ if family == Family::Decimal => self.decimals(scope, depth - 1),
            _ => self.form(argument, scope, depth - 1),
        };
        if suits(argument, typed.kind) { typed } else { self.leaf(argument, scope) }
    }

    fn form(&mut self, argument: Argument, scope: &Scope, depth: u32) -> Typed {
        let fitting: Vec<&Form> = (FORMS.iter())
            .filter(|form| suits(argument, form.result))
            .filter(|form| !self.portable || form.sqlite.is_some())
            .collect();
        let Some(form) = fitting.choose(&mut self.random).copied() else {
            return self.leaf(argument, scope);
        };
        let parts =
            form.arguments.iter().map(|argument| self.argument(*argument, scope, depth).node);
        let mut node =
            Node::new(Place::Value(form.result.family()), form.template, parts.collect());
        if let Some((template, _)) = form.duckdb {
            node = node.duckdb(template);
        }
        node = match form.sqlite {
            Some(template) if template != form.template => node.sqlite(template),
            Some(_) => node,
            None => node.without_sqlite(),
        };
        Typed { node: node.feature(form.template), kind: form.result }
    }

    fn case(&mut self, argument: Argument, scope: &Scope, depth: u32) -> Typed {
        let when = self.condition(scope, depth);
        let (then, other) =
            (self.argument(argument, scope, depth), self.argument(argument, scope, depth));
        let kind = wider(then.kind, other.kind);
        let (template, mut parts) = if self.random.random_bool(0.3) {
            ("case when {0} then {1} end", vec![when.node, then.node])
        } else {
            ("case when {0} then {1} else {2} end", vec![when.node, then.node, other.node])
        };
        Self::widen(&mut parts[1..], kind);
        Typed {
            node: Node::new(Place::Value(kind.family()), template, parts).feature("case"),
            kind,
        }
    }

    fn coalesce(&mut self, argument: Argument, scope: &Scope, depth: u32) -> Typed {
        let (one, other) =
            (self.argument(argument, scope, depth), self.argument(argument, scope, depth));
        let kind = wider(one.kind, other.kind);
        let mut parts = vec![one.node, other.node];
        Self::widen(&mut parts, kind);
        Typed { node: Node::new(Place::Value(kind.family()), "coalesce({0}, {1})", parts), kind }
    }

    fn nullif(&mut self, argument: Argument, scope: &Scope, depth: u32) -> Typed {
        let (one, other) =
            (self.argument(argument, scope, depth), self.argument(argument, scope, depth));
        let node = vec![one.node, other.node];
        Typed {
            node: Node::new(Place::Value(one.kind.family()), "nullif({0}, {1})", node),
            kind: one.kind,
        }
    }

    /// Integers of several widths meet as 64 bits, decimals as those with the most room.
    fn widen(parts: &mut [Node], kind: Kind) {
        let name = match kind {
            Kind::Integer { signed: true, .. } => "bigint".to_owned(),
            Kind::Decimal { .. } => kind.name(Engine::Mason),
            _ => return,
        };
        for part in parts {
            let inner = std::mem::replace(part, Node::word(""));
            *part = Node::new(Place::Fixed, format!("cast({{0}} as {name})"), vec![inner]);
        }
    }

    /// Integer arithmetic that stays within 64 bits.
    fn arithmetic(&mut self, scope: &Scope, depth: u32) -> Typed {
        let operator = self.random.random_range(0..6);
        let any = Argument::Of(Family::Integer);
        let first = if operator < 3 { Argument::Small } else { any };
        let (left, right) =
            (self.argument(first, scope, depth), self.argument(Argument::Small, scope, depth));
        let (one, other) = (most(left.kind), most(right.kind));
        let (template, duckdb, bound) = match operator {
            0 => ("({0} + {1})", None, one + other),
            1 => ("({0} - {1})", None, one + other),
            2 => ("({0} * {1})", None, one * other),
            3 if is_signed(left.kind) => {
                ("({0} / nullif({1}, 0))", Some("({0} // nullif({1}, 0))"), one + 1)
            }
            4 if is_signed(left.kind) => ("({0} % 7)", None, 7),
            _ if one < 1 << 32 => ("abs({0})", None, one),
            _ => return left,
        };
        // Dividing the least number by -1 is an overflow.
        if template.contains('/') && one >= 1 << 63 {
            return left;
        }
        let parts = [left.node, right.node]
            .map(|part| Node::new(Place::Fixed, "cast({0} as bigint)", vec![part]));
        let mut node = Node::new(Place::Value(Family::Integer), template, parts.into());
        if let Some(duckdb) = duckdb {
            node = node.duckdb(duckdb);
        }
        Typed { node, kind: Kind::Integer { bits: 64, signed: true, most: bound } }
    }

    /// Decimal arithmetic with room for every digit.
    fn decimals(&mut self, scope: &Scope, depth: u32) -> Typed {
        let (left, right) = (
            self.argument(Argument::Short, scope, depth),
            self.argument(Argument::Short, scope, depth),
        );
        let Kind::Decimal { precision, scale } = left.kind else { return left };
        let Kind::Decimal { precision: other, scale: others } = right.kind else { return right };
        let whole = precision.max(other) + 1;
        let (template, kind) = match self.random.random_range(0..4) {
            0 => ("({0} + {1})", Kind::Decimal { precision: whole, scale: scale.max(others) }),
            1 => ("({0} - {1})", Kind::Decimal { precision: whole, scale: scale.max(others) }),
            2 => (
                "({0} * {1})",
                Kind::Decimal { precision: precision + other, scale: scale + others },
            ),
            _ => ("(-{0})", left.kind),
        };
        let mut parts = vec![left.node, right.node];
        parts.truncate(template.matches('{').count());
        let mut node = Node::new(Place::Value(Family::Decimal), template, parts);
        if template.contains('*') {
            // DuckDB multiplies what fits in 64 bits in 64 bits, and refuses what does not. A product of all
            // digits would leave no room for those after the point of what it meets in a union.
            node = node.duckdb(format!(
                "cast(cast({{0}} as decimal(38, {scale})) * cast({{1}} as decimal(38, {others})) as {})",
                kind.name(Engine::DuckDb)
            ));
        }
        Typed { node: node.without_sqlite(), kind }
    }
}

/// Returns a value as a part of a statement, spelled for every engine.
pub(crate) fn constant(value: Option<&Value>, kind: Kind) -> Node {
    let spelled = |engine| crate::statement::escaped(literal(value, kind, engine).into());
    let node = Node::new(Place::Fixed, spelled(Engine::Mason), Vec::new())
        .duckdb(spelled(Engine::DuckDb))
        .sqlite(spelled(Engine::Sqlite));
    if kind.is_of_sqlite() { node } else { node.without_sqlite() }
}

pub(crate) fn most(kind: Kind) -> u128 {
    match kind {
        Kind::Integer { most, .. } => most,
        _ => 0,
    }
}

fn is_signed(kind: Kind) -> bool {
    matches!(kind, Kind::Integer { signed: true, .. })
}

/// The kind of what may be either.
fn wider(one: Kind, other: Kind) -> Kind {
    match (one, other) {
        (Kind::Integer { signed, most, .. }, Kind::Integer { signed: others, most: other, .. }) => {
            Kind::Integer { bits: 64, signed: signed && others, most: most.max(other) }
        }
        (Kind::Double { plain }, Kind::Double { plain: other }) => {
            Kind::Double { plain: plain && other }
        }
        (Kind::Decimal { precision, scale }, Kind::Decimal { precision: other, scale: others }) => {
            let (digits, rest) = (
                i8::try_from(precision).expect("should fit"),
                i8::try_from(other).expect("should fit"),
            );
            let (scale, whole) = (scale.max(others), (digits - scale).max(rest - others));
            let precision = u8::try_from((whole + scale).min(38)).expect("should fit");
            Kind::Decimal { precision, scale }
        }
        _ => one,
    }
}
