//! Two tables to one. Null equals nothing, not even null.
//!
//! The outcome has the left columns in their order, then the right ones. A pair of key columns of the
//! same name is one column (the value of whichever side has it); of a pair of different names both
//! stay. Another right column whose name the left has too gets the suffix. Semi and anti joins have
//! the left columns only.

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Column, JoinType, Result, TableReference};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, SessionContext};

use super::error::{failed, from_datafusion};
use super::tables::{Tables, allowed, column_index};
use crate::embedded::work::Work;
use crate::engines::job_spec::JoinKind;
use crate::engines::{EngineError, ErrorKind};

const JOIN: &str = "join the tables";
const LEFT: &str = "left";
const RIGHT: &str = "right";

/// How two tables are joined.
pub(super) struct Joining<'a> {
    pub(super) kind: JoinKind,
    pub(super) on: &'a [(String, String)],
    pub(super) suffix: &'a str,
}

/// Plans a join of the first two inputs.
pub(super) fn join(
    tables: &Tables,
    context: &SessionContext,
    work: &Work,
    joining: &Joining<'_>,
) -> Result<DataFrame, EngineError> {
    let wrong = |error| from_datafusion(JOIN, allowed(work), error);
    let (left, right) = (tables.schema(0)?, tables.schema(1)?);
    let pairs = pairs(&left, &right, joining.on)?;
    let columns = columns(&left, &right, &pairs, joining)?;
    let frame = |input: usize, alias: &str| -> Result<DataFrame, EngineError> {
        let provider = tables.provider(input, false)?;
        context.read_table(provider).and_then(|frame| frame.alias(alias)).map_err(wrong)
    };
    let on =
        pairs.iter().map(|(at, with)| column(LEFT, &left, *at).eq(column(RIGHT, &right, *with)));
    frame(0, LEFT)?
        .join_on(frame(1, RIGHT)?, join_type(joining.kind), on)
        .and_then(|frame| frame.select(columns))
        .map_err(wrong)
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Right => JoinType::Right,
        JoinKind::Full => JoinType::Full,
        JoinKind::Semi => JoinType::LeftSemi,
        JoinKind::Anti => JoinType::LeftAnti,
    }
}

fn column(side: &str, schema: &SchemaRef, index: usize) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(side)), schema.field(index).name()))
}

fn pairs(
    left: &SchemaRef,
    right: &SchemaRef,
    on: &[(String, String)],
) -> Result<Vec<(usize, usize)>, EngineError> {
    if on.is_empty() {
        return Err(failed(ErrorKind::InvalidInput, JOIN, "no pair of columns is given")
            .with_hint("name the columns that must be equal"));
    }
    on.iter()
        .map(|(at, with)| {
            let pair = (column_index(left, at)?, column_index(right, with)?);
            let types = (left.field(pair.0).data_type(), right.field(pair.1).data_type());
            if family(types.0) == family(types.1) {
                return Ok(pair);
            }
            let message = format!(
                "`{at}` is {} and `{with}` is {}: they are never equal as they are",
                types.0, types.1
            );
            Err(failed(ErrorKind::InvalidInput, JOIN, message)
                .with_hint("bring one to the type of the other with `table/cast`"))
        })
        .collect()
}

/// Types of one family can be compared without a guess.
fn family(data_type: &DataType) -> String {
    match data_type {
        data_type if data_type.is_numeric() => "number".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, zone) => format!("timestamp {}", zone.is_some()),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        other => other.to_string(),
    }
}

fn columns(
    left: &SchemaRef,
    right: &SchemaRef,
    pairs: &[(usize, usize)],
    joining: &Joining<'_>,
) -> Result<Vec<Expr>, EngineError> {
    let name = |schema: &SchemaRef, index: usize| schema.field(index).name().clone();
    let same_name = |at: usize, with: usize| {
        left.field(at).name().eq_ignore_ascii_case(right.field(with).name())
    };
    let merged = |at: usize| {
        pairs.iter().find(|pair| pair.0 == at && same_name(pair.0, pair.1)).map(|pair| pair.1)
    };
    let both_sides = matches!(joining.kind, JoinKind::Right | JoinKind::Full);
    let mut columns: Vec<Expr> = (0..left.fields().len())
        .map(|at| match merged(at) {
            Some(with) if both_sides => {
                coalesce(vec![column(LEFT, left, at), column(RIGHT, right, with)])
                    .alias(name(left, at))
            }
            _ => column(LEFT, left, at).alias(name(left, at)),
        })
        .collect();
    if matches!(joining.kind, JoinKind::Semi | JoinKind::Anti) {
        return Ok(columns);
    }
    let mut taken: Vec<String> = left.fields().iter().map(|field| field.name().clone()).collect();
    let is_taken =
        |taken: &[String], name: &str| taken.iter().any(|known| known.eq_ignore_ascii_case(name));
    for with in 0..right.fields().len() {
        if pairs.iter().any(|pair| pair.1 == with && same_name(pair.0, with)) {
            continue;
        }
        let mut own = name(right, with);
        if is_taken(&taken, &own) {
            own.push_str(joining.suffix);
        }
        if is_taken(&taken, &own) {
            let message = format!("the outcome would have two columns called `{own}`");
            return Err(
                failed(ErrorKind::InvalidInput, JOIN, message).with_hint("choose another suffix")
            );
        }
        columns.push(column(RIGHT, right, with).alias(&own));
        taken.push(own);
    }
    Ok(columns)
}
