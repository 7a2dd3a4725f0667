//! The flow that every door goes through, with the example's client.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use mason::api::resource::Resource;
use mason::api::v1alpha1::{ActionKind, EngineChoice, OperatorRun, Progress};
use mason::engines::{EngineError, Engines, Storage};
use mason::plan::Keeping;
use mason::runs::{self, EachTime, Observer, OpenEngines, ProgressBudget, RunContext, SystemClock};
use mason::store::directory::DirectoryStore;
use mason::store::library;
use mason::validate::ValidRun;
use serde_json::Value;

use super::Example;

/// Runs operators with the example's client; resources are kept in a folder.
pub(crate) struct Door {
    example: Arc<Example>,
    context: RunContext,
}

struct Opens(Arc<Example>);

#[async_trait]
impl OpenEngines for Opens {
    async fn open(&self, _run: &ValidRun) -> Result<Engines, EngineError> {
        Ok(self.0.engines())
    }

    async fn open_storage(
        &self,
        _run: &ValidRun,
        _client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        self.0.engines().storage().cloned()
    }
}

struct Unobserved;

impl Observer for Unobserved {
    fn transition(&self, _run: &OperatorRun) {}
    fn progress(&self, _run: &OperatorRun, _progress: &Progress) {}
}

impl Door {
    /// Opens the door over the resources of a store's folder, with all that is below a root.
    pub(crate) fn new(store: &Path, root: &Path) -> Self {
        let example = Arc::new(Example::new());
        example.take(root);
        let context = RunContext {
            store: Arc::new(DirectoryStore::new(store)),
            library: library::definitions().into(),
            look_up: Arc::new(EachTime),
            open_engines: Arc::new(Opens(Arc::clone(&example))),
            operators: mason::operators::all(),
            kinds: &[ActionKind::Builtin, ActionKind::Sql],
            clients: mason::clients::types(),
            admission: Arc::default(),
            clock: Arc::new(SystemClock),
            attachments: None,
            keeping: Keeping::default(),
            budget: Arc::new(ProgressBudget::unlimited()),
        };
        Self { example, context }
    }

    /// Makes a run and drives it to its end; shows the files below the root.
    pub(crate) fn run(&self, run: Value, root: &Path) -> Value {
        let run: OperatorRun = serde_json::from_value(run).expect("should be a run");
        let ended = self.example.runtime.block_on(async {
            let made = self.context.store.create(&Resource::OperatorRun(Box::new(run))).await;
            let key = made.expect("should be stored").key();
            runs::drive(&self.context, &key, &Unobserved).await.expect("should be driven")
        });
        self.example.show(root);
        serde_json::to_value(&ended).expect("should be JSON")
    }
}
