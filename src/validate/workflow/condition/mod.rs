//! Conditions of steps: `when`, a boolean in CEL over the run's parameters and what steps came to.
//!
//! A text becomes a [`Condition`] once, when the workflow is validated; it is decided once, when all that the step
//! waits for is settled. On the way: [`source`] bounds the text before the parser sees it; [`check`] visits the
//! parsed tree, allows known names and functions only, and rewrites it so that nothing is left that the `cel` crate
//! answers wrongly or with a panic; [`evaluate`] gives it the values that it names, and no others.
//!
//! Must not: catch panics, take an error for `false`, or read a value that the condition does not name.

mod check;
mod evaluate;
mod functions;
mod kind;
mod macros;
mod parse;
mod paths;
mod source;

pub use parse::Condition;
