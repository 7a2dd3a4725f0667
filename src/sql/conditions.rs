//! Whether a query may have conditions on a column: by the words alone, so that nothing has to be known of its tables.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Query, Select, TableFactor, TableWithJoins, Visit, Visitor};

/// Returns whether a query has conditions, and any of these columns by its name. A condition on a column that was given
/// another name only by a list behind the alias of its table is not seen.
pub(super) fn may_limit(query: &Query, columns: &[String]) -> bool {
    let mut words = Words { columns, has_conditions: false, names_one: false };
    let _ = query.visit(&mut words);
    words.has_conditions && words.names_one
}

/// Returns whether a query has any condition.
pub(super) fn has_conditions(query: &Query) -> bool {
    let mut words = Words { columns: &[], has_conditions: false, names_one: false };
    let _ = query.visit(&mut words);
    words.has_conditions
}

struct Words<'a> {
    columns: &'a [String],
    has_conditions: bool,
    names_one: bool,
}

impl Words<'_> {
    fn see(&mut self, ident: &Ident) {
        self.names_one |=
            self.columns.iter().any(|column| column.eq_ignore_ascii_case(&ident.value));
    }
}

impl Visitor for Words<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.has_conditions |= select.selection.is_some()
            || select.prewhere.is_some()
            || select.having.is_some()
            || select.qualify.is_some();
        self.has_conditions |= select.from.iter().any(is_joined);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            self.has_conditions |= is_joined(table_with_joins);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.see(ident),
            Expr::CompoundIdentifier(parts) => parts.iter().for_each(|part| self.see(part)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A join may compare with a value.
fn is_joined(table: &TableWithJoins) -> bool {
    !table.joins.is_empty()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::sql::{Scope, analyse};

    #[rstest]
    #[case::plain("select * from t where day = 1", true)]
    #[case::spelled_otherwise("select * from t where t.\"Day\" in (1, 2)", true)]
    #[case::joined("select * from t join u on t.day = u.day", true)]
    #[case::using("select * from t join u using (day) where DAY > 1", true)]
    #[case::within("select * from u where x in (select x from t where day > 1)", true)]
    #[case::renamed("select * from (select day as d from t) q where d = 1", true)]
    #[case::of_a_group("select day from t group by day having day > 1", true)]
    #[case::without_conditions("select day, count(*) from t group by day", false)]
    #[case::on_others("select * from t where x = 1", false)]
    fn conditions_on_a_column_are_told_by_its_name(#[case] sql: &str, #[case] expected: bool) {
        let scope = Scope { default_database: Some("main"), ..Scope::default() };
        let analysed = analyse(sql, scope).expect("should be a query");
        assert_eq!(analysed.may_limit(&["day".to_owned()]), expected, "{sql}");
    }
}
