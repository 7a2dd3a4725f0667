//! Values in the type that was found when their files were compared.
//!
//! Files of one table may write a column differently without meaning anything else: required or not
//! within, members in another order, items and parts of maps under other names, dictionaries and views
//! in place of their values, unions in place of structs. Nothing here changes a value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, GenericListViewArray, MapArray,
    NullArray, OffsetSizeTrait, StructArray, UInt32Array, UnionArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;

use super::canonical::{canonical_type, same_type};
use super::declared::union_members;

/// Why a column does not fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misfit {
    /// The types hold other values.
    #[error("it is {found}, not {wanted} as it was when it was inferred")]
    Type {
        /// That of the file.
        found: DataType,
        /// That of the table.
        wanted: DataType,
    },
    /// A value does not fit, for example a null where there must be none.
    #[error("{source}")]
    Value {
        /// What Arrow says of it.
        source: ArrowError,
    },
}

impl From<ArrowError> for Misfit {
    fn from(source: ArrowError) -> Self {
        Self::Value { source }
    }
}

/// Returns a column in the type wanted.
///
/// # Errors
/// When the types do not hold the same values.
pub(super) fn fit(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    let found = array.data_type();
    if found == wanted {
        return Ok(Arc::clone(array));
    }
    match (found, wanted) {
        (DataType::Null, _) => Ok(new_null_array(wanted, array.len())),
        (DataType::Union(..), _) => fit_union(array.as_union(), wanted),
        (DataType::Struct(_), DataType::Struct(fields)) => fit_struct(array.as_struct(), fields),
        (DataType::List(_), DataType::List(item)) => fit_list(array.as_list::<i32>(), item),
        (DataType::LargeList(_), DataType::LargeList(item)) => {
            fit_list(array.as_list::<i64>(), item)
        }
        (DataType::ListView(_), DataType::ListView(item)) => {
            fit_list_view(array.as_list_view::<i32>(), item)
        }
        (DataType::LargeListView(_), DataType::LargeListView(item)) => {
            fit_list_view(array.as_list_view::<i64>(), item)
        }
        (DataType::FixedSizeList(_, length), DataType::FixedSizeList(item, size))
            if length == size =>
        {
            fit_fixed_list(array.as_fixed_size_list(), item)
        }
        (DataType::Map(_, found), DataType::Map(entries, wanted)) if found == wanted => {
            fit_map(array.as_map(), entries, *wanted)
        }
        _ => fit_form(array, wanted),
    }
}

fn wrong_type(array: &dyn Array, wanted: &DataType) -> Misfit {
    Misfit::Type { found: array.data_type().clone(), wanted: wanted.clone() }
}

/// Dictionaries, runs and views as their values, or the other way round.
fn fit_form(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    let meaning = |data_type: &DataType| same_type(&canonical_type(data_type));
    if meaning(array.data_type()) != meaning(wanted) {
        return Err(wrong_type(array, wanted));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(array, wanted, &strict)?)
}

fn fit_struct(array: &StructArray, wanted: &Fields) -> Result<ArrayRef, Misfit> {
    let member = |field: &FieldRef| {
        let found = array.column_by_name(field.name());
        let missing = || wrong_type(array, &DataType::Struct(wanted.clone()));
        fit(found.ok_or_else(missing)?, field.data_type())
    };
    if array.num_columns() != wanted.len() {
        return Err(wrong_type(array, &DataType::Struct(wanted.clone())));
    }
    let columns = wanted.iter().map(member).collect::<Result<Vec<_>, _>>()?;
    let nulls = array.nulls().cloned();
    let fitted = StructArray::try_new_with_length(wanted.clone(), columns, nulls, array.len())?;
    Ok(Arc::new(fitted))
}

fn fit_list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    item: &FieldRef,
) -> Result<ArrayRef, Misfit> {
    let values = fit(array.values(), item.data_type())?;
    let (item, offsets) = (Arc::clone(item), array.offsets().clone());
    let fitted = GenericListArray::try_new(item, offsets, values, array.nulls().cloned())?;
    Ok(Arc::new(fitted))
}

