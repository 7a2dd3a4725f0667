//! The values of arrays, in the few forms that they are counted in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, i256};
use arrow::error::ArrowError;

use super::numbers::Gathered;

/// Memory that is used anew for each array.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) narrow: Gathered<u64>,
    pub(super) decimal: Gathered<i128>,
    pub(super) wide: Gathered<i256>,
}

/// Returns an array as what its dictionary, runs or narrow decimals stand for.
pub(super) fn plain(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type { Ok(Arc::clone(array)) } else { cast(array, data_type) }
}

/// Hands every text (or bytes) that is not null on.
pub(super) fn for_each_text(array: &dyn Array, take: impl FnMut(&[u8])) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Utf8 => {
            array.as_string::<i32>().iter().flatten().map(str::as_bytes).for_each(take);
        }
        DataType::LargeUtf8 => {
            array.as_string::<i64>().iter().flatten().map(str::as_bytes).for_each(take);
        }
        DataType::Utf8View => {
            array.as_string_view().iter().flatten().map(str::as_bytes).for_each(take);
        }
        DataType::Binary => array.as_binary::<i32>().iter().flatten().for_each(take),
        DataType::LargeBinary => array.as_binary::<i64>().iter().flatten().for_each(take),
        DataType::BinaryView => array.as_binary_view().iter().flatten().for_each(take),
        DataType::FixedSizeBinary(_) => {
            array.as_fixed_size_binary().iter().flatten().for_each(take);
        }
        other => {
            return Err(ArrowError::InvalidArgumentError(format!("{other} is no text")));
        }
    }
    Ok(())
}
