//! Files of a storage as the embedded engine and the lake use them: on a disk, in an object store, in memory.
//!
//! Calls block; they are made on threads that may wait, never on those of an async runtime.

use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use object_store::ObjectStore;

use super::error::EngineError;
use super::table::{PinnedFile, StoragePath};
use crate::api::conditions::Reason;

/// The reason of files where one name can be given twice.
pub const NAMES_GIVEN_TWICE: Reason = Reason::ConditionalWritesMissing;

/// Random access to one file. Implementations must fail a read when the file is no longer the one
/// that was opened.
pub trait ByteSource: Send + Sync {
    /// Returns the path, for messages.
    fn path(&self) -> &str;

    /// Returns the size in bytes.
    fn size(&self) -> u64;

    /// Reads into the whole buffer from an offset; fewer bytes only at the end.
    ///
    /// # Errors
    /// Whatever the system says, naming the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl<S: ByteSource + ?Sized> ByteSource for &S {
    fn path(&self) -> &str {
        (**self).path()
    }

    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

impl<S: ByteSource + ?Sized> ByteSource for Arc<S> {
    fn path(&self) -> &str {
        (**self).path()
    }

    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

/// A file that is being written. One that is dropped before it is sealed may be there, in part or as a whole,
/// or not at all.
pub trait NewFile: Write + Send {
    /// Writes what is left and waits until all of it is kept for good.
    ///
    /// # Errors
    /// Whatever the system says.
    fn seal(&mut self) -> io::Result<()>;
}

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file, or a link.
    File,
    /// A folder, or what several names of objects begin with.
    Folder,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of its path.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Files below one root. No name leads out of it.
///
/// A folder of an object store is there as long as an object is below it, or it was made.
pub trait Files: fmt::Debug + Send + Sync {
    /// Returns a file as it is now.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` when it is no regular file.
    fn pin(&self, path: &StoragePath) -> Result<PinnedFile, EngineError>;

    /// Returns what is at a path, if anything is; a file where an object store has a folder of its name too.
    ///
    /// # Errors
    /// `PermissionDenied`; `Unavailable`.
    fn kind(&self, path: &StoragePath) -> Result<Option<EntryKind>, EngineError>;

    /// Returns whether a path at which a file is has files below it too, as object stores allow.
    ///
    /// # Errors
    /// As [`kind`](Self::kind).
    fn is_folder_too(&self, file: &StoragePath) -> Result<bool, EngineError>;

    /// Hands on every file below a folder (the root when `None`), however deep, in no order, until it is
    /// enough. Names that begin with `_` or `.`, and what is below them, are left out.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder; `InvalidInput` naming what cannot be a data file.
    fn walk(
        &self,
        folder: Option<&StoragePath>,
        take: &mut dyn FnMut(PinnedFile) -> ControlFlow<()>,
    ) -> Result<(), EngineError>;

    /// Returns what is directly in a folder (the root when `None`), sorted by name; names that are not UTF-8
    /// are left out, all others are not.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder.
    fn level(&self, folder: Option<&StoragePath>) -> Result<Vec<Entry>, EngineError>;

    /// Reads a document of Mason's own, such as a manifest.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for what is no file, or beyond 256 MiB.
    fn read(&self, path: &StoragePath) -> Result<Vec<u8>, EngineError>;

    /// Gives a document a name that must not be taken, whole or not at all; returns whether it was this call
    /// that did. It is kept for good when this returns, with the folders above it.
    ///
    /// # Errors
    /// `OutOfDisk`; `PermissionDenied`; `Unavailable`, after which it may have the name.
    fn publish(&self, path: &StoragePath, bytes: &[u8]) -> Result<bool, EngineError>;

    /// Checks that [`publish`](Self::publish) can be relied on here, before work begins that ends with it.
    ///
    /// # Errors
    /// `Unsupported`, reason `ConditionalWritesMissing`, where a name is given twice; `PermissionDenied` where nothing
    /// may be written.
    fn check_publishing(&self) -> Result<(), EngineError>;

    /// Writes a document anew, whole or not at all. It is kept for good when this returns.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    fn replace(&self, path: &StoragePath, bytes: &[u8]) -> Result<(), EngineError>;

    /// Waits until the content of sealed files, and all names on their paths, are kept for good.
    ///
    /// # Errors
    /// Whatever the system says.
    fn keep(&self, files: &[&StoragePath]) -> Result<(), EngineError>;

    /// Makes a folder and those above it, for good; one that is there stays.
    ///
    /// # Errors
    /// `PermissionDenied`; `OutOfDisk`.
    fn make_folder(&self, path: &StoragePath) -> Result<(), EngineError>;

    /// Removes a folder with everything below it, if it is there, and returns whether nothing is left of it. Where
    /// folders can be renamed it is out of sight at once, as `<run uid>` in Mason's own folder; may be repeated.
    ///
    /// # Errors
    /// `PermissionDenied`; `Unavailable`.
    fn remove_folder(&self, path: &StoragePath, run_uid: &str) -> Result<bool, EngineError>;

    /// Removes a folder of what no reader sees, with everything below it, if it is there. Takes no room; may be
    /// interrupted and repeated.
    ///
    /// # Errors
    /// As [`remove_folder`](Self::remove_folder).
    fn discard_folder(&self, path: &StoragePath) -> Result<(), EngineError>;

    /// Removes the folders above a removed file that are empty now, up to and with `top`, where a folder does
    /// not vanish with its last file by itself.
    fn remove_empty_folders(&self, file: &StoragePath, top: &StoragePath);

    /// Opens a pinned file for reading at any offset.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming the file when it is no longer as it was pinned.
    fn open(&self, file: &PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError>;

    /// Returns an object store that serves these files only, and fails when one is no longer as it was
    /// pinned. The path of an object is the percent-encoded form of its file's path.
    fn pinned(&self, files: &[PinnedFile]) -> Arc<dyn ObjectStore>;

    /// Begins a new file, with the folders above it. Its path is that of no other file.
    ///
    /// # Errors
    /// `AlreadyExists` where that is known at once; `OutOfDisk`; `PermissionDenied`.
    fn create(&self, path: &StoragePath) -> Result<Box<dyn NewFile>, EngineError>;

    /// Removes a file, and returns whether it was there.
    ///
    /// # Errors
    /// `PermissionDenied`; `Unavailable`.
    fn remove(&self, path: &StoragePath) -> Result<bool, EngineError>;

    /// Returns what was remembered under a name, if it is still there. It may be gone at any time.
    fn recall(&self, name: &str) -> Option<Vec<u8>>;

    /// Remembers something beside the files, whole or not at all, to save time later.
    ///
    /// # Errors
    /// Whatever the system says; nothing depends on it.
    fn remember(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}
