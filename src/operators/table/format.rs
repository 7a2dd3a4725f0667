//! `table/format`: a table in another format or layout; its rows stay as they are.

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::job_spec::Operation;
use crate::engines::result::JobOutcome;
use crate::engines::schema::Schema;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::{conclude_job, files_schema};
use crate::operators::columns::resolve;
use crate::operators::inputs::table_input;
use crate::operators::parameters::{count, table_name};
use crate::operators::reading::read_table;
use crate::operators::target::require_target;
use crate::operators::work::Work;
use crate::operators::{Conclusion, Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/format";

/// Writes a table in another format.
pub(in crate::operators) struct Format;

#[async_trait]
impl Operator for Format {
    fn name(&self) -> &'static str {
        "table.format"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Format, Capability::WriteFiles]
    }

    fn uses(&self) -> &'static [TableUse] {
        TableUse::OF_A_CONVERSION
    }

    fn result_schema(&self) -> Value {
        files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let target = require_target(engines, NAME, request).await?;
        let table = read_table(engines, NAME, request, &table_name(NAME, request)?).await?;
        let wanted = request.parameters.list("filter_columns");
        let columns = resolve(NAME, "filter_columns", &table.schema, &wanted)?;
        let sample_rows = count(NAME, request, "sample_size")?;
        let kept = kept_columns(&table.schema, &columns);
        let what = match sample_rows {
            None => format!("format {}", table.name),
            Some(rows) => format!("format the first {} of {}", counted(rows, "row"), table.name),
        };
        let work = Work {
            operator: NAME,
            what,
            inputs: vec![table_input(&table)],
            rows: table.rows,
            operation: Operation::Format { columns, sample_rows },
            target: Some(target.check_partition_columns(NAME, &kept)?),
        };
        work.into_prepared(request)
    }

    async fn conclude(
        &self,
        _engines: &Engines,
        request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let mut conclusion = conclude_job(outcome);
        if let Some(rows) = count(NAME, request, "sample_size")? {
            conclusion
                .answer
                .info
                .push(format!("no more was wanted than the first {}", counted(rows, "row")));
        }
        Ok(conclusion)
    }
}

/// Returns the schema of what is written: all columns when none is named.
fn kept_columns(schema: &Schema, columns: &[String]) -> Schema {
    if columns.is_empty() {
        return schema.clone();
    }
    let kept = schema.columns.iter().filter(|column| columns.contains(&column.name));
    Schema { columns: kept.cloned().collect() }
}
