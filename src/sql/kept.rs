//! Finds the queries within a statement that must be computed once, because they are read several
//! times and need not have the same rows each time.
//!
//! The planner puts a query in `with` in place of each of its names, and the rules below it read the
//! rows of `in`, `any` and `all` several times. Where `random()`, a limit, a window, or an aggregate
//! that depends on the order of rows stands in such a query, each reading would have rows of its own.
//! Such a query is taken out: the engine that runs the statement computes it, keeps its rows as a table, and
//! the statement reads that table. Equal subqueries of one value are computed once by the engine: those
//! with `random()` are made to differ. Pure.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Cte, Distinct, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement,
    TableAlias, TableFactor, Visit, VisitMut, Visitor, VisitorMut, With,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::check::normalised;
use super::own_functions::name_of;
use super::volatile::is_volatile;

/// The database of the tables that keep rows.
pub const KEPT_DATABASE: &str = "__kept";

/// A query whose rows are kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The table of [`KEPT_DATABASE`] that the statement reads instead.
    pub table: String,
    /// What its rows are. It may read tables of those before it.
    pub query: Statement,
    /// The name in `with`, if it has one.
    pub name: Option<String>,
}

/// Takes out of a statement each query that is read several times and may have other rows each time, in
/// the order in which they are computed. `is_same` says of the name of a function in lower case whether
/// it has the same outcome each time, whatever the order of rows.
pub fn keep(statement: &mut Statement, is_same: &dyn Fn(&str) -> bool) -> Vec<Kept> {
    let mut keeper = Keeper {
        is_same,
        seen: Vec::new(),
        open: Vec::new(),
        kept: Vec::new(),
        values: BTreeSet::new(),
    };
    // A keeper never breaks off.
    let _ = VisitMut::visit(statement, &mut keeper);
    keeper.kept
}

/// A query in `with` that can be seen where the keeper is.
struct Seen {
    cte: Cte,
    /// Whether it may name itself.
    recursive: bool,
    /// Whether it has the same rows each time.
    is_same: bool,
}

struct Keeper<'a> {
    is_same: &'a dyn Fn(&str) -> bool,
    seen: Vec<Seen>,
    /// For each query that is being visited: its `with`, taken out, and how many were seen before.
    open: Vec<(Option<With>, usize)>,
    kept: Vec<Kept>,
    /// Subqueries of one value that differ each time, as they are written.
    values: BTreeSet<String>,
}

impl VisitorMut for Keeper<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let seen = self.seen.len();
        let with = query.with.take().map(|with| self.visit_with(with, query));
        self.open.push((with, seen));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some((with, seen)) = self.open.pop() {
            query.with = with;
            self.seen.truncate(seen);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let subquery = match expr {
            Expr::Subquery(subquery) => {
                self.tell_apart(subquery);
                return ControlFlow::Continue(());
            }
            Expr::InSubquery { subquery, .. } => subquery,
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => match right.as_mut() {
                Expr::Subquery(subquery) => subquery,
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        if !self.has_same_rows(subquery) {
            self.take(subquery, None, None);
        }
        ControlFlow::Continue(())
    }
}

impl Keeper<'_> {
    /// Looks at the queries of a `with` one by one: each sees those before it.
    fn visit_with(&mut self, mut with: With, body: &Query) -> With {
        for at in 0..with.cte_tables.len() {
            let (before, later) = with.cte_tables.split_at_mut(at + 1);
            let Some(cte) = before.last_mut() else { continue };
            let _ = VisitMut::visit(&mut cte.query, self);
            let name = normalised(&cte.alias.name);
            let later: usize = later.iter().map(|cte| reads(&name, &cte.query)).sum();
            // A recursive query may read again for each of its steps.
            let later = if with.recursive { later * 2 } else { later };
            let reads = later + reads(&name, body);
            let mut is_same = self.has_same_rows(&cte.query);
            if reads > 1 && !is_same {
                let itself = with.recursive.then(|| cte.clone());
                self.take(&mut cte.query, Some(name), itself);
                is_same = true;
            }
            self.seen.push(Seen { cte: cte.clone(), recursive: with.recursive, is_same });
        }
        with
    }

    /// Puts a table in place of a query.
    fn take(&mut self, query: &mut Query, name: Option<String>, itself: Option<Cte>) {
        let table = format!("q{}", self.kept.len() + 1);
        let Some(reading) = reading(&table) else { return };
        let taken = std::mem::replace(query, reading);
        let query = self.alone(taken, itself);
        self.kept.push(Kept { table, query: Statement::Query(Box::new(query)), name });
    }

    /// A query with all that it sees of the queries around it, so that it can be run alone.
    fn alone(&self, query: Query, itself: Option<Cte>) -> Query {
        let mut ctes: Vec<Cte> = Vec::new();
        for seen in &self.seen {
            ctes.retain(|cte| normalised(&cte.alias.name) != normalised(&seen.cte.alias.name));
            ctes.push(seen.cte.clone());
        }
        let recursive = itself.is_some() || self.seen.iter().any(|seen| seen.recursive);
        let body = match itself {
            Some(cte) => {
                let body = read_of(vec![cte.alias.name.clone()]);
                ctes.retain(|other| normalised(&other.alias.name) != normalised(&cte.alias.name));
                ctes.push(cte);
                body
            }
            None if ctes.is_empty() => return query,
            None => Some(query.clone()),
        };
        let Some(body) = body else { return query };
        let with_token = AttachedToken::empty();
        Query {
            with: Some(With { with_token, recursive, cte_tables: ctes }),
            body: Box::new(SetExpr::Query(Box::new(body))),
            ..plain(query)
        }
    }

    /// Writes a subquery of one value in another way when the same one with `random()` stands before it.
    fn tell_apart(&mut self, subquery: &mut Query) {
        if !is_volatile(subquery) || self.values.insert(subquery.to_string()) {
            return;
        }
        let name = Ident::with_quote('"', format!("value {}", self.values.len()));
        let Some(mut around) = read_of(vec![name.clone()]) else { return };
        let SetExpr::Select(select) = around.body.as_mut() else { return };
        let Some(from) = select.from.first_mut() else { return };
        let alias = TableAlias { explicit: true, name, columns: Vec::new(), at: None };
        from.relation = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(subquery.clone()),
            alias: Some(alias),
            sample: None,
        };
        self.values.insert(around.to_string());
        *subquery = around;
    }

    fn has_same_rows(&self, query: &Query) -> bool {
        let mut look = Steady { is_same: self.is_same, seen: &self.seen };
        query.visit(&mut look).is_continue()
    }
}

