//! Whether everything Mason needs is there: one check after the other, each with what to do.

mod checks;
mod cluster;
mod controller;
mod crds;
mod folder;
mod rights;

pub(crate) use checks::{Check, Verdict, checks};
