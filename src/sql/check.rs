//! Judges the tree of a query by an allow-list, and resolves the tables it names.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select,
    SelectFlavor, SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned, Statement, TableAlias,
    TableFactor, TableFunctionArgs, TableWithJoins, Value, ValueWithSpan, VisitMut, VisitorMut,
    WildcardAdditionalOptions, With,
};

use super::misplaced::misplaced_windows;
use super::problem::{SqlProblem, SqlProblemKind};
use super::query::Scope;
use super::replaced::replaced_twice;
use super::volatile::computed_twice;
use crate::engines::table::TableName;

/// Functions that make rows from their arguments and read nothing.
const ROW_FUNCTIONS: [&str; 2] = ["generate_series", "range"];

/// A query that was looked at; it may be run only if there is no problem.
pub(super) struct Checked {
    pub(super) query: Box<Query>,
    pub(super) tables: Vec<TableName>,
    pub(super) problems: Vec<SqlProblem>,
}

pub(super) fn check(
    mut statements: Vec<Statement>,
    scope: Scope<'_>,
) -> Result<Checked, Vec<SqlProblem>> {
    if statements.len() > 1 {
        let second = statements.get(1).map(|statement| statement.span().start);
        let problem = SqlProblem::not_allowed(format!(
            "there are {} statements, and only one is allowed",
            statements.len()
        ));
        let problem = second.map_or(problem.clone(), |location| problem.at(location));
        return Err(vec![problem.with_hint("run each query in a run of its own")]);
    }
    let query = match statements.pop() {
        Some(Statement::Query(query)) => query,
        Some(other) => return Err(vec![refused_statement(&other, scope)]),
        None => return Err(vec![SqlProblem::not_allowed("there is no statement")]),
    };
    let mut checker = Checker {
        scope,
        common_tables: Vec::new(),
        open: Vec::new(),
        tables: Vec::new(),
        problems: Vec::new(),
    };
    let mut query = query;
    // A checker never breaks off: all problems are wanted.
    let _ = query.visit(&mut checker);
    let Checker { tables, problems, .. } = checker;
    Ok(Checked { query, tables, problems })
}

fn refused_statement(statement: &Statement, scope: Scope<'_>) -> SqlProblem {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let verb: String = verb.chars().take(20).collect();
    let problem = if scope.allow_writing {
        SqlProblem::unsupported(format!("`{verb}` is not supported: only queries can be run"))
    } else {
        SqlProblem::not_allowed(format!("`{verb}` is not allowed: only queries that read are"))
    };
    problem
        .at(statement.span().start)
        .with_hint("write `select …`, `with … select …` or `values …`")
}

struct Checker<'a> {
    scope: Scope<'a>,
    /// Names of common table expressions that can be seen here.
    common_tables: Vec<String>,
    /// For each query that is being visited: its `with`, taken out, and how many names were seen before.
    open: Vec<(Option<With>, usize)>,
    tables: Vec<TableName>,
    problems: Vec<SqlProblem>,
}

