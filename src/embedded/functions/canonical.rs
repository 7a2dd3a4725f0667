//! The one form of each float that comparisons see: one NaN, and no negative zero.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// Returns the function that brings a float to its canonical form.
pub(crate) fn canonical_function() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(Canonical::new())));
    Arc::clone(&FUNCTION)
}

/// Brings a value to its canonical form; other types stay as they are.
pub(crate) fn canonical_scalar(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Float64(Some(value)) => ScalarValue::Float64(Some(canonical(value))),
        ScalarValue::Float32(Some(value)) => ScalarValue::Float32(Some(canonical_single(value))),
        ScalarValue::Float16(Some(value)) => ScalarValue::Float16(Some(canonical_half(value))),
        other => other,
    }
}

fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

fn canonical_single(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value + 0.0 }
}

fn canonical_half(value: Half) -> Half {
    if value.is_nan() { Half::NAN } else { value + Half::ZERO }
}

fn canonical_array(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float64 => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(canonical))
        }
        DataType::Float32 => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(canonical_single))
        }
        DataType::Float16 => {
            Arc::new(array.as_primitive::<Float16Type>().unary::<_, Float16Type>(canonical_half))
        }
        other => return exec_err!("a float was expected, not {other}"),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Canonical {
    signature: Signature,
}

impl Canonical {
    fn new() -> Self {
        let floats = vec![DataType::Float16, DataType::Float32, DataType::Float64];
        Self { signature: Signature::uniform(1, floats, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &'static str {
        "canonical_float"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &arguments.args[0] {
            ColumnarValue::Array(array) => canonical_array(array).map(ColumnarValue::Array),
            ColumnarValue::Scalar(value) => {
                Ok(ColumnarValue::Scalar(canonical_scalar(value.clone())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_nan_and_one_zero() {
        for nan in [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)] {
            assert_eq!(canonical(nan).to_bits(), f64::NAN.to_bits());
        }
        assert_eq!(canonical(-0.0).to_bits(), 0);
        for same in [1.5, -2.0, f64::INFINITY, f64::MIN_POSITIVE, -5e-324] {
            assert_eq!(canonical(same).to_bits(), same.to_bits());
        }
    }
}
