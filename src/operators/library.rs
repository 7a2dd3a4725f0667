//! The list of built-in operators, and an operator by its name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Operator, container, database, job, statement, table};

/// Every built-in operator, by name within its namespace.
static ALL: [&dyn Operator; 21] = [
    &database::list::List,
    &database::create::Create,
    &database::delete::Delete,
    &table::get::Get,
    &table::list::List,
    &table::infer::Infer,
    &table::query::Query,
    &table::merge::Merge,
    &table::format::Format,
    &table::summarize::Summarize,
    &table::delete::Delete,
    &table::refresh::Refresh,
    &table::fake::Fake,
    &table::deduplicate::Deduplicate,
    &table::join::Join,
    &table::explode::Explode,
    &table::cast::Cast,
    &job::list::List,
    &job::get::Get,
    &job::logs::Logs,
    &job::cancel::Cancel,
];

/// The JSON schemas of the answers of all built-in operators, made once.
static RESULT_SCHEMAS: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
    ALL.iter().map(|operator| (operator.name(), operator.result_schema())).collect()
});

/// Returns the JSON schema of the answers of the built-in operator of this name.
#[must_use]
pub fn result_schema(name: &str) -> Option<&'static Value> {
    RESULT_SCHEMAS.get(name)
}

/// Returns every built-in operator, in the order of the docs.
#[must_use]
pub fn all() -> &'static [&'static dyn Operator] {
    &ALL
}

/// Returns the operator that performs an action: the built-in one of this name, `table.query`, or `sql`
/// and `container`, which run what a definition says.
#[must_use]
pub fn performer(name: &str) -> Option<&'static dyn Operator> {
    match name {
        statement::NAME => Some(&statement::Statement),
        container::NAME => Some(&container::Container),
        name => find(name),
    }
}

/// Returns the built-in operator of this name, `table.query`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Operator> {
    ALL.iter().copied().find(|operator| operator.name() == name)
}
