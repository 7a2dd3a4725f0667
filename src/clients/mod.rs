//! The technologies that fill engine roles, one folder each; clients never import each other.
//!
//! [`descriptions`] is what `validate` and the docs read; [`open`] turns the clients that matching
//! picked into [`Engines`].

#[cfg(feature = "local")]
pub mod local;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;

use crate::api::v1alpha1::{ClientConfig, EngineChoice, EngineChoices};
use crate::engines::capability::{ClientDescription, Role};
use crate::engines::workers::Workers;
use crate::engines::{EngineError, Engines, ErrorKind};

/// Returns what every type of client of this build is and can do.
#[must_use]
pub fn descriptions() -> &'static [ClientDescription] {
    #[cfg(feature = "local")]
    const ALL: &[ClientDescription] = &[local::DESCRIPTION];
    #[cfg(not(feature = "local"))]
    const ALL: &[ClientDescription] = &[];
    ALL
}

/// The names of the clients that matching picked, by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices<'a> {
    /// The metastore's client.
    pub metastore: &'a str,
    /// The storage's client.
    pub storage: &'a str,
    /// The execution's client.
    pub execution: &'a str,
}

/// Opens the picked clients of a config, each once. Relative folders are below `base`.
///
/// # Errors
/// `InvalidInput` naming the client and what is wrong with it; `NotFound` and `PermissionDenied` of its
/// folder or service.
pub fn open(
    clients: &[ClientConfig],
    choices: &Choices<'_>,
    base: &Path,
) -> Result<Engines, EngineError> {
    open_placed(clients, choices, base, &|_| Ok(WorkersAt::Here))
}

/// Where the workers of a client run.
#[derive(Clone)]
pub enum WorkersAt {
    /// As children of this process.
    Here,
    /// As children of this process, of which some wait for jobs.
    #[cfg(feature = "local")]
    Warm(Arc<local::processes::WarmWorkers>),
    /// Elsewhere.
    There(Arc<dyn Workers>),
}

impl WorkersAt {
    /// Returns workers as children of this process, of which so many wait for jobs once they are started by
    /// [`WorkersAt::warm_up`].
    #[must_use]
    pub fn warm(count: usize) -> Self {
        #[cfg(feature = "local")]
        return Self::Warm(Arc::new(local::processes::WarmWorkers::own(count)));
        #[cfg(not(feature = "local"))]
        {
            let _ = count;
            Self::Here
        }
    }

    /// Starts the workers that wait for jobs. Blocks for some milliseconds.
    pub fn warm_up(&self) {
        #[cfg(feature = "local")]
        if let Self::Warm(workers) = self {
            workers.fill();
        }
    }
}

/// Says where the workers of a client run.
pub type Placing<'a> = &'a (dyn Fn(&ClientConfig) -> Result<WorkersAt, EngineError> + Sync);

fn open_placed(
    clients: &[ClientConfig],
    choices: &Choices<'_>,
    base: &Path,
    placing: Placing<'_>,
) -> Result<Engines, EngineError> {
    let mut opened = BTreeMap::new();
    for name in [choices.metastore, choices.storage, choices.execution] {
        if !opened.contains_key(name) {
            opened.insert(name, open_one(clients, name, base, placing)?);
        }
    }
    let of = |name: &str, role: Role| {
        let missing = || {
            let message = format!("client `{name}` does not fill the role {}", role.as_str());
            EngineError::new(ErrorKind::InvalidInput, name, "open a client", message)
        };
        opened.get(name).ok_or_else(missing)
    };
    Ok(Engines {
        metastore: std::sync::Arc::clone(&of(choices.metastore, Role::Metastore)?.metastore),
        storage: std::sync::Arc::clone(&of(choices.storage, Role::Storage)?.storage),
        execution: std::sync::Arc::clone(&of(choices.execution, Role::Execution)?.execution),
    })
}

