//! The roles of engines, one value for each of them, and the engines that fill them for a run.
//!
//! Kinds of the API name their roles as fields, because each has its own documentation there; the conversions
//! here are the only code that lists those fields. Everything else goes over [`Role::ALL`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::metastore::Changes;
use super::partitions::PartitionPruner;
use super::{EngineError, ErrorKind, Execution, Metastore, Storage};
use crate::api::v1alpha1::{
    ClientKind, EngineChoice, EngineChoices, EngineClients, SupportedConfiguration,
};

/// An engine role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Knows databases and tables.
    Metastore,
    /// Keeps files.
    Storage,
    /// Runs jobs.
    Execution,
    /// Starts work at set times. No config can name a client for it yet.
    Scheduler,
}

impl Role {
    /// Every role, in the order of the docs.
    pub const ALL: [Self; 4] = [Self::Metastore, Self::Storage, Self::Execution, Self::Scheduler];

    /// Returns the role's word in a config.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metastore => "metastore",
            Self::Storage => "storage",
            Self::Execution => "execution",
            Self::Scheduler => "scheduler",
        }
    }
}

/// One value for each role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByRole<T>([T; Role::ALL.len()]);

impl<T> ByRole<T> {
    /// Returns the values that a function has for the roles, asked in their order.
    pub fn from_fn(value: impl FnMut(Role) -> T) -> Self {
        Self(Role::ALL.map(value))
    }

    /// Returns the value of a role.
    #[must_use]
    pub fn get(&self, role: Role) -> &T {
        &self.0[role as usize]
    }

    /// Returns the value of a role, to be changed.
    pub fn get_mut(&mut self, role: Role) -> &mut T {
        &mut self.0[role as usize]
    }

    /// Returns every role with its value, in the order of the docs.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &T)> {
        Role::ALL.into_iter().zip(&self.0)
    }
}

impl<'a> From<&'a EngineClients> for ByRole<&'a [String]> {
    /// Returns the names of the clients of each role, in order of preference.
    fn from(clients: &'a EngineClients) -> Self {
        Self([&clients.metastore, &clients.storage, &clients.execution, &[]])
    }
}

impl From<&SupportedConfiguration> for ByRole<Option<ClientKind>> {
    /// Returns the type of client that a set asks for in each role.
    fn from(set: &SupportedConfiguration) -> Self {
        Self([set.metastore, set.storage, set.execution, None])
    }
}

impl<'a> From<&'a EngineChoices> for ByRole<Option<&'a EngineChoice>> {
    /// Returns the client that was picked for each role.
    fn from(choices: &'a EngineChoices) -> Self {
        let EngineChoices { metastore, storage, execution } = choices;
        Self([metastore.as_ref(), storage.as_ref(), execution.as_ref(), None])
    }
}

impl From<ByRole<Option<EngineChoice>>> for EngineChoices {
    /// Returns what was picked as a run records it.
    fn from(choices: ByRole<Option<EngineChoice>>) -> Self {
        let ByRole([metastore, storage, execution, _]) = choices;
        Self { metastore, storage, execution }
    }
}

/// The engines that matching picked for a run. A role that nothing was picked for is empty.
#[derive(Clone, Default)]
pub struct Engines {
    /// Knows databases and tables.
    pub metastore: Option<Arc<dyn Metastore>>,
    /// Keeps files.
    pub storage: Option<Arc<dyn Storage>>,
    /// Runs jobs.
    pub execution: Option<Arc<dyn Execution>>,
    /// Whether these are the engines of a job, where anything may be read.
    pub in_job: bool,
    /// Says which partitions a query needs, in a job whose engine can tell.
    pub pruner: Option<Arc<dyn PartitionPruner>>,
}

impl Engines {
    /// Most files that are listed outside a job: the process that drives runs holds no longer list.
    pub const MOST_FILES: usize = 10_000;

    /// Returns the most files that may be listed here.
    #[must_use]
    pub fn most_files(&self) -> usize {
        if self.in_job { usize::MAX } else { Self::MOST_FILES }
    }

    /// Returns the engine that knows databases and tables.
    ///
    /// # Errors
    /// `InvalidInput` when the run has none.
    pub fn metastore(&self) -> Result<&Arc<dyn Metastore>, EngineError> {
        self.metastore.as_ref().ok_or_else(|| empty(Role::Metastore))
    }

    /// Returns the engine that keeps files.
    ///
    /// # Errors
    /// `InvalidInput` when the run has none.
    pub fn storage(&self) -> Result<&Arc<dyn Storage>, EngineError> {
        self.storage.as_ref().ok_or_else(|| empty(Role::Storage))
    }

    /// Returns the engine that runs jobs.
    ///
    /// # Errors
    /// `InvalidInput` when the run has none.
    pub fn execution(&self) -> Result<&Arc<dyn Execution>, EngineError> {
        self.execution.as_ref().ok_or_else(|| empty(Role::Execution))
    }

    /// Returns whether jobs read tables by their names alone.
    #[must_use]
    pub fn reads_names(&self) -> bool {
        self.execution.as_ref().is_some_and(|execution| execution.reads_names())
    }

    /// Returns the part of the metastore that changes it; nothing where there is none.
    #[must_use]
    pub fn changes(&self) -> Option<&dyn Changes> {
        self.metastore.as_ref()?.changes()
    }

    /// Fills a role with the engine that a client has for it, and returns whether the client has one.
    pub fn fill(&mut self, role: Role, client: &Self) -> bool {
        match role {
            Role::Metastore => take(&mut self.metastore, client.metastore.as_ref()),
            Role::Storage => take(&mut self.storage, client.storage.as_ref()),
            Role::Execution => take(&mut self.execution, client.execution.as_ref()),
            Role::Scheduler => false,
        }
    }
}

fn take<T: ?Sized>(own: &mut Option<Arc<T>>, theirs: Option<&Arc<T>>) -> bool {
    *own = theirs.cloned();
    own.is_some()
}

fn empty(role: Role) -> EngineError {
    let role = role.as_str();
    let message = format!("the config names no client for the role `{role}`");
    EngineError::new(ErrorKind::InvalidInput, "mason", "find the engine", message)
        .with_hint(format!("name one in `engines.{role}` of the config"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_own_value() {
        let mut words = ByRole::from_fn(Role::as_str);
        for (role, word) in words.iter() {
            assert_eq!(role.as_str(), *word);
        }
        *words.get_mut(Role::Execution) = "changed";
        assert_eq!(
            words.iter().map(|(_, word)| *word).collect::<Vec<_>>(),
            ["metastore", "storage", "changed", "scheduler"]
        );
        assert_eq!(*words.get(Role::Scheduler), "scheduler");
    }

    #[test]
    fn what_was_picked_is_recorded_role_by_role() {
        let choice =
            |role: Role| EngineChoice { client: role.as_str().to_owned(), kind: ClientKind::Local };
        let recorded = EngineChoices::from(ByRole::from_fn(|role| Some(choice(role))));
        let picked = ByRole::from(&recorded);
        for role in [Role::Metastore, Role::Storage, Role::Execution] {
            assert_eq!(*picked.get(role), Some(&choice(role)));
        }
        assert_eq!(*picked.get(Role::Scheduler), None, "no run records one yet");
    }

    #[test]
    fn a_role_that_nothing_was_picked_for_says_so() {
        let error = Engines::default().storage().err().expect("should be empty");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert_eq!(error.message, "the config names no client for the role `storage`");
        assert_eq!(error.hint.as_deref(), Some("name one in `engines.storage` of the config"));
    }
}
