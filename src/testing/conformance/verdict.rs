//! Whether a rule holds, and the checks that suites are made of.

use std::fmt;

use crate::engines::{EngineError, ErrorKind};

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
