//! `table/join`: two tables to one.

use async_trait::async_trait;
use serde_json::Value;

use crate::engines::capability::Capability;
use crate::engines::job_spec::{JoinKind, Operation};
use crate::engines::schema::Schema;
use crate::engines::table::{Table, TableName};
use crate::engines::table_use::{Access, NamedBy, TableUse};
use crate::engines::{EngineError, Engines};
use crate::operators::answers::rows_or_files_schema;
use crate::operators::columns::listed;
use crate::operators::inputs::table_input;
use crate::operators::parameters::{choice, optional, refused, required, table_name};
use crate::operators::reading::read_tables;
use crate::operators::target::find_target;
use crate::operators::work::Work;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/join";
/// What tells a right column from a left one when the run says nothing else.
const SUFFIX: &str = "_right";

/// Joins two tables.
pub(in crate::operators) struct Join;

#[async_trait]
impl Operator for Join {
    fn name(&self) -> &'static str {
        "table.join"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::Join]
    }

    fn uses(&self) -> &'static [TableUse] {
        const RIGHT: NamedBy = NamedBy::Table {
            databases: &["right_database_name", "database_name"],
            table: "right_table_name",
            path: None,
        };
        &[
            TableUse::READS_ITS_TABLE,
            TableUse { access: Access::Read, named: RIGHT },
            TableUse::WRITES_OUTPUT,
        ]
    }

    fn result_schema(&self) -> Value {
        rows_or_files_schema()
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let left_name = table_name(NAME, request)?;
        let right_name = right_name(request, &left_name)?;
        let names = [left_name, right_name];
        let target = find_target(engines, NAME, request).await?;
        let tables = read_tables(engines, NAME, request, &names, None).await?;
        let [left, right] = tables.as_slice() else {
            return Err(refused(NAME, "two tables are joined").into());
        };
        let join = choice(NAME, request, "join")?.unwrap_or(JoinKind::Inner);
        let work = Work {
            operator: NAME,
            what: format!("join {} and {}", left.name, right.name),
            rows: left.rows.zip(right.rows).map(|(left, right)| left + right),
            operation: Operation::Join {
                join,
                on: pairs(left, right, &request.parameters.list("on"))?,
                suffix: optional(request, "suffix").unwrap_or(SUFFIX).to_owned(),
            },
            inputs: vec![table_input(left), table_input(right)],
            target,
        };
        work.into_prepared(request)
    }
}

fn right_name(request: &Request, left: &TableName) -> Result<TableName, EngineError> {
    let database = optional(request, "right_database_name").unwrap_or(&left.database);
    let table = required(NAME, request, "right_table_name")?;
    Ok(TableName { database: database.to_owned(), table: table.to_owned() })
}

/// Returns the pairs of columns that must be equal, as the tables spell them: `a=b`, or `a` for a
/// column that both have.
fn pairs(
    left: &Table,
    right: &Table,
    wanted: &[String],
) -> Result<Vec<(String, String)>, EngineError> {
    if wanted.is_empty() {
        return Err(refused(NAME, "parameter `on` names no columns")
            .with_hint("give on=id for a column that both tables have, or on=id=customer_id"));
    }
    let (mut resolved, mut problems) = (Vec::new(), Vec::new());
    for text in wanted {
        match pair(&left.schema, &right.schema, text) {
            Some(pair) if resolved.contains(&pair) => {
                problems.push(format!("`{text}` is given twice"));
            }
            Some(pair) => resolved.push(pair),
            None => problems.push(format!("`{text}` names no column of each table")),
        }
    }
    if problems.is_empty() {
        return Ok(resolved);
    }
    let columns = |table: &Table| {
        let names = listed(table.schema.columns.iter().map(|column| column.name.as_str()));
        format!("{} has {names}", table.name)
    };
    Err(refused(NAME, format!("parameter `on`: {}", problems.join("; "))).with_hint(format!(
        "{}; {}",
        columns(left),
        columns(right)
    )))
}

/// Returns the one way to read a pair: a column of both tables, or a `=` with a column on each side.
fn pair(left: &Schema, right: &Schema, text: &str) -> Option<(String, String)> {
    let both = |left_name: &str, right_name: &str| {
        let (left, right) = (left.column(left_name)?, right.column(right_name)?);
        Some((left.name.clone(), right.name.clone()))
    };
    both(text, text).or_else(|| {
        text.match_indices('=').find_map(|(at, _)| both(text[..at].trim(), text[at + 1..].trim()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::pair;
    use crate::operators::columns::schema_from_json;

    #[test]
    fn pairs_are_one_column_of_both_or_two_with_an_equals_sign() {
        let schema = |value| schema_from_json("table/join", &value).expect("should be a schema");
        let left = schema(json!({"id": "bigint", "a=b": "text", "X": "text"}));
        let right = schema(json!({"id": "bigint", "a=b": "text", "y z": "text"}));
        let found = |text| pair(&left, &right, text);
        assert_eq!(found("ID"), Some(("id".into(), "id".into())));
        assert_eq!(found("a=b"), Some(("a=b".into(), "a=b".into())));
        assert_eq!(found("a=b=y z"), Some(("a=b".into(), "y z".into())));
        assert_eq!(found("x = id"), Some(("X".into(), "id".into())));
        assert_eq!(found("X"), None);
        assert_eq!(found("=id"), None);
    }
}
