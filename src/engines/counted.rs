//! Counts in messages: `1 row`, `2 rows`.

use std::fmt::Display;

/// Returns a count with its noun, which gets an `s` unless the count is 1.
pub fn counted<N: Copy + Display + TryInto<u64>>(count: N, noun: &str) -> String {
    let one = count.try_into().is_ok_and(|count: u64| count == 1);
    if one { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular_and_all_else_plural() {
        assert_eq!(counted(0_u64, "row"), "0 rows");
        assert_eq!(counted(1_usize, "row"), "1 row");
        assert_eq!(counted(1_u32, "partition key"), "1 partition key");
        assert_eq!(counted(12_i64, "file"), "12 files");
    }
}
