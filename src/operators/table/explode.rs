//! `table/explode`: lists to rows, structs to columns.

use arrow::datatypes::DataType;
use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::Operation;
use crate::engines::schema::Schema;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::rows_or_files_schema;
use crate::operators::columns::resolve;
use crate::operators::inputs::table_input;
use crate::operators::parameters::{refused, table_name};
use crate::operators::reading::read_table;
use crate::operators::target::find_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/explode";

/// Explodes nested columns.
pub(in crate::operators) struct Explode;

#[async_trait]
impl Operator for Explode {
    fn name(&self) -> &'static str {
        "table.explode"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Explode]
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
        let columns = nested_columns(&table.schema, &request.parameters.list("columns"))?;
        let outer = !request.parameters.is_true("drop_empty");
        let work = Work {
            operator: NAME,
            what: format!("explode {} of {}", columns.join(", "), table.name),
            inputs: vec![table_input(&table)],
            rows: table.rows,
            operation: Operation::Explode { columns, outer },
            target,
        };
        work.into_prepared(request)
    }
}

/// Returns the columns as the schema spells them; each must be a list or a struct.
fn nested_columns(schema: &Schema, wanted: &[String]) -> Result<Vec<String>, EngineError> {
    if wanted.is_empty() {
        return Err(refused(NAME, "parameter `columns` names no columns"));
    }
    let columns = resolve(NAME, "columns", schema, wanted)?;
    let flat = columns.iter().filter_map(|name| schema.column(name)).filter(|column| {
        !matches!(
            column.data_type.0,
            DataType::List(_)
                | DataType::LargeList(_)
                | DataType::FixedSizeList(_, _)
                | DataType::Struct(_)
        )
    });
    let flat: Vec<String> =
        flat.map(|column| format!("`{}` is {}", column.name, column.data_type.0)).collect();
    if flat.is_empty() {
        return Ok(columns);
    }
    Err(refused(NAME, format!("parameter `columns`: {}", flat.join("; ")))
        .with_hint("only lists and structs can be exploded"))
}
