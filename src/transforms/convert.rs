//! Converts arrays without loss: a cell that the wanted type cannot hold is null, and named.
//!
//! A cell fits when converting it back gives the same value. Text fits when it says the value exactly.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, LargeListArray, LargeStringArray,
    StructArray, make_comparator, new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{SortOptions, can_cast_types, cast, cast_with_options, nullif};
use arrow::datatypes::{DataType, Fields, Float64Type};
use arrow::error::ArrowError;

use super::error::OperationError;
use super::parse_text::{from_text, lenient};
use crate::engines::nesting::element;
use crate::formats::cell::Cell;

/// An array of the wanted type, and the rows whose values it cannot hold, ascending.
#[derive(Debug, Clone)]
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    pub(super) misfits: Vec<usize>,
}

/// Converts an array.
///
/// # Errors
/// `InvalidInput` when no value of the type can become one of the other.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<Converted, OperationError> {
    let from = array.data_type();
    if from == to {
        return Ok(Converted { array: Arc::clone(array), misfits: Vec::new() });
    }
    check_convertible(from, to)?;
    convert_checked(array, to).map_err(OperationError::arrow("convert a column"))
}

/// Says whether values of a type can become values of another at all.
///
/// # Errors
/// `InvalidInput` when they cannot.
pub(super) fn check_convertible(from: &DataType, to: &DataType) -> Result<(), OperationError> {
    if is_convertible(from, to) {
        return Ok(());
    }
    Err(OperationError::InvalidInput(format!("{from} cannot become {to}")))
}

fn is_convertible(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (from, to) if from == to || from.is_null() => true,
        (DataType::Struct(from), DataType::Struct(to)) => {
            to.iter().all(|field| match from.iter().find(|other| other.name() == field.name()) {
                Some(other) => is_convertible(other.data_type(), field.data_type()),
                None => field.is_nullable(),
            })
        }
        (from, to) if is_list(from) && is_list(to) => match (element(from), element(to)) {
            (Some(from), Some(to)) => is_convertible(from.data_type(), to.data_type()),
            _ => false,
        },
        (_, to) if is_text(to) => true,
        (from, to) if from.is_nested() || to.is_nested() => false,
        (from, to) if is_text(from) => is_text_target(to),
        (from, to) => can_cast_types(from, to) && can_cast_types(to, from),
    }
}

