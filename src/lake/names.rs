//! Names: which database or table of a folder is meant, and which names come near.

use super::error::error;
use crate::engines::nearest::did_you_mean;
use crate::engines::{EngineError, ErrorKind};

/// Returns the one name that is meant, compared without regard to ASCII case.
///
/// # Errors
/// `NotFound` with the nearest names as hint; `InvalidInput` naming the places of all that match.
pub(crate) fn resolve<'a, T>(
    what: &str,
    wanted: &str,
    known: &'a [T],
    name_of: impl Fn(&T) -> &str,
    place_of: impl Fn(&T) -> String,
) -> Result<&'a T, EngineError> {
    let operation = format!("find a {what}");
    let matching: Vec<&T> =
        known.iter().filter(|one| name_of(one).eq_ignore_ascii_case(wanted)).collect();
    match matching.as_slice() {
        [one] => Ok(one),
        [] => {
            let shown: String = wanted.chars().take(120).collect();
            let missing =
                error(ErrorKind::NotFound, &operation, format!("there is no {what} `{shown}`"));
            Err(match did_you_mean(wanted, known.iter().map(name_of)) {
                Some(hint) => missing.with_hint(hint),
                None if known.is_empty() => missing.with_hint(format!("there is no {what} at all")),
                None => missing,
            })
        }
        several => {
            let places: Vec<_> = several.iter().map(|one| format!("`{}`", place_of(one))).collect();
            let message = format!("`{wanted}` may be any of {}", places.join(" and "));
            Err(error(ErrorKind::InvalidInput, &operation, message)
                .with_hint("names are compared without regard to case and file ending; rename one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_name_gets_the_nearest_as_hint() {
        let known = ["orders".to_owned(), "customers".to_owned()];
        let find = |wanted| resolve("table", wanted, &known, |name| name, Clone::clone);
        assert_eq!(find("ORDERS").expect("should be found"), "orders");
        let error = find("order").expect_err("should not be found");
        assert_eq!(error.hint.as_deref(), Some("did you mean `orders`?"));
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
}
