//! The storage role over any files.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt as _};
use object_store::ObjectStore;
use tokio::sync::mpsc;

use super::error::of_client;
use super::listing::{checked, visit};
use super::threads::{begin_blocking, blocking};
use crate::engines::files::Files;
use crate::engines::storage::Storage;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};

/// How many files are found before they are asked for.
const LISTED_AHEAD: usize = 1_000;

/// The storage role of a client that keeps files.
#[derive(Debug, Clone)]
pub struct LakeStorage {
    files: Arc<dyn Files>,
    objects: Arc<dyn ObjectStore>,
    client: Option<Arc<str>>,
}

impl LakeStorage {
    /// Makes the role over files and the same files as objects.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, objects: Arc<dyn ObjectStore>) -> Self {
        Self { files, objects, client: None }
    }

    /// Returns the same role, whose errors name its client.
    #[must_use]
    pub(crate) fn of_client(self, client: Option<Arc<str>>) -> Self {
        Self { client, ..self }
    }
}

#[async_trait]
impl Storage for LakeStorage {
    fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    fn list_files<'a>(
        &'a self,
        location: &'a str,
    ) -> BoxStream<'a, Result<PinnedFile, EngineError>> {
        let (files, location) = (Arc::clone(&self.files), location.to_owned());
        let (sender, mut receiver) = mpsc::channel(LISTED_AHEAD);
        let listing = begin_blocking(move || {
            visit(&*files, &location, &mut |file| match sender.blocking_send(file) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            })
        });
        // What it fails with comes behind what it has found.
        let end = stream::once(listing).filter_map(async |ended| ended.err().map(Err));
        let named = |error| of_client(error, self.client.as_deref());
        stream::poll_fn(move |context| receiver.poll_recv(context))
            .map(Ok)
            .chain(end)
            .map_err(named)
            .boxed()
    }

    async fn exists(&self, location: &str) -> Result<bool, EngineError> {
        let (files, location) = (Arc::clone(&self.files), location.to_owned());
        blocking(move || {
            if files.kind(&checked(&location)?)?.is_some() {
                return Ok(true);
            }
            let mut is_there = false;
            let first = visit(&*files, &location, &mut |_| {
                is_there = true;
                ControlFlow::Break(())
            });
            match first {
                Err(error) if error.kind != ErrorKind::NotFound => Err(error),
                _ => Ok(is_there),
            }
        })
        .await
        .map_err(|error| of_client(error, self.client.as_deref()))
    }
}
