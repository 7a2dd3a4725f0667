//! The page `docs/resources.md`, whose tables are made from the types.

use std::fmt::Write as _;

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::api::conditions::{Reason, of_phase};
use crate::api::v1alpha1::{ParameterType, Phase, StepPhase};

/// Returns the text of `docs/resources.md`.
pub(super) fn resources_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Phases of a run\n\n");
    table::<Phase>(&mut page, "phase");
    page.push_str("\nEach phase says what every condition of the run is:\n\n");
    phases(&mut page);
    page.push_str("\n## Phases of a step of a workflow\n\n");
    table::<StepPhase>(&mut page, "phase");
    page.push_str(
        "\n## Reasons\n\nThe reason of a condition, a phase or an attempt is one of these:\n\n",
    );
    table::<Reason>(&mut page, "reason");
    page.push_str("\n## Types of parameters\n\n");
    table::<ParameterType>(&mut page, "type");
    page.push_str(CONVERSIONS);
    page
}

/// Adds a table of an enum's words with their docs.
fn table<T: JsonSchema>(page: &mut String, what: &str) {
    let _ = write!(page, "| {what} | meaning |\n|---|---|\n");
    let schema = schema_for!(T).to_value();
    for variant in schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let word = variant["const"].as_str().unwrap_or_default();
        let meaning = variant["description"].as_str().unwrap_or_default().replace('\n', " ");
        let _ = writeln!(page, "| `{word}` | {} |", meaning.replace('|', "\\|"));
    }
}

fn phases(page: &mut String) {
    let names = of_phase(Phase::Pending).map(|(condition, _)| format!("{condition:?}"));
    let _ =
        writeln!(page, "| phase | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    let schema = schema_for!(Phase).to_value();
    for variant in schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let word: &Value = &variant["const"];
        let Ok(phase) = serde_json::from_value::<Phase>(word.clone()) else { continue };
        let truths = of_phase(phase).map(|(_, truth)| format!("{truth:?}"));
        let _ = writeln!(page, "| `{}` | {} |", phase.as_str(), truths.join(" | "));
    }
}

const INTRODUCTION: &str = "\
<!-- Made by `make generate` from the types in src/api; do not edit. -->
# Resources

A resource is a document in YAML or JSON with `apiVersion: mason.dev/v1alpha1`, a `kind`, `metadata` and a
`spec`. `mason explain` and `kubectl explain` show every field.

## How documents are read

- A file may hold several documents, separated by `---`. One with problems does not hide the others, and all
  its problems come at once, each with file, line, field and, where there is one, a hint.
- YAML is version 1.2: only `true` and `false` are booleans (`no` and `on` are texts). What looks like a
  number is one: `007` is 7, so put it in quotes to keep it.
- A field that is not known, a key that stands twice, another `apiVersion` or kind are refused.
- Nesting is limited to 64 levels, and aliases to 10,000 values in all.
- A status in a document is checked, but only Mason sets it: applying a document ignores it.

## What may change

A run is frozen once it exists: only `suspend`, `cancel` (one way), `ttl` and `resolution` may change. A final
phase stays, attempts are only added, their tokens never change, and what was resolved before the first launch
stays as it was. These rules stand in the schemas, so an API server and the command line both enforce them.
";

const CONVERSIONS: &str = "
The command line gives texts and documents give typed values. A text is accepted wherever it says exactly one
value of the type; nothing is converted the other way, because a number does not say how it was written.

| type | besides values of the type, accepted is |
|---|---|
| `integer` | a text such as `\"5\"`; a number such as `1e3` that loses nothing as a whole number |
| `number` | a text such as `\"0.5\"`; never `NaN` or infinite |
| `boolean` | the texts `\"true\"` and `\"false\"` |
| `list` | a text, split at commas, or a text with a list in JSON (`[\"a,b\", \"c\"]`); numbers with only one way to be written as items; no empty items |
| `json` | a text with JSON in it; a text that is meant as such has quotes of its own (`'\"text\"'`) |
| `path` | patterns with `*`, `**`, `?`, `[…]` and `{…}`; a trailing `/` is dropped |
| the others | texts only: numbers need quotes |

`enum` and `pattern` speak about the text of a value and about every item of a list; a pattern must match the
whole text. A parameter with an alias may be given by either name, never by both. A run that leaves a parameter
out gets the definition's default, and the run records where each value came from.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_resources_is_not_stale() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/resources.md");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == resources_page(), "docs/resources.md is stale: run `make generate`");
    }

    #[test]
    fn every_reason_and_phase_stands_in_the_page_with_its_meaning() {
        let page = resources_page();
        assert_eq!(page.matches("\n| `OutOfMemory` | The work needed more memory").count(), 1);
        assert_eq!(
            page.matches("\n| `Suspended` | False | False | True | Unknown | False |").count(),
            1
        );
        assert!(!page.contains("|  |"), "no empty cell");
    }
}
