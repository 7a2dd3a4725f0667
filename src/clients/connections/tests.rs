use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::api::v1alpha1::{ClientKind, ConfigVersion, EngineChoices};
use crate::clients::{SecretKeys, Secrets, WorkersAt};
use crate::engines::Role;
use crate::engines::capability::{ClientDescription, ClientType};
use crate::testing::fakes::{FakeEngines, shared};

const DESCRIPTION: ClientDescription = ClientDescription {
    kind: ClientKind::Local,
    summary: "counts",
    roles: &[Role::Storage],
    capabilities: &[],
    reads: &[],
    writes: &[],
};

const fn counting(
    open: for<'a> fn(&'a Asked<'a>) -> futures::future::BoxFuture<'a, Opened>,
) -> Row {
    Row {
        client_type: ClientType::uniform(DESCRIPTION),
        secret: ClientConfig::secret,
        check: |_| Ok(()),
        open,
        open_lake: None,
        open_metastore: None,
    }
}

/// Nothing but a connection: the world knows how often one was opened and bound, and which are still held.
struct Counted(&'static World);

/// What happened to the connections of one test.
#[derive(Default)]
struct World {
    opened: AtomicUsize,
    bound: AtomicUsize,
    held: AtomicUsize,
    is_stale: AtomicBool,
    is_down: AtomicBool,
}

impl World {
    const fn new() -> Self {
        Self {
            opened: AtomicUsize::new(0),
            bound: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            is_stale: AtomicBool::new(false),
            is_down: AtomicBool::new(false),
        }
    }

    async fn open(&'static self, asked: &Asked<'_>) -> Opened {
        tokio::task::yield_now().await;
        self.opened.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Err(asked.error(ErrorKind::Unavailable, "it is down"));
        }
        self.is_stale.store(false, Ordering::Relaxed);
        self.held.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Counted(self)))
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connection for Counted {
    async fn is_current(&self) -> bool {
        !self.0.is_stale.load(Ordering::Relaxed)
    }

    fn bind(&self, _: &Asked<'_>, _: Option<&OpenStore>) -> Result<Engines, EngineError> {
        self.0.bound.fetch_add(1, Ordering::Relaxed);
        let storage = FakeEngines(shared()).engines().storage;
        Ok(Engines { storage, ..Engines::default() })
    }

    async fn probe(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Secrets whose versions a test sets.
#[derive(Default)]
struct Versions(AtomicU64);

#[async_trait]
impl Secrets for Versions {
    async fn version(&self, namespace: &str, name: &str) -> Result<String, String> {
        Ok(format!("{namespace}/{name}/{}", self.0.load(Ordering::Relaxed)))
    }

    async fn read(&self, _: &str, _: &str) -> Result<SecretKeys, String> {
        Ok(SecretKeys::default())
    }
}

fn client(name: &str) -> ClientConfig {
    let block = json!({"root": "/lake", "credentials": {"secretRef": {"name": "key"}}});
    serde_json::from_value(json!({"name": name, "local": block})).expect("should be a client")
}

fn config(uid: &str, generation: i64) -> ConfigIdentity {
    let version = Some(ConfigVersion { uid: uid.to_owned(), generation });
    ConfigIdentity { namespace: Some("team".to_owned()), version }
}

fn picked_storage(name: &str) -> EngineChoices {
    let choice = EngineChoice { client: name.to_owned(), kind: ClientKind::Local };
    EngineChoices { storage: Some(choice), ..EngineChoices::default() }
}

/// Asks for a client of a config as a probe does.
async fn ask(
    connections: &Connections,
    client: &ClientConfig,
    config: &ConfigIdentity,
    secrets: &Versions,
) -> Result<(), EngineError> {
    let surroundings = lent(secrets);
    connections.probe(&Asked { client, config, surroundings: &surroundings }).await
}

fn lent(secrets: &Versions) -> Surroundings<'_> {
    static HERE: WorkersAt = WorkersAt::Here;
    let base = Path::new("/");
    Surroundings {
        base,
        roots: None,
        endpoints: None,
        secrets: Some(secrets),
        workers: &HERE,
        ambient_credentials: false,
    }
}

#[tokio::test]
async fn a_thousand_runs_open_a_config_once() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, MOST), Versions::default());
    let (clients, choices) = ([client("files")], picked_storage("files"));
    let run = async || {
        let (config, roles) = (config("u", 1), ByRole::from(&choices));
        connections.open(&Picked { config, clients: &clients, roles }, &lent(&secrets)).await
    };
    let runs = futures::future::join_all((0..1_000).map(|_| run())).await;
    assert!(runs.iter().all(|engines| engines.as_ref().is_ok_and(|one| one.storage.is_some())));
    assert_eq!((WORLD.opened(), WORLD.bound.load(Ordering::Relaxed)), (1, 1_000));
}

