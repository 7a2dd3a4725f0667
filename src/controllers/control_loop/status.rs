//! How a controller stores the status of configs and definitions, whose readiness follows from their own spec.

use std::time::Duration;

use super::error::Error;
use super::requeue::Action;
use crate::api::resource::Resource;
use crate::controllers::context::Context;
use crate::store::kubernetes::KubernetesStore;
use crate::store::{Store as _, StoreError};

/// How soon an object is requeued after another writer has changed it.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Stores a status, reports a change of readiness as an event, and returns what follows. When another
/// writer changed the object first, the object is requeued soon.
pub(crate) async fn store_status(
    (context, store): (&Context, &KubernetesStore),
    before: &Resource,
    changed: Resource,
    follows: Action,
) -> Result<Action, Error> {
    match store.replace_status(&changed).await {
        Ok(stored) => {
            context.events.report_readiness(before, &stored);
            Ok(follows)
        }
        Err(StoreError::Conflict { .. }) => Ok(Action::requeue(AFTER_CONFLICT)),
        Err(error) => Err(error.into()),
    }
}
