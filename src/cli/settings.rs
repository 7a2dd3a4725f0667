//! What holds for one call of `mason`: arguments and environment, resolved once.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use tracing_subscriber::filter::LevelFilter;

use super::args::{ColorChoice, Global};
use super::failure::Failure;
use crate::api::resource::DEFAULT_NAMESPACE;
use crate::config::Environment;
use crate::telemetry::Logging;

/// What holds for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder that keeps resources.
    pub store: PathBuf,
    /// The namespace that was asked for; a file may name another when it is absent.
    pub namespace: Option<String>,
    /// How standard output and standard error are written to.
    pub style: Style,
    /// What is logged.
    pub logging: Logging,
}

/// How standard output and standard error are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "two facts about each of two streams")]
pub(crate) struct Style {
    /// Whether standard output is coloured.
    pub colour_out: bool,
    /// Whether standard error is coloured.
    pub colour_error: bool,
    /// Whether standard output is a terminal: tables then fit its width.
    pub terminal_out: bool,
    /// Whether standard error is a terminal: progress is then drawn as bars.
    pub terminal_error: bool,
}

impl Settings {
    /// Resolves arguments and environment. An argument wins over the environment.
    ///
    /// # Errors
    /// When no folder for resources is named and the user has no home.
    pub(crate) fn resolve(global: &Global, environment: &Environment) -> Result<Self, Failure> {
        let named = global.store.clone().or_else(|| environment.store.clone());
        let store = named.or_else(|| environment.default_store()).ok_or_else(|| {
            Failure::usage(
                "there is no folder to keep resources in: neither MASON_STORE nor HOME is set",
                "name one with --store ./mason",
            )
        })?;
        Ok(Self {
            store,
            namespace: global.namespace.clone(),
            style: Style::resolve(global.color, environment.no_color),
            logging: logging(global.verbose, environment.log.as_deref()),
        })
    }

    /// Returns the namespace that was asked for, else `default`.
    #[must_use]
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
    }

    /// Returns the folder that keeps resources.
    #[must_use]
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }
}

impl Style {
    /// Looks at the two streams. `NO_COLOR` wins over everything but `--color always`.
    #[must_use]
    pub(crate) fn resolve(choice: ColorChoice, no_color: bool) -> Self {
        let (out, error) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let colour = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !no_color,
        };
        Self {
            colour_out: colour(out),
            colour_error: colour(error),
            terminal_out: out,
            terminal_error: error,
        }
    }
}

/// Returns what is logged, by how often `-v` was given and the filter of the environment.
pub(crate) fn logging(verbose: u8, filter: Option<&str>) -> Logging {
    match (verbose, filter) {
        (0, None) => Logging::Off,
        (0, Some(filter)) => Logging::Filter(filter.to_owned()),
        (1, _) => Logging::Level(LevelFilter::DEBUG),
        _ => Logging::Level(LevelFilter::TRACE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global { store: None, namespace: None, color: ColorChoice::Auto, verbose: 0 }
    }

    #[test]
    fn the_argument_wins_over_the_environment() {
        let mut environment = Environment { home: Some("/h".into()), ..Environment::default() };
        let store = |global: &Global, environment: &Environment| {
            Settings::resolve(global, environment).map(|settings| settings.store)
        };
        assert_eq!(store(&global(), &environment).ok(), Some("/h/.local/share/mason".into()));
        environment.store = Some("/e".into());
        assert_eq!(store(&global(), &environment).ok(), Some("/e".into()));
        let argument = Global { store: Some("/a".into()), ..global() };
        assert_eq!(store(&argument, &environment).ok(), Some("/a".into()));
    }

    #[test]
    fn a_user_without_home_is_told_to_name_a_folder() {
        let refused = Settings::resolve(&global(), &Environment::default());
        assert!(matches!(refused, Err(Failure::Usage { hint: Some(_), .. })));
    }
}
