//! The root folder: everything this client reads or writes is opened beneath it.
//!
//! Built on `cap-std`: a path is resolved by the operating system relative to an open folder, so that
//! neither `..`, nor a symbolic link, nor a race between a check and its use leads out. What is read
//! is compared with how it was pinned before and after each read.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use super::disk::{Disk, Durable};
use crate::engines::files::ByteSource;
use crate::engines::job::JobToken;
use crate::engines::table::{PinnedFile, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::{ONLY_FILES, changed_error, error, io_error, is_full};

pub use crate::lake::listing::OWN_FOLDER;

/// Most bytes of a document: the manifest of a table of a million files has some 200 MiB.
const MOST_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// An open root folder.
#[derive(Debug)]
pub struct Root {
    dir: Dir,
    path: PathBuf,
    disk: Box<dyn Durable>,
}

impl Root {
    /// Opens an existing folder.
    ///
    /// # Errors
    /// `NotFound` when there is none; `InvalidInput` when it is no folder; `PermissionDenied`.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let shown = path.display().to_string();
        let fail = |source: io::Error| {
            let missing = source.kind() == io::ErrorKind::NotFound;
            let error = io_error("open the root folder", &shown, source);
            if missing {
                error.with_hint("make the folder, or correct `local.root`")
            } else {
                error
            }
        };
        let absolute = path.canonicalize().map_err(fail)?;
        let dir = Dir::open_ambient_dir(&absolute, ambient_authority()).map_err(fail)?;
        Ok(Self { dir, path: absolute, disk: Box::new(Disk) })
    }

    /// Returns the root with another implementation of the durable operations, for tests.
    #[must_use]
    pub fn with_disk(self, disk: Box<dyn Durable>) -> Self {
        Self { disk, ..self }
    }

    /// Returns the operations on which durability rests.
    pub(crate) fn disk(&self) -> &dyn Durable {
        self.disk.as_ref()
    }

    /// Returns the root's absolute path, for messages and for handing it to a child process.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a path leads to this very folder. Blocks.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        match (rustix::fs::fstat(&self.dir), rustix::fs::stat(path)) {
            (Ok(own), Ok(there)) => (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino),
            _ => false,
        }
    }

    /// Returns the open folder, for effects within this client.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Opens a pinned file for reading at any offset.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming the file when it is no longer as it was pinned.
    pub fn read(&self, file: &PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError> {
        Ok(Arc::new(self.open_pinned(file)?))
    }

    /// Opens a pinned file, as a value that can check it again.
    pub(crate) fn open_pinned(&self, file: &PinnedFile) -> Result<PinnedSource, EngineError> {
        let opened = match self.open_file(file.path.as_str()) {
            Ok(opened) => opened,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(EngineError {
                    kind: ErrorKind::NotFound,
                    ..changed_error(file, "is gone since it was looked at")
                });
            }
            Err(source) => {
                return Err(io_error("open a pinned file", file.path.as_str(), source));
            }
        };
        let source = PinnedSource { file: opened, pinned: file.clone() };
        source.check().map_err(|why| changed_error(file, &why.to_string()))?;
        Ok(source)
    }

    /// Returns a file as it is now.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` when it is no regular file.
    pub fn pin(&self, path: &StoragePath) -> Result<PinnedFile, EngineError> {
        let fail = |source| io_error("look at a file", path.as_str(), source);
        let metadata = self.open_file(path.as_str()).and_then(|f| f.metadata()).map_err(fail)?;
        Ok(pinned(path.clone(), &metadata))
    }

    /// Creates a new file and the folders above it. An existing file is an error.
    ///
    /// # Errors
    /// `AlreadyExists`; `OutOfDisk`; `PermissionDenied`.
    pub fn create_file(&self, path: &StoragePath) -> Result<File, EngineError> {
        let fail = |source| io_error("create a file", path.as_str(), source);
        if let Some((folder, _)) = path.as_str().rsplit_once('/') {
            self.make_folders(folder).map_err(fail)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        Ok(self.dir.open_with(path.as_str(), &options).map_err(fail)?.into_std())
    }

    /// Returns the absolute path of a job's folder for spilling, and makes it.
    ///
    /// # Errors
    /// `InvalidInput` for a token that is no name; `OutOfDisk`; `PermissionDenied`.
    pub fn scratch(&self, token: &JobToken) -> Result<PathBuf, EngineError> {
        let below = format!("{OWN_FOLDER}/jobs/{}/scratch", checked_token(token)?);
        self.make_folders(&below)
            .map_err(|source| io_error("make the folder for spilling", &below, source))?;
        Ok(self.path.join(below))
    }

    /// Makes a folder and those above it; for a link in the way the error says where it leads.
    pub(crate) fn make_folders(&self, path: &str) -> io::Result<()> {
        match self.dir.create_dir_all(path) {
            Ok(()) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => Err(source),
            Err(source) if is_full(&source) => Err(source),
            // The system refuses; a link that leads outside is refused without asking it.
            Err(source)
                if source.kind() == io::ErrorKind::PermissionDenied
                    && source.raw_os_error().is_some() =>
            {
                Err(source)
            }
            Err(source) => Err(self.dir.open_dir(path).err().unwrap_or(source)),
        }
    }

    /// Reads a document of Mason's own, such as a manifest: whatever stands in its place, without waiting for the
    /// other end of a pipe and without more memory than a document may take.
    ///
    /// # Errors
    /// `InvalidInput` when it is no regular file, `FileTooLarge` beyond [`MOST_DOCUMENT_BYTES`].
    pub(crate) fn read_document(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut part = self.open_file(path)?.take(MOST_DOCUMENT_BYTES + 1);
        if part.get_ref().metadata()?.len() <= MOST_DOCUMENT_BYTES {
            part.read_to_end(&mut bytes)?;
            if bytes.len() as u64 <= MOST_DOCUMENT_BYTES {
                return Ok(bytes);
            }
        }
        let most = MOST_DOCUMENT_BYTES / (1024 * 1024);
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} MiB")))
    }

    /// Opens a regular file; never waits for the other end of a pipe.
    fn open_file(&self, path: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(rustix_nonblock());
        let file = self.dir.open_with(path, &options)?.into_std();
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

fn rustix_nonblock() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("should be a flag of open")
}

