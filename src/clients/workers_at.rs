//! Where the workers of a client run.

use std::sync::Arc;

#[cfg(feature = "local")]
use super::local::processes::WarmWorkers;
use crate::api::v1alpha1::ClientConfig;
use crate::engines::EngineError;
use crate::engines::workers::Workers;

/// Says where the workers of a client run.
pub trait PlaceWorkers: Send + Sync {
    /// Returns where the workers of a client run. Changes nothing.
    ///
    /// # Errors
    /// `PermissionDenied`, reason `PlacementNotAllowed`, when the client asks for a place that it may not have.
    fn place(&self, client: &ClientConfig) -> Result<WorkersAt, EngineError>;
}

/// Where the workers of a client run.
#[derive(Clone)]
pub enum WorkersAt {
    /// As children of this process.
    Here,
    /// As children of this process, of which some wait for jobs.
    #[cfg(feature = "local")]
    Warm(Arc<WarmWorkers>),
    /// Elsewhere.
    There(Arc<dyn Workers>),
}

impl WorkersAt {
    /// Returns workers as children of this process, of which so many wait for jobs once they are started by
    /// [`WorkersAt::warm_up`].
    #[must_use]
    pub fn warm(count: usize) -> Self {
        #[cfg(feature = "local")]
        return Self::Warm(Arc::new(WarmWorkers::own(count)));
        #[cfg(not(feature = "local"))]
        {
            let _ = count;
            Self::Here
        }
    }

    /// Starts the workers that wait for jobs. Blocks for some milliseconds.
    pub fn warm_up(&self) {
        #[cfg(feature = "local")]
        if let Self::Warm(workers) = self {
            workers.fill();
        }
    }
}

/// Every client has the same place.
impl PlaceWorkers for WorkersAt {
    fn place(&self, _: &ClientConfig) -> Result<WorkersAt, EngineError> {
        Ok(self.clone())
    }
}