fn is_text_target(to: &DataType) -> bool {
    to.is_numeric() || to.is_temporal() || matches!(to, DataType::Boolean) || is_binary(to)
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

pub(super) fn is_list(data_type: &DataType) -> bool {
    element(data_type).is_some()
}

fn convert_checked(array: &ArrayRef, to: &DataType) -> Result<Converted, ArrowError> {
    let from = array.data_type();
    if from == to {
        return Ok(Converted { array: Arc::clone(array), misfits: Vec::new() });
    }
    if from.is_null() {
        return Ok(Converted { array: new_null_array(to, array.len()), misfits: Vec::new() });
    }
    match (from, to) {
        (DataType::Struct(_), DataType::Struct(fields)) => convert_struct(array, fields),
        (from, to) if is_list(from) && is_list(to) => convert_list(array, to),
        (from, to) if is_text(from) && !is_text(to) => {
            let texts = cast(array, &DataType::LargeUtf8)?;
            Ok(with_misfits(array, from_text(texts.as_string(), to)?))
        }
        (from, to) if is_text(to) && (is_text(from) || is_binary(from)) => {
            Ok(with_misfits(array, cast_with_options(array, to, &lenient())?))
        }
        (_, to) if is_text(to) => printed(array, to),
        _ => convert_and_back(array, to),
    }
}

/// Finds the rows that were not null and are.
fn with_misfits(before: &ArrayRef, array: ArrayRef) -> Converted {
    let misfits = if array.logical_null_count() == before.logical_null_count() {
        Vec::new()
    } else {
        let (was, is) = (before.logical_nulls(), array.logical_nulls());
        let null = |nulls: &Option<arrow::buffer::NullBuffer>, row| {
            nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
        };
        (0..array.len()).filter(|row| !null(&was, *row) && null(&is, *row)).collect()
    };
    Converted { array, misfits }
}

fn convert_and_back(array: &ArrayRef, to: &DataType) -> Result<Converted, ArrowError> {
    let there = cast_with_options(array, to, &lenient())?;
    let back = cast_with_options(&there, array.data_type(), &lenient())?;
    let lost = if array.data_type().is_floating() {
        lost_floats(array, &back)?
    } else {
        let compare = make_comparator(array, &back, SortOptions::default())?;
        BooleanBuffer::collect_bool(array.len(), |row| compare(row, row).is_ne())
    };
    if lost.count_set_bits() == 0 {
        return Ok(with_misfits(array, there));
    }
    let kept = nullif(&there, &BooleanArray::new(lost, None))?;
    Ok(with_misfits(array, kept))
}

/// Floats are compared as numbers: zero has no sign, and NaN stays NaN.
fn lost_floats(array: &ArrayRef, back: &ArrayRef) -> Result<BooleanBuffer, ArrowError> {
    let before = cast(array, &DataType::Float64)?;
    let after = cast(back, &DataType::Float64)?;
    let (before, after): (&Float64Array, &Float64Array) =
        (before.as_primitive::<Float64Type>(), after.as_primitive());
    Ok(BooleanBuffer::collect_bool(array.len(), |row| {
        let (was, is) = (before.value(row), after.value(row));
        let same = was.total_cmp(&is).is_eq() || (was - is).abs() <= 0.0;
        let both_nan = was.is_nan() && is.is_nan();
        before.is_valid(row) && (after.is_null(row) || !(same || both_nan))
    }))
}

/// Fields are matched by name; one that is missing is null.
fn convert_struct(array: &ArrayRef, fields: &Fields) -> Result<Converted, ArrowError> {
    let source = array.as_struct();
    let mut columns = Vec::with_capacity(fields.len());
    let mut misfits = Vec::new();
    for field in fields {
        let Some(column) = source.column_by_name(field.name()) else {
            columns.push(new_null_array(field.data_type(), array.len()));
            continue;
        };
        let converted = convert_checked(column, field.data_type())?;
        misfits.extend(converted.misfits.into_iter().filter(|row| source.is_valid(*row)));
        columns.push(converted.array);
    }
    misfits.sort_unstable();
    misfits.dedup();
    let array = StructArray::try_new(fields.clone(), columns, source.nulls().cloned())?;
    without(Arc::new(array), misfits)
}

fn convert_list(array: &ArrayRef, to: &DataType) -> Result<Converted, ArrowError> {
    let lists = as_lists(array)?;
    let Some(wanted) = element(to) else {
        return Err(ArrowError::CastError(format!("{to} is no list")));
    };
    let converted = convert_checked(lists.values(), wanted.data_type())?;
    let offsets = lists.offsets();
    let row_of = |value: &usize| {
        let value = i64::try_from(*value).unwrap_or(i64::MAX);
        offsets.partition_point(|offset| *offset <= value).saturating_sub(1)
    };
    let mut misfits: Vec<usize> = converted.misfits.iter().map(row_of).collect();
    misfits.retain(|row| *row < lists.len() && lists.is_valid(*row));
    misfits.dedup();
    let large = LargeListArray::try_new(
        Arc::clone(wanted),
        offsets.clone(),
        converted.array,
        lists.nulls().cloned(),
    )?;
    let array = cast_with_options(&large, to, &lenient())?;
    without(array, misfits)
}

/// Returns any list as the one sort that all others become.
pub(super) fn as_lists(array: &ArrayRef) -> Result<LargeListArray, ArrowError> {
    let array = match array.data_type() {
        DataType::Map(entries, _) => {
            let maps = array.as_map();
            let lists = arrow::array::ListArray::try_new(
                Arc::clone(entries),
                maps.offsets().clone(),
                Arc::new(maps.entries().clone()),
                maps.nulls().cloned(),
            )?;
            Arc::new(lists) as ArrayRef
        }
        _ => Arc::clone(array),
    };
    let Some(field) = element(array.data_type()) else {
        return Err(ArrowError::CastError(format!("{} is no list", array.data_type())));
    };
    let lists = cast(&array, &DataType::LargeList(Arc::clone(field)))?;
    Ok(lists.as_list::<i64>().clone())
}

fn without(array: ArrayRef, misfits: Vec<usize>) -> Result<Converted, ArrowError> {
    if misfits.is_empty() {
        return Ok(Converted { array, misfits });
    }
    let lost = BooleanBuffer::collect_bool(array.len(), |row| misfits.binary_search(&row).is_ok());
    let array = nullif(&array, &BooleanArray::new(lost, None))?;
    Ok(Converted { array, misfits })
}

/// Values are printed as everywhere: nested ones as JSON.
fn printed(array: &ArrayRef, to: &DataType) -> Result<Converted, ArrowError> {
    let nulls = array.logical_nulls();
    let text = |row: usize| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let mut text = String::new();
        Cell::of(array, row).write_text(&mut text);
        Some(text)
    };
    let texts: LargeStringArray = (0..array.len()).map(text).collect();
    Ok(with_misfits(array, cast(&texts, to)?))
}
