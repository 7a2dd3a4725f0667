//! `+`, `-` and `*` of integers and large decimals that fail where the outcome does not fit its type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum};
use arrow::compute::kernels::numeric::{add, mul, neg, sub};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::embedded::error::failed;
use crate::engines::ErrorKind;

/// An operation that fails instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Checked {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `-a`
    Negate,
}

/// Returns the function of an operation.
pub(crate) fn checked(operation: Checked) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Arithmetic {
        operation,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    operation: Checked,
    signature: Signature,
}

impl Arithmetic {
    fn operator(&self) -> Operator {
        match self.operation {
            Checked::Add => Operator::Plus,
            Checked::Subtract | Checked::Negate => Operator::Minus,
            Checked::Multiply => Operator::Multiply,
        }
    }

    /// The operation as it is written.
    fn written(&self, operands: &[String]) -> String {
        match operands {
            [left, right] => format!("{left} {} {right}", self.operator()),
            operands => format!("-{}", operands.join(", ")),
        }
    }

    fn compute(&self, operands: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
        let [left, right] = operands else { return neg(&operands[0]) };
        self.compute_both(left, right)
    }

    fn compute_both(&self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self.operation {
            Checked::Add => add(left, right),
            Checked::Subtract | Checked::Negate => sub(left, right),
            Checked::Multiply => mul(left, right),
        }
    }

    fn compute_values(&self, values: &[ColumnarValue]) -> Result<ArrayRef, ArrowError> {
        let scalar = |value: &ScalarValue| {
            value.to_scalar().map_err(|error| ArrowError::ExternalError(Box::new(error)))
        };
        match values {
            [ColumnarValue::Array(left), ColumnarValue::Array(right)] => {
                self.compute_both(left, right)
            }
            [ColumnarValue::Array(left), ColumnarValue::Scalar(right)] => {
                self.compute_both(left, &scalar(right)?)
            }
            [ColumnarValue::Scalar(left), ColumnarValue::Array(right)] => {
                self.compute_both(&scalar(left)?, right)
            }
            others => {
                let arrays = ColumnarValue::values_to_arrays(others)
                    .map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
                self.compute(&arrays)
            }
        }
    }

    fn too_large(&self, arguments: &ScalarFunctionArgs, error: &ArrowError) -> DataFusionError {
        let name = |(value, field): (&ColumnarValue, &arrow::datatypes::FieldRef)| match value {
            ColumnarValue::Scalar(value) => value.to_string(),
            ColumnarValue::Array(_) => field.name().clone(),
        };
        let operands: Vec<String> =
            arguments.args.iter().zip(&arguments.arg_fields).map(name).collect();
        let found = error.to_string();
        let found = found.rsplit_once(": ").map_or(found.as_str(), |(_, found)| found).to_owned();
        let message = format!(
            "`{}` is beyond {}: {found}",
            self.written(&operands),
            type_in_words(arguments.return_type())
        );
        let error = failed(ErrorKind::InvalidInput, "run the query", message);
        let hint = "cast an operand first: to `decimal(38, 0)` for larger integers, to `double` for \
                    an inexact outcome";
        DataFusionError::External(Box::new(error.with_hint(hint)))
    }
}

fn type_in_words(data_type: &DataType) -> String {
    match data_type {
        DataType::Int8 | DataType::UInt8 => "an 8-bit integer".to_owned(),
        DataType::Int16 | DataType::UInt16 => "a 16-bit integer".to_owned(),
        DataType::Int32 | DataType::UInt32 => "a 32-bit integer".to_owned(),
        DataType::Int64 | DataType::UInt64 => "a 64-bit integer".to_owned(),
        DataType::Decimal128(precision, _) | DataType::Decimal256(precision, _) => {
            format!("{precision} digits")
        }
        other => format!("the type {other}"),
    }
}

fn is_within_precision(array: &ArrayRef) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Decimal128(precision, _) => {
            array.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision)
        }
        DataType::Decimal256(precision, _) => {
            array.as_primitive::<Decimal256Type>().validate_decimal_precision(*precision)
        }
        _ => Ok(()),
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &'static str {
        match self.operation {
            Checked::Add => "checked_add",
            Checked::Subtract => "checked_subtract",
            Checked::Multiply => "checked_multiply",
            Checked::Negate => "checked_negate",
        }
    }

    fn display_name(&self, operands: &[Expr]) -> Result<String> {
        let operands: Vec<String> = operands.iter().map(ToString::to_string).collect();
        Ok(self.written(&operands))
    }

    fn schema_name(&self, operands: &[Expr]) -> Result<String> {
        let operands: Vec<String> =
            operands.iter().map(|operand| operand.schema_name().to_string()).collect();
        Ok(self.written(&operands))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = types else { return Ok(types.to_vec()) };
        let (left, right) =
            BinaryTypeCoercer::new(left, &self.operator(), right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else { return Ok(types[0].clone()) };
        BinaryTypeCoercer::new(left, &self.operator(), right).get_result_type()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let computed = self.compute_values(&arguments.args).and_then(|array| {
            is_within_precision(&array)?;
            Ok(array)
        });
        let array = computed.map_err(|error| self.too_large(&arguments, &error))?;
        if scalars {
            return ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(array))
    }
}
