//! The open clients of configs, shared by all runs of a process: opened once for each version of a config and of the
//! Secret that it rests on, and bound to a run for next to nothing.
//!
//! What a door lends is checked each time, also for what is open already. Losing a connection loses nothing: it is
//! opened again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::registry::{Asked, ConfigIdentity, Connection, Opened, ROWS, Row};
use super::stores::OpenStore;
use super::surroundings::Surroundings;
use crate::api::v1alpha1::{ClientConfig, EngineChoice};
use crate::engines::{ByRole, EngineError, Engines, ErrorKind, Role};

/// Most connections that are kept.
const MOST: usize = 256;
/// How many connections of one client are kept: while runs of a former version of its config end, those of the
/// newest begin.
const MOST_OF_A_CLIENT: usize = 2;

/// The clients of a config that are to be opened for a run.
#[derive(Debug, Clone)]
pub struct Picked<'a> {
    /// The config.
    pub config: ConfigIdentity,
    /// The clients' settings, each once.
    pub clients: &'a [ClientConfig],
    /// Which of them was picked for each role.
    pub roles: ByRole<Option<&'a EngineChoice>>,
}

/// The open clients of configs.
pub struct Connections {
    rows: &'static [Row],
    most: usize,
    kept: Mutex<Kept>,
}

/// What is open, and how often anything was asked for.
#[derive(Default)]
struct Kept {
    slots: HashMap<Key, (u64, Slot)>,
    asked: u64,
}

/// A connection that is open, or being opened by the caller that holds the lock.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<dyn Connection>>>>;

/// What makes a connection another one. The client's block is part of it because what is not said there can be
/// filled in differently by a controller that starts anew.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    config: ConfigIdentity,
    client: ClientConfig,
    secret: Option<String>,
}

impl Key {
    /// Returns whether both are of one client of one config, whatever their versions.
    fn is_of_the_client(&self, other: &Self) -> bool {
        self.client.name == other.client.name
            && self.config.namespace == other.config.namespace
            && self.uid() == other.uid()
    }

    fn uid(&self) -> Option<&str> {
        self.config.version.as_ref().map(|version| version.uid.as_str())
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::of(ROWS, MOST)
    }
}

impl Connections {
    fn of(rows: &'static [Row], most: usize) -> Self {
        Self { rows, most, kept: Mutex::default() }
    }

    /// Returns the engines that were picked for a run, bound to it.
    ///
    /// # Errors
    /// `InvalidInput` naming the client and what is wrong with it; `PermissionDenied` for what the surroundings do
    /// not allow; `NotFound` and `PermissionDenied` of its folder or service.
    pub async fn open(
        &self,
        picked: &Picked<'_>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Engines, EngineError> {
        let config = &picked.config;
        for client in picked.clients {
            self.check(&Asked { client, config, surroundings })?;
        }
        let store = self.lent_store(picked, surroundings).await?;
        let (mut engines, mut bound) = (Engines::default(), BTreeMap::new());
        for (role, choice) in picked.roles.iter() {
            let Some(EngineChoice { client: name, .. }) = choice else { continue };
            let client = find(picked.clients, name)?;
            let asked = Asked { client, config, surroundings };
            if !bound.contains_key(name) {
                bound.insert(name, self.connect(&asked).await?.bind(&asked, store.as_ref())?);
            }
            if !bound.get(name).is_some_and(|client| engines.fill(role, client)) {
                let role = role.as_str();
                let message = format!("client `{name}` does not fill the role {role}");
                return Err(asked.error(ErrorKind::InvalidInput, message));
            }
        }
        Ok(engines)
    }

    /// Returns the files of the client that keeps those of the run, where another client has the tables or the jobs.
    async fn lent_store(
        &self,
        picked: &Picked<'_>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Option<OpenStore>, EngineError> {
        let roles = &picked.roles;
        let (metastore, execution) = (*roles.get(Role::Metastore), *roles.get(Role::Execution));
        let Some(keeper) = roles.get(Role::Storage).or(metastore) else { return Ok(None) };
        let is_other = |choice: &&EngineChoice| choice.client != keeper.client;
        let metastore = metastore.filter(is_other);
        let Some(borrower) = metastore.or(execution.filter(is_other)) else { return Ok(None) };
        let client = find(picked.clients, &keeper.client)?;
        let asked = Asked { client, config: &picked.config, surroundings };
        let open = self.connect(&asked).await?;
        let store = open.store().ok_or_else(|| {
            let message = format!("it lends no files to the client `{}`", borrower.client);
            asked.error(ErrorKind::Unsupported, message)
        })?;
        let metastore = metastore.map(|choice| find(picked.clients, &choice.client)).transpose()?;
        Ok(Some(OpenStore { metastore: metastore.cloned(), ..store.clone() }))
    }

