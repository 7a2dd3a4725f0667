//! Texts that are kept beside runs.

use async_trait::async_trait;

use super::error::StoreError;
use crate::api::v1alpha1::OperatorRun;

/// A text that is kept beside a run.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// The name of the object that holds it.
    pub name: &'a str,
    /// Its key in there.
    pub key: &'a str,
    /// The text.
    pub text: &'a str,
    /// The token of the attempt that it is of.
    pub token: &'a str,
    /// Whether it goes when the run goes.
    pub goes_with_run: bool,
}

/// Keeps texts beside runs, where a status has no room for them.
#[async_trait]
pub trait Attachments: Send + Sync {
    /// Stores a text under a name at which nothing is, and returns what is there then: the same, or
    /// what was stored under the same token before.
    ///
    /// # Errors
    /// `Conflict` when something else is there.
    async fn attach(
        &self,
        run: &OperatorRun,
        attached: &Attached<'_>,
    ) -> Result<String, StoreError>;

    /// Removes what stands under a name, if Mason made it.
    async fn detach(&self, run: &OperatorRun, name: &str) -> Result<(), StoreError>;
}
