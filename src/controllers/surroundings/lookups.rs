//! Looks up what runs are validated against, once for all runs that ask at the same time.
//!
//! A pass takes over what another has read only if that reading began after the pass was asked for: so a run
//! sees everything that was applied before it, as if it had read by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use kube::ResourceExt as _;

use crate::api::v1alpha1::OperatorRun;
use crate::runs::{LookUp, Resources, RunContext};
use crate::store::StoreError;
use crate::validate::config_namespace;

/// How many look-ups are remembered before those that no pass waits for are forgotten.
const REMEMBERED: usize = 256;

/// What was read last. Copies share it.
#[derive(Clone, Default)]
pub(crate) struct SharedLookUps(Arc<Mutex<HashMap<Asked, Slot>>>);

/// The namespace of a run, its operator, and the namespace and name of its config.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked([String; 4]);

/// When the newest reading began, and what it found. The pass that reads holds the lock.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Arc<Resources>)>>>;

impl SharedLookUps {
    /// Returns the look-up of a pass that was asked for at this time.
    pub(crate) fn since(&self, asked: Instant) -> PassLookUp {
        PassLookUp { shared: self.clone(), asked }
    }

    /// Forgets everything: a config or a definition has changed.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns what another has read since a time, or reads.
    async fn read(
        &self,
        asked: Asked,
        since: Instant,
        reading: impl Future<Output = Result<Resources, StoreError>>,
    ) -> Result<Arc<Resources>, StoreError> {
        let slot = self.slot(asked);
        let mut newest = slot.lock().await;
        if let Some((_, found)) = newest.as_ref().filter(|(began, _)| *began >= since) {
            return Ok(Arc::clone(found));
        }
        let began = Instant::now();
        let found = Arc::new(reading.await?);
        *newest = Some((began, Arc::clone(&found)));
        Ok(found)
    }

    fn slot(&self, asked: Asked) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(asked).or_default())
    }
}

/// The look-up of one pass.
pub(crate) struct PassLookUp {
    shared: SharedLookUps,
    asked: Instant,
}

#[async_trait]
impl LookUp for PassLookUp {
    async fn resources(
        &self,
        context: &RunContext,
        run: &OperatorRun,
    ) -> Result<Arc<Resources>, StoreError> {
        let own = run.namespace().unwrap_or_default();
        let (config, name) = (config_namespace(run).to_owned(), run.spec.config_ref.name.clone());
        let asked = Asked([own, run.spec.operator.clone(), config, name]);
        self.shared.read(asked, self.asked, Resources::look_up(context, run)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_pass_takes_over_only_what_was_read_after_it_was_asked_for() {
        let (shared, reads) = (SharedLookUps::default(), AtomicUsize::new(0));
        let asked = |operator: &str| Asked(["n", operator, "n", "lake"].map(str::to_owned));
        let read = async |operator: &str, since: Instant| {
            let reading = async {
                reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(Resources::default())
            };
            shared.read(asked(operator), since, reading).await.expect("should read");
            reads.load(Ordering::Relaxed)
        };
        let early = Instant::now();
        let (one, other) = tokio::join!(read("a", early), read("a", early));
        assert_eq!((one, other), (1, 1), "a pass that asks meanwhile waits for the same reading");
        assert_eq!(read("a", early).await, 1);
        assert_eq!(read("b", early).await, 2, "another operator is another thing");
        let late = Instant::now();
        assert_eq!(read("a", late).await, 3, "it may have changed before this was asked for");
        shared.forget();
        assert_eq!(read("a", late).await, 4);
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_read_again() {
        let (shared, since) = (SharedLookUps::default(), Instant::now());
        let asked = || Asked([const { String::new() }; 4]);
        let gone = StoreError::Unreadable { what: "lake".to_owned(), message: "no".to_owned() };
        assert!(shared.read(asked(), since, async { Err(gone) }).await.is_err());
        assert!(shared.read(asked(), since, async { Ok(Resources::default()) }).await.is_ok());
    }
}
