//! The names of columns: from a header, with a fixed rule for empty and repeated ones.

use std::collections::HashSet;

/// The names of a file's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// One per cell of a record, each different from the others.
    pub(crate) names: Vec<String>,
    /// What was changed.
    pub(crate) notes: Vec<String>,
}

/// Returns `column_1`, `column_2` and so on.
pub(crate) fn numbered(count: usize) -> Names {
    Names { names: (1..=count).map(|n| format!("column_{n}")).collect(), notes: Vec::new() }
}

/// Returns the names that the cells of a header give: spaces around them are dropped, an empty one
/// becomes `column_<position>`, a repeated one gets `_2`, `_3` and so on. Nothing when one is not text.
pub(crate) fn from_header(cells: &[Vec<u8>]) -> Option<Names> {
    let given: Vec<&str> =
        cells.iter().map(|cell| std::str::from_utf8(cell).ok()).collect::<Option<_>>()?;
    let mut used: HashSet<String> = HashSet::new();
    let reserved: HashSet<&str> = given.iter().map(|name| name.trim()).collect();
    let mut found = Names::default();
    for (index, given) in given.iter().enumerate() {
        let position = index + 1;
        let base = match given.trim() {
            "" => format!("column_{position}"),
            name => name.to_owned(),
        };
        let name = free_name(&base, &used, &reserved);
        if name != *given {
            found.notes.push(format!("column {position}: name {given:?} is read as `{name}`"));
        }
        used.insert(name.clone());
        found.names.push(name);
    }
    Some(found)
}

/// Returns the name, or the first of `name_2`, `name_3` ... that no column has.
fn free_name(base: &str, used: &HashSet<String>, reserved: &HashSet<&str>) -> String {
    if !used.contains(base) {
        return base.to_owned();
    }
    // One more number than there are names that could be in the way.
    (2..=used.len() + reserved.len() + 2)
        .map(|number| format!("{base}_{number}"))
        .find(|name| !used.contains(name) && !reserved.contains(name.as_str()))
        .expect("should be one more number than names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_repeated_names_follow_the_rule() {
        let cells: Vec<Vec<u8>> =
            ["a", "", "a", " b ", "a_2", "a", ""].iter().map(|c| c.as_bytes().to_vec()).collect();
        let names = from_header(&cells).expect("should be names");
        assert_eq!(names.names, ["a", "column_2", "a_3", "b", "a_2", "a_4", "column_7"]);
        assert_eq!(names.notes.len(), 5);
        assert!(names.notes[1].contains("`a_3`"), "{:?}", names.notes);
    }
}
