//! How a controller stores the status of what stands by its spec alone: configs and definitions.

use std::time::Duration;

use super::error::Error;
use super::requeue::Action;
use crate::api::resource::Resource;
use crate::controllers::context::Context;
use crate::store::kubernetes::KubernetesStore;
use crate::store::{Store as _, StoreError};

/// How soon an object that somebody else changed first is looked at again.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Stores a status, tells how the object came to stand, and returns what follows; when somebody else
/// changed the object first, it is looked at again soon.
pub(crate) async fn store_status(
    (context, store): (&Context, &KubernetesStore),
    before: &Resource,
    changed: Resource,
    follows: Action,
) -> Result<Action, Error> {
    match store.replace_status(&changed).await {
        Ok(stored) => {
            context.events.tell_standing(before, &stored);
            Ok(follows)
        }
        Err(StoreError::Conflict { .. }) => Ok(Action::requeue(AFTER_CONFLICT)),
        Err(error) => Err(error.into()),
    }
}
