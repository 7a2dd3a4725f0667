//! `* replace (… as column)`. The engine takes no notice of a column that is not there, so a condition on the rows below
//! names every column that is replaced: one that is not there is an error like any other. Rows have all of their columns
//! there, also where a select has groups or aggregates.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Statement, UnaryOperator, Value, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::check::normalised;

/// Has each select name the columns that its wildcards replace.
pub fn name_replaced(statement: &mut Statement) {
    // A visitor never breaks off.
    let _ = VisitMut::visit(statement, &mut Namer);
}

/// Returns the names of the columns that a wildcard replaces more than once.
pub(super) fn replaced_twice(options: &WildcardAdditionalOptions) -> Vec<&Ident> {
    let mut known = BTreeSet::new();
    replaced(options).filter(|name| !known.insert(normalised(name))).collect()
}

fn replaced(options: &WildcardAdditionalOptions) -> impl Iterator<Item = &Ident> {
    options.opt_replace.iter().flat_map(|replace| &replace.items).map(|item| &item.column_name)
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let columns: Vec<Expr> = select.projection.iter().flat_map(replaced_by).collect();
        for column in columns {
            let named = always_true(column);
            select.selection = Some(match select.selection.take() {
                None => named,
                Some(condition) => binary(within(condition), BinaryOperator::And, named),
            });
        }
        ControlFlow::Continue(())
    }
}

/// The columns that an item of a select replaces.
fn replaced_by(item: &SelectItem) -> Vec<Expr> {
    match item {
        SelectItem::Wildcard(options) => replaced(options).cloned().map(Expr::Identifier).collect(),
        SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(ObjectName(parts)),
            options,
        ) => {
            let table: Vec<Ident> =
                parts.iter().filter_map(ObjectNamePart::as_ident).cloned().collect();
            let of_table = |column: &Ident| {
                let names = table.iter().chain([column]).cloned().collect();
                Expr::CompoundIdentifier(names)
            };
            replaced(options).map(of_table).collect()
        }
        _ => Vec::new(),
    }
}

/// Writes `not (column is null and false)`.
fn always_true(column: Expr) -> Expr {
    let is_null = Expr::IsNull(Box::new(column));
    let never = binary(is_null, BinaryOperator::And, Expr::value(Value::Boolean(false)));
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(within(never)) }
}

fn within(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
