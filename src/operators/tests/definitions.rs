//! Each operator has one shipped definition and each definition one operator, and they agree on the
//! names of parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use crate::api::labels::EXAMPLE;
use crate::api::v1alpha1::OperatorDefinition;
use crate::engines::bindings::BINDINGS;
use crate::engines::reading;
use crate::engines::table_use::NamedBy;
use crate::operators::{all, target};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn definitions() -> BTreeMap<String, OperatorDefinition> {
    let mut found = BTreeMap::new();
    for folder in ["database", "table", "job"] {
        let entries = fs::read_dir(root().join("operators").join(folder)).expect("should be there");
        for entry in entries {
            let path: PathBuf = entry.expect("should be readable").path();
            let text = fs::read_to_string(&path).expect("should be readable");
            let definition: OperatorDefinition = serde_saphyr::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let stem = path.file_stem().expect("should have a name").to_string_lossy();
            assert_eq!(definition.spec.operator, format!("{folder}/{stem}"), "{}", path.display());
            let builtin = definition.spec.action.builtin.as_ref().expect("should be built in");
            assert_eq!(builtin.name, format!("{folder}.{stem}"), "{}", path.display());
            assert_eq!(definition.metadata.name, Some(format!("{folder}-{stem}")));
            found.insert(builtin.name.clone(), definition);
        }
    }
    found
}

#[test]
fn every_operator_has_one_definition_and_every_definition_one_operator() {
    let shipped: BTreeSet<String> = definitions().into_keys().collect();
    let built_in: BTreeSet<String> = all().iter().map(|one| one.name().to_owned()).collect();
    assert_eq!(shipped, built_in);
    assert_eq!(built_in.len(), all().len());
}

#[test]
fn definitions_say_what_every_parameter_means_and_take_no_name_twice() {
    for (operator, definition) in definitions() {
        let mut names = BTreeSet::new();
        for parameter in &definition.spec.parameters {
            assert!(parameter.description.ends_with('.'), "{operator}: {}", parameter.name);
            for name in parameter.aliases.iter().chain([&parameter.name]) {
                assert!(names.insert(name.clone()), "{operator}: `{name}` is there twice");
            }
        }
    }
}

/// The names read in a source file: literals given to the functions that read parameters.
fn names_read(source: &str) -> BTreeSet<String> {
    let direct = Regex::new(
        r#"(?s)(?:\bparameters\s*\.\s*\w+\(|(?:required|optional|count|choice(?:::<\w+>)?)\(\s*(?:NAME|operator)?,?\s*(?:request,)?\s*)"([a-z_]+)""#,
    )
    .expect("should be a pattern");
    direct.captures_iter(source).map(|found| found[1].to_owned()).collect()
}

fn source(path: &str) -> String {
    let text = fs::read_to_string(root().join("src/operators").join(path)).expect("should exist");
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// What the shared functions read for the operators that call them.
fn shared_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut uses = |call: &str, read: &[&str]| {
        if text.contains(call) {
            names.extend(read.iter().map(|name| (*name).to_owned()));
        }
    };
    uses("table_name(NAME", &["database_name", "table_name"]);
    uses("bindings_of(&request.parameters)", &[BINDINGS]);
    uses("_target(engines", target::PARAMETERS);
    uses("bad_rows(NAME", &["bad_rows"]);
    uses("limit(NAME", &["limit"]);
    uses("NameFilter::of", &["pattern"]);
    uses("inference(NAME", &["sample_size", "sample_rows"]);
    for call in ["reading(", "look_up(engines, ", "read_table(engines, ", "read_tables(engines, "] {
        uses(&format!("{call}NAME, request"), &reading::PARAMETERS);
    }
    names
}

