//! What driving a run needs from outside, and what it tells those who watch.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::admission::Admission;
use super::budget::ProgressBudget;
use super::resources::Resources;
use crate::api::v1alpha1::{ActionKind, EngineChoice, OperatorDefinition, OperatorRun, Progress};
use crate::engines::capability::ClientType;
use crate::engines::{EngineError, Engines, Storage};
use crate::faults;
use crate::operators::{Operator, result_schema};
use crate::plan::Keeping;
use crate::store::{Attachments, Store, StoreError};
use crate::validate::{ActionDescription, ValidRun};

/// Everything that driving a run needs from outside.
#[derive(Clone)]
pub struct RunContext {
    /// Where resources are kept.
    pub store: Arc<dyn Store>,
    /// The definitions that come with Mason, used where the run's namespace has none of its own.
    pub library: Arc<[OperatorDefinition]>,
    /// Looks up what runs are validated against.
    pub look_up: Arc<dyn LookUp>,
    /// Opens the clients that a run was matched with.
    pub open_engines: Arc<dyn OpenEngines>,
    /// The built-in operators, as `operators::all` returns them.
    pub operators: &'static [&'static dyn Operator],
    /// The kinds of action that can be run here.
    pub kinds: &'static [ActionKind],
    /// The types of clients that this program has.
    pub clients: &'static [ClientType],
    /// What decides whether and when runs may begin here.
    pub admission: Arc<Admission>,
    /// The time, and how to wait.
    pub clock: Arc<dyn Clock>,
    /// Keeps results beside runs, where that is possible.
    pub attachments: Option<Arc<dyn Attachments>>,
    /// What the store allows of runs, and demands of those that have ended.
    pub keeping: Keeping,
    /// How often progress may be stored.
    pub budget: Arc<ProgressBudget>,
}

impl RunContext {
    /// Returns who performs an action, `table.query` or `sql`, if there is one.
    #[must_use]
    pub fn operator(&self, action: &str) -> Option<&'static dyn Operator> {
        let built_in = self.operators.iter().copied().find(|operator| operator.name() == action);
        built_in.or_else(|| crate::operators::performer(action))
    }
}

/// Returns what `validate` knows of operators.
#[must_use]
pub fn action_descriptions(operators: &[&'static dyn Operator]) -> Vec<ActionDescription> {
    let described = operators.iter();
    described
        .map(|operator| ActionDescription {
            name: operator.name(),
            needs: operator.needs(),
            uses: operator.uses(),
            result_schema: result_schema(operator.name()),
        })
        .collect()
}

/// Looks up what a run is validated against.
#[async_trait]
pub trait LookUp: Send + Sync {
    /// Returns it as it was after this was called, or after the pass over the run was asked for.
    ///
    /// # Errors
    /// As [`Resources::read`].
    async fn resources(
        &self,
        context: &RunContext,
        run: &OperatorRun,
    ) -> Result<Arc<Resources>, StoreError>;
}

/// Opens the clients that a run was matched with.
#[async_trait]
pub trait OpenEngines: Send + Sync {
    /// Returns the chosen client of every role that one was picked for. Changes nothing and may be repeated.
    ///
    /// # Errors
    /// `InvalidInput` or `NotFound` when a client's settings lead nowhere; `Unavailable` when it may
    /// be there later.
    async fn open(&self, run: &ValidRun) -> Result<Engines, EngineError>;

    /// Returns the storage of one client of the run's config, whichever roles it was picked for. Changes nothing and
    /// may be repeated.
    ///
    /// # Errors
    /// As [`OpenEngines::open`], and `InvalidInput` for a client that keeps no files.
    async fn open_storage(
        &self,
        run: &ValidRun,
        client: &EngineChoice,
    ) -> Result<Arc<dyn Storage>, EngineError>;
}

/// The time, and how to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, length: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge at which the clock stands")]
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(faults::clock_seconds());
        Timestamp::now().saturating_add(ahead).unwrap_or_default()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// Watches a run that is driven. Every method does nothing unless it is written.
pub trait Observer: Send + Sync {
    /// The run's phase, reason or attempt changed, and the change is stored.
    fn transition(&self, run: &OperatorRun) {
        let _ = run;
    }

    /// The work moved on.
    fn progress(&self, run: &OperatorRun, progress: &Progress) {
        let _ = (run, progress);
    }

    /// The work wrote a line to its log.
    fn log_line(&self, run: &OperatorRun, line: &str) {
        let _ = (run, line);
    }

    /// Returns whether [`Observer::log_line`] is to be called; logs are read only then.
    fn wants_logs(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Observer for Unwatched {}

/// Why a run could not be driven. The run's own failures are in its status, never here.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such run.
    #[error("run `{namespace}/{name}` does not exist")]
    NotFound {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The key is not a run's.
    #[error("`{name}` is not a run")]
    NotARun {
        /// The resource's name.
        name: String,
    },
    /// The store gave the run no uid, without which nothing can be done once only.
    #[error("run `{name}` has no uid")]
    NoUid {
        /// The run's name.
        name: String,
    },
    /// The store fails.
    #[error("failed to {operation} run `{name}`")]
    Store {
        /// What was tried.
        operation: &'static str,
        /// The run's name.
        name: String,
        /// Why.
        source: StoreError,
    },
    /// The run changes faster than it can be followed.
    #[error("run `{name}` was changed by another writer {times} times in a row")]
    Contended {
        /// The run's name.
        name: String,
        /// How often.
        times: u32,
    },
    /// What was recorded cannot be read, for example by an older version of Mason.
    #[error("failed to read `status.{field}` of run `{name}`")]
    Recorded {
        /// The run's name.
        name: String,
        /// The field of the status.
        field: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The operator that the run was resolved to is not part of this version of Mason.
    #[error("operator `{operator}` of run `{name}` is not part of this version")]
    UnknownOperator {
        /// The run's name.
        name: String,
        /// The builtin's name.
        operator: String,
    },
}
