//! What listings have in common: a pattern for names and a limit. Pure.

use globset::{GlobBuilder, GlobMatcher};

use super::Request;
use super::parameters::{count, optional, refused};
use crate::engines::EngineError;

/// Rows of a listing when the run says nothing else.
const ROWS: u64 = 1_000;

/// Which names are listed: parameter `pattern`.
pub(super) struct NameFilter(Option<GlobMatcher>);

impl NameFilter {
    /// Reads the pattern: `*` and `?` as in file names; the case of letters does not matter.
    ///
    /// # Errors
    /// `InvalidInput` when it is no pattern.
    pub(super) fn of(operator: &str, request: &Request) -> Result<Self, EngineError> {
        let Some(pattern) = optional(request, "pattern") else { return Ok(Self(None)) };
        let glob = GlobBuilder::new(pattern).case_insensitive(true).build().map_err(|source| {
            refused(operator, format!("parameter `pattern`: {pattern:?} is no pattern"))
                .with_hint("`*` stands for any text and `?` for one character: `sales_*`")
                .with_source(source)
        })?;
        Ok(Self(Some(glob.compile_matcher())))
    }

    /// Returns whether a name is listed.
    pub(super) fn accepts(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|glob| glob.is_match(name))
    }
}

/// Returns how many rows are listed at most: parameter `limit`.
///
/// # Errors
/// `InvalidInput` when it is negative.
pub(super) fn limit(operator: &str, request: &Request) -> Result<u64, EngineError> {
    Ok(count(operator, request, "limit")?.unwrap_or(ROWS))
}
