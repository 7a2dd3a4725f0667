//! What is stated of how delimited text is read; the rest is detected.

use serde::{Deserialize, Serialize};

use super::table::CsvDialect;

/// What is known of delimited text before it is read; each part is detected when it is not given.
/// Files of other formats are read as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// Whether the first record holds the column names.
    pub header: Option<bool>,
    /// What separates cells; one character or several.
    pub delimiter: Option<String>,
    /// Unquoted cells that mean null, besides the empty cell.
    pub null_tokens: Vec<String>,
}

impl Reading {
    /// Returns how text of this dialect is read again.
    #[must_use]
    pub fn of(dialect: &CsvDialect) -> Self {
        Self {
            header: Some(dialect.header),
            delimiter: Some(dialect.delimiter.clone()),
            null_tokens: dialect.null_tokens.clone(),
        }
    }

    /// Returns whether anything is stated.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        *self != Self::default()
    }

    /// Returns everything that no delimited text can be read with, in words; empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let ends_line = |text: &str| text.contains(['\n', '\r']);
        let mut problems = Vec::new();
        if let Some(delimiter) = &self.delimiter {
            if delimiter.is_empty() {
                problems.push("the delimiter is empty".to_owned());
            } else if ends_line(delimiter) || delimiter.contains('"') {
                problems.push(format!("the delimiter {delimiter:?} holds a line end or a quote"));
            }
        }
        for token in &self.null_tokens {
            let delimiter = self.delimiter.as_deref().filter(|text| !text.is_empty());
            let why = if ends_line(token) {
                "holds a line end"
            } else if token.starts_with('"') {
                "begins with a quote"
            } else if delimiter.is_some_and(|delimiter| token.contains(delimiter)) {
                "holds the delimiter"
            } else {
                continue;
            };
            problems.push(format!("the null token {token:?} {why}, as no unquoted cell does"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told() {
        let reading = |delimiter: &str, tokens: &[&str]| Reading {
            header: None,
            delimiter: Some(delimiter.to_owned()),
            null_tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
        };
        assert!(reading(";", &["NA", "-", "n/a"]).problems().is_empty());
        let problems = reading(";", &["a;b", "\"x\"", "ok", "a\nb"]).problems().join("\n");
        for part in ["\"a;b\" holds the delimiter", "begins with a quote", "holds a line end"] {
            assert!(problems.contains(part), "{problems}");
        }
        assert_eq!(problems.lines().count(), 3, "the token `ok` is fine");
        assert_eq!(reading("", &[]).problems(), ["the delimiter is empty"]);
        assert_eq!(reading("\"", &[]).problems().len(), 1);
    }

    #[test]
    fn nothing_is_stated_by_default() {
        assert!(!Reading::default().is_stated());
        assert!(Reading { header: Some(false), ..Reading::default() }.is_stated());
    }
}
