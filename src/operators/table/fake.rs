//! `table/fake`: made-up rows of a schema; the same seed gives the same rows.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::job_spec::Operation;
use crate::engines::schema::Schema;
use crate::engines::table_use::TableUse;
use crate::operators::answers::rows_or_files_schema;
use crate::operators::columns::schema_from_json;
use crate::operators::inputs::stated_table;
use crate::operators::parameters::{count, optional, refused, table_name};
use crate::operators::target::find_checked_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/fake";
/// Rows when the run says nothing else.
const ROWS: u64 = 100;

/// Makes up rows.
pub(in crate::operators) struct Fake;

#[async_trait]
impl Operator for Fake {
    fn name(&self) -> &'static str {
        "table.fake"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Fake]
    }

    fn uses(&self) -> &'static [TableUse] {
        TableUse::OF_A_CONVERSION
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let schema = wanted_schema(engines, request).await?;
        let rows = count(NAME, request, "rows")?.unwrap_or(ROWS);
        let seed = count(NAME, request, "seed")?.unwrap_or(0);
        let target = find_checked_target(engines, NAME, request, &schema).await?;
        let columns = schema.columns.len();
        let work = Work {
            operator: NAME,
            what: format!(
                "make up {} of {} with seed {seed}",
                counted(rows, "row"),
                counted(columns, "column")
            ),
            inputs: Vec::new(),
            rows: None,
            operation: Operation::Fake { schema, rows, seed },
            target,
        };
        work.into_prepared(request)
    }
}

/// Returns the schema that is given, or that of an existing table.
async fn wanted_schema(engines: &Engines, request: &Request) -> Result<Schema, Unprepared> {
    let given = request.parameters.json("schema").filter(|value| **value != json!(null));
    match (given, optional(request, "table_name")) {
        (Some(_), Some(_)) => {
            let error = refused(NAME, "`schema` and `table_name` are both given");
            Err(error.with_hint("give one of them").into())
        }
        (Some(schema), None) => Ok(schema_from_json(NAME, schema)?),
        (None, Some(_)) => {
            let table = stated_table(engines, NAME, &table_name(NAME, request)?).await?;
            Ok(table.schema)
        }
        (None, None) => {
            let error = refused(NAME, "neither `schema` nor `table_name` is given");
            let hint = r#"for example schema={"id": "bigint", "city": "varchar"}"#;
            Err(error.with_hint(hint).into())
        }
    }
}
