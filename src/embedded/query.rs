//! Queries in SQL: checked on the tree by [`crate::sql`], planned and run by DataFusion.

use std::sync::Arc;
use std::time::SystemTime;

use datafusion::arrow::datatypes::{DataType, Fields, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{LogicalPlan, Volatility};
use datafusion::physical_optimizer::PhysicalOptimizerRule as _;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement as Parsed;
use futures::StreamExt;
use sqlparser::ast::Statement;

use super::error::{Allowed, CLIENT, failed, from_datafusion};
use super::kept;
use super::named_files::with_names;
use super::plain_select;
use super::session::Batches;
use super::tables::{Tables, allowed};
use super::words::Words;
use crate::embedded::work::Work;
use crate::engines::job_spec::{JobSpec, Operation};
use crate::engines::nearest::nearest;
use crate::engines::table::TableName;
use crate::engines::{EngineError, ErrorKind};
use crate::sql::{Analysed, Kept, Scope, Spellings, analyse, keep, name_replaced, refusal};

const QUERY: &str = "run the query";

/// Plans the query of a job and starts it.
pub(super) async fn query(
    spec: &JobSpec,
    work: &Work,
    tables: &Tables,
    context: &SessionContext,
) -> Result<Batches, EngineError> {
    let names: Vec<TableName> = tables.inputs().iter().map(|input| input.name.clone()).collect();
    let analysed = analysed(&spec.operation, &names)?;
    tables.register()?;
    let schemas = (0..names.len()).map(|input| tables.schema(input));
    let schemas = schemas.collect::<Result<Vec<_>, _>>()?;
    let statement = statement_over(analysed, &names, &schemas);
    let words = Words::new(statement.clone(), &schemas);
    let started = Box::pin(started(statement, work, context)).await;
    let stream = started.map_err(|error| words.explain(error))?;
    Ok(explained(stream, words, allowed(work)))
}

/// Returns the query of a job, whose tables are those of the job.
fn analysed(operation: &Operation, tables: &[TableName]) -> Result<Analysed, EngineError> {
    let Operation::Query { sql, this_table, default_database, allow_writing, bindings } = operation
    else {
        return Err(failed(ErrorKind::Unexpected, QUERY, "the job is no query"));
    };
    let scope = Scope {
        this_table: this_table.as_ref(),
        default_database: default_database.as_deref(),
        allow_writing: *allow_writing,
        bindings: Some(bindings),
    };
    let analysed = analyse(sql, scope).map_err(|problems| refusal(CLIENT, &problems))?;
    check_tables(&analysed, tables)?;
    Ok(analysed)
}

fn statement_over(analysed: Analysed, tables: &[TableName], schemas: &[SchemaRef]) -> Statement {
    let mut spellings = Spellings::default();
    for (table, schema) in tables.iter().zip(schemas) {
        insert(&mut spellings, table, schema.fields());
    }
    let mut statement = analysed.into_statement(&spellings);
    name_replaced(&mut statement);
    statement
}

/// Returns the statement of a query over tables with these columns, as it is executed.
///
/// # Errors
/// `InvalidInput` for what is no query over these tables.
pub(super) fn statement_of(
    query: &Operation,
    tables: &[TableName],
    schemas: &[SchemaRef],
) -> Result<Statement, EngineError> {
    Ok(statement_over(analysed(query, tables)?, tables, schemas))
}

/// Returns the state of a session for a statement that begins with its job: `now()` is the same wherever it is
/// planned.
pub(super) fn beginning_at(work: &Work, context: &SessionContext) -> SessionState {
    let mut state = context.state();
    let began = SystemTime::from(work.began);
    state.execution_props_mut().query_execution_start_time = Some(began.into());
    state
}

/// Starts a statement, once the rows of what it reads several times are kept.
async fn started(
    mut statement: Statement,
    work: &Work,
    context: &SessionContext,
) -> Result<Batches, EngineError> {
    let as_written = statement.clone();
    let kept = keep(&mut statement, &|function| is_same(function, context));
    if statement == as_written {
        let plan = plan(statement, work, context).await?;
        return start(DataFrame::new(beginning_at(work, context), plan), work).await;
    }
    // What is wrong with the statement is said of it as it was written.
    let whole = plan(as_written, work, context).await?;
    for Kept { table, query, name } in kept {
        let plan = plan(query, work, context).await;
        let plan = plan.map_err(|_| cannot_keep(name.as_deref(), &whole, work, context))?;
        let rows = start(DataFrame::new(beginning_at(work, context), plan), work).await?;
        kept::keep(table, rows, context, allowed(work)).await?;
    }
    let plan = plan(statement, work, context).await.map_err(|_| rows_around("a subquery"))?;
    start(DataFrame::new(beginning_at(work, context), plan), work).await
}

/// Aggregates whose outcome is the same whatever the order of rows.
const WITHOUT_ORDER: [&str; 11] = [
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "count",
    "grouping",
    "max",
    "median",
    "min",
    "percentile_cont",
];

/// Whether a function has the same outcome each time that it is computed. A sum of floats has not: its
/// last digits depend on the order of the rows.
fn is_same(function: &str, context: &SessionContext) -> bool {
    let state = context.state_ref();
    let state = state.read();
    if let Some(scalar) = state.scalar_functions().get(function) {
        return scalar.signature().volatility != Volatility::Volatile;
    }
    match state.aggregate_functions().get(function) {
        Some(aggregate) => WITHOUT_ORDER.contains(&aggregate.name()),
        None => false,
    }
}

/// The statement as a whole can be planned, and a part of it alone cannot.
fn cannot_keep(
    name: Option<&str>,
    whole: &LogicalPlan,
    work: &Work,
    context: &SessionContext,
) -> EngineError {
    // What cannot use the row around it whatever it holds is refused by a name of its own.
    if let Err(error) = beginning_at(work, context).optimize(whole) {
        return from_datafusion(QUERY, allowed(work), error);
    }
    rows_around(&match name {
        Some(name) => format!("the query `{name}` in `with` is read several times and"),
        None => "a subquery of `in`, `any` or `all`".to_owned(),
    })
}

fn rows_around(what: &str) -> EngineError {
    let message = format!(
        "{what} may differ each time it is computed, and uses the row around it, so that it cannot be computed \
         once"
    );
    failed(ErrorKind::Unsupported, QUERY, message).with_hint(
        "leave out `random()`, `uuid()`, `limit`, `sum` and window functions there, or compute it in a `with` \
         of the whole statement, and join that",
    )
}

/// A stream whose errors are in the words of the query.
fn explained(stream: Batches, words: Words, allowed: Allowed) -> Batches {
    let schema = stream.schema();
    let batches = stream.map(move |batch| {
        batch.map_err(|error| {
            let error = words.explain(from_datafusion(QUERY, allowed, error));
            DataFusionError::External(Box::new(error))
        })
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

/// Plans a statement over the tables of a session.
pub(super) async fn plan(
    statement: Statement,
    work: &Work,
    context: &SessionContext,
) -> Result<LogicalPlan, EngineError> {
    if let Some(plan) = plain_select::plan(&statement, context).await {
        return Ok(plan);
    }
    let wrong = |error| from_datafusion(QUERY, allowed(work), error);
    let statement = Parsed::Statement(Box::new(statement));
    let plan = context.state().statement_to_plan(statement).await.map_err(wrong)?;
    // The tree was judged already; this would catch what the judgement does not know.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(wrong)?;
    Ok(plan)
}

/// Plans a frame physically and starts it.
pub(super) async fn start(frame: DataFrame, work: &Work) -> Result<Batches, EngineError> {
    let wrong = |error| from_datafusion(QUERY, allowed(work), error);
    let task = Arc::new(frame.task_ctx());
    let (mut state, logical) = frame.into_parts();
    let plan = match state.create_physical_plan(&logical).await {
        Err(error) if is_unproven(&error) => {
            // Sorted in parts, rows are in an order that the plan's own check cannot follow through equal
            // expressions; sorted as a whole there is nothing to follow.
            let options = state.config_mut().options_mut();
            options.execution.target_partitions = 1;
            options.optimizer.repartition_sorts = false;
            state.create_physical_plan(&logical).await
        }
        planned => planned,
    };
    let plan =
        plan.map_err(|error| if is_unproven(&error) { unplanned() } else { wrong(error) })?;
    execute_stream(with_names(plan).map_err(wrong)?, task).map_err(wrong)
}

/// Whether the last check of a plan found it at fault.
fn is_unproven(error: &DataFusionError) -> bool {
    let check = SanityCheckPlan::new();
    matches!(error, DataFusionError::Context(rule, _) if rule == check.name())
}

fn unplanned() -> EngineError {
    let message = "the engine finds no plan for this statement that it can prove to be right";
    failed(ErrorKind::Unsupported, QUERY, message).with_hint(
        "leave out an `order by` or `union` within the statement, or split it in two runs",
    )
}

fn check_tables(analysed: &Analysed, tables: &[TableName]) -> Result<(), EngineError> {
    let known: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let is_known =
        |name: &TableName| known.iter().any(|input| input.eq_ignore_ascii_case(&name.to_string()));
    let missing: Vec<String> =
        analysed.tables().iter().filter(|name| !is_known(name)).map(ToString::to_string).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let error = failed(
        ErrorKind::NotFound,
        QUERY,
        format!("the job has no table `{}`", missing.join("`, `")),
    );
    match nearest(first, words.iter().copied()) {
        Some(near) => Err(error.with_hint(format!("did you mean `{near}`?"))),
        None => Err(error.with_hint(format!("tables: {}", words.join(", ")))),
    }
}

fn insert(spellings: &mut Spellings, table: &TableName, fields: &Fields) {
    for field in fields {
        spellings.insert(table, field.name());
        match field.data_type() {
            DataType::Struct(inner) => insert(spellings, table, inner),
            DataType::List(item) | DataType::LargeList(item) => {
                if let DataType::Struct(inner) = item.data_type() {
                    insert(spellings, table, inner);
                }
            }
            _ => {}
        }
    }
}
