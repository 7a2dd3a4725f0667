//! What a value is, and why a column that nearly has a type is text, in words.

use super::node::Node;
use crate::formats::kinds::{Kept, Kinds, NearlyTyped, Sort};

/// How many kinds of values there are, besides texts.
pub(super) const KINDS: usize = 5;

const NUMBERS: usize = 0;
const BOOLEANS: usize = 1;
const OBJECTS: usize = 2;
const LISTS: usize = 3;
const BINARIES: usize = 4;
const TEXTS: usize = KINDS;

/// Returns what a value is; `None` for a null.
pub(super) fn of(node: &Node<'_>) -> Option<Sort> {
    let kind = match node {
        Node::Null => return None,
        Node::Text(_) => TEXTS,
        Node::Int(_) | Node::Float(..) | Node::Inexact(_) => NUMBERS,
        Node::Bool(_) => BOOLEANS,
        Node::Object(_) => OBJECTS,
        Node::List(_) => LISTS,
        Node::Binary(_) => BINARIES,
    };
    Some(Sort { kind, form: 0 })
}

/// Returns what kept the values of a column of text from being all of the kind that most are of.
pub(super) fn nearly(kinds: &Kinds<KINDS>, values: u64, column: &str) -> Option<NearlyTyped> {
    let most = kinds.most(values)?;
    let text = most.met.text.as_str();
    let value = match (most.sort.kind, most.kept) {
        (_, Kept::Unheld) => format!("{text} has more digits than its type keeps"),
        (TEXTS, _) => format!("{text:?} is a text"),
        (NUMBERS, _) => format!("{text} is a number"),
        (BOOLEANS, _) => format!("{text} is a boolean"),
        (OBJECTS, _) => format!("{} is an object", text.escape_debug()),
        (LISTS, _) => format!("{} is a list", text.escape_debug()),
        _ => format!("{text} is binary"),
    };
    let kind = match most.kind {
        NUMBERS => "numbers",
        BOOLEANS => "booleans",
        OBJECTS => "objects",
        LISTS => "lists",
        _ => "binary",
    };
    Some(most.told(column, kind, value))
}

#[cfg(test)]
mod tests {
    use crate::formats::nested::node::Node;
    use crate::formats::nested::shape::Members;

    fn why(values: &[&str]) -> Option<String> {
        let mut whole = Members::default();
        for (row, value) in values.iter().enumerate() {
            let row_text = format!("{{\"c\": {value}}}");
            let Ok(Node::Object(object)) = Node::from_json(&row_text) else {
                panic!("should be an object: {row_text}");
            };
            let mut part = Members::default();
            part.add_row(&object, 0);
            whole.merge(row as u64, &part);
        }
        let nearly = whole.nearly().pop()?;
        Some(format!(
            "row {}: {}; {} of {} {}",
            nearly.row, nearly.value, nearly.fits, nearly.values, nearly.kind
        ))
    }

    #[test]
    fn what_kept_a_column_from_a_type_is_told() {
        for (values, expected) in [
            (
                &["1", "null", "\"n/a\"", "2.5"][..],
                Some(r#"row 3: "n/a" is a text; 2 of 3 numbers"#),
            ),
            (&["1", "true"], Some("row 2: true is a boolean; 1 of 2 numbers")),
            (&["[1]", "2"], Some("row 1: [1] is a list; 1 of 2 numbers")),
            (&["{\"a\":1}", "\"\""], Some(r#"row 2: "" is a text; 1 of 2 objects"#)),
            (
                &["0.5", "9007199254740993"],
                Some("row 2: 9007199254740993 has more digits than its type keeps; 2 of 2 numbers"),
            ),
            (
                &["12345678901234567890"],
                Some(
                    "row 1: 12345678901234567890 has more digits than its type keeps; 1 of 1 numbers",
                ),
            ),
            (&["\"a\"", "\"b\""], None),
            (&["9007199254740993", "1"], None),
            (&["1", "\"a\"", "\"b\""], None),
        ] {
            assert_eq!(why(values).as_deref(), expected, "{values:?}");
        }
    }
}
