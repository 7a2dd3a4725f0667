//! The operator definitions that are part of the program: every file below `operators/`.
//!
//! They are looked up after those of the store, so a definition of one's own takes precedence.

use std::sync::LazyLock;

use include_dir::{Dir, DirEntry, include_dir};

use crate::api::v1alpha1::OperatorDefinition;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/operators");

/// Returns every definition that is part of the program, by operator.
#[must_use]
pub fn definitions() -> &'static [OperatorDefinition] {
    static DEFINITIONS: LazyLock<Vec<OperatorDefinition>> = LazyLock::new(|| {
        let mut definitions: Vec<OperatorDefinition> = files()
            .into_iter()
            .map(|(_, text)| {
                serde_saphyr::from_str(text).expect("should be a definition: a test reads each one")
            })
            .collect();
        definitions.sort_by(|left, right| left.spec.operator.cmp(&right.spec.operator));
        definitions
    });
    &DEFINITIONS
}

/// Returns the files that the definitions come from: path below `operators/`, and text.
#[must_use]
pub fn files() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut open: Vec<&DirEntry<'static>> = FILES.entries().iter().collect();
    while let Some(entry) = open.pop() {
        match entry {
            DirEntry::Dir(folder) => open.extend(folder.entries()),
            DirEntry::File(file) => {
                let is_yaml = file.path().extension().is_some_and(|ending| ending == "yaml");
                let path = file.path().to_str().filter(|_| is_yaml);
                found.extend(path.zip(file.contents_utf8()));
            }
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_below_operators_is_a_definition_named_as_its_operator() {
        assert_eq!(files().len(), definitions().len());
        for (path, text) in files() {
            let definition: OperatorDefinition = serde_saphyr::from_str(text).expect(path);
            assert_eq!(format!("{}.yaml", definition.spec.operator), path);
            let name = definition.spec.operator.replace('/', "-");
            assert_eq!(definition.metadata.name.as_deref(), Some(name.as_str()), "{path}");
        }
    }

    #[test]
    fn no_file_is_left_out() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("operators");
        let mut open = vec![root];
        let mut count = 0;
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("should list") {
                let path = entry.expect("should be an entry").path();
                if path.is_dir() { open.push(path) } else { count += 1 }
            }
        }
        assert_eq!(count, files().len(), "every file below operators/ ends in .yaml and is UTF-8");
    }
}
