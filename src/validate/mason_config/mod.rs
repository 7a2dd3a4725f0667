//! A config by itself: everything that would make every run with it fail.

mod config;

pub use config::validate_config;