#[tokio::test]
async fn a_new_generation_secret_block_or_config_is_opened_anew() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, MOST), Versions::default());
    let files = client("files");
    let mut narrowed = files.clone();
    *narrowed.folder_mut().expect("should have a folder") = "/lake/inner".to_owned();
    let opened = async |client: &ClientConfig, config: ConfigIdentity| {
        for _ in 0..2 {
            ask(&connections, client, &config, &secrets).await.expect("should answer");
        }
        WORLD.opened()
    };
    assert_eq!(opened(&files, config("u", 1)).await, 1);
    assert_eq!(opened(&files, config("u", 2)).await, 2, "the generation changed");
    assert_eq!(opened(&files, config("v", 2)).await, 3, "it is another config of that name");
    assert_eq!(opened(&narrowed, config("u", 2)).await, 4, "its block differs");
    secrets.0.store(1, Ordering::Relaxed);
    assert_eq!(opened(&files, config("u", 2)).await, 5, "the Secret changed");
    WORLD.is_stale.store(true, Ordering::Relaxed);
    assert_eq!(opened(&files, config("u", 2)).await, 6, "it leads elsewhere");
}

#[tokio::test]
async fn former_versions_are_dropped() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, MOST), Versions::default());
    let (files, others) = (client("files"), client("others"));
    for generation in 1..=20 {
        for client in [&files, &others] {
            let config = config("u", generation);
            ask(&connections, client, &config, &secrets).await.expect("should answer");
        }
    }
    assert_eq!(WORLD.held(), 2 * MOST_OF_A_CLIENT, "runs of the last version may still end");
    secrets.0.store(1, Ordering::Relaxed);
    ask(&connections, &files, &config("u", 20), &secrets).await.expect("should answer");
    assert_eq!(WORLD.held(), 1 + MOST_OF_A_CLIENT, "nothing is opened with a former Secret");
    connections.forget("u");
    assert_eq!(WORLD.held(), 0, "the config is gone");
}

#[tokio::test]
async fn the_number_of_connections_is_bounded_and_those_in_use_stay() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, 8), Versions::default());
    let files = client("files");
    let used = config("used", 1);
    for number in 0..100 {
        for config in [&used, &config(&format!("u{number}"), 1)] {
            ask(&connections, &files, config, &secrets).await.expect("should answer");
        }
    }
    assert_eq!((WORLD.held(), WORLD.opened()), (8, 101), "the one in use was opened once");
}

#[tokio::test]
async fn a_client_that_could_not_be_opened_is_tried_again() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, MOST), Versions::default());
    let (files, config) = (client("files"), config("u", 1));
    WORLD.is_down.store(true, Ordering::Relaxed);
    let error = ask(&connections, &files, &config, &secrets).await.expect_err("it is down");
    assert_eq!((error.kind, error.client.as_str()), (ErrorKind::Unavailable, "files"));
    WORLD.is_down.store(false, Ordering::Relaxed);
    ask(&connections, &files, &config, &secrets).await.expect("should answer");
    assert_eq!(WORLD.opened(), 2);
}

#[tokio::test]
async fn a_client_that_does_not_fill_the_role_it_was_picked_for_is_refused() {
    static WORLD: World = World::new();
    const ROWS: &[Row] = &[counting(|asked| Box::pin(WORLD.open(asked)))];
    let (connections, secrets) = (Connections::of(ROWS, MOST), Versions::default());
    let clients = [client("files")];
    let refusal = async |choices: EngineChoices| {
        let (config, roles) = (config("u", 1), ByRole::from(&choices));
        let picked = Picked { config, clients: &clients, roles };
        let opened = connections.open(&picked, &lent(&secrets)).await;
        opened.err().expect("should be refused").message
    };
    let EngineChoices { storage: execution, .. } = picked_storage("files");
    let executes = EngineChoices { execution, ..EngineChoices::default() };
    assert_eq!(refusal(executes).await, "client `files` does not fill the role execution");
    assert_eq!(refusal(picked_storage("nothing")).await, "the config has no client `nothing`");
}
