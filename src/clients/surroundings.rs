//! What a door lends to the clients that it opens: folders, Secrets, and where work runs.
//!
//! A client asks for what it needs and knows no door. What a door does not lend, no config can ask for.

use std::path::Path;

use async_trait::async_trait;

use super::allowed_roots::AllowedRoots;
use super::secret_keys::SecretKeys;
use super::workers_at::PlaceWorkers;

/// What a door lends to the clients that it opens.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The folder that relative folders of a config are below.
    pub base: &'a Path,
    /// The folders that configs may name; absent where they may name any.
    pub roots: Option<&'a AllowedRoots>,
    /// The Secrets of the configs' namespaces; absent where there are none.
    pub secrets: Option<&'a dyn Secrets>,
    /// Where the workers of a client run.
    pub workers: &'a dyn PlaceWorkers,
    /// The addresses of servers that configs may name, beside those of AWS; absent where they may name any.
    pub endpoints: Option<&'a [String]>,
    /// Whether clients may use the credentials that this process finds in its environment.
    pub ambient_credentials: bool,
}

impl<'a> Surroundings<'a> {
    /// Returns what is lent on a machine without a cluster, where all is its user's: every folder, server and credential.
    /// Folders of configs are absolute there.
    #[must_use]
    pub fn of_a_machine(workers: &'a dyn PlaceWorkers) -> Self {
        Self {
            base: Path::new("/"),
            roots: None,
            endpoints: None,
            secrets: None,
            workers,
            ambient_credentials: true,
        }
    }
}

/// Reads Secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Returns the version of a Secret: it changes when the Secret does, and says nothing of its content.
    ///
    /// # Errors
    /// In words, when there is none or it cannot be read.
    async fn version(&self, namespace: &str, name: &str) -> Result<String, String>;

    /// Returns what a Secret holds.
    ///
    /// # Errors
    /// In words, when there is none or it cannot be read.
    async fn read(&self, namespace: &str, name: &str) -> Result<SecretKeys, String>;
}
