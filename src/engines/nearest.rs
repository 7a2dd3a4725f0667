//! Names that come near to one that is not known: the one measure for every hint. Pure.

/// How alike two names are at least, within 0 to 1.
const LEAST: f64 = 0.6;
/// Characters of a name that are compared.
const MOST_CHARACTERS: usize = 255;

/// Returns the known word nearest to the given one, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_of(word, known, 1).pop()
}

/// Returns the question whether one of the names that come near was meant, if any comes near: at most three.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest_of(word, known, 3);
    let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// Returns the known words that are near enough to be meant, each once, the nearest first, at most so many. Upper and
/// lower case are the same.
#[must_use]
pub fn nearest_of<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let word: String = word.chars().take(MOST_CHARACTERS).collect::<String>().to_lowercase();
    let likeness =
        |known: &str| strsim::normalized_damerau_levenshtein(&word, &known.to_lowercase());
    let mut near: Vec<(f64, &str)> = known
        .into_iter()
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness >= LEAST)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut words: Vec<&str> = Vec::new();
    for (_, known) in near {
        if words.len() < most && !words.contains(&known) {
            words.push(known);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_the_far_not_at_all() {
        let known = ["orders", "border", "Order", "customers"];
        assert_eq!(nearest_of("order", known, 3), ["Order", "orders", "border"]);
        assert_eq!(nearest_of("order", known, 1), ["Order"]);
        assert_eq!(nearest("paramters", ["parameters", "operator"]), Some("parameters"));
        assert_eq!(nearest("xyz", ["parameters", "operator"]), None);
        assert_eq!(nearest_of("plans", ["planes", "planes", "plan"], 2), ["planes", "plan"]);
    }
}
