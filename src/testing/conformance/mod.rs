//! One suite per engine trait, which every client of that role must pass.
//!
//! A suite checks each rule of the trait's docs by itself and reports what passed, what failed and
//! what was left out, with the reason. It asks only what the trait offers, and never panics.

pub mod execution;
pub mod metastore;
pub mod storage;

use std::fmt;

use crate::engines::{EngineError, ErrorKind};

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

    fn add(&mut self, rule: &str, verdict: Verdict) {
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

/// Why a rule was not seen to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    Skipped(String),
    Failed(String),
}

pub(crate) type Verdict = Result<(), Doubt>;

impl From<EngineError> for Doubt {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(crate) fn failed(why: impl Into<String>) -> Doubt {
    Doubt::Failed(why.into())
}

/// Checks that something is so.
pub(crate) fn holds(is_so: bool, why_not: impl FnOnce() -> String) -> Verdict {
    if is_so { Ok(()) } else { Err(Doubt::Failed(why_not())) }
}

/// Checks that a call fails with a kind.
pub(crate) fn fails<T: fmt::Debug>(
    result: Result<T, EngineError>,
    kind: ErrorKind,
) -> Result<EngineError, Doubt> {
    match result {
        Err(error) if error.kind == kind => Ok(error),
        Err(error) => Err(failed(format!("{kind:?} was expected, it failed with {error:?}"))),
        Ok(value) => Err(failed(format!("{kind:?} was expected, it returned {value:?}"))),
    }
}
