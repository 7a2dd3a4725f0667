//! A run, its definition and its config to a [`ValidRun`], or all problems.

mod run;

pub use run::validate;
