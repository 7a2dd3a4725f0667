//! `* replace (… as column)`. The engine takes no notice of a column that is not there, so the expression names the
//! column that it stands for: one that is not there is an error like any other.

use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart, Query,
    ReplaceSelectElement, Select, SelectItem, SelectItemQualifiedWildcardKind, Value, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};

/// Has each expression that replaces a column name it.
pub(super) fn name_columns(query: &mut Query) {
    // A visitor never breaks off.
    let _ = query.visit(&mut Namer);
}

/// Returns the names of the columns that a wildcard replaces more than once.
pub(super) fn replaced_twice(options: &WildcardAdditionalOptions) -> Vec<&Ident> {
    let items = options.opt_replace.iter().flat_map(|replace| &replace.items);
    let names: Vec<&Ident> = items.map(|item| &item.column_name).collect();
    let is_repeated = |at: usize| {
        names[..at].iter().any(|earlier| earlier.value.eq_ignore_ascii_case(&names[at].value))
    };
    (1..names.len()).filter(|at| is_repeated(*at)).map(|at| names[at]).collect()
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // A grouped select knows the columns that it groups by only.
        if !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty()) {
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
