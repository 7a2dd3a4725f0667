//! The client's row in the registry: how one is checked, opened for all runs of its config, and bound to one.
//!
//! What runs share is the open root folder. Each run has an execution of its own, which waits for its job only.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;

use super::execution::{LocalExecution, WorkerPlace};
use super::processes::WorkerProcesses;
use super::root::Root;
use super::settings::{JobLimits, LocalSettings};
use super::{DESCRIPTION, lake, metastore};
use crate::api::v1alpha1::LocalClient;
use crate::clients::{Asked, Connection, OpenStore, Opened, Row, WorkersAt};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, ErrorKind, Metastore as _};
use crate::lake::threads::blocking;

/// This type of client in the registry.
pub(in crate::clients) const ROW: Row = Row {
    client_type: ClientType::uniform(DESCRIPTION),
    // The Secret of a config is for the pods of containers; nothing here rests on it.
    secret: |_| None,
    check,
    open: |asked| Box::pin(open(asked)),
    // A root is there on its own machine, or where its pods mount it: jobs of other clients do not reach it.
    open_lake: None,
    open_metastore: None,
};

/// An open root folder.
struct LocalConnection {
    /// The folder as the config names it.
    path: PathBuf,
    root: Arc<Root>,
    limits: JobLimits,
}

fn block<'a>(asked: &Asked<'a>) -> Result<&'a LocalClient, EngineError> {
    let missing = || asked.error(ErrorKind::InvalidInput, "it has no block `local`");
    asked.client.local.as_ref().ok_or_else(missing)
}

fn check(asked: &Asked<'_>) -> Result<(), EngineError> {
    asked.check_folder(&block(asked)?.root)?;
    asked.surroundings.workers.place(asked.client).map(drop)
}

async fn open(asked: &Asked<'_>) -> Opened {
    let (block, base) = (block(asked)?.clone(), asked.surroundings.base.to_owned());
    let opened = blocking(move || {
        let LocalSettings { root: path, limits } = LocalSettings::of(&block, &base)?;
        let root = Arc::new(Root::open(&path)?);
        Ok(LocalConnection { path, root, limits })
    });
    match opened.await {
        Ok(connection) => Ok(Arc::new(connection)),
        Err(error) => Err(EngineError { client: asked.client.name.clone(), ..error }),
    }
}

#[async_trait]
impl Connection for LocalConnection {
    /// A folder that was removed, or is another one now, is opened again.
    async fn is_current(&self) -> bool {
        let (root, path) = (Arc::clone(&self.root), self.path.clone());
        blocking(move || Ok(root.is_at(&path))).await.unwrap_or(false)
    }

    fn bind(&self, asked: &Asked<'_>, store: Option<&OpenStore>) -> Result<Engines, EngineError> {
        let workers = worker_place(asked.surroundings.workers.place(asked.client)?);
        let root = Arc::clone(&self.root);
        let execution = LocalExecution::with_workers(root, self.limits, workers);
        let execution = execution.on(store.cloned());
        Ok(Engines { execution: Some(Arc::new(execution)), ..lake(&self.root).engines() })
    }

    async fn probe(&self) -> Result<(), EngineError> {
        metastore(&self.root).list_databases().next().await.transpose().map(drop)
    }
}

fn worker_place(workers: WorkersAt) -> WorkerPlace {
    match workers {
        WorkersAt::Here => WorkerPlace::Processes(WorkerProcesses::own(None)),
        WorkersAt::Warm(workers) => WorkerPlace::Processes(WorkerProcesses::own(Some(workers))),
        WorkersAt::There(workers) => WorkerPlace::Elsewhere(workers),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::ClientConfig;
    use crate::clients::{AllowedRoots, ConfigIdentity, Connections, Surroundings};

    fn client(root: &Path) -> ClientConfig {
        serde_json::from_value(json!({"name": "here", "local": {"root": root}}))
            .expect("should be a client")
    }

    fn on_a_laptop() -> Surroundings<'static> {
        static HERE: WorkersAt = WorkersAt::Here;
        Surroundings::of_a_machine(&HERE)
    }

    #[tokio::test]
    async fn a_root_that_was_removed_is_missed_and_one_made_anew_is_found() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let root = folder.path().join("lake");
        std::fs::create_dir_all(root.join("sales")).expect("should make a folder");
        let (client, config, surroundings) =
            (client(&root), ConfigIdentity::default(), on_a_laptop());
        let asked = Asked { client: &client, config: &config, surroundings: &surroundings };
        let connections = Connections::default();
        connections.probe(&asked).await.expect("should answer");
        std::fs::remove_dir_all(&root).expect("should remove");
        let missed = connections.probe(&asked).await.expect_err("it is gone");
        assert_eq!((missed.kind, missed.client.as_str()), (ErrorKind::NotFound, "here"));
        std::fs::create_dir(&root).expect("should make a folder");
        connections.probe(&asked).await.expect("should answer again");
    }

    #[tokio::test]
    async fn a_root_that_is_not_allowed_is_never_opened() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let roots = AllowedRoots(vec![folder.path().to_owned()]);
        let surroundings = Surroundings { roots: Some(&roots), ..on_a_laptop() };
        let client = client(&folder.path().join("other"));
        let probe = async |namespace: Option<&str>| {
            let namespace = namespace.map(str::to_owned);
            let config = ConfigIdentity { namespace, version: None };
            let asked = Asked { client: &client, config: &config, surroundings: &surroundings };
            Connections::default().probe(&asked).await.expect_err("should be refused")
        };
        let refused = probe(Some("team")).await;
        let reason = crate::api::conditions::Reason::RootNotAllowed;
        assert_eq!((refused.kind, refused.reason), (ErrorKind::PermissionDenied, Some(reason)));
        assert!(refused.message.contains("what namespace `team` may use"), "{refused}");
        let unknown = probe(None).await;
        assert!(unknown.message.contains("is not recorded"), "{unknown}");
        assert_eq!(probe(Some("other")).await.kind, ErrorKind::NotFound);
    }
}
