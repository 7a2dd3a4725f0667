//! `select *` of one table, perhaps with `where`, `order by` columns, `limit` and `offset`, planned
//! without the planner of SQL: it compares every column of a select list with all others, which takes
//! a minute for some thousand columns.
//!
//! Whatever is not exactly of this shape, or has anything wrong with it, is left to that planner.

use std::ops::ControlFlow;

use datafusion::common::{Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::utils::{find_aggregate_exprs, find_window_exprs};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use datafusion::prelude::SessionContext;
use datafusion::sql::planner::NullOrdering;
use sqlparser::ast::{
    self, ExprWithAlias, LimitClause, ObjectNamePart, OrderByExpr, OrderByKind, Query, Select,
    SetExpr, Statement, TableFactor, Value, Visit, Visitor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// Returns the plan of a statement of the shape, and `None` for any other.
pub(super) async fn plan(statement: &Statement, context: &SessionContext) -> Option<LogicalPlan> {
    let plain = Plain::of(statement)?;
    let table = plain.table()?;
    let provider = context.table_provider(table.clone()).await.ok()?;
    let scan = LogicalPlanBuilder::scan(table, provider_as_source(provider), None).ok()?;
    plain.above(scan, context).ok().flatten()
}

/// The parts of a statement of the shape.
struct Plain<'a> {
    query: &'a Query,
    select: &'a Select,
    relation: &'a TableFactor,
}

impl<'a> Plain<'a> {
    fn of(statement: &'a Statement) -> Option<Self> {
        let Statement::Query(query) = statement else { return None };
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        let [from] = select.from.as_slice() else { return None };
        let plain =
            Self { query: query.as_ref(), select: select.as_ref(), relation: &from.relation };
        (plain.as_statement()? == *statement && !has_queries_within(query)).then_some(plain)
    }

    /// The plain statement that has these parts: the one they are from, unless that has others too.
    fn as_statement(&self) -> Option<Statement> {
        let mut parsed = Parser::parse_sql(&GenericDialect {}, "select * from t").ok()?;
        let Some(Statement::Query(mut query)) = parsed.pop() else { return None };
        let SetExpr::Select(select) = query.body.as_mut() else { return None };
        let TableFactor::Table { name, alias, .. } = &mut select.from.first_mut()?.relation else {
            return None;
        };
        let TableFactor::Table { name: own_name, alias: own_alias, .. } = self.relation else {
            return None;
        };
        name.clone_from(own_name);
        alias.clone_from(own_alias);
        select.selection.clone_from(&self.select.selection);
        query.order_by.clone_from(&self.query.order_by);
        query.limit_clause.clone_from(&self.query.limit_clause);
        Some(Statement::Query(query))
    }

    fn table(&self) -> Option<TableReference> {
        let TableFactor::Table { name, .. } = self.relation else { return None };
        let parts: Option<Vec<_>> = name.0.iter().map(ObjectNamePart::as_ident).collect();
        match parts?.as_slice() {
            [database, table] if database.quote_style.is_some() && table.quote_style.is_some() => {
                Some(TableReference::partial(database.value.clone(), table.value.clone()))
            }
            _ => None,
        }
    }

    fn above(
        &self,
        scan: LogicalPlanBuilder,
        context: &SessionContext,
    ) -> Result<Option<LogicalPlan>> {
        let TableFactor::Table { alias, .. } = self.relation else { return Ok(None) };
        let mut builder = match alias {
            None => scan,
            Some(alias) if alias.columns.is_empty() => {
                let name = match alias.name.quote_style {
                    Some(_) => alias.name.value.clone(),
                    None => alias.name.value.to_lowercase(),
                };
                scan.alias(TableReference::bare(name))?
            }
            Some(_) => return Ok(None),
        };
        if let Some(condition) = &self.select.selection {
            let condition = expression(condition, &builder, context)?;
            if is_of_many_rows(&condition) {
                return Ok(None);
            }
            builder = builder.filter(condition)?;
        }
        let Some(order) = self.order(&builder, context)? else { return Ok(None) };
        if !order.is_empty() {
            builder = builder.sort(order)?;
        }
        let Some((skip, fetch)) = self.limit() else { return Ok(None) };
        if skip > 0 || fetch.is_some() {
            builder = builder.limit(skip, fetch)?;
        }
        builder.build().map(Some)
    }

    /// The columns of `order by`; `None` when it has more than columns.
    fn order(
        &self,
        builder: &LogicalPlanBuilder,
        context: &SessionContext,
    ) -> Result<Option<Vec<SortExpr>>> {
        let Some(order) = &self.query.order_by else { return Ok(Some(Vec::new())) };
        let (OrderByKind::Expressions(columns), None) = (&order.kind, &order.interpolate) else {
            return Ok(None);
        };
        let config = context.copied_config();
        let nulls: NullOrdering = config.options().sql_parser.default_null_ordering.parse()?;
        let mut sorts = Vec::with_capacity(columns.len());
        for OrderByExpr { expr, options, with_fill } in columns {
            let is_column =
                matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_));
            if !is_column || with_fill.is_some() {
                return Ok(None);
            }
            let ascending = options.asc.unwrap_or(true);
            let nulls_first = options.nulls_first.unwrap_or_else(|| nulls.nulls_first(ascending));
            sorts.push(expression(expr, builder, context)?.sort(ascending, nulls_first));
        }
        Ok(Some(sorts))
    }

    /// How many rows are passed over, and how many are wanted at most; `None` when they are not written
    /// as numbers.
    fn limit(&self) -> Option<(usize, Option<usize>)> {
        let Some(clause) = &self.query.limit_clause else { return Some((0, None)) };
        let LimitClause::LimitOffset { limit, offset, limit_by } = clause else { return None };
        if !limit_by.is_empty() {
            return None;
        }
        let skip = match offset {
            Some(offset) => number(&offset.value)?,
            None => 0,
        };
        match limit {
            Some(limit) => Some((skip, Some(number(limit)?))),
            None => Some((skip, None)),
        }
    }
}

fn number(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn expression(
    expr: &ast::Expr,
    builder: &LogicalPlanBuilder,
    context: &SessionContext,
) -> Result<Expr> {
    let expr = ExprWithAlias { expr: expr.clone(), alias: None };
    context.state().create_logical_expr_from_sql_expr(expr, builder.schema())
}

fn is_of_many_rows(expr: &Expr) -> bool {
    !find_aggregate_exprs([expr]).is_empty() || !find_window_exprs([expr]).is_empty()
}

fn has_queries_within(query: &Query) -> bool {
    struct Queries(usize);
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.0 += 1;
            if self.0 > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    query.visit(&mut Queries(0)).is_break()
}