#[test]
fn operators_read_exactly_the_parameters_of_their_definitions() {
    for (operator, definition) in definitions() {
        let mut text = source(&format!("{}.rs", operator.replace('.', "/")));
        if text.contains("querying.prepare(") {
            text.push_str(&source("querying.rs").replace("operator,", "NAME,"));
        }
        let mut read = names_read(&text);
        read.extend(shared_names(&text));
        if text.contains(".into_prepared(request)") {
            // Work that has no input has no bad rows, and what is always written or is one object
            // has no rows to limit.
            let (writes, summary) =
                (text.contains("require_target("), operator == "table.summarize");
            if !writes && !summary {
                read.insert("limit".to_owned());
            }
            if operator != "table.fake" {
                read.insert("bad_rows".to_owned());
            }
        }
        let defined: BTreeSet<String> =
            definition.spec.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        assert_eq!(read, defined, "{operator}");
    }
}

#[test]
fn how_files_are_read_is_stated_alike_for_every_operator() {
    let definitions = definitions();
    let parameter = |operator: &str, name: &str| {
        let known = &definitions[operator].spec.parameters;
        known.iter().find(|parameter| parameter.name == name).cloned()
    };
    let reads = |text: &str| {
        [
            "reading(",
            "look_up(engines, ",
            "read_table(engines, ",
            "read_tables(engines, ",
            ".prepare(engines, ",
        ]
        .iter()
        .any(|call| text.contains(&format!("{call}NAME, request")))
    };
    let mut readers = 0;
    for operator in definitions.keys() {
        if !reads(&source(&format!("{}.rs", operator.replace('.', "/")))) {
            continue;
        }
        readers += 1;
        for name in reading::PARAMETERS {
            assert!(parameter(operator, name).is_some(), "{operator}: `{name}`");
            assert_eq!(parameter(operator, name), parameter("table.get", name), "{operator}");
        }
    }
    assert_eq!(readers, 10);
    // How a declared table is read stands in its declaration; what happens to bad rows does not.
    assert_eq!(parameter("table.refresh", "bad_rows"), parameter("table.get", "bad_rows"));
}

#[test]
fn tables_are_named_by_parameters_of_the_definition() {
    for operator in all() {
        let known = &definitions()[operator.name()].spec.parameters;
        let names: Vec<&str> = operator.uses().iter().flat_map(|one| named(one.named)).collect();
        for name in &names {
            assert!(known.iter().any(|one| one.name == *name), "{}: `{name}`", operator.name());
        }
        // What takes the name of a table or of an output says what becomes of it.
        for name in ["table_name", "right_table_name", "output_table", "database_name"] {
            let is_known = known.iter().any(|one| one.name == name);
            assert_eq!(names.contains(&name), is_known, "{}: `{name}`", operator.name());
        }
    }
}

/// Returns the parameters that name tables.
fn named(by: NamedBy) -> Vec<&'static str> {
    match by {
        NamedBy::Database(database) => vec![database],
        NamedBy::Statement { statement, database, table } => vec![statement, database, table],
        NamedBy::Table { databases, table, path } => {
            databases.iter().copied().chain([table]).chain(path).collect()
        }
    }
}

#[test]
fn results_are_described_by_schemas_that_hold() {
    for operator in all() {
        let schema = operator.result_schema();
        assert!(jsonschema::meta::is_valid(&schema), "{}", operator.name());
        jsonschema::validator_for(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", operator.name()));
        assert!(!operator.needs().is_empty(), "{} needs nothing", operator.name());
    }
}

#[test]
fn every_definition_has_an_example_of_its_own_parameters() {
    for (operator, definition) in definitions() {
        let annotations = definition.metadata.annotations.as_ref().expect("should have an example");
        let example: BTreeMap<String, Value> =
            serde_json::from_str(&annotations[EXAMPLE]).expect("should be an object");
        let known = &definition.spec.parameters;
        for name in example.keys() {
            assert!(known.iter().any(|one| one.name == *name), "{operator}: `{name}`");
        }
        for parameter in known.iter().filter(|parameter| parameter.required) {
            assert!(example.contains_key(&parameter.name), "{operator}: `{}`", parameter.name);
        }
    }
}
