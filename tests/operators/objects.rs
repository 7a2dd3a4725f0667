//! The objects of a store as the files of a folder, and back.

use std::fs;
use std::path::Path;

use futures::TryStreamExt as _;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;

/// The object that keeps a folder without files.
const FOLDER_MARK: &str = ".folder";

/// How a store names the object of a file, and back.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    pub(crate) of_file: fn(&str) -> ObjectPath,
    pub(crate) of_object: fn(&ObjectPath) -> String,
}

/// Takes all that is below a folder into a store.
pub(crate) fn take(store: &dyn ObjectStore, runtime: &Runtime, names: Names, root: &Path) {
    take_below(store, runtime, names, root, root);
}

fn take_below(
    store: &dyn ObjectStore,
    runtime: &Runtime,
    names: Names,
    root: &Path,
    folder: &Path,
) {
    for entry in fs::read_dir(folder).expect("should list") {
        let path = entry.expect("should list").path();
        let below = path.strip_prefix(root).expect("should be below").to_string_lossy();
        let (name, content) = if path.is_dir() {
            take_below(store, runtime, names, root, &path);
            (format!("{below}/{FOLDER_MARK}"), Vec::new())
        } else {
            (below.into_owned(), fs::read(&path).expect("should read"))
        };
        let object = (names.of_file)(&name);
        runtime.block_on(store.put(&object, content.into())).expect("should put");
    }
}

/// Writes all objects of a store into a folder, in the place of what is there.
pub(crate) fn show(store: &dyn ObjectStore, runtime: &Runtime, names: Names, root: &Path) {
    fs::remove_dir_all(root).expect("should remove");
    fs::create_dir(root).expect("should make");
    let listed: Vec<_> = runtime.block_on(store.list(None).try_collect()).expect("should list");
    for object in listed {
        let path = root.join((names.of_object)(&object.location));
        fs::create_dir_all(path.parent().expect("should have one")).expect("should make");
        if !path.ends_with(FOLDER_MARK) {
            let content = async { store.get(&object.location).await?.bytes().await };
            fs::write(path, runtime.block_on(content).expect("should read")).expect("should write");
        }
    }
}
