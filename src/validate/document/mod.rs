//! Texts in YAML or JSON to resources, or all problems of each document.
//!
//! A document is checked as a value against the schema generated from the types, then by the rules
//! of that schema, and only then becomes a type: so every unknown field, wrong type and missing field
//! is found at once, with its line, and not only the first that a deserialiser meets.

mod read;
mod schema_check;
mod text;

pub use read::{check, read_bytes, read_documents, read_with_origins};
pub use text::Origin;
