//! Free-form JSON objects: kept whole by the API server, bounded in number of properties.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object with keys of the user's choice and any JSON below them, at most 256 keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeForm(pub BTreeMap<String, Value>);

impl FreeForm {
    /// Returns whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl JsonSchema for FreeForm {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FreeForm".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "maxProperties": 256,
            "x-kubernetes-preserve-unknown-fields": true,
            // No client owns a part of it; the API server need not note who wrote each field.
            "x-kubernetes-map-type": "atomic",
        })
    }
}

/// The schema of any JSON value.
pub(super) fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// The schema of texts by name: at most 64, each of at most 4096 characters.
pub(super) fn texts_by_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {
            "type": "string",
            "maxLength": 4096,
            "description": "The text of that name.",
        },
    })
}
