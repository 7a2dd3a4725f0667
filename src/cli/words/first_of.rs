//! Names in a sentence.

/// Returns the first ten names, and how many more there are.
#[must_use]
pub(crate) fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(10) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
