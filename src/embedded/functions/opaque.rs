//! A value that a plan knows nothing of: neither its order, nor that it is the same in every row.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Returns an expression with the same values. What is a constant by its operands alone is one of the whole
/// plan, so that the value gets an operand beside it that is none.
pub(crate) fn opaque(expr: Expr) -> Expr {
    static OPAQUE: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(Opaque::new())));
    static EACH_ROW: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(EachRow::new())));
    let each_row = ScalarFunction::new_udf(Arc::clone(&EACH_ROW), Vec::new());
    let operands = vec![expr, Expr::ScalarFunction(each_row)];
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&OPAQUE), operands))
}

/// Returns its first operand.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Opaque {
    signature: Signature,
}

impl Opaque {
    fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for Opaque {
    fn name(&self) -> &'static str {
        "opaque"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(arguments.args[0].clone())
    }
}

/// A null that counts as another one in each row.
#[derive(Debug, PartialEq, Eq, Hash)]
struct EachRow {
    signature: Signature,
}

impl EachRow {
    fn new() -> Self {
        Self { signature: Signature::nullary(Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for EachRow {
    fn name(&self) -> &'static str {
        "each_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)))
    }
}
