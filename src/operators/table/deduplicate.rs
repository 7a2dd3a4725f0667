//! `table/deduplicate`: one row per key.

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
use crate::operators::parameters::table_name;
use crate::operators::reading::read_table;
use crate::operators::target::find_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/deduplicate";

/// Drops duplicate rows.
pub(in crate::operators) struct Deduplicate;

#[async_trait]
impl Operator for Deduplicate {
    fn name(&self) -> &'static str {
        "table.deduplicate"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Deduplicate]
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
        let wanted = request.parameters.list("keys");
        let keys = resolve(NAME, "keys", &table.schema, &wanted)?;
        let order_by = order(&table.schema, &request.parameters.list("order_by"))?;
        let target = target.map(|target| target.check_partition_columns(NAME, &table.schema));
        let target = target.transpose()?;
        let by = if keys.is_empty() { "all columns".to_owned() } else { keys.join(", ") };
        let work = Work {
            operator: NAME,
            what: format!("deduplicate {} by {by}", table.name),
            inputs: vec![table_input(&table)],
            rows: table.rows,
            operation: Operation::Deduplicate { keys, order_by },
            target,
        };
        work.into_prepared(request)
    }
}

/// Returns the columns of the order as the schema spells them, with their `-` for descending. A
/// column whose own name begins with `-` is meant when there is one.
fn order(schema: &Schema, wanted: &[String]) -> Result<Vec<String>, EngineError> {
    let split = |text: &String| match text.strip_prefix('-') {
        Some(name) if schema.column(text).is_none() => ("-", name.to_owned()),
        _ => ("", text.clone()),
    };
    let parts: Vec<(&str, String)> = wanted.iter().map(split).collect();
    let names: Vec<String> = parts.iter().map(|(_, name)| name.clone()).collect();
    let resolved = resolve(NAME, "order_by", schema, &names)?;
    Ok(parts.iter().zip(resolved).map(|((sign, _), name)| format!("{sign}{name}")).collect())
}