/// Returns a token that may be the name of a folder.
pub(crate) fn checked_token(token: &JobToken) -> Result<&str, EngineError> {
    let text = token.0.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=63).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text);
    }
    Err(error(
        ErrorKind::InvalidInput,
        "use a job token",
        format!("{:?} is no token", text.chars().take(80).collect::<String>()),
    )
    .with_hint("a token has 1 to 63 lower-case letters, digits and `-`"))
}

/// Returns a file as the metadata of an open file describes it.
fn pinned(path: StoragePath, metadata: &std::fs::Metadata) -> PinnedFile {
    PinnedFile {
        path,
        size_bytes: metadata.len(),
        modified_ns: modified_ns(metadata.mtime(), metadata.mtime_nsec()),
        identity: Some(metadata.ino().to_string()),
        partition_values: Vec::new(),
    }
}

/// Returns a file as a look beneath a folder describes it.
pub(crate) fn pinned_beneath(
    path: StoragePath,
    metadata: &cap_std::fs::Metadata,
) -> Result<PinnedFile, EngineError> {
    use cap_std::fs::MetadataExt as _;
    if !metadata.is_file() {
        let message = format!("`{path}` is no regular file");
        return Err(error(ErrorKind::InvalidInput, "look at a file", message).with_hint(ONLY_FILES));
    }
    Ok(PinnedFile {
        path,
        size_bytes: metadata.len(),
        modified_ns: modified_ns(metadata.mtime(), metadata.mtime_nsec()),
        identity: Some(metadata.ino().to_string()),
        partition_values: Vec::new(),
    })
}

/// Returns nanoseconds since 1970, at the bounds of what an `i64` holds (the years 1677 and 2262).
pub(crate) fn modified_ns(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// One open file with how it was pinned.
#[derive(Debug)]
pub(crate) struct PinnedSource {
    file: File,
    pinned: PinnedFile,
}

impl PinnedSource {
    /// Fails when the open file is no longer as it was pinned, or has been removed.
    pub(crate) fn check(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        let changed = |what: &str| Err(io::Error::other(what.to_owned()));
        if now.nlink() == 0 {
            return changed("was removed or replaced since it was looked at");
        }
        if now.len() != self.pinned.size_bytes {
            return changed("changed its size since it was looked at");
        }
        if modified_ns(now.mtime(), now.mtime_nsec()) != self.pinned.modified_ns {
            return changed("was modified since it was looked at");
        }
        match &self.pinned.identity {
            Some(identity) if *identity != now.ino().to_string() => {
                changed("is another file than the one that was looked at")
            }
            _ => Ok(()),
        }
    }

    /// Fills a buffer, or what there is up to the end of the file, and checks the file afterwards.
    pub(crate) fn read_checked(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + u64::try_from(filled).unwrap_or(u64::MAX);
            match self.file.read_at(&mut buffer[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.named(&source)),
            }
        }
        self.check().map_err(|source| self.named(&source))?;
        Ok(filled)
    }

    fn named(&self, source: &io::Error) -> io::Error {
        io::Error::new(source.kind(), format!("`{}` {source}", self.pinned.path))
    }
}

