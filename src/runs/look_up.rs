//! Where a run's context has its resources looked up.

use std::sync::Arc;

use async_trait::async_trait;

use super::context::{LookUp, RunContext};
use super::resources::{Library, Resources};
use crate::api::v1alpha1::OperatorRun;
use crate::store::StoreError;

/// Looks everything up each time.
#[derive(Debug, Clone, Copy, Default)]
pub struct EachTime;

#[async_trait]
impl LookUp for EachTime {
    async fn resources(
        &self,
        context: &RunContext,
        run: &OperatorRun,
    ) -> Result<Arc<Resources>, StoreError> {
        Resources::look_up(context, run).await.map(Arc::new)
    }
}

impl Resources {
    /// Looks a run's resources up where its context says.
    ///
    /// # Errors
    /// As [`Resources::read`].
    pub async fn look_up(context: &RunContext, run: &OperatorRun) -> Result<Self, StoreError> {
        Self::read(context.store.as_ref(), &library_of(context), run).await
    }
}

fn library_of(context: &RunContext) -> Library<'_> {
    let admission = &context.admission;
    Library {
        built_in: &context.library,
        namespace: admission.library_namespace.as_deref(),
        reach: &admission.reach,
    }
}
