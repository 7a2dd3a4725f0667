//! What many files have in common, kept once.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::bad_rows::Bad;
use crate::engines::schema::Schema;
use crate::engines::table::{FileFormat, PinnedFile};
use crate::formats::kinds::NearlyTyped;

/// What was found of a file that other files may have alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shape {
    pub(super) format: FileFormat,
    pub(super) schema: Schema,
    /// Whether a footer or header declares the schema.
    pub(super) declared: bool,
    pub(super) notes: Vec<String>,
    /// Why it cannot be told whether it has a header, unless other files show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unsure: Option<String>,
}

/// What was found of one file with content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    pub(super) shape: Arc<Shape>,
    /// How many rows were looked at and are not left out, or are stated; none where the format does
    /// not say.
    pub(super) rows: Option<u64>,
    /// What is null or left out because it is bad.
    pub(super) bad: Bad,
    /// How many bytes were read.
    pub(super) bytes: u64,
    /// Whether everything was looked at.
    pub(super) complete: bool,
    /// Columns of text at least half of whose values are of another kind.
    pub(super) nearly: Vec<NearlyTyped>,
}

/// What was found of a file; `None` for a file without content.
pub(super) type Looked = Option<FoundFile>;

/// Every shape once.
#[derive(Debug, Default)]
pub(super) struct Shapes(HashSet<Arc<Shape>>);

impl Shapes {
    /// Returns the one shape that is equal to this.
    pub(super) fn one(&mut self, shape: Arc<Shape>) -> Arc<Shape> {
        if let Some(known) = self.0.get(&shape) {
            return Arc::clone(known);
        }
        self.0.insert(Arc::clone(&shape));
        shape
    }
}

/// A file with what was found of it.
pub(super) type Found<'a> = (&'a PinnedFile, &'a FoundFile);