    /// Checks that the surroundings allow what a client asks for.
    ///
    /// # Errors
    /// As [`Connections::open`], without those of a folder or service.
    pub fn check(&self, asked: &Asked<'_>) -> Result<(), EngineError> {
        (self.row(asked)?.check)(asked)
    }

    /// Looks whether a client can be used, by one cheap call that changes nothing.
    ///
    /// # Errors
    /// As [`Connections::open`], and what the client answers.
    pub async fn probe(&self, asked: &Asked<'_>) -> Result<(), EngineError> {
        self.check(asked)?;
        self.connect(asked).await?.probe().await
    }

    /// Closes what is open of a config that is gone; runs that work with it keep what they have.
    pub fn forget(&self, config_uid: &str) {
        self.kept().slots.retain(|key, _| key.uid() != Some(config_uid));
    }

    fn row(&self, asked: &Asked<'_>) -> Result<&'static Row, EngineError> {
        let kind = asked.client.kind();
        let found = self.rows.iter().find(|row| Some(row.client_type.most.kind) == kind);
        found.ok_or_else(|| {
            let message = "it has no type block of this build";
            asked.error(ErrorKind::InvalidInput, message)
        })
    }

    /// Returns the connection of a client that was checked: the one that is open, or one that is opened now for all
    /// who ask.
    async fn connect(&self, asked: &Asked<'_>) -> Opened {
        let row = self.row(asked)?;
        let slot = self.slot(Key {
            config: asked.config.clone(),
            client: asked.client.clone(),
            secret: secret_version(row, asked).await?,
        });
        let mut held = slot.lock().await;
        if let Some(open) = held.as_ref()
            && open.is_current().await
        {
            return Ok(Arc::clone(open));
        }
        *held = None;
        let opened = (row.open)(asked).await?;
        *held = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Returns the place of a connection, and makes room for a new one.
    fn slot(&self, key: Key) -> Slot {
        let mut kept = self.kept();
        kept.asked += 1;
        let now = kept.asked;
        if let Some((used, slot)) = kept.slots.get_mut(&key) {
            *used = now;
            return Arc::clone(slot);
        }
        kept.slots.retain(|old, _| !old.is_of_the_client(&key) || old.secret == key.secret);
        kept.drop_oldest(MOST_OF_A_CLIENT, |old| old.is_of_the_client(&key));
        kept.drop_oldest(self.most, |_| true);
        let slot = Slot::default();
        kept.slots.insert(key, (now, Arc::clone(&slot)));
        slot
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Drops the connections of some kind that were not asked for longest, until one more makes so many.
    fn drop_oldest(&mut self, most: usize, of_the_kind: impl Fn(&Key) -> bool) {
        let uses =
            self.slots.iter().filter(|(key, _)| of_the_kind(key)).map(|(_, (used, _))| *used);
        let mut uses: Vec<u64> = uses.collect();
        if uses.len() < most {
            return;
        }
        uses.sort_unstable();
        let last_dropped = uses[uses.len() - most];
        self.slots.retain(|key, (used, _)| *used > last_dropped || !of_the_kind(key));
    }
}

/// Returns the version of the Secret that a connection rests on, if it rests on one and there are Secrets.
async fn secret_version(row: &Row, asked: &Asked<'_>) -> Result<Option<String>, EngineError> {
    let secret = (row.secret)(asked.client);
    let (Some(secret), Some(secrets)) = (secret, asked.surroundings.secrets) else {
        return Ok(None);
    };
    let version = secrets.version(asked.namespace(), &secret.name).await;
    version.map(Some).map_err(|message| asked.secret_missing(message))
}

fn find<'a>(clients: &'a [ClientConfig], name: &str) -> Result<&'a ClientConfig, EngineError> {
    clients.iter().find(|client| client.name == *name).ok_or_else(|| {
        let message = format!("the config has no client `{name}`");
        EngineError::new(ErrorKind::InvalidInput, name, "open a client", message)
    })
}

#[cfg(test)]
mod tests;