fn fit_list_view<O: OffsetSizeTrait>(
    array: &GenericListViewArray<O>,
    item: &FieldRef,
) -> Result<ArrayRef, Misfit> {
    let values = fit(array.values(), item.data_type())?;
    let (item, offsets, sizes) = (Arc::clone(item), array.offsets().clone(), array.sizes().clone());
    let nulls = array.nulls().cloned();
    Ok(Arc::new(GenericListViewArray::try_new(item, offsets, sizes, values, nulls)?))
}

fn fit_fixed_list(array: &FixedSizeListArray, item: &FieldRef) -> Result<ArrayRef, Misfit> {
    let values = fit(array.values(), item.data_type())?;
    let (item, size, nulls) = (Arc::clone(item), array.value_length(), array.nulls().cloned());
    let fitted = FixedSizeListArray::try_new_with_length(item, size, values, nulls, array.len())?;
    Ok(Arc::new(fitted))
}

/// The parts of an entry are told by their place: their names say nothing.
fn fit_map(array: &MapArray, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, Misfit> {
    let wanted = || wrong_type(array, &DataType::Map(Arc::clone(entries), sorted));
    let DataType::Struct(parts) = entries.data_type() else { return Err(wanted()) };
    let [key, value] = parts.as_ref() else { return Err(wanted()) };
    let columns =
        vec![fit(array.keys(), key.data_type())?, fit(array.values(), value.data_type())?];
    let nulls = array.entries().nulls().cloned();
    let pairs = StructArray::try_new(parts.clone(), columns, nulls)?;
    let (entries, offsets) = (Arc::clone(entries), array.offsets().clone());
    let fitted = MapArray::try_new(entries, offsets, pairs, array.nulls().cloned(), sorted)?;
    Ok(Arc::new(fitted))
}

/// A union as [`super::declared::read_type`] has it.
fn fit_union(array: &UnionArray, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    let members: Vec<(i8, &FieldRef)> = union_members(array.fields()).collect();
    match (members.as_slice(), wanted) {
        ([], DataType::Null) => Ok(Arc::new(NullArray::new(array.len()))),
        ([], _) => Ok(new_null_array(wanted, array.len())),
        ([(id, _)], _) => union_member(array, *id, wanted),
        (members, DataType::Struct(fields)) => union_struct(array, members, fields),
        _ => Err(wrong_type(array, wanted)),
    }
}

fn union_struct(
    array: &UnionArray,
    members: &[(i8, &FieldRef)],
    wanted: &Fields,
) -> Result<ArrayRef, Misfit> {
    let column = |field: &FieldRef| {
        let found = members.iter().find(|(_, member)| member.name() == field.name());
        let missing = || wrong_type(array, &DataType::Struct(wanted.clone()));
        union_member(array, found.ok_or_else(missing)?.0, field.data_type())
    };
    if members.len() != wanted.len() {
        return Err(wrong_type(array, &DataType::Struct(wanted.clone())));
    }
    let columns = wanted.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let has_value = |row: usize| columns.iter().any(|column| !column.is_null(row));
    let nulls: NullBuffer = (0..array.len()).map(has_value).collect();
    Ok(Arc::new(StructArray::try_new(wanted.clone(), columns, Some(nulls))?))
}

/// Returns the values of one member; rows of the others are null.
fn union_member(array: &UnionArray, id: i8, wanted: &DataType) -> Result<ArrayRef, Misfit> {
    let place = |row: usize| {
        let chosen = array.type_id(row) == id;
        chosen.then(|| u32::try_from(array.value_offset(row)).unwrap_or(u32::MAX))
    };
    let places: UInt32Array = (0..array.len()).map(place).collect();
    fit(&take(array.child(id), &places, None)?, wanted)
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
