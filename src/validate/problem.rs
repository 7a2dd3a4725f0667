//! What is wrong with a document, a run, a definition or a config: always all of it at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::conditions::Reason;
use crate::engines::nearest::nearest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The field, `spec.parameters.limit`; empty for the document as a whole.
    pub path: String,
    /// What is wrong with it, lower case, no full stop.
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why, as one word; `Invalid` unless there is a better one.
    #[serde(default = "invalid", skip_serializing_if = "is_invalid")]
    pub reason: Reason,
    /// Where it stands in the text that was read, `run.yaml:7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Problem {
    /// Makes a problem without a hint.
    #[must_use]
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            hint: None,
            reason: invalid(),
            place: None,
        }
    }

    /// Says why, as one word.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint, if there is one and the problem has none.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = self.hint.or(hint);
        self
    }
}

fn invalid() -> Reason {
    Reason::Invalid
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_invalid(reason: &Reason) -> bool {
    *reason == Reason::Invalid
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong; never empty when it is an error. Shown one per line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Returns whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns why, as one word: what all have in common, else `Invalid`;
    /// of several things that are missing the first.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let first = self.0.first().map_or(Reason::Invalid, |problem| problem.reason);
        let is_common = self.0.iter().all(|problem| problem.reason == first);
        if is_common || self.may_pass() { first } else { Reason::Invalid }
    }

    /// Returns whether nothing is wrong but what is missing, so that all may be well later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let passes = |problem: &Problem| {
            matches!(problem.reason, Reason::NotFound | Reason::ConfigNotShared)
        };
        !self.is_empty() && self.0.iter().all(passes)
    }

    /// Puts the problems of another resource under the field that names it.
    pub(super) fn within(self, path: &str, what: &str) -> Vec<Problem> {
        let moved = self.into_iter().map(|problem| {
            let message = format!("{what} is wrong: {}: {}", problem.path, problem.message);
            Problem::new(path, message).because(problem.reason).hint_if(problem.hint)
        });
        moved.collect()
    }

    /// Returns the value if nothing is wrong, else everything that is.
    ///
    /// # Errors
    /// When there is a problem.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Returns "did you mean …", or the list of what is known when nothing is near and the list is short.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    match known.len() {
        0 => None,
        1..=30 => Some(format!("known: {}", known.join(", "))),
        count => Some(format!("{count} are known, for example {}", known[..8].join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_shown_one_per_line_with_path_and_hint() {
        let problems = Problems(vec![
            Problem::new("spec.operator", "is missing"),
            Problem::new("", "is no object").hint("begin with `apiVersion`"),
        ]);
        let shown = "spec.operator: is missing\nis no object (hint: begin with `apiVersion`)";
        assert_eq!(problems.to_string(), shown);
    }
}
