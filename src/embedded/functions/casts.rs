//! A cast of our own, where the one of DataFusion gives or concludes what is wrong.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringBuilder};
use arrow::compute::{CastOptions, cast};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::ArrayFormatter;
use datafusion::common::format::DEFAULT_FORMAT_OPTIONS;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Returns a cast of a value to a type. With `or_null`, what cannot be cast is null.
pub(crate) fn own_cast(expr: Expr, data_type: DataType, or_null: bool) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    let function = ScalarUDF::from(OwnCast { data_type, or_null, signature });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

/// Returns whether a type is one of texts.
pub(crate) const fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OwnCast {
    data_type: DataType,
    or_null: bool,
    signature: Signature,
}

impl OwnCast {
    /// The texts of nested values: where a value within one has no text, Arrow writes the words of its error.
    fn texts(&self, values: &dyn Array) -> Result<ArrayRef, ArrowError> {
        let options = DEFAULT_FORMAT_OPTIONS.with_display_error(false);
        let formatter = ArrayFormatter::try_new(values, &options)?;
        let mut texts = StringBuilder::new();
        for row in 0..values.len() {
            if values.is_null(row) {
                texts.append_null();
                continue;
            }
            match formatter.value(row).try_to_string() {
                Ok(text) => texts.append_value(text),
                Err(_) if self.or_null => texts.append_null(),
                Err(_) => {
                    let message = "a value within a list cannot be written as text: a time outside the \
                                   years that have one";
                    return Err(ArrowError::CastError(message.to_owned()));
                }
            }
        }
        cast(&texts.finish(), &self.data_type)
    }
}

impl ScalarUDFImpl for OwnCast {
    fn name(&self) -> &'static str {
        "own_cast"
    }

    fn display_name(&self, operands: &[Expr]) -> Result<String> {
        let operands: Vec<String> = operands.iter().map(ToString::to_string).collect();
        Ok(format!("cast({} as {})", operands.join(", "), self.data_type))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = &arguments.args[0];
        if is_text(&self.data_type) && value.data_type().is_nested() {
            return match value {
                ColumnarValue::Array(values) => Ok(ColumnarValue::Array(self.texts(values)?)),
                ColumnarValue::Scalar(value) => {
                    let texts = self.texts(&value.to_array()?)?;
                    ScalarValue::try_from_array(&texts, 0).map(ColumnarValue::Scalar)
                }
            };
        }
        let format_options = DEFAULT_FORMAT_OPTIONS;
        let options = CastOptions { safe: self.or_null, format_options };
        value.cast_to(&self.data_type, Some(&options))
    }
}
