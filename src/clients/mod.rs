//! The technologies that fill engine roles, one folder each; clients never import each other.
//!
//! [`types`] is what `validate` and the docs read; [`open`] turns the clients that matching
//! picked into [`Engines`].

#[cfg(feature = "local")]
pub mod local;

use std::collections::BTreeMap;
#[cfg(feature = "local")]
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;

use crate::api::v1alpha1::{ClientConfig, EngineChoice};
use crate::engines::capability::ClientType;
use crate::engines::workers::Workers;
use crate::engines::{ByRole, EngineError, Engines, ErrorKind};

/// Returns what every type of client of this build is and can do.
#[must_use]
pub fn types() -> &'static [ClientType] {
    const ALL: &[ClientType] = &[
        #[cfg(feature = "local")]
        ClientType::uniform(local::DESCRIPTION),
    ];
    ALL
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

/// Opens the clients that were picked, each once, their workers where `placing` says. Folders are absolute since they
/// were applied.
///
/// # Errors
/// `InvalidInput` naming the client and what is wrong with it; `NotFound` and `PermissionDenied` of its
/// folder or service; and those of `placing`.
pub fn open(
    clients: &[ClientConfig],
    choices: &ByRole<Option<&EngineChoice>>,
    placing: Placing<'_>,
) -> Result<Engines, EngineError> {
    let (mut engines, mut opened) = (Engines::default(), BTreeMap::new());
    for (role, choice) in choices.iter() {
        let Some(EngineChoice { client: name, .. }) = choice else { continue };
        if !opened.contains_key(name) {
            opened.insert(name, open_one(clients, name, placing)?);
        }
        if !opened.get(name).is_some_and(|client| engines.fill(role, client)) {
            let message = format!("client `{name}` does not fill the role {}", role.as_str());
            let kind = ErrorKind::InvalidInput;
            return Err(EngineError::new(kind, name, "open a client", message));
        }
    }
    Ok(engines)
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
    let engines = open_block(client, WorkersAt::Here)?.ok_or_else(wrong)?;
    engines.metastore()?.list_databases().next().await.transpose().map(|_| ())
}

fn open_one(
    clients: &[ClientConfig],
    name: &str,
    placing: Placing<'_>,
) -> Result<Engines, EngineError> {
    let wrong =
        |message: String| EngineError::new(ErrorKind::InvalidInput, name, "open a client", message);
    let found = clients.iter().find(|client| client.name == name);
    let client = found.ok_or_else(|| wrong(format!("the config has no client `{name}`")))?;
    open_block(client, placing(client)?)?
        .ok_or_else(|| wrong(format!("client `{name}` has no type block of this build")))
}

#[cfg(feature = "local")]
fn open_block(client: &ClientConfig, workers: WorkersAt) -> Result<Option<Engines>, EngineError> {
    let Some(block) = &client.local else { return Ok(None) };
    let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
    let local = local::Local::open(block, Path::new("/"), place_of(workers)).map_err(named)?;
    let local::Local { metastore, storage, execution, .. } = local;
    Ok(Some(Engines {
        metastore: Some(metastore),
        storage: Some(storage),
        execution: Some(execution),
    }))
}

#[cfg(not(feature = "local"))]
#[expect(clippy::unnecessary_wraps, reason = "a build with clients can fail here")]
fn open_block(_: &ClientConfig, _: WorkersAt) -> Result<Option<Engines>, EngineError> {
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
