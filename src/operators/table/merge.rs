//! `table/merge`: files whose schemas differ, to one table with one schema.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::{MergeRule, Operation};
use crate::engines::table::TableLookup;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::answers::files_schema;
use crate::operators::inputs::{conflicting_input, table_input, unread};
use crate::operators::parameters::{choice, refused, table_name};
use crate::operators::reading::look_up;
use crate::operators::target::require_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/merge";

/// Merges the files of a table.
pub(in crate::operators) struct Merge;

#[async_trait]
impl Operator for Merge {
    fn name(&self) -> &'static str {
        "table.merge"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Merge, Capability::WriteFiles]
    }

    fn uses(&self) -> &'static [TableUse] {
        TableUse::OF_A_CONVERSION
    }

    fn result_schema(&self) -> Value {
        files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let name = table_name(NAME, request)?;
        let target = require_target(engines, NAME, request).await?;
        let (input, rows, schemas) = match look_up(engines, NAME, request, &name).await? {
            TableLookup::Table(table) => {
                let mut input = table_input(&table);
                let note =
                    format!("the files of {} agree: the merge was not necessary", table.name);
                input.notes.push(note);
                (input, table.rows, 1)
            }
            TableLookup::Conflicting(table) => {
                (conflicting_input(&table), None, table.conflict.schemas.len())
            }
            TableLookup::Unread(table) => return Err(unread(&table)),
        };
        let work = Work {
            operator: NAME,
            what: match schemas {
                1 => format!("merge {}, whose files agree", input.name),
                schemas => format!("merge the {schemas} schemas of {}", input.name),
            },
            inputs: vec![input],
            rows,
            operation: Operation::Merge {
                on_conflict: choice(NAME, request, "on_conflict")?.unwrap_or(MergeRule::Fail),
                extract_paths: extract_paths(request)?,
            },
            target: Some(target),
        };
        work.into_prepared(request)
    }
}

/// Returns the wanted columns: an object from new column to path, or a list of paths.
fn extract_paths(request: &Request) -> Result<BTreeMap<String, String>, EngineError> {
    let wrong = || {
        refused(NAME, "parameter `extract_paths` is no object from column to path")
            .with_hint(r#"for example {"city": "address.city", "first_sku": "items[0].sku"}"#)
    };
    match request.parameters.json("extract_paths") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(object)) => object
            .iter()
            .map(|(column, path)| {
                let path = path.as_str().filter(|path| !path.is_empty()).ok_or_else(wrong)?;
                Ok((column.clone(), path.to_owned()))
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}
