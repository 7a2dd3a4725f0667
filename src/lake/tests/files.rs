//! Files over any object store: in memory, and below a folder of this machine.

use std::io::Write as _;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Runtime;

use super::{path, runtime};
use crate::engines::ErrorKind;
use crate::engines::files::Files as _;
use crate::lake::object_files::ObjectFiles;
use crate::lake::object_path::object_path;

/// Calls a test with the files of each sort of store.
fn with_each(test: impl Fn(&ObjectFiles, &Arc<dyn ObjectStore>, &Runtime)) {
    let folder = tempfile::tempdir().expect("should make a folder");
    let below = LocalFileSystem::new_with_prefix(folder.path()).expect("should be a store");
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(InMemory::new()), Arc::new(below)];
    for store in stores {
        let runtime = runtime();
        let files = ObjectFiles::new(Arc::clone(&store), runtime.handle().clone());
        test(&files, &store, &runtime);
    }
}

/// Bytes that differ from place to place.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 251).unwrap_or(0)).collect()
}

fn written(files: &ObjectFiles, name: &str, bytes: &[u8]) {
    let mut file = files.create(&path(name)).expect("should create");
    for part in bytes.chunks(1_000_003) {
        file.write_all(part).expect("should write");
    }
    file.seal().expect("should seal");
}

#[test]
fn what_is_written_is_read_in_any_order_and_to_its_end() {
    with_each(|files, _, _| {
        let bytes = content(20 * 1024 * 1024 + 17);
        written(files, "t/k=a%2Fb/x.csv", &bytes);
        let pinned = files.pin(&path("t/k=a%2Fb/x.csv")).expect("should pin");
        let source = files.open(&pinned).expect("should open");
        let mut buffer = vec![0; 300_000];
        let (mut offset, mut read) = (0, Vec::new());
        loop {
            let count = source.read_at(&mut buffer, offset).expect("should read");
            read.extend_from_slice(&buffer[..count]);
            offset += count as u64;
            if count < buffer.len() {
                break;
            }
        }
        assert!(read == bytes, "it is read as it was written");
        for (at, length) in
            [(bytes.len() - 8, 8), (0, 4), (9 << 20, 5), (3, 0), (16 << 20, 1 << 20)]
        {
            let mut buffer = vec![0; length];
            let count = source.read_at(&mut buffer, at as u64).expect("should read");
            assert_eq!(count, length);
            assert!(buffer == bytes[at..at + length], "{at}");
        }
        let end = source.read_at(&mut buffer, bytes.len() as u64 - 2).expect("should read");
        assert_eq!(end, 2);
    });
}

#[test]
fn a_file_that_was_replaced_or_removed_is_told_by_its_name() {
    with_each(|files, store, runtime| {
        written(files, "a.csv", b"a\n1\n");
        let pinned = files.pin(&path("a.csv")).expect("should pin");
        let source = files.open(&pinned).expect("should open");
        let objects = files.pinned(std::slice::from_ref(&pinned));
        let object = object_path(&pinned.path);
        assert_eq!(source.read_at(&mut [0; 4], 0).expect("should read"), 4);
        let got = runtime.block_on(objects.get_range(&object, 0..1));
        assert_eq!(got.expect("should read"), "a");
        let other = runtime.block_on(objects.get_range(&object_path(&path("b.csv")), 0..1));
        assert!(matches!(other, Err(object_store::Error::NotFound { .. })), "{other:?}");
        runtime.block_on(store.put(&object, "a\n1\n2\n".into())).expect("should put");
        let error = source.read_at(&mut [0; 4], 0).expect_err("should notice");
        assert!(error.to_string().contains("`a.csv`"), "{error}");
        let error = runtime.block_on(objects.get(&object)).expect_err("should notice");
        assert!(error.to_string().contains("`a.csv`"), "{error}");
        files.remove(&pinned.path).expect("should remove");
        files.remove(&pinned.path).expect("may be asked again");
        let error = source.read_at(&mut [0; 4], 0).expect_err("should notice");
        assert!(error.to_string().contains("removed"), "{error}");
        let error = files.pin(&pinned.path).expect_err("should be gone");
        assert_eq!(error.kind, ErrorKind::NotFound);
    });
}

#[test]
fn a_file_is_not_there_before_it_is_sealed() {
    with_each(|files, _, _| {
        let mut file = files.create(&path("t/new.csv")).expect("should create");
        file.write_all(&content(12 << 20)).expect("should write");
        assert!(files.pin(&path("t/new.csv")).is_err(), "it is not whole");
        drop(file);
        assert!(files.pin(&path("t/new.csv")).is_err(), "it was given up");
    });
}

#[test]
fn what_is_remembered_may_be_replaced_and_missing() {
    with_each(|files, _, _| {
        assert_eq!(files.recall("a/b.json"), None);
        files.remember("a/b.json", b"1").expect("should remember");
        files.remember("a/b.json", b"22").expect("should replace");
        assert_eq!(files.recall("a/b.json").as_deref(), Some(&b"22"[..]));
    });
}
