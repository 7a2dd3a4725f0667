//! A run, its definition and its config to a [`ValidRun`], or all problems.

mod run;

pub(super) use run::problems_of;
pub use run::validate;
