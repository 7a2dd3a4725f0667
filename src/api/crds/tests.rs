use super::*;

/// Calls `visit` with the path and schema of every property and item below a schema.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            walk(&format!("{path}.{name}"), property, visit);
        }
    }
    for child in ["items", "additionalProperties"] {
        if schema[child].is_object() {
            walk(&format!("{path}[{child}]"), &schema[child], visit);
        }
    }
}

fn offenders(is_fine: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        walk(kind.as_str(), schema(kind), &mut |path, schema| {
            if !is_fine(path, schema) {
                found.push(path.to_owned());
            }
        });
    }
    found
}

#[test]
fn every_field_has_a_description_in_words() {
    let without = offenders(|path, schema| {
        let items_of_scalars = path.ends_with("[items]") && schema["type"] != "object";
        items_of_scalars || schema["description"].as_str().is_some_and(|text| text.len() >= 8)
    });
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn every_list_map_and_string_has_a_bound() {
    let unbounded = offenders(|_, schema| match schema["type"].as_str() {
        Some("array") => schema["maxItems"].is_u64(),
        Some("string") => {
            schema["maxLength"].is_u64()
                || schema["enum"].is_array()
                || schema["format"].is_string()
        }
        Some("object") => schema["properties"].is_object() || schema["maxProperties"].is_u64(),
        Some(_) => true,
        None => schema["x-kubernetes-preserve-unknown-fields"] == true,
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn schemas_are_structural() {
    let forbidden = ["$ref", "oneOf", "anyOf", "allOf", "not", "definitions", "const", "title"];
    let unstructured = offenders(|_, schema| {
        let typed = schema["type"].is_string()
            || schema["x-kubernetes-preserve-unknown-fields"] == true
            || schema["x-kubernetes-int-or-string"] == true;
        typed && forbidden.iter().all(|keyword| schema.get(keyword).is_none())
    });
    assert_eq!(unstructured, Vec::<String>::new());
}

#[test]
fn lists_that_are_maps_name_a_required_key() {
    let wrong = offenders(|_, schema| {
        schema["x-kubernetes-list-type"] != "map"
            || schema["x-kubernetes-list-map-keys"].as_array().is_some_and(|keys| {
                !keys.is_empty()
                    && keys.iter().all(|key| {
                        let required = schema["items"]["required"].as_array();
                        required.is_some_and(|required| required.contains(key))
                    })
            })
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_rule_has_a_message() {
    let silent = offenders(|_, schema| {
        let rules = schema["x-kubernetes-validations"].as_array();
        rules.is_none_or(|rules| rules.iter().all(|rule| rule["message"].is_string()))
    });
    assert_eq!(silent, Vec::<String>::new());
}

/// An API server refuses a rule that reaches a field without a type.
#[test]
fn no_rule_reaches_a_field_that_may_be_of_any_type() {
    let broken = offenders(|_, schema| {
        let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
        let rules: Vec<&str> = rules.filter_map(|rule| rule["rule"].as_str()).collect();
        let fields = schema["properties"].as_object().into_iter().flatten();
        let untyped = fields.filter(|(_, field)| !field["type"].is_string());
        untyped.into_iter().all(|(name, _)| {
            let reached = format!("self.{name}");
            rules.iter().all(|rule| !rule.contains(&reached))
        })
    });
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn definitions_are_small_and_have_what_kubectl_shows() {
    for kind in Kind::ALL {
        let crd = crd(kind);
        let names = &crd.spec.names;
        assert!(yaml(kind).len() < 256 * 1024, "{kind} is too large");
        assert_eq!((names.kind.as_str(), names.plural.as_str()), (kind.as_str(), kind.plural()));
        assert_eq!(names.short_names.as_deref(), Some(&[kind.short_name().to_owned()][..]));
        assert_eq!(names.categories.as_deref(), Some(&["mason".to_owned()][..]));
        let version = &crd.spec.versions[0];
        let columns = version.additional_printer_columns.as_deref().unwrap_or_default();
        assert_eq!(columns.iter().filter(|column| column.name == "Age").count(), 1);
        assert!(version.subresources.as_ref().is_some_and(|parts| parts.status.is_some()));
    }
    let selectable = crd(Kind::OperatorRun).spec.versions[0].selectable_fields.clone();
    let paths: Vec<String> =
        selectable.unwrap_or_default().into_iter().map(|field| field.json_path).collect();
    assert_eq!(paths, [".spec.operator", ".status.phase"]);
}

#[test]
fn no_file_below_crds_is_stale() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for kind in Kind::ALL {
        let name = format!("{}.yaml", kind.plural());
        let kept = std::fs::read_to_string(root.join(&name)).unwrap_or_default();
        assert!(kept == yaml(kind), "crds/{name} is stale: run `make generate`");
    }
    let files = std::fs::read_dir(root).expect("should list").count();
    assert_eq!(files, Kind::ALL.len(), "crds/ holds nothing else");
}

#[test]
fn what_is_printed_is_the_definition_and_nothing_else() {
    for kind in Kind::ALL {
        let read: Value = serde_saphyr::from_str(&yaml(kind)).expect("should be YAML");
        assert_eq!(read, serde_json::to_value(crd(kind)).expect("should be JSON"));
    }
    assert_eq!(crds_yaml().matches("---\n").count(), 5);
}

#[test]
fn a_status_is_owned_as_a_whole() {
    for kind in Kind::ALL {
        assert_eq!(schema(kind)["properties"]["status"]["x-kubernetes-map-type"], "atomic");
    }
}
