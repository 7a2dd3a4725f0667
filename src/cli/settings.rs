//! What holds for one call of `mason`: arguments and environment, resolved once.

use std::io::IsTerminal;
use std::path::PathBuf;

use tracing_subscriber::filter::LevelFilter;

use super::args::{Called, ColorChoice, Global};
use super::failure::Failure;
use super::words::shell_word;
use crate::api::resource::DEFAULT_NAMESPACE;
use crate::config::Environment;
use crate::store::kubernetes::ClusterChoice;
use crate::telemetry::Logging;

/// What holds for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where resources are kept.
    pub place: Place,
    /// The namespace that was asked for; a file may name another when it is absent.
    pub namespace: Option<String>,
    /// The namespace of resources that name none.
    pub default_namespace: Option<String>,
    /// The options that chose place and namespace, as a shell reads them, each with a space before it.
    pub chosen: String,
    /// How standard output and standard error are written to.
    pub style: Style,
    /// What is logged.
    pub logging: Logging,
}

/// Where resources are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a folder, and runs are driven by this process.
    Folder(PathBuf),
    /// In a cluster, and runs are driven by its controller.
    Cluster(ClusterChoice),
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
    pub(crate) fn resolve(
        global: &Global,
        environment: &Environment,
        called: Called,
    ) -> Result<Self, Failure> {
        Ok(Self {
            place: Place::resolve(global, environment, called)?,
            namespace: global.namespace.clone(),
            default_namespace: environment.namespace.clone(),
            chosen: chosen(global),
            style: Style::resolve(global.color, environment.no_color),
            logging: logging(global.verbose, environment.log.as_deref()),
        })
    }

    /// Returns the namespace that was asked for, else `default`.
    #[must_use]
    pub(crate) fn namespace(&self) -> &str {
        let asked = self.namespace.as_deref().or(self.default_namespace.as_deref());
        asked.unwrap_or(DEFAULT_NAMESPACE)
    }
}

impl Place {
    /// A cluster has to be asked for: that there is a kubeconfig is not enough, so that no person writes to
    /// a cluster by accident. A plugin of `kubectl` was asked for one by its name.
    fn resolve(
        global: &Global,
        environment: &Environment,
        called: Called,
    ) -> Result<Self, Failure> {
        let asked = global.cluster || global.context.is_some() || global.kubeconfig.is_some();
        let is_usual = environment.context.is_some() || called == Called::KubectlPlugin;
        if asked || (is_usual && global.store.is_none()) {
            return Ok(Self::Cluster(cluster_of(global, environment)));
        }
        let named = global.store.clone().or_else(|| environment.store.clone());
        let store = named.or_else(|| environment.default_store()).ok_or_else(|| {
            Failure::usage(
                "there is no folder to keep resources in: neither MASON_STORE nor HOME is set",
                "name one with --store ./mason",
            )
        })?;
        Ok(Self::Folder(store))
    }
}

/// Returns the options that choose place and namespace, as they were given.
#[must_use]
pub(crate) fn chosen(global: &Global) -> String {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let options = [
        ("--store", path(&global.store)),
        ("--kubeconfig", path(&global.kubeconfig)),
        ("--context", global.context.clone()),
        ("--namespace", global.namespace.clone()),
    ];
    let cluster = if global.cluster { " --cluster" } else { "" };
    let given = options.into_iter().filter_map(|(option, value)| Some((option, value?)));
    let words = given.map(|(option, value)| format!(" {option} {}", shell_word(&value)));
    std::iter::once(cluster.to_owned()).chain(words).collect()
}

/// Returns the cluster that arguments and environment name.
#[must_use]
pub(crate) fn cluster_of(global: &Global, environment: &Environment) -> ClusterChoice {
    ClusterChoice {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone().or_else(|| environment.context.clone()),
        silence: None,
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
        Global {
            store: None,
            cluster: false,
            context: None,
            kubeconfig: None,
            namespace: None,
            color: ColorChoice::Auto,
            verbose: 0,
        }
    }

    fn place(global: &Global, environment: &Environment, called: Called) -> Place {
        Settings::resolve(global, environment, called).expect("should be settings").place
    }

    #[test]
    fn the_argument_wins_over_the_environment() {
        let mut environment = Environment { home: Some("/h".into()), ..Environment::default() };
        let place =
            |global: &Global, environment: &Environment| place(global, environment, Called::Mason);
        assert_eq!(place(&global(), &environment), Place::Folder("/h/.local/share/mason".into()));
        environment.store = Some("/e".into());
        assert_eq!(place(&global(), &environment), Place::Folder("/e".into()));
        let argument = Global { store: Some("/a".into()), ..global() };
        assert_eq!(place(&argument, &environment), Place::Folder("/a".into()));
    }

    #[test]
    fn a_cluster_has_to_be_asked_for() {
        let home = Environment { home: Some("/h".into()), ..Environment::default() };
        let context = Environment { context: Some("e".to_owned()), ..home.clone() };
        let store = Global { store: Some("/a".into()), ..global() };
        let chosen = |context: Option<&str>| {
            let context = context.map(str::to_owned);
            Place::Cluster(ClusterChoice { context, ..ClusterChoice::default() })
        };
        let named = Global { context: Some("a".to_owned()), ..global() };
        let current = Global { cluster: true, ..global() };
        assert_eq!(place(&named, &context, Called::Mason), chosen(Some("a")));
        assert_eq!(place(&current, &home, Called::Mason), chosen(None));
        assert_eq!(place(&global(), &context, Called::Mason), chosen(Some("e")));
        assert_eq!(place(&global(), &home, Called::KubectlPlugin), chosen(None));
        for (environment, called) in
            [(&home, Called::Mason), (&context, Called::Mason), (&home, Called::KubectlPlugin)]
        {
            assert_eq!(place(&store, environment, called), Place::Folder("/a".into()));
        }
    }

    #[test]
    fn a_user_without_home_is_told_to_name_a_folder() {
        let refused = Settings::resolve(&global(), &Environment::default(), Called::Mason);
        assert!(matches!(refused, Err(Failure::Usage { hint: Some(_), .. })));
    }
}