impl VisitorMut for Checker<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.refuse_clauses_of_query(query);
        let seen = self.common_tables.len();
        let with = query.with.take().map(|with| self.visit_with(with));
        self.open.push((with, seen));
        self.refuse_bodies(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some((with, seen)) = self.open.pop() {
            query.with = with;
            self.common_tables.truncate(seen);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.complete_columns(select);
        select.from.iter().for_each(|table| self.refuse_joins(table));
        self.refuse_clauses_of_select(select);
        self.problems.extend(misplaced_windows(select));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.visit_factor(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<()> {
        self.problems.push(refused_statement(statement, self.scope));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.problems.extend(computed_twice(expr));
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &value.value {
            let problem = SqlProblem::not_allowed(format!("the placeholder `{name}` has no value"));
            self.problems.push(problem.at(value.span.start).with_hint(match self.scope.bindings {
                Some(_) => "declare it as a parameter of the definition",
                None => {
                    "give its value in `bindings`; only `$table` stands for something by itself"
                }
            }));
        }
        ControlFlow::Continue(())
    }
}

impl Checker<'_> {
    /// Visits the expressions of a `with` one by one: each sees those before it, and, when the clause
    /// is recursive, itself.
    fn visit_with(&mut self, mut with: With) -> With {
        for table in &mut with.cte_tables {
            name_items(&mut table.query, &table.alias);
            let name = normalised(&table.alias.name);
            if with.recursive {
                self.common_tables.push(name);
                let _ = table.query.visit(self);
            } else {
                let _ = table.query.visit(self);
                self.common_tables.push(name);
            }
        }
        with
    }

    fn refuse(&mut self, refused: bool, what: &str) {
        if refused {
            self.problems.push(SqlProblem::not_allowed(format!("{what} is not allowed")));
        }
    }

    /// `from t` means `select * from t`; any other select says what it wants.
    fn complete_columns(&mut self, select: &mut Select) {
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        }
        select.flavor = SelectFlavor::Standard;
        if select.projection.is_empty() {
            let problem = SqlProblem::not_allowed("`select` without columns is not allowed");
            let hint = "write `select *`, or the columns that are wanted";
            self.problems.push(problem.at(select.span().start).with_hint(hint));
        }
        for item in &select.projection {
            if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item
            {
                self.refuse(options.opt_ilike.is_some(), "`* ilike …`");
                for column in replaced_twice(options) {
                    let message = format!("`* replace …` replaces `{}` twice", column.value);
                    self.problems.push(SqlProblem::not_allowed(message).at(column.span.start));
                }
            }
        }
    }

    /// A column that both sides of `using` share would be null where only the right side has a row.
    fn refuse_joins(&mut self, table: &TableWithJoins) {
        for join in &table.joins {
            let (JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)) = &join.join_operator
            else {
                continue;
            };
            if matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural) {
                let what = "`using` or `natural` with a right or full join is not allowed";
                let hint = "write `on a.id = b.id`, and `coalesce(a.id, b.id) as id` in the select";
                let place = join.relation.span().start;
                self.problems.push(SqlProblem::not_allowed(what).at(place).with_hint(hint));
            }
        }
    }

    fn refuse_clauses_of_query(&mut self, query: &Query) {
        self.refuse(!query.locks.is_empty(), "`FOR UPDATE` or `FOR SHARE`");
        self.refuse(query.for_clause.is_some(), "`FOR XML`, `FOR JSON` or `FOR BROWSE`");
        self.refuse(query.settings.is_some(), "`SETTINGS`");
        self.refuse(query.format_clause.is_some(), "`FORMAT`");
        self.refuse(!query.pipe_operators.is_empty(), "the pipe operator `|>`");
    }

    fn refuse_clauses_of_select(&mut self, select: &Select) {
        if let Some(into) = &select.into {
            let problem = SqlProblem::not_allowed(format!(
                "`{into}` is not allowed: a query must not write a table"
            ));
            let hint = "give the run an `output_path` or `output_table` to keep the rows";
            self.problems.push(problem.at(select.span().start).with_hint(hint));
        }
        self.refuse(!select.lateral_views.is_empty(), "`LATERAL VIEW`");
        self.refuse(select.prewhere.is_some(), "`PREWHERE`");
        self.refuse(!select.connect_by.is_empty(), "`CONNECT BY`");
        self.refuse(!select.cluster_by.is_empty(), "`CLUSTER BY`");
        self.refuse(!select.distribute_by.is_empty(), "`DISTRIBUTE BY`");
        self.refuse(!select.sort_by.is_empty(), "`SORT BY`");
        self.refuse(select.top.is_some(), "`TOP`");
    }

    /// The engine joins where these have to count: it keeps every row of the left side that the right
    /// side has, or none.
    fn refuse_repeated_rows(&mut self, op: SetOperator, of: SetQuantifier, right: &SetExpr) {
        let counts =
            matches!(op, SetOperator::Intersect | SetOperator::Except | SetOperator::Minus);
        if counts && matches!(of, SetQuantifier::All | SetQuantifier::AllByName) {
            let word = op.to_string().to_ascii_lowercase();
            let what =
                format!("`{word} all` is not allowed: how often a row is there would be lost");
            let hint = format!(
                "write `{word}`, or number equal rows on both sides with `row_number() over (partition by …)`"
            );
            let place = right.span().start;
            self.problems.push(SqlProblem::not_allowed(what).at(place).with_hint(hint));
        }
    }

    /// Refuses what is no select, values or set operation. Statements within are met by the visitor.
    fn refuse_bodies(&mut self, query: &Query) {
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::SetOperation { op, set_quantifier, left, right } => {
                    self.refuse_repeated_rows(*op, *set_quantifier, right);
                    bodies.extend([&**right, &**left]);
                }
                SetExpr::Table(_) => self.problems.push(
                    SqlProblem::not_allowed("`TABLE name` is not allowed")
                        .with_hint("write `select * from name`"),
                ),
                SetExpr::Select(_)
                | SetExpr::Query(_)
                | SetExpr::Values(_)
                | SetExpr::Insert(_)
                | SetExpr::Update(_)
                | SetExpr::Delete(_)
                | SetExpr::Merge(_) => {}
            }
        }
    }

    fn visit_factor(&mut self, factor: &mut TableFactor) {
        match factor {
            TableFactor::Table { .. } => self.visit_table(factor),
            TableFactor::Derived { sample, subquery, alias, .. } => {
                self.refuse(sample.is_some(), "`TABLESAMPLE`");
                if let Some(alias) = alias {
                    name_items(subquery, alias);
                }
            }
            TableFactor::NestedJoin { table_with_joins, .. } => self.refuse_joins(table_with_joins),
            TableFactor::UNNEST { .. } => {}
            TableFactor::Function { name, .. } => {
                if !is_row_function(name) {
                    self.problems.push(refused_function(name));
                }
            }
            other => {
                let text: String = other.to_string().chars().take(60).collect();
                let problem = SqlProblem::not_allowed(format!("`{text}` is not allowed in `from`"));
                self.problems.push(problem.at(other.span().start));
            }
        }
    }

    fn visit_table(&mut self, factor: &mut TableFactor) {
        let TableFactor::Table {
            name,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
            ..
        } = factor
        else {
            return;
        };
        self.refuse(!with_hints.is_empty() || !index_hints.is_empty(), "a hint on a table");
        self.refuse(version.is_some(), "a version of a table (`FOR SYSTEM_TIME`, `AT`)");
        self.refuse(*with_ordinality, "`WITH ORDINALITY`");
        self.refuse(!partitions.is_empty(), "`PARTITION (…)` on a table");
        self.refuse(json_path.is_some(), "a path into a table");
        self.refuse(sample.is_some(), "`TABLESAMPLE`");
        match args {
            Some(TableFunctionArgs { settings: None, .. }) if is_row_function(name) => {}
            Some(_) => self.problems.push(refused_function(name)),
            None => self.resolve(name),
        }
    }

    /// Replaces a table's name by its database and name in lower case, and notes it.
    fn resolve(&mut self, name: &mut ObjectName) {
        let location = name.span().start;
        match self.table_of(name) {
            Ok(None) => {}
            Ok(Some(table)) => {
                let parts = [&table.database, &table.table].map(|part| part.to_ascii_lowercase());
                let quoted =
                    |part: String| ObjectNamePart::Identifier(Ident::with_quote('"', part));
                *name = ObjectName(parts.map(quoted).into());
                if !self.tables.iter().any(|known| same_table(known, &table)) {
                    self.tables.push(table);
                }
            }
            Err(problem) => self.problems.push(problem.at(location)),
        }
    }

    fn table_of(&self, name: &ObjectName) -> Result<Option<TableName>, SqlProblem> {
        let parts: Option<Vec<&Ident>> = name.0.iter().map(ObjectNamePart::as_ident).collect();
        let Some(parts) = parts else {
            return Err(SqlProblem::not_allowed(format!("`{name}` is not a table's name")));
        };
        if parts.iter().any(|part| part.quote_style == Some('\'')) {
            return Err(SqlProblem::not_allowed(format!(
                "{name} is a text, not a table's name: files are not read by their path"
            ))
            .with_hint("infer a table from the files first, then query `database.table`"));
        }
        match parts.as_slice() {
            [table] if self.common_tables.contains(&normalised(table)) => Ok(None),
            [table] => match self.scope.default_database {
                Some(database) => Ok(Some(TableName {
                    database: database.to_owned(),
                    table: table.value.clone(),
                })),
                None => Err(SqlProblem::not_allowed(format!("the table `{name}` has no database"))
                    .with_hint("write `database.table`")),
            },
            [database, table] => {
                Ok(Some(TableName { database: database.value.clone(), table: table.value.clone() }))
            }
            _ => Err(SqlProblem::not_allowed(format!(
                "the table name `{name}` has {} parts, and only `database.table` is known",
                parts.len()
            ))),
        }
    }
}