/// A query without anything around its body.
fn plain(query: Query) -> Query {
    Query { with: None, order_by: None, limit_clause: None, fetch: None, ..query }
}

fn reading(table: &str) -> Option<Query> {
    read_of([KEPT_DATABASE, table].map(|part| Ident::with_quote('"', part)).into())
}

/// `select * from` a table.
fn read_of(parts: Vec<Ident>) -> Option<Query> {
    let mut parsed = Parser::parse_sql(&GenericDialect {}, "select * from t").ok()?;
    let Some(Statement::Query(mut query)) = parsed.pop() else { return None };
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let TableFactor::Table { name, .. } = &mut select.from.first_mut()?.relation else {
        return None;
    };
    *name = ObjectName(parts.into_iter().map(ObjectNamePart::Identifier).collect());
    Some(*query)
}

/// How often a query reads what is called so. One of the same name within counts too: more is kept
/// then than has to be, and nothing less.
fn reads(name: &str, query: &Query) -> usize {
    let mut reads = Reads { name, count: 0 };
    let _ = query.visit(&mut reads);
    reads.count
}

struct Reads<'a> {
    name: &'a str,
    count: usize,
}

impl Visitor for Reads<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if own_name(factor).is_some_and(|name| name == self.name) {
            self.count += 1;
        }
        ControlFlow::Continue(())
    }
}

/// The name of a query in `with` that a table in `from` may be: tables have two parts by now.
fn own_name(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table { name, args: None, .. } = factor else { return None };
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(normalised(ident)),
        _ => None,
    }
}

/// Breaks off at what need not be the same each time.
struct Steady<'a> {
    is_same: &'a dyn Fn(&str) -> bool,
    seen: &'a [Seen],
}

impl Visitor for Steady<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        broken_off(query.limit_clause.is_some() || query.fetch.is_some())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        broken_off(matches!(select.distinct, Some(Distinct::On(_))))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let Some(name) = own_name(factor) else { return ControlFlow::Continue(()) };
        let is_it = |seen: &Seen| normalised(&seen.cte.alias.name) == name;
        broken_off(self.seen.iter().any(|seen| is_it(seen) && !seen.is_same))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        broken_off(function.over.is_some() || !(self.is_same)(&name_of(function)))
    }
}

