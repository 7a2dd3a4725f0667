//! A document as a value against the structural schema of its kind: every misfit at once.

use std::collections::BTreeMap;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::api::crds;
use crate::api::resource::{Kind, PerKind};
use crate::engines::counted::counted;
use crate::validate::problem::{Problem, did_you_mean};

/// Returns every misfit of a document, in the order of its fields.
pub(super) fn problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let checker = checker(kind);
    let mut found: Vec<Problem> = checker
        .validator
        .iter_errors(document)
        .flat_map(|error| explain(checker, &error))
        .collect();
    for part in ["spec", "status"] {
        repeated_keys(&crds::schema(kind)["properties"][part], &document[part], part, &mut found);
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found.dedup();
    found
}

struct Checker {
    schema: Value,
    validator: Validator,
}

fn checker(kind: Kind) -> &'static Checker {
    static CHECKERS: PerKind<Checker> = PerKind::new(Checker::new);
    CHECKERS.of(kind)
}

impl Checker {
    fn new(kind: Kind) -> Self {
        let schema = closed(kind);
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .build(&schema)
            .expect("should be a schema: it is generated, and tests build every one");
        Self { schema, validator }
    }

    /// Returns the part of the schema that a keyword stands in.
    fn part(&self, error: &ValidationError<'_>) -> &Value {
        let pointer = error.schema_path().as_str();
        let parent = pointer.rfind('/').map_or("", |end| &pointer[..end]);
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }
}

/// Returns the schema of a whole document: what is not described is refused.
fn closed(kind: Kind) -> Value {
    let mut schema = crds::schema(kind).clone();
    close(&mut schema);
    let properties = schema["properties"].as_object_mut().expect("should have properties");
    properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
    properties.insert("kind".to_owned(), json!({"type": "string"}));
    properties.insert("metadata".to_owned(), metadata());
    schema["required"] = json!(["metadata", "spec"]);
    schema["description"] = json!(kind.as_str());
    schema
}

/// Turns a structural schema of `OpenAPI` 3 into one of JSON Schema that allows nothing else.
fn close(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if object.remove("nullable") == Some(Value::Bool(true)) {
        if let Some(kind) = object.get("type").cloned() {
            object.insert("type".to_owned(), json!([kind, "null"]));
        }
        if let Some(Value::Array(allowed)) = object.get_mut("enum") {
            allowed.push(Value::Null);
        }
    }
    if object.get("format").is_some_and(|format| format != "date-time") {
        object.remove("format");
    }
    let is_open = object.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    if object.contains_key("properties") && !is_open {
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    for child in ["items", "additionalProperties"] {
        if let Some(child) = object.get_mut(child) {
            close(child);
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(close);
    }
    object.retain(|keyword, _| !keyword.starts_with("x-") && keyword != "default");
}

/// Metadata as Kubernetes has it: what a person writes is checked, what a server sets is left alone.
fn metadata() -> Value {
    let subdomain = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    let texts = |longest: u32| {
        json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": "string", "maxLength": longest},
            "description": "Texts by name.",
        })
    };
    let mut properties: Map<String, Value> = [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
        "ownerReferences",
        "managedFields",
        "selfLink",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), json!({})))
    .collect();
    let described = json!({
        "name": {"type": "string", "maxLength": 253, "pattern": subdomain,
            "description": "Lower-case letters, digits, `-` and `.`, for example `sales-by-city`."},
        "generateName": {"type": "string", "maxLength": 247,
            "pattern": "^[a-z0-9]([-a-z0-9.]*)$",
            "description": "The beginning of a name, for example `sales-`."},
        "namespace": {"type": "string", "maxLength": 63,
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            "description": "Lower-case letters, digits and `-`, for example `analytics`."},
        "labels": texts(63),
        "annotations": texts(262_144),
    });
    properties.extend(described.as_object().cloned().unwrap_or_default());
    json!({
        "type": "object", "properties": properties, "additionalProperties": false,
        "description": "Name, namespace, labels and annotations.",
    })
}

