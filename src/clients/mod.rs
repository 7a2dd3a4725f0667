//! The technologies that fill engine roles, one folder each; clients never import each other.
//!
//! [`descriptions`] is what `validate` and the docs read; [`open`] turns the clients that matching
//! picked into [`Engines`].

#[cfg(feature = "local")]
pub mod local;

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::v1alpha1::{ClientConfig, MasonConfigSpec};
use crate::engines::capability::{ClientDescription, Role};
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
    config: &MasonConfigSpec,
    choices: &Choices<'_>,
    base: &Path,
) -> Result<Engines, EngineError> {
    let mut opened = BTreeMap::new();
    for name in [choices.metastore, choices.storage, choices.execution] {
        if !opened.contains_key(name) {
            opened.insert(name, open_client(config, name, base)?);
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

/// Opens one client of a config and returns the roles it fills.
///
/// # Errors
/// As [`open`].
pub fn open_client(
    config: &MasonConfigSpec,
    name: &str,
    base: &Path,
) -> Result<Engines, EngineError> {
    let wrong =
        |message: String| EngineError::new(ErrorKind::InvalidInput, name, "open a client", message);
    let found = config.clients.iter().find(|client| client.name == name);
    let client = found.ok_or_else(|| wrong(format!("the config has no client `{name}`")))?;
    open_block(client, base)?
        .ok_or_else(|| wrong(format!("client `{name}` has no type block of this build")))
}

#[cfg(feature = "local")]
fn open_block(client: &ClientConfig, base: &Path) -> Result<Option<Engines>, EngineError> {
    let Some(block) = &client.local else { return Ok(None) };
    let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
    let local = local::Local::open(block, base, local::execution::own_worker()).map_err(named)?;
    let local::Local { metastore, storage, execution, .. } = local;
    Ok(Some(Engines { metastore, storage, execution }))
}

#[cfg(not(feature = "local"))]
#[expect(clippy::unnecessary_wraps, reason = "a build with clients can fail here")]
fn open_block(_client: &ClientConfig, _base: &Path) -> Result<Option<Engines>, EngineError> {
    Ok(None)
}
