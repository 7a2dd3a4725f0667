//! What changes among the resources of one kind, as it changes: watched on a cluster, looked at again and
//! again in a folder.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};

use crate::cli::cluster::{Cluster, SILENCE, is_passing};
use crate::cli::verb_context::VerbContext;
use crate::store::kubernetes::readable;
use crate::store::{Key, Kind, Resource, StoreError};

/// How often a folder is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Something that is new.
#[derive(Debug)]
pub(crate) enum News {
    /// Every resource that there is, by namespace and name: what comes first.
    All(Vec<Resource>),
    /// A resource is new or has changed.
    Changed(Box<Resource>),
    /// A resource is gone, as it was last.
    Gone(Box<Resource>),
    /// A resource cannot be read.
    Unreadable(StoreError),
    /// The cluster does not answer; what was missed comes once it does.
    Lost(StoreError),
}

/// Which resources are watched.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Their kind.
    pub kind: Kind,
    /// Their namespace; all when absent.
    pub namespace: Option<String>,
    /// Their names; all when empty.
    pub names: Vec<String>,
}

/// Watches resources.
pub(crate) struct Changes {
    context: VerbContext,
    scope: Scope,
    known: HashMap<Key, Resource>,
    listed: Vec<Resource>,
    begun: bool,
    source: Source,
    ready: VecDeque<News>,
}

enum Source {
    Folder,
    Cluster(BoxStream<'static, watcher::Result<Event<DynamicObject>>>),
}

impl Changes {
    /// Begins to watch.
    pub(crate) fn of(context: &VerbContext, scope: Scope) -> Self {
        let source = match &context.cluster {
            None => Source::Folder,
            Some(cluster) => Source::Cluster(events(cluster, &scope)),
        };
        Self {
            context: context.clone(),
            scope,
            known: HashMap::new(),
            listed: Vec::new(),
            begun: false,
            source,
            ready: VecDeque::new(),
        }
    }

    /// Waits for the next news; `All` comes first.
    ///
    /// # Errors
    /// When the store cannot be read, or the caller may not watch.
    pub(crate) async fn next(&mut self) -> anyhow::Result<News> {
        loop {
            if let Some(news) = self.ready.pop_front() {
                return Ok(news);
            }
            match &mut self.source {
                Source::Folder => self.look().await?,
                Source::Cluster(events) => {
                    let event = events.next().await;
                    self.take(event)?;
                }
            }
        }
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        if self.begun {
            tokio::time::sleep(LOOK).await;
        }
        let (scope, store) = (&self.scope, &self.context.store);
        let entries = store.list(scope.kind, scope.namespace.as_deref()).await?;
        let mut listed = Vec::new();
        for entry in entries {
            match entry {
                Ok(resource) => listed.push(resource),
                Err(error) if !self.begun => self.ready.push_back(News::Unreadable(error)),
                Err(_) => {}
            }
        }
        self.compare(listed);
        Ok(())
    }

    fn take(&mut self, event: Option<watcher::Result<Event<DynamicObject>>>) -> anyhow::Result<()> {
        match event {
            None => anyhow::bail!("the watch has ended"),
            Some(Ok(Event::Init)) => self.listed.clear(),
            Some(Ok(Event::InitApply(object))) => match self.read(object) {
                Ok(resource) => self.listed.push(resource),
                Err(error) => self.ready.push_back(News::Unreadable(error)),
            },
            Some(Ok(Event::InitDone)) => {
                let listed = std::mem::take(&mut self.listed);
                self.compare(listed);
            }
            Some(Ok(Event::Apply(object))) => match self.read(object) {
                Ok(resource) => self.apply(resource),
                Err(error) => self.ready.push_back(News::Unreadable(error)),
            },
            Some(Ok(Event::Delete(object))) => {
                if let Ok(resource) = self.read(object) {
                    self.remove(&resource.key());
                }
            }
            Some(Err(error)) => self.fail(error)?,
        }
        Ok(())
    }

    fn read(&self, object: DynamicObject) -> Result<Resource, StoreError> {
        readable(self.scope.kind, object)
    }

    /// A failure that does not pass ends the watch.
    fn fail(&mut self, error: watcher::Error) -> anyhow::Result<()> {
        // Otherwise the place in the history is too old: the watcher lists again.
        let (watcher::Error::InitialListFailed(source)
        | watcher::Error::WatchStartFailed(source)
        | watcher::Error::WatchFailed(source)) = error
        else {
            return Ok(());
        };
        let passes = is_passing(&source) && self.begun;
        let what = self.scope.kind.plural().to_owned();
        let error = StoreError::ApiServer { operation: "watch", what, source: Box::new(source) };
        if !passes {
            return Err(error.into());
        }
        self.ready.push_back(News::Lost(error));
        Ok(())
    }

    /// Takes what there is now, and tells what is different.
    fn compare(&mut self, listed: Vec<Resource>) {
        let mut listed: Vec<Resource> =
            listed.into_iter().filter(|one| self.scope.has(&one.key())).collect();
        listed.sort_by_key(Resource::key);
        if !self.begun {
            self.begun = true;
            self.known = listed.iter().map(|one| (one.key(), one.clone())).collect();
            self.ready.push_back(News::All(listed));
            return;
        }
        let keys: HashSet<Key> = listed.iter().map(Resource::key).collect();
        let mut gone: Vec<Key> =
            self.known.keys().filter(|key| !keys.contains(key)).cloned().collect();
        gone.sort();
        for key in &gone {
            self.remove(key);
        }
        for resource in listed {
            self.apply(resource);
        }
    }

    fn apply(&mut self, resource: Resource) {
        let key = resource.key();
        if !self.scope.has(&key) {
            return;
        }
        let version = |resource: &Resource| resource.metadata().resource_version.clone();
        let is_same =
            self.known.get(&key).is_some_and(|known| version(known) == version(&resource));
        if !is_same {
            self.known.insert(key, resource.clone());
            self.ready.push_back(News::Changed(Box::new(resource)));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(resource) = self.known.remove(key) {
            self.ready.push_back(News::Gone(Box::new(resource)));
        }
    }
}

impl Scope {
    fn has(&self, key: &Key) -> bool {
        self.names.is_empty() || self.names.contains(&key.name)
    }
}

fn events(
    cluster: &Cluster,
    scope: &Scope,
) -> BoxStream<'static, watcher::Result<Event<DynamicObject>>> {
    let api = cluster.store.objects(scope.kind, scope.namespace.as_deref());
    // A connection that is dead without a word counts as lost after `SILENCE`.
    let seconds = u32::try_from(SILENCE.as_secs()).unwrap_or(u32::MAX).saturating_sub(10);
    let mut config = watcher::Config::default().timeout(seconds);
    if let [name] = scope.names.as_slice() {
        config = config.fields(&format!("metadata.name={name}"));
    }
    watcher(api, config).default_backoff().boxed()
}