impl ByteSource for PinnedSource {
    fn path(&self) -> &str {
        self.pinned.path.as_str()
    }

    fn size(&self) -> u64 {
        self.pinned.size_bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_checked(buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> StoragePath {
        StoragePath::new(text).expect("should be a path")
    }

    fn root() -> (tempfile::TempDir, Arc<Root>) {
        let folder = tempfile::tempdir().expect("should make a folder");
        let root = Root::open(folder.path()).expect("should open");
        (folder, Arc::new(root))
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        let outside = tempfile::tempdir().expect("should make a folder");
        fs::write(outside.path().join("secret"), "s").expect("should write");
        let (folder, root) = root();
        symlink(outside.path(), folder.path().join("out")).expect("should link");
        symlink(outside.path().join("secret"), folder.path().join("file")).expect("should link");
        for bad in ["out/secret", "file"] {
            let error = root.pin(&path(bad)).expect_err("should be refused");
            assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
            assert!(error.message.contains(bad), "{error}");
        }
        let error = root.create_file(&path("out/new")).expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn file_that_changes_while_read_is_named() {
        let (folder, root) = root();
        let on_disk = folder.path().join("a.csv");
        fs::write(&on_disk, "a\n1\n").expect("should write");
        let pinned = root.pin(&path("a.csv")).expect("should pin");
        let source = root.read(&pinned).expect("should open");
        let mut buffer = [0; 10];
        assert_eq!(source.read_at(&mut buffer, 0).expect("should read"), 4);
        fs::write(&on_disk, "a\n1\n2\n").expect("should write");
        let error = source.read_at(&mut buffer, 0).expect_err("should notice");
        assert!(error.to_string().contains("a.csv"), "{error}");
        let error = root.read(&pinned).err().expect("should notice");
        assert_eq!(error.kind, ErrorKind::Conflict);
    }

    #[test]
    fn file_that_vanishes_while_read_is_named() {
        let (folder, root) = root();
        let on_disk = folder.path().join("a.csv");
        fs::write(&on_disk, "a\n1\n").expect("should write");
        let pinned = root.pin(&path("a.csv")).expect("should pin");
        let source = root.read(&pinned).expect("should open");
        fs::remove_file(&on_disk).expect("should remove");
        let error = source.read_at(&mut [0; 2], 0).expect_err("should notice");
        assert!(error.to_string().contains("`a.csv` was removed"), "{error}");
        let error = root.read(&pinned).err().expect("should notice");
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.contains("a.csv"), "{error}");
    }

    #[test]
    fn pipe_is_no_file_and_does_not_block() {
        let (folder, root) = root();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("p"), 0o600.into())
            .expect("should make a pipe");
        let error = root.pin(&path("p")).expect_err("should be refused");
        assert!(error.message.contains("no regular file"), "{error}");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert_eq!(error.hint.as_deref(), Some(ONLY_FILES));
    }

    #[test]
    fn a_document_is_a_regular_file_of_bounded_size() {
        let (folder, root) = root();
        fs::write(folder.path().join("a.json"), "{}").expect("should write");
        assert_eq!(root.read_document("a.json").expect("should read"), b"{}");
        let large = fs::File::create(folder.path().join("large.json")).expect("should create");
        large.set_len(5 << 30).expect("should be sparse");
        let error = root.read_document("large.json").expect_err("should be refused");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("p.json"), 0o600.into())
            .expect("should make a pipe");
        let error = root.read_document("p.json").expect_err("should be refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = root.read_document("none.json").expect_err("should be missing");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn existing_file_is_never_written_again() {
        let (_folder, root) = root();
        root.create_file(&path("a/b/c.csv")).expect("should create");
        let error = root.create_file(&path("a/b/c.csv")).expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::AlreadyExists);
    }

    #[test]
    fn token_that_is_no_name_is_refused() {
        let (_folder, root) = root();
        for bad in ["", "..", "a/b", "A", &"a".repeat(64)] {
            assert!(root.scratch(&JobToken(bad.to_owned())).is_err(), "{bad:?}");
        }
        assert!(root.scratch(&JobToken("a-1".to_owned())).expect("should make").is_dir());
    }
}
