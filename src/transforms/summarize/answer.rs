//! The statistics as JSON.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use serde_json::{Map, Value, json};

use super::found::{ColumnSummary, Quantiles, Top};
use super::statistics::Statistics;
use crate::engines::job_spec::SummaryMethod;
use crate::formats::json_rows::json_rows;
use crate::transforms::error::OperationError;

/// Longer texts are cut in answers.
const SHOWN_CHARACTERS: usize = 256;

pub(super) fn answer(statistics: &Statistics) -> Result<Value, OperationError> {
    let mut columns = Vec::with_capacity(statistics.columns.len());
    for column in &statistics.columns {
        if column.left.is_some() {
            let words = format!("`{}` has to be read again first", column.name);
            let show = OperationError::arrow("show the statistics");
            return Err(show(ArrowError::ComputeError(words)));
        }
        let mut object = Map::new();
        object.insert("column".to_owned(), json!(column.name));
        object.insert("type".to_owned(), json!(column.data_type));
        describe(&column.summary, &statistics.quantiles, &mut object)?;
        columns.push(Value::Object(object));
    }
    let method = match statistics.method {
        SummaryMethod::Approximate => "approximate",
        SummaryMethod::Exact => "exact",
    };
    Ok(json!({ "rows": statistics.rows, "method": method, "columns": columns }))
}

fn describe(
    summary: &ColumnSummary,
    quantiles: &[f64],
    object: &mut Map<String, Value>,
) -> Result<(), OperationError> {
    let mut cut = summary.top.as_ref().is_some_and(|top| top.cut);
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("count", json!(summary.count));
    put("nulls", json!(summary.nulls));
    if let Some(not_numbers) = summary.not_numbers {
        put("nan", json!(not_numbers));
    }
    if let Some(true_values) = summary.true_values {
        put("true", json!(true_values));
    }
    put("min", one(summary.min.as_ref(), &mut cut)?);
    put("max", one(summary.max.as_ref(), &mut cut)?);
    put("mean", float(summary.mean)?);
    put("standardDeviation", float(summary.standard_deviation)?);
    let distinct = summary.distinct.map(|distinct| {
        let error = distinct.standard_error;
        json!({ "count": distinct.count, "exact": error <= 0.0, "standardError": error })
    });
    put("distinct", json!(distinct));
    let found = summary.quantiles.as_ref().map(|found| at_quantiles(found, quantiles));
    put("quantiles", found.transpose()?.unwrap_or(Value::Null));
    let found = summary.top.as_ref().map(|found| top(found, &mut cut));
    put("top", found.transpose()?.unwrap_or(Value::Null));
    if cut {
        put("textsCut", json!(true));
    }
    Ok(())
}

fn at_quantiles(found: &Quantiles, quantiles: &[f64]) -> Result<Value, OperationError> {
    let values = values(&found.values, &mut false)?;
    let values: Vec<Value> = quantiles
        .iter()
        .zip(values)
        .map(|(quantile, value)| json!({ "quantile": quantile, "value": value }))
        .collect();
    let error = found.rank_error;
    Ok(json!({ "exact": error <= 0.0, "rankError": error, "confidence": 0.99, "values": values }))
}

fn top(found: &Top, cut: &mut bool) -> Result<Value, OperationError> {
    let values: Vec<Value> = values(&found.values, cut)?
        .into_iter()
        .zip(&found.counts)
        .map(|(value, count)| json!({ "value": value, "count": count }))
        .collect();
    let undercount = found.undercount;
    Ok(json!({ "exact": undercount == 0, "undercount": undercount, "values": values }))
}

fn one(array: Option<&ArrayRef>, cut: &mut bool) -> Result<Value, OperationError> {
    let Some(array) = array else { return Ok(Value::Null) };
    Ok(values(array, cut)?.pop().unwrap_or(Value::Null))
}

fn float(number: Option<f64>) -> Result<Value, OperationError> {
    let Some(number) = number else { return Ok(Value::Null) };
    let array: ArrayRef = Arc::new(Float64Array::from(vec![number]));
    one(Some(&array), &mut false)
}

/// Returns an array's values in the documented encoding of rows.
fn values(array: &ArrayRef, cut: &mut bool) -> Result<Vec<Value>, OperationError> {
    let field = Field::new("value", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::clone(array)])
        .map_err(OperationError::arrow("show a value"))?;
    let value = |mut row: Map<String, Value>| match row.remove("value") {
        Some(Value::String(text)) => Value::String(shown(text, cut)),
        other => other.unwrap_or(Value::Null),
    };
    Ok(json_rows(&batch).into_iter().map(value).collect())
}

fn shown(text: String, cut: &mut bool) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => text,
        Some((end, _)) => {
            *cut = true;
            format!("{}…", &text[..end])
        }
    }
}