/// Opens the clients that a run was matched with. Their folders are absolute since they were applied.
///
/// # Errors
/// As [`open`].
pub fn open_matched(
    clients: &[ClientConfig],
    choices: &EngineChoices,
) -> Result<Engines, EngineError> {
    open_matched_at(clients, choices, &|_| Ok(WorkersAt::Here))
}

/// Opens the clients that a run was matched with, their workers where `placing` says.
///
/// # Errors
/// As [`open`], and those of `placing`.
pub fn open_matched_at(
    clients: &[ClientConfig],
    choices: &EngineChoices,
    placing: Placing<'_>,
) -> Result<Engines, EngineError> {
    let roles = [&choices.metastore, &choices.storage, &choices.execution];
    // A role that nobody was picked for is one that the operator does not need: whoever fills
    // another role stands in for it and is never asked.
    let picked = roles.iter().find_map(|choice| choice.as_ref()).map(|one| one.client.as_str());
    let name = |choice: &Option<EngineChoice>| choice.as_ref().map(|one| one.client.clone());
    let [metastore, storage, execution] =
        roles.map(|choice| name(choice).or_else(|| picked.map(str::to_owned)).unwrap_or_default());
    let names = Choices { metastore: &metastore, storage: &storage, execution: &execution };
    open_placed(clients, &names, Path::new("/"), placing)
}

/// Looks whether a client can be used, by one cheap call that changes nothing.
///
/// # Errors
/// As [`open`], and what the client answers.
pub async fn probe(client: &ClientConfig) -> Result<(), EngineError> {
    let wrong = || {
        let message = "it has no type block of this build";
        EngineError::new(ErrorKind::InvalidInput, &client.name, "open a client", message)
    };
    let engines = open_block(client, Path::new("/"), WorkersAt::Here)?.ok_or_else(wrong)?;
    engines.metastore.list_databases().next().await.transpose().map(|_| ())
}

/// Opens one client of a config and returns the roles it fills.
///
/// # Errors
/// As [`open`].
pub fn open_client(
    clients: &[ClientConfig],
    name: &str,
    base: &Path,
) -> Result<Engines, EngineError> {
    open_one(clients, name, base, &|_| Ok(WorkersAt::Here))
}

fn open_one(
    clients: &[ClientConfig],
    name: &str,
    base: &Path,
    placing: Placing<'_>,
) -> Result<Engines, EngineError> {
    let wrong =
        |message: String| EngineError::new(ErrorKind::InvalidInput, name, "open a client", message);
    let found = clients.iter().find(|client| client.name == name);
    let client = found.ok_or_else(|| wrong(format!("the config has no client `{name}`")))?;
    open_block(client, base, placing(client)?)?
        .ok_or_else(|| wrong(format!("client `{name}` has no type block of this build")))
}

#[cfg(feature = "local")]
fn open_block(
    client: &ClientConfig,
    base: &Path,
    workers: WorkersAt,
) -> Result<Option<Engines>, EngineError> {
    let Some(block) = &client.local else { return Ok(None) };
    let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
    let local = local::Local::open(block, base, place_of(workers)).map_err(named)?;
    let local::Local { metastore, storage, execution, .. } = local;
    Ok(Some(Engines { metastore, storage, execution }))
}

#[cfg(not(feature = "local"))]
#[expect(clippy::unnecessary_wraps, reason = "a build with clients can fail here")]
fn open_block(_: &ClientConfig, _: &Path, _: WorkersAt) -> Result<Option<Engines>, EngineError> {
    Ok(None)
}

#[cfg(feature = "local")]
fn place_of(workers: WorkersAt) -> local::execution::WorkerPlace {
    use local::execution::WorkerPlace;
    use local::processes::WorkerProcesses;
    match workers {
        WorkersAt::Here => WorkerPlace::Processes(WorkerProcesses::own(None)),
        WorkersAt::Warm(workers) => WorkerPlace::Processes(WorkerProcesses::own(Some(workers))),
        WorkersAt::There(workers) => WorkerPlace::Elsewhere(workers),
    }
}
