//! What a suite found, rule by rule.

use std::fmt;

use super::verdict::{Doubt, Verdict};

/// What a suite found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The rules that hold.
    pub passed: Vec<String>,
    /// The rules that could not be checked, and why.
    pub skipped: Vec<(String, String)>,
    /// The rules that do not hold, and what was seen.
    pub failed: Vec<(String, String)>,
}

impl Report {
    /// Returns whether every rule that was checked holds.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failed.is_empty() && !self.passed.is_empty()
    }

    pub(super) fn add(&mut self, rule: &str, verdict: Verdict) {
        let rule = rule.to_owned();
        match verdict {
            Ok(()) => self.passed.push(rule),
            Err(Doubt::Skipped(why)) => self.skipped.push((rule, why)),
            Err(Doubt::Failed(why)) => self.failed.push((rule, why)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.passed {
            writeln!(formatter, "passed   {rule}")?;
        }
        for (rule, why) in &self.skipped {
            writeln!(formatter, "skipped  {rule}: {why}")?;
        }
        for (rule, why) in &self.failed {
            writeln!(formatter, "FAILED   {rule}: {why}")?;
        }
        Ok(())
    }
}
