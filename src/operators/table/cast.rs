//! `table/cast`: other types for columns, with a report of what did not fit.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::Operation;
use crate::engines::schema::{ColumnType, Schema};
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::rows_or_files_schema;
use crate::operators::columns::{column_type, resolve};
use crate::operators::inputs::table_input;
use crate::operators::parameters::{refused, table_name};
use crate::operators::reading::read_table;
use crate::operators::target::find_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/cast";

/// Casts columns.
pub(in crate::operators) struct Cast;

#[async_trait]
impl Operator for Cast {
    fn name(&self) -> &'static str {
        "table.cast"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Cast]
    }

    fn uses(&self) -> &'static [TableUse] {
        TableUse::OF_A_CONVERSION
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let target = find_target(engines, NAME, request).await?;
        let table = read_table(engines, NAME, request, &table_name(NAME, request)?).await?;
        let columns = casts(&table.schema, request.parameters.json("columns"))?;
        let words: Vec<String> =
            columns.iter().map(|(name, to)| format!("{name} to {}", to.0)).collect();
        let target = target.map(|target| target.check_partition_columns(NAME, &table.schema));
        let target = target.transpose()?;
        let work = Work {
            operator: NAME,
            what: format!("cast {} of {}", words.join(", "), table.name),
            inputs: vec![table_input(&table)],
            rows: table.rows,
            operation: Operation::Cast { columns },
            target,
        };
        work.into_prepared(request)
    }
}

fn casts(
    schema: &Schema,
    wanted: Option<&Value>,
) -> Result<BTreeMap<String, ColumnType>, EngineError> {
    let Some(Value::Object(wanted)) = wanted.filter(|value| **value != serde_json::json!({}))
    else {
        return Err(refused(NAME, "parameter `columns` is no object from column to type")
            .with_hint(r#"for example {"price": "decimal(10,2)", "day": "date"}"#));
    };
    let given: Vec<String> = wanted.keys().cloned().collect();
    let names = resolve(NAME, "columns", schema, &given)?;
    names
        .into_iter()
        .zip(wanted)
        .map(|(name, (given, to))| {
            let text = to.as_str().ok_or_else(|| {
                refused(NAME, format!("the type of column `{given}` is not a text"))
            })?;
            Ok((name, column_type(NAME, text)?))
        })
        .collect()
}
