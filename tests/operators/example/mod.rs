//! A client that has only what a new one has to write: its files, its lock, and where its jobs run.
//!
//! Its files are objects in memory. Databases, tables, commits and changes are those of the lake, jobs those of
//! the embedded engine: the same cases hold for it as for a folder of this machine.

mod door;
mod execution;

pub(crate) use door::Door;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt as _;
use mason::embedded::work::Work;
use mason::engines::files::Files;
use mason::engines::table::StoragePath;
use mason::engines::{EngineError, Engines};
use mason::lake::changes::ChangeLock;
use mason::lake::metastore::LakeMetastore;
use mason::lake::object_files::ObjectFiles;
use mason::lake::object_path::object_path;
use mason::lake::storage::LakeStorage;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;

use execution::InProcess;

/// The client, and the runtime on which its store is called.
pub(crate) struct Example {
    lake: Lake,
    execution: Arc<InProcess>,
    runtime: Runtime,
}

/// What its roles of metastore and storage are made of.
#[derive(Clone)]
struct Lake {
    objects: Arc<dyn ObjectStore>,
    files: Arc<dyn Files>,
    lock: Arc<OneAtATime>,
}

impl Lake {
    fn metastore(&self) -> LakeMetastore {
        let (files, lock) = (Arc::clone(&self.files), Arc::clone(&self.lock));
        LakeMetastore::new(files, lock, now)
    }

    fn storage(&self) -> LakeStorage {
        LakeStorage::new(Arc::clone(&self.files), Arc::clone(&self.objects))
    }

    /// Returns the roles as a job uses them: they read.
    fn in_job(&self, work: &Work) -> Engines {
        Engines {
            metastore: Some(Arc::new(self.metastore().in_job(work.discovery()))),
            storage: Some(Arc::new(self.storage())),
            execution: None,
            in_job: true,
        }
    }
}

impl Example {
    pub(crate) fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().expect("should build");
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let handle = runtime.handle().clone();
        let files: Arc<dyn Files> = Arc::new(ObjectFiles::new(Arc::clone(&objects), handle));
        let lake = Lake { objects, files, lock: Arc::default() };
        let execution = Arc::new(InProcess::new(lake.clone()));
        Self { lake, execution, runtime }
    }

    /// Returns its roles, as a client hands them out when it is opened.
    fn engines(&self) -> Engines {
        Engines {
            metastore: Some(Arc::new(self.lake.metastore())),
            storage: Some(Arc::new(self.lake.storage())),
            execution: Some(Arc::clone(&self.execution) as _),
            in_job: false,
        }
    }

    /// Takes over all that is below a folder.
    pub(crate) fn take(&self, root: &Path) {
        self.take_below(root, root);
    }

    fn take_below(&self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("should list") {
            let path = entry.expect("should list").path();
            let below = path.strip_prefix(root).expect("should be below").to_string_lossy();
            let below = StoragePath::new(&below).expect("should be a path");
            if path.is_dir() {
                self.lake.files.make_folder(&below).expect("should make");
                self.take_below(root, &path);
                continue;
            }
            let content = fs::read(&path).expect("should read");
            let object = object_path(&below);
            let put = self.lake.objects.put(&object, content.into());
            self.runtime.block_on(put).expect("should put");
        }
    }

    /// Writes all files into a folder, in the place of what is there.
    pub(crate) fn show(&self, root: &Path) {
        fs::remove_dir_all(root).expect("should remove");
        fs::create_dir(root).expect("should make");
        let listed: Vec<_> =
            self.runtime.block_on(self.lake.objects.list(None).try_collect()).expect("should list");
        for object in listed {
            let content = self
                .runtime
                .block_on(async { self.lake.objects.get(&object.location).await?.bytes().await });
            let below = percent_decoded(object.location.as_ref());
            let path = root.join(below);
            fs::create_dir_all(path.parent().expect("should have one")).expect("should make");
            if !path.ends_with(".folder") {
                fs::write(path, content.expect("should read")).expect("should write");
            }
        }
    }
}

fn percent_decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8().expect("should be text").into_owned()
}

#[expect(clippy::disallowed_methods, reason = "a client is an edge: it says what time it is")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Changes follow one another within this process, which is all that there is.
#[derive(Default)]
struct OneAtATime(Arc<Mutex<bool>>);

struct Taken(Arc<Mutex<bool>>);

fn held(lock: &Mutex<bool>) -> MutexGuard<'_, bool> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ChangeLock for OneAtATime {
    fn take(&self) -> Result<Box<dyn Send>, EngineError> {
        while std::mem::replace(&mut *held(&self.0), true) {
            std::thread::yield_now();
        }
        Ok(Box::new(Taken(Arc::clone(&self.0))))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *held(&self.0) = false;
    }
}
