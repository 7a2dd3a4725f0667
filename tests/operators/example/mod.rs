//! A client that has only what a new one has to write: its files, and where its jobs run.
//!
//! Its files are objects in memory. Databases, tables, commits and changes are those of the lake, jobs those of
//! the embedded engine: the same cases hold for it as for a folder of this machine.

mod door;
mod execution;

pub(crate) use door::Door;

use std::path::Path;
use std::sync::Arc;

use mason::engines::Engines;
use mason::engines::files::Files;
use mason::engines::table::StoragePath;
use mason::lake::object_files::ObjectFiles;
use mason::lake::object_path::object_path;
use mason::lake::one_at_a_time::OneAtATime;
use mason::lake::roles::Lake;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tokio::runtime::Runtime;

use crate::objects::{self, Names};
use execution::InProcess;

/// The client, and the runtime on which its store is called.
pub(crate) struct Example {
    lake: Lake,
    objects: Arc<dyn ObjectStore>,
    execution: Arc<InProcess>,
    runtime: Runtime,
}

impl Example {
    pub(crate) fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().expect("should build");
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let handle = runtime.handle().clone();
        let files: Arc<dyn Files> = Arc::new(ObjectFiles::new(Arc::clone(&objects), handle));
        let lock = Arc::new(OneAtATime::default());
        let lake = Lake::new(files, Arc::clone(&objects), lock, now);
        let execution = Arc::new(InProcess::new(lake.clone()));
        Self { lake, objects, execution, runtime }
    }

    /// Returns its roles, as a client hands them out when it is opened.
    fn engines(&self) -> Engines {
        Engines { execution: Some(Arc::clone(&self.execution) as _), ..self.lake.engines() }
    }

    /// Takes over all that is below a folder.
    pub(crate) fn take(&self, root: &Path) {
        objects::take(&*self.objects, &self.runtime, NAMES, root);
    }

    /// Writes all files into a folder, in the place of what is there.
    pub(crate) fn show(&self, root: &Path) {
        objects::show(&*self.objects, &self.runtime, NAMES, root);
    }
}

/// Objects are named as the lake names them.
const NAMES: Names = Names {
    of_file: |file| object_path(&StoragePath::new(file).expect("should be a path")),
    of_object: |object| {
        let text = percent_encoding::percent_decode_str(object.as_ref()).decode_utf8();
        text.expect("should be text").into_owned()
    },
};

#[expect(clippy::disallowed_methods, reason = "a client is an edge: it says what time it is")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
