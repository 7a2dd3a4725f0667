//! Files of a storage as the embedded engine and the lake use them: on a disk, in an object store, in memory.
//!
//! Calls block; they are made on threads that may wait, never on those of an async runtime.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use object_store::ObjectStore;

use super::error::EngineError;
use super::table::{PinnedFile, StoragePath};

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

/// Files below one root. No name leads out of it.
pub trait Files: fmt::Debug + Send + Sync {
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

    /// Waits until the names of the sealed files directly in a folder are kept for good.
    ///
    /// # Errors
    /// Whatever the system says.
    fn keep_names(&self, folder: &str) -> io::Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// `PermissionDenied`; `Unavailable`.
    fn remove(&self, path: &StoragePath) -> Result<(), EngineError>;

    /// Returns what was remembered under a name, if it is still there. It may be gone at any time.
    fn recall(&self, name: &str) -> Option<Vec<u8>>;

    /// Remembers something beside the files, whole or not at all, to save time later.
    ///
    /// # Errors
    /// Whatever the system says; nothing depends on it.
    fn remember(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}
