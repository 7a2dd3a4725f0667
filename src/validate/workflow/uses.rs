//! Which tables each step reads and writes, as far as its parameters say before a run. What they do not say is left out,
//! so that no step is said to use a table that it may not use. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::stated::{Stated, StatedParameters};
use crate::api::v1alpha1::{OperatorDefinition, ParameterType, SqlAction};
use crate::engines::job_spec::Binding;
use crate::engines::table::TableName;
use crate::engines::table_use::{Access, NamedBy, TableUse, table_of_path};
use crate::sql::{Scope, analyse, placeholders};
use crate::validate::action::{sample, uses_of};
use crate::validate::valid_run::ActionDescription;

/// Stands before a look-up that has the place of a name in a statement: no name has a control character.
const LOOKED_UP: char = '\u{1}';

/// The name of a database or a table, or a look-up of the workflow's parameters that gives it.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// As it is compared.
    key: String,
    is_looked_up: bool,
    /// As it is written.
    spelled: String,
}

impl Name {
    /// Returns the name that a parameter states, if it is known.
    pub(super) fn of(stated: Stated) -> Option<Self> {
        let (key, is_looked_up, spelled) = match stated {
            Stated::Text(text) => (text.to_ascii_lowercase(), false, text),
            Stated::LookedUp(text) => (text.clone(), true, text),
            Stated::Unknown => return None,
        };
        Some(Self { key, is_looked_up, spelled })
    }

    /// Returns the name as it is compared: without regard to the case of letters, except within look-ups.
    pub(super) fn key(&self) -> (&str, bool) {
        (&self.key, self.is_looked_up)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.spelled)
    }
}

/// A table that a step uses.
#[derive(Debug, Clone)]
pub(super) struct Used {
    pub(super) access: Access,
    pub(super) database: Name,
    /// The table; nothing for the database with all of its tables.
    pub(super) table: Option<Name>,
}

/// Returns the tables that a step uses, as far as they are known.
pub(super) fn uses_of_step(
    parameters: StatedParameters<'_>,
    actions: &[ActionDescription],
) -> Vec<Used> {
    let action = &parameters.definition.spec.action;
    let mut found = Vec::new();
    let bound = match &action.sql {
        Some(sql) => {
            found = read_by_definition(parameters, sql);
            placeholders(&sql.statement).unwrap_or_default()
        }
        None => BTreeSet::default(),
    };
    // What the statement of a definition has a placeholder for says nothing else.
    let get = |name: &str| if bound.contains(name) { None } else { parameters.get(name) };
    for one in uses_of(action, actions) {
        found.extend(named(*one, &get));
    }
    found
}

/// Returns the tables of one use of an action. `get` returns what is said of a parameter.
fn named(one: TableUse, get: &dyn Fn(&str) -> Option<Stated>) -> Vec<Used> {
    let access = one.access;
    let used = |database: Option<Stated>, table: Option<Name>| {
        let database = database.and_then(Name::of)?;
        Some(Used { access, database, table })
    };
    match one.named {
        NamedBy::Database(database) => used(get(database), None).into_iter().collect(),
        NamedBy::Table { databases, table, path } => {
            let database = databases.iter().find_map(|name| get(name));
            let table = get(table).or_else(|| of_path(get(path?)?));
            let table = table.and_then(Name::of);
            table.and_then(|table| used(database, Some(table))).into_iter().collect()
        }
        NamedBy::Statement { statement, database, table } => {
            let Some(Stated::Text(sql)) = get(statement) else { return Vec::new() };
            read_by_run(&sql, get(database), get(table))
        }
    }
}

/// Returns the name that a path suggests.
fn of_path(path: Stated) -> Option<Stated> {
    match path {
        Stated::Text(path) => table_of_path(&path).map(|name| Stated::Text(name.to_owned())),
        Stated::LookedUp(_) | Stated::Unknown => Some(Stated::Unknown),
    }
}

/// Returns the tables that a statement of a run reads; none when it is wrong.
fn read_by_run(sql: &str, database: Option<Stated>, table: Option<Stated>) -> Vec<Used> {
    let (database, table) = (database.map(in_statement), table.map(in_statement));
    let this_table = database.clone().zip(table);
    let this_table = this_table.map(|(database, table)| TableName { database, table });
    // What placeholders stand for is a value, never a table.
    let bound = placeholders(sql).unwrap_or_default().into_iter().filter(|name| name != "table");
    let bindings: BTreeMap<String, Binding> = bound.map(|name| (name, Binding::Null)).collect();
    let scope = Scope {
        this_table: this_table.as_ref(),
        default_database: database.as_deref(),
        bindings: Some(&bindings),
        ..Scope::default()
    };
    let Ok(analysed) = analyse(sql, scope) else { return Vec::new() };
    analysed.tables().iter().cloned().filter_map(from_statement).collect()
}

/// Returns the tables that the statement of a definition reads; none when it is wrong.
fn read_by_definition(parameters: StatedParameters<'_>, sql: &SqlAction) -> Vec<Used> {
    let OperatorDefinition { spec, .. } = parameters.definition;
    let bindings: BTreeMap<String, Binding> = spec
        .parameters
        .iter()
        .map(|parameter| {
            let stated =
                parameters.of(parameter).filter(|_| parameter.kind == ParameterType::Identifier);
            let binding = stated.map(|stated| Binding::Identifier(in_statement(stated)));
            (parameter.name.clone(), binding.unwrap_or_else(|| sample(parameter.kind)))
        })
        .collect();
    let scope = Scope { bindings: Some(&bindings), ..Scope::default() };
    let Ok(analysed) = analyse(&sql.statement, scope) else { return Vec::new() };
    analysed.tables().iter().cloned().filter_map(from_statement).collect()
}

/// Returns a name as it stands in a statement that is only looked at.
fn in_statement(stated: Stated) -> String {
    match stated {
        Stated::Text(text) => text,
        Stated::LookedUp(text) => format!("{LOOKED_UP}{text}"),
        Stated::Unknown => LOOKED_UP.to_string(),
    }
}

/// Returns the table that has stood in such a statement, if it is known.
fn from_statement(table: TableName) -> Option<Used> {
    let name = |text: String| match text.strip_prefix(LOOKED_UP) {
        None => Name::of(Stated::Text(text)),
        Some("") => None,
        Some(look_up) => Name::of(Stated::LookedUp(look_up.to_owned())),
    };
    let (database, table) = (name(table.database)?, name(table.table)?);
    Some(Used { access: Access::Read, database, table: Some(table) })
}
