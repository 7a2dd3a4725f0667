//! What the environment says: the only place that reads environment variables, but for those that stand
//! for arguments of `mason controller`, which the parser of arguments reads, and those of `faults`, which
//! builds for tests have.
//!
//! Everything else gets an [`Environment`] as a value, so that it can be tested without touching the
//! process. Imports nothing of ours.

use std::ffi::OsString;
use std::path::PathBuf;

/// The environment variables that Mason reads, as they were when the process began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `MASON_STORE`: the folder that keeps resources.
    pub store: Option<PathBuf>,
    /// `MASON_CONTEXT`: the context of the kubeconfig whose cluster keeps resources instead.
    pub context: Option<String>,
    /// `MASON_NAMESPACE`: the namespace of resources that name none.
    pub namespace: Option<String>,
    /// `MASON_LOG`: what is logged, in the notation of tracing's filter: `mason=debug`.
    pub log: Option<String>,
    /// `NO_COLOR`: set and not empty when nothing may be coloured (<https://no-color.org>).
    pub no_color: bool,
    /// `XDG_DATA_HOME`: the user's data folder.
    pub data_home: Option<PathBuf>,
    /// `HOME`: the user's home folder.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is the one reader of the environment"
    )]
    pub fn of_process() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Reads variables by a function. A variable that is set to nothing counts as not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|text| text.to_string_lossy().into_owned());
        Self {
            store: set("MASON_STORE").map(PathBuf::from),
            context: text("MASON_CONTEXT"),
            namespace: text("MASON_NAMESPACE"),
            log: text("MASON_LOG"),
            no_color: set("NO_COLOR").is_some(),
            // The XDG specification wants relative paths ignored.
            data_home: set("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()),
            home: set("HOME").map(PathBuf::from),
        }
    }

    /// Returns the folder that keeps resources when none is named: `mason` in the user's data
    /// folder; nothing when the user has neither data folder nor home.
    ///
    /// # Source
    /// <https://specifications.freedesktop.org/basedir-spec/latest/>
    #[must_use]
    pub fn default_store(&self) -> Option<PathBuf> {
        let of_home = || self.home.as_ref().map(|home| home.join(".local/share"));
        Some(self.data_home.clone().or_else(of_home)?.join("mason"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_default_store_is_in_the_users_data_folder() {
        let folder = |variables| environment(variables).default_store();
        assert_eq!(folder(&[("HOME", "/h")]), Some("/h/.local/share/mason".into()));
        assert_eq!(folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]), Some("/d/mason".into()));
        assert_eq!(
            folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "relative")]),
            Some("/h/.local/share/mason".into())
        );
        assert_eq!(folder(&[]), None);
    }

    #[test]
    fn a_variable_set_to_nothing_is_not_set() {
        let read = environment(&[("NO_COLOR", ""), ("MASON_STORE", "")]);
        assert_eq!(read, Environment::default());
        assert!(environment(&[("NO_COLOR", "1")]).no_color);
    }
}
