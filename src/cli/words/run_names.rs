//! Names for runs without one: `table-query-x7k2p`.

use rand::{Rng, RngExt as _};

/// Letters and digits that are not mistaken for one another and spell no words, as Kubernetes has them.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Most characters of a name.
const LONGEST: usize = 63;
/// How many characters are random.
const RANDOM: usize = 5;

/// Returns a new name that begins with a prefix, as `metadata.generateName` asks for.
pub(crate) fn from_prefix(prefix: &str, random: &mut impl Rng) -> String {
    let mut name: String = prefix.chars().take(LONGEST - RANDOM).collect();
    for _ in 0..RANDOM {
        name.push(char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    }
    name
}

/// Returns a new name for a run of an operator: `table/query` gives `table-query-x7k2p`.
pub(crate) fn of_operator(operator: &str, random: &mut impl Rng) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let plain: String = operator.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let cut: String = plain.chars().take(LONGEST - RANDOM - 1).collect();
    from_prefix(&format!("{}-", cut.trim_matches('-')), random)
}

/// Returns the name that retries of a run begin with, and the number of the next one: `x` is retried as
/// `x-r2`, and that as `x-r3`.
pub(crate) fn retried(name: &str) -> (&str, u32) {
    let numbered = name.rsplit_once("-r").and_then(|(base, number)| {
        let is_plain = !base.is_empty() && !number.starts_with('0');
        let number = number.parse::<u32>().ok().filter(|number| *number < 1_000_000)?;
        is_plain.then_some((base, number + 1))
    });
    numbered.unwrap_or((name, 2))
}

/// Returns the name of a retry.
pub(crate) fn of_retry(base: &str, number: u32) -> String {
    let ending = format!("-r{number}");
    let cut: String = base.chars().take(LONGEST - ending.len()).collect();
    format!("{}{ending}", cut.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn retries_are_numbered() {
        assert_eq!(retried("table-query-x7k2p"), ("table-query-x7k2p", 2));
        assert_eq!(retried("x-r2"), ("x", 3));
        assert_eq!(retried("x-r9"), ("x", 10));
        assert_eq!(retried("-r2"), ("-r2", 2));
        assert_eq!(retried("x-r02"), ("x-r02", 2));
        assert_eq!(retried("for-rent"), ("for-rent", 2));
        assert_eq!(of_retry("x", 10), "x-r10");
        assert_eq!(of_retry(&"a".repeat(63), 2).len(), 63);
    }

    proptest! {
        #[test]
        fn names_are_names_of_kubernetes(operator in "[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?", seed: u64) {
            let name = of_operator(&operator, &mut rand::rngs::ChaCha8Rng::seed_from_u64(seed));
            prop_assert!(name.len() <= 63);
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(!name.ends_with('-'));
        }
    }
}