fn broken_off(is_so: bool) -> ControlFlow<()> {
    if is_so { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::sql::{Scope, Spellings, analyse};

    /// The names of what is kept (`-` for a subquery) and the statement that is left.
    fn kept(sql: &str) -> (String, String) {
        let scope = Scope { default_database: Some("main"), ..Scope::default() };
        let analysed = analyse(sql, scope).unwrap_or_else(|wrong| panic!("{sql}: {wrong:?}"));
        let mut statement = analysed.into_statement(&Spellings::default());
        let kept = keep(&mut statement, &|name| !["random", "uuid", "sum"].contains(&name));
        let names = kept.iter().map(|kept| kept.name.clone().unwrap_or_else(|| "-".to_owned()));
        (names.collect::<Vec<_>>().join(" "), statement.to_string().to_lowercase())
    }

    #[rstest]
    #[case::random("with r as (select random() as x) select * from r a, r b", "r")]
    #[case::limited(
        "with r as (select x from t limit 1) select * from r union all select * from r",
        "r"
    )]
    #[case::ties("with r as (select x from t order by x limit 1) select * from r a, R b", "r")]
    #[case::fetched(
        "with r as (select x from t fetch first 1 rows only) select * from r a, r b",
        "r"
    )]
    #[case::numbered(
        "with r as (select row_number() over () n from t) select * from r a, r b",
        "r"
    )]
    #[case::summed(
        "with r as (select sum(x) s from t) select * from r where s = (select max(s) from r)",
        "r"
    )]
    #[case::first_ones(
        "with r as (select distinct on (a) a, b from t) select * from r a, r b",
        "r"
    )]
    #[case::deep_within(
        "with r as (select * from (select random() x) q) select * from r a, r b",
        "r"
    )]
    #[case::at_second_hand(
        "with a as (select random() x), b as (select * from a) select * from b c, b d",
        "b"
    )]
    #[case::each_once(
        "with a as (select random() x), b as (select * from a) select * from b, a",
        "a"
    )]
    #[case::of_a_step(
        "with recursive a as (select random() x), r as (select 1 n union all select n from r, a) select * from r",
        "a"
    )]
    #[case::recursive(
        "with recursive r as (select 1 n union all select n + 1 from r where random() < 0.5) select * from r a, r b",
        "r"
    )]
    #[case::nested("select * from (with r as (select random() x) select * from r a, r b) q", "r")]
    #[case::members("select * from t where x not in (select x from u limit 3)", "-")]
    #[case::any("select * from t where x = any (select x from u where random() < 0.5)", "-")]
    #[case::members_of_one(
        "with r as (select random() x) select * from t where x in (select x from r)",
        "-"
    )]
    fn what_may_differ_is_taken_out(#[case] sql: &str, #[case] expected: &str) {
        let (names, left) = kept(sql);
        assert_eq!(names, expected, "{left}");
        assert!(left.contains("select * from \"__kept\".\"q1\""), "{left}");
    }

    #[rstest]
    #[case::read_once("with r as (select random() as x from t limit 3) select * from r")]
    #[case::never_read("with r as (select random() as x) select 1")]
    #[case::the_same("with r as (select x, count(*) n from t group by x) select * from r a, r b")]
    #[case::members("select * from t where x in (select x from u where y > 3)")]
    #[case::limit_outside("with r as (select x from t) select * from r a, r b limit 3")]
    #[case::another("with r as (select random() x) select * from r, main.r")]
    fn what_is_the_same_stays(#[case] sql: &str) {
        assert_eq!(kept(sql).0, "", "{sql}");
    }

    #[test]
    fn equal_values_that_differ_each_time_are_told_apart() {
        let sql = "select (select random()) a, (select random()) b, (select random()) c, (select 1) d, (select 1) e";
        let left = kept(sql).1;
        let expected = "select (select random()) as a, \
                        (select * from (select random()) as \"value 1\") as b, \
                        (select * from (select random()) as \"value 2\") as c, (select 1) as d, (select 1) as e";
        assert_eq!(left, expected);
    }

    #[test]
    fn what_is_kept_can_be_run_alone() {
        let sql = "with a as (select random() x), b(y) as (select x from a limit 2) \
                   select * from b c, b d where y in (select x from t limit 1)";
        let scope = Scope { default_database: Some("main"), ..Scope::default() };
        let mut statement =
            analyse(sql, scope).expect("should be a query").into_statement(&Spellings::default());
        let kept = keep(&mut statement, &|name| name != "random");
        let texts: Vec<String> =
            kept.iter().map(|kept| kept.query.to_string().to_lowercase()).collect();
        assert_eq!(
            texts,
            [
                "with a as (select random() as x) (select x from a limit 2)",
                "with a as (select random() as x), b (y) as (select * from \"__kept\".\"q1\") \
                 (select x from \"main\".\"t\" limit 1)",
            ]
        );
    }
}
