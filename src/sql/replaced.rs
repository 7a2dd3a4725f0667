//! `* replace (… as column)`. The engine takes no notice of a column that is not there, so the expression names the
//! column that it stands for: one that is not there is an error like any other.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, GroupByExpr, Ident, ObjectName, ObjectNamePart,
    ReplaceSelectElement, Select, SelectItem, SelectItemQualifiedWildcardKind, Statement, Value,
    VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::check::normalised;
use super::own_functions::{first_of_own, name_of};

/// Has each expression that replaces a column name it, except where a select has groups or aggregates: it knows none of
/// the row's columns there. `is_aggregate` says of the name of a function in lower case whether it is one.
pub fn name_replaced(statement: &mut Statement, is_aggregate: &dyn Fn(&str) -> bool) {
    // A visitor never breaks off.
    let _ = VisitMut::visit(statement, &mut Namer { is_aggregate });
}

/// Returns the names of the columns that a wildcard replaces more than once.
pub(super) fn replaced_twice(options: &WildcardAdditionalOptions) -> Vec<&Ident> {
    let items = options.opt_replace.iter().flat_map(|replace| &replace.items);
    let mut known = BTreeSet::new();
    items.map(|item| &item.column_name).filter(|name| !known.insert(normalised(name))).collect()
}

struct Namer<'a> {
    is_aggregate: &'a dyn Fn(&str) -> bool,
}

impl Namer<'_> {
    /// Whether a select makes one row of several.
    fn aggregates(&self, select: &Select) -> bool {
        let aggregate = |call: &Function| {
            (call.over.is_none() && (self.is_aggregate)(&name_of(call))).then_some(())
        };
        let has_groups =
            !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        has_groups
            || select.projection.iter().any(|item| first_of_own(item, aggregate).is_some())
            || select
                .having
                .as_ref()
                .is_some_and(|having| first_of_own(having, aggregate).is_some())
    }
}

impl VisitorMut for Namer<'_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if self.aggregates(select) {
            return ControlFlow::Continue(());
        }
        for item in &mut select.projection {
            match item {
                SelectItem::Wildcard(options) => name_in(options, &[]),
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(ObjectName(parts)),
                    options,
                ) => {
                    let table: Vec<Ident> =
                        parts.iter().filter_map(ObjectNamePart::as_ident).cloned().collect();
                    name_in(options, &table);
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

fn name_in(options: &mut WildcardAdditionalOptions, table: &[Ident]) {
    let items = options.opt_replace.iter_mut().flat_map(|replace| &mut replace.items);
    items.for_each(|item| name_own(item, table));
}

/// Writes `case when column is null and false then null else … end`, which is the same value.
fn name_own(item: &mut ReplaceSelectElement, table: &[Ident]) {
    let column = match table {
        [] => Expr::Identifier(item.column_name.clone()),
        table => {
            Expr::CompoundIdentifier([table, std::slice::from_ref(&item.column_name)].concat())
        }
    };
    let condition = Expr::BinaryOp {
        left: Box::new(Expr::IsNull(Box::new(column))),
        op: BinaryOperator::And,
        right: Box::new(Expr::value(Value::Boolean(false))),
    };
    let plain = std::mem::replace(&mut item.expr, Expr::value(Value::Null));
    item.expr = Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result: Expr::value(Value::Null) }],
        else_result: Some(Box::new(plain)),
    };
}
