//! Logging: lines on standard error, only when somebody asks for them.
//!
//! Results go to standard output and messages for people are printed by the command line itself;
//! this is for looking into Mason. Imports nothing of ours.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    /// Nothing.
    Off,
    /// Everything of Mason from a level on.
    Level(LevelFilter),
    /// What a filter says, in tracing's notation: `mason=debug,datafusion=info`.
    Filter(String),
}

impl Logging {
    /// Returns what is logged by a process that nobody looks at while it works: no less than what
    /// happens.
    #[must_use]
    pub fn or_info(&self) -> Self {
        match self {
            Self::Off => Self::Level(LevelFilter::INFO),
            chosen => chosen.clone(),
        }
    }
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("{filter:?} is not a filter for logging")]
    Filter {
        /// The text.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Begins to log to standard error; costs nothing when nothing is logged. A second call changes
/// nothing.
///
/// # Errors
/// When the filter is not one.
pub fn start(logging: &Logging, colour: bool) -> Result<(), Error> {
    let filter = match logging {
        Logging::Off => return Ok(()),
        Logging::Level(level) => EnvFilter::builder().parse_lossy(format!("mason={level}")),
        Logging::Filter(filter) => EnvFilter::builder()
            .parse(filter)
            .map_err(|source| Error::Filter { filter: filter.clone(), source })?,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .finish();
    // Somebody who set a subscriber before keeps it.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = start(&Logging::Filter("mason=loud".to_owned()), false);
        let text = error.expect_err("should be refused").to_string();
        assert_eq!(text, "\"mason=loud\" is not a filter for logging");
    }
}
