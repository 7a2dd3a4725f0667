//! A definition by itself: everything that would make every run of it fail.

mod definition;

pub(super) use definition::check_parameters;
pub use definition::validate_definition;