/// Gives the computed columns of a query the names that its alias has for them: `with r(a, b) as
/// (select 1, 1)` has two columns, though neither has a name of its own.
fn name_items(query: &mut Query, alias: &TableAlias) {
    let mut body = &mut *query.body;
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    let SetExpr::Select(select) = body else { return };
    if select.projection.len() != alias.columns.len() {
        return;
    }
    for (item, column) in select.projection.iter_mut().zip(&alias.columns) {
        if let SelectItem::UnnamedExpr(expr) = item
            && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        {
            let expr = expr.clone();
            *item = SelectItem::ExprWithAlias { expr, alias: column.name.clone() };
        }
    }
}

/// Returns whether two names mean the same table.
fn same_table(left: &TableName, right: &TableName) -> bool {
    left.database.eq_ignore_ascii_case(&right.database)
        && left.table.eq_ignore_ascii_case(&right.table)
}

fn is_row_function(name: &ObjectName) -> bool {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(word)] => {
            ROW_FUNCTIONS.iter().any(|known| word.value.eq_ignore_ascii_case(known))
        }
        _ => false,
    }
}

fn refused_function(name: &ObjectName) -> SqlProblem {
    SqlProblem::not_allowed(format!("the function `{name}` is not allowed in `from`"))
        .at(name.span().start)
        .with_hint("query tables by name; files are not read by their path")
}

/// Returns a name as it is compared: as it stands when quoted, in lower case when not.
pub(super) fn normalised(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

impl SqlProblem {
    /// Returns whether what is asked is allowed but cannot be done.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.kind == SqlProblemKind::Unsupported
    }
}