fn explain(checker: &Checker, error: &ValidationError<'_>) -> Vec<Problem> {
    let path = dotted(error.instance_path().as_str());
    let part = checker.part(error);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = names(part);
            let unknown = unexpected.iter().map(|name| {
                let hint = did_you_mean(name, known.iter().copied());
                Problem::new(join(&path, name), "is an unknown field").hint_if(hint)
            });
            unknown.collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let hint = part["properties"][name]["description"].as_str().map(first_sentence);
            vec![Problem::new(join(&path, name), "is missing").hint_if(hint)]
        }
        kind => {
            let hint = part["description"].as_str().map(first_sentence);
            vec![misfit(path, kind, error.instance()).hint_if(hint)]
        }
    }
}

fn misfit(path: String, kind: &ValidationErrorKind, value: &Value) -> Problem {
    let shown = shorten(value);
    let message = match kind {
        ValidationErrorKind::Type { kind } => {
            format!("must be {}, but is {}", expected(kind), describe(value))
        }
        ValidationErrorKind::Pattern { .. } => format!("{shown} does not have the right form"),
        ValidationErrorKind::Enum { options } => format!("{shown} is none of {}", listed(options)),
        ValidationErrorKind::Minimum { limit } => format!("{shown} is below the minimum {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("{shown} is above the maximum {limit}"),
        ValidationErrorKind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => {
            format!("must have at least {}", counted(*limit, "character"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            let length = value.as_str().map_or(0, |text| text.chars().count());
            format!("must have at most {}, but has {length}", counted(*limit, "character"))
        }
        ValidationErrorKind::MinItems { limit } => {
            format!("must have at least {}", counted(*limit, "item"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            let length = value.as_array().map_or(0, Vec::len);
            format!("must have at most {}, but has {length}", counted(*limit, "item"))
        }
        ValidationErrorKind::MaxProperties { limit } => {
            format!("must have at most {}", counted(*limit, "key"))
        }
        ValidationErrorKind::Format { .. } => {
            format!("{shown} is not a time such as `2026-01-31T12:00:00Z`")
        }
        other => format!("{shown} does not fit ({})", other.keyword()),
    };
    let hint = match (kind, value) {
        (ValidationErrorKind::Enum { options }, Value::String(word)) => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            did_you_mean(word, options.iter().filter_map(Value::as_str))
                .filter(|hint| hint.starts_with("did you mean"))
        }
        _ => None,
    };
    Problem::new(path, message).hint_if(hint)
}

fn expected(kind: &TypeKind) -> String {
    let word = |name: &str| match name {
        "object" => "a map",
        "array" => "a list",
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "null",
    };
    match kind {
        TypeKind::Single(kind) => word(kind.as_str()).to_owned(),
        TypeKind::Multiple(kinds) => {
            let kinds = kinds.iter().filter(|kind| kind.as_str() != "null");
            kinds.map(|kind| word(kind.as_str())).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// Returns what a value is, in words.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => format!("the text {}", shorten(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn listed(options: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let words = options.iter().filter_map(Value::as_str);
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').replace('\n', " ")
}

fn names(part: &Value) -> Vec<&str> {
    let properties = part["properties"].as_object();
    properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Turns a JSON pointer, `/spec/clients/0/name`, into `spec.clients[0].name`.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !path.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path = format!("{path}[{step}]");
        } else {
            path = join(&path, &step);
        }
    }
    path
}

/// Adds every item whose key, or that itself, occurred before in a list that is a map or a set.
fn repeated_keys(schema: &Value, value: &Value, path: &str, found: &mut Vec<Problem>) {
    if let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object())
    {
        for (name, value) in object {
            if let Some(schema) = properties.get(name) {
                repeated_keys(schema, value, &join(path, name), found);
            }
        }
    }
    let Some(items) = value.as_array() else { return };
    let keys =
        schema["x-kubernetes-list-map-keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_set = schema["x-kubernetes-list-type"] == "set";
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let item_path = format!("{path}[{index}]");
        repeated_keys(&schema["items"], item, &item_path, found);
        let key =
            if is_set { item } else { &item[keys.first().and_then(Value::as_str).unwrap_or("")] };
        if key.is_null() || (keys.is_empty() && !is_set) {
            continue;
        }
        if let Some(first) = seen.insert(key.to_string(), index) {
            let field =
                if is_set { item_path } else { join(&item_path, keys[0].as_str().unwrap_or("")) };
            let message = format!("{} stands twice; first in {path}[{first}]", shorten(key));
            found.push(Problem::new(field, message));
        }
    }
}
