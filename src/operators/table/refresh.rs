//! `table/refresh`: looks at the files of a declared table again and brings its declaration up to date.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::counted::counted;
use crate::engines::metastore::{Change, TableDeclaration};
use crate::engines::reading::Reading;
use crate::engines::result::JobOutcome;
use crate::engines::schema::{Column, Schema, SchemaFound};
use crate::engines::table::{Table, TableKind, TableName};
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::operators::answers::{table_shown, within_bytes};
use crate::operators::inference::{Inferred, answered, inference, inferred, result_schema};
use crate::operators::inputs::{list_files, stated_table};
use crate::operators::parameters::{bad_rows, table_name};
use crate::operators::{Answer, Conclusion, Effect, Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/refresh";
/// Bytes of the differences shown.
const DIFFERENCE_BYTES: usize = 16 * 1024;

/// Refreshes a declared table.
pub(in crate::operators) struct Refresh;

#[async_trait]
impl Operator for Refresh {
    fn name(&self) -> &'static str {
        "table.refresh"
    }

    fn needs(&self) -> &'static [Capability] {
        &[
            Capability::ReadTables,
            Capability::ChangeTables,
            Capability::ReadFiles,
            Capability::Infer,
        ]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse::WRITES_ITS_TABLE]
    }

    fn result_schema(&self) -> Value {
        result_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let wanted = table_name(NAME, request)?;
        if let Some(answer) = nothing_to_do(engines, &wanted).await? {
            return Ok(Prepared::Answer(answer));
        }
        let table = stated_table(engines, NAME, &wanted).await?;
        let files = list_files(engines, NAME, &table.locations).await?;
        // What was stated or detected when it was declared holds.
        let bad_rows = bad_rows(NAME, request)?;
        let reading = Reading { bad_rows, ..Reading::of(&table.format) };
        Ok(inference(NAME, request, &table.name, files, reading)?)
    }

    async fn conclude(
        &self,
        engines: &Engines,
        request: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let name = table_name(NAME, request)?;
        let found = stated_table(engines, NAME, &name).await;
        let table = found.map_err(Unprepared::into_error)?;
        if table.kind != TableKind::External {
            return Err(EngineError::new(
                ErrorKind::Conflict,
                NAME,
                format!("refresh `{}`", table.name),
                "it is no longer a declared table",
            ));
        }
        let found = answered(NAME, outcome)?;
        let locations = table.locations.clone();
        Ok(match inferred(&table.name, locations, found, &outcome.warnings) {
            Inferred::Conflict(answer) => Conclusion { answer, effect: None },
            Inferred::Table(mut declaration, answer) => {
                keep_declared(&table, &mut declaration);
                compared(&table, declaration, answer)
            }
        })
    }
}

/// Returns the answer for a table that has no declaration of its own.
async fn nothing_to_do(engines: &Engines, name: &TableName) -> Result<Option<Answer>, EngineError> {
    let why = match engines.metastore()?.find_table(name).await?.map(|entry| entry.kind) {
        Some(TableKind::Managed) => "Mason keeps its files and its schema together",
        Some(TableKind::Discovered) => "its files are looked at anew whenever it is read",
        Some(TableKind::External) | None => return Ok(None),
    };
    let mut answer = Answer::object(json!({
        "table": table_shown(name),
        "differences": [],
    }));
    answer.info.push(format!("there is nothing to refresh: {why}"));
    Ok(Some(answer))
}

/// Keeps what no look at the files can find: names of columns that a declaration gives by their position, and the types
/// of partition keys that were declared.
fn keep_declared(table: &Table, found: &mut TableDeclaration) {
    if table.format.csv.as_ref().is_some_and(|csv| !csv.columns.is_empty()) {
        found.schema.clone_from(&table.schema);
        found.format.clone_from(&table.format);
        found.partition_keys.clone_from(&table.partition_keys);
        return;
    }
    if table.found != SchemaFound::Declared {
        return;
    }
    for column in &mut found.schema.columns {
        let is_key = table.partition_keys.contains(&column.name);
        if let Some(declared) = table.schema.column(&column.name).filter(|_| is_key) {
            column.clone_from(declared);
        }
    }
}

/// Returns what changed, and the new declaration if anything did.
fn compared(table: &Table, declaration: Box<TableDeclaration>, mut answer: Answer) -> Conclusion {
    let mut differences = schema_differences(&table.schema, &declaration.schema);
    if table.format != declaration.format {
        differences.push("the files are read in another way".to_owned());
    }
    if table.partition_keys != declaration.partition_keys {
        differences.push(format!(
            "the partition keys are {:?}, and were {:?}",
            declaration.partition_keys, table.partition_keys
        ));
    }
    if table.unregistered > 0 {
        let files = counted(table.unregistered, "file");
        differences.push(format!("{files} were in no partition of the metastore"));
    }
    let shown = within_bytes(differences.iter().map(|text| json!(text)), DIFFERENCE_BYTES);
    answer.truncated |= shown.len() < differences.len();
    answer.data["differences"] = Value::Array(shown);
    if differences.is_empty() {
        answer.info.push(format!("{} is as it was declared; nothing was changed", table.name));
        return Conclusion { answer, effect: None };
    }
    answer.info.extend(differences.into_iter().take(20));
    let change = Change::PutTable { table: declaration, expected: table.version };
    Conclusion { answer, effect: Some(Effect::Metastore { change }) }
}

fn schema_differences(before: &Schema, after: &Schema) -> Vec<String> {
    let find = |schema: &Schema, name: &str| -> Option<Column> {
        schema.columns.iter().find(|column| column.name == name).cloned()
    };
    let mut differences = Vec::new();
    for column in &after.columns {
        match find(before, &column.name) {
            None => differences.push(format!("column `{}` is new", column.name)),
            Some(old) if old.data_type != column.data_type => differences.push(format!(
                "column `{}` is {}, and was {}",
                column.name, column.data_type.0, old.data_type.0
            )),
            Some(old) if old.nullable != column.nullable => {
                let now = if column.nullable { "has nulls" } else { "has no nulls" };
                differences.push(format!("column `{}` {now} now", column.name));
            }
            Some(_) => {}
        }
    }
    for column in &before.columns {
        if find(after, &column.name).is_none() {
            differences.push(format!("column `{}` is gone", column.name));
        }
    }
    differences
}
