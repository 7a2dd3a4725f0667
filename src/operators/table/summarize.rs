//! `table/summarize`: statistics of every column.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::job_spec::{AnswerLimits, Operation, SummaryMethod};
use crate::engines::result::JobOutcome;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::{conclude_job, exact, object_schema, within_bytes};
use crate::operators::columns::resolve;
use crate::operators::inputs::table_input;
use crate::operators::parameters::{choice, count, refused, table_name};
use crate::operators::reading::read_table;
use crate::operators::work::Work;
use crate::operators::{Answer, Conclusion, Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/summarize";
/// Quantiles when the run says nothing else.
const QUANTILES: [f64; 3] = [0.25, 0.5, 0.75];
/// Bytes of the statistics computed; those of a thousand columns are about a megabyte.
const COMPUTED_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of the statistics shown.
const SHOWN_BYTES: usize = 60 * 1024;
/// Most frequent values when the run says nothing else.
const TOP: u64 = 5;

/// Summarises a table.
pub(in crate::operators) struct Summarize;

#[async_trait]
impl Operator for Summarize {
    fn name(&self) -> &'static str {
        "table.summarize"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Summarize]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse::READS_ITS_TABLE]
    }

    fn result_schema(&self) -> Value {
        exact(object_schema(
            &["rows", "method", "columns"],
            &json!({
                "rows": {"type": "integer", "minimum": 0},
                "method": {"type": "string"},
                "columns": {"type": "array", "items": {"type": "object"}},
                "columnsTotal": {"type": "integer"},
            }),
        ))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let table = read_table(engines, NAME, request, &table_name(NAME, request)?).await?;
        let wanted = request.parameters.list("columns");
        let top = count(NAME, request, "top")?.unwrap_or(TOP);
        let work = Work {
            operator: NAME,
            what: format!("summarize {}", table.name),
            inputs: vec![table_input(&table)],
            rows: table.rows,
            operation: Operation::Summarize {
                columns: resolve(NAME, "columns", &table.schema, &wanted)?,
                method: choice(NAME, request, "method")?.unwrap_or(SummaryMethod::Approximate),
                quantiles: quantiles(request)?,
                top: u32::try_from(top).map_err(|_| refused(NAME, "`top` is too large"))?,
            },
            target: None,
        };
        let mut prepared = work.into_prepared(request)?;
        if let Prepared::Job { spec, .. } = &mut prepared {
            // Every column is computed, and what does not fit into an answer is left out in the end.
            spec.limits = AnswerLimits { rows: u64::MAX, bytes: COMPUTED_BYTES };
        }
        Ok(prepared)
    }

    async fn conclude(
        &self,
        _engines: &Engines,
        _request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let mut conclusion = conclude_job(outcome);
        bound_columns(&mut conclusion.answer);
        Ok(conclusion)
    }
}

/// Leaves out the last columns of a wide table, so that the answer fits into a status, and says so.
fn bound_columns(answer: &mut Answer) {
    let Some(columns) = answer.data["columns"].as_array() else { return };
    let total = columns.len();
    let shown = within_bytes(columns.iter().cloned(), SHOWN_BYTES);
    if shown.len() < total {
        let message = format!(
            "the answer holds the first {} of {}; name others with `columns`",
            shown.len(),
            counted(total, "column")
        );
        answer.warnings.push(message);
        answer.truncated = true;
        answer.data["columns"] = Value::Array(shown);
        answer.data["columnsTotal"] = json!(total);
    }
}

fn quantiles(request: &Request) -> Result<Vec<f64>, EngineError> {
    let texts = request.parameters.list("quantiles");
    if texts.is_empty() {
        return Ok(QUANTILES.to_vec());
    }
    let number = |text: &String| {
        let parsed = text.trim().parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
        parsed.ok_or_else(|| {
            refused(NAME, format!("parameter `quantiles`: {text:?} is not within 0 to 1"))
        })
    };
    texts.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statistics_of_many_columns_are_cut_to_what_fits_and_it_is_said() {
        let columns: Vec<Value> =
            (0..500).map(|n| json!({"column": n, "x": "y".repeat(400)})).collect();
        let mut answer = Answer::object(json!({"rows": 1, "method": "exact", "columns": columns}));
        bound_columns(&mut answer);
        assert!(answer.truncated && answer.data.to_string().len() < 64 * 1024);
        assert_eq!(answer.data["columnsTotal"], 500);
        let mut small = Answer::object(json!({"columns": [1]}));
        bound_columns(&mut small);
        assert!(!small.truncated);
    }
}
