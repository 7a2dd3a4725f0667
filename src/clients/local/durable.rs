//! The two ways of publishing a file so that it survives.
//!
//! It is written, synced, given its name in one step, and then its folder is synced; the operations are those
//! of [`super::disk`].

use std::io;

use super::root::Root;
use crate::lake::listing::folder_of;

fn temporary_beside(path: &str) -> String {
    let folder = folder_of(path);
    let name = format!(".new-{}", uuid::Uuid::new_v4().simple());
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

/// Makes a folder and those above it, and waits until their names are on the disk.
pub(crate) fn make_folder(root: &Root, path: &str) -> io::Result<()> {
    if root.dir().try_exists(path).unwrap_or(false) {
        return Ok(());
    }
    root.make_folders(path)?;
    sync_folders_above(root, path)
}

/// Waits until the names of a path and of all folders above it are on the disk.
pub(crate) fn sync_folders_above(root: &Root, path: &str) -> io::Result<()> {
    let mut folder = folder_of(path);
    loop {
        root.disk().sync_folder(root.dir(), folder)?;
        if folder.is_empty() {
            return Ok(());
        }
        folder = folder_of(folder);
    }
}

/// Publishes a file that must not exist, whole or not at all; returns whether it was this call that
/// did. When it exists already nothing is changed.
pub(crate) fn publish_new(root: &Root, path: &str, bytes: &[u8]) -> io::Result<bool> {
    make_folder(root, folder_of(path))?;
    publish_into(root, path, bytes)
}

/// As [`publish_new`], in a folder that is there: one that is gone is not made again.
pub(crate) fn publish_into(root: &Root, path: &str, bytes: &[u8]) -> io::Result<bool> {
    let temporary = temporary_beside(path);
    let (disk, dir) = (root.disk(), root.dir());
    let linked = disk
        .write_new(dir, &temporary, bytes)
        .and_then(|()| disk.sync_file(dir, &temporary))
        .and_then(|()| disk.link(dir, &temporary, path));
    // Whatever happened, a temporary name that stays behind is only litter.
    let _ = dir.remove_file(&temporary);
    match linked {
        Ok(()) => disk.sync_folder(dir, folder_of(path)).map(|()| true),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(source),
    }
}

/// Replaces a file, whole or not at all, and waits until it is on the disk.
pub(crate) fn publish(root: &Root, path: &str, bytes: &[u8]) -> io::Result<()> {
    make_folder(root, folder_of(path))?;
    let temporary = temporary_beside(path);
    let (disk, dir) = (root.disk(), root.dir());
    let renamed = disk
        .write_new(dir, &temporary, bytes)
        .and_then(|()| disk.sync_file(dir, &temporary))
        .and_then(|()| disk.rename(dir, &temporary, path));
    if let Err(source) = renamed {
        let _ = dir.remove_file(&temporary);
        return Err(source);
    }
    disk.sync_folder(dir, folder_of(path))
}

/// Replaces a file, whole or not at all; a crash of the machine may lose it. For what is only shown.
pub(crate) fn replace_quickly(root: &Root, path: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path);
    root.dir().write(&temporary, bytes)?;
    root.dir().rename(&temporary, root.dir(), path).inspect_err(|_| {
        let _ = root.dir().remove_file(&temporary);
    })
}
