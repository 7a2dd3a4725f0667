//! The files of a store: where they are, how they are read, and how one is replaced at once.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::api::API_VERSION;
use crate::api::names::{is_dns_label, is_dns_subdomain};
use crate::api::resource::{Key, Kind, Resource};
use crate::store::StoreError;

/// Longest name: a file's name has at most 255 bytes, five of which are the ending.
const NAME_LENGTH: usize = 250;
/// Largest file that is read; an object of a cluster is at most half of it.
const FILE_BYTES: u64 = 4 << 20;

/// The files of a store.
pub(super) struct Files {
    root: PathBuf,
}

/// The files of a store while no other process changes them.
pub(super) struct LockedFiles<'a> {
    files: &'a Files,
    /// Releases the lock when it is closed, also when the process dies.
    _lock: File,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until no other process changes the store.
    pub(super) fn locked(&self) -> Result<LockedFiles<'_>, StoreError> {
        fs::create_dir_all(&self.root).map_err(failed("make the folder", &self.root))?;
        let path = self.root.join(".lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(failed("open", &path))?;
        lock.lock().map_err(failed("lock", &path))?;
        Ok(LockedFiles { files: self, _lock: lock })
    }

    /// Returns a resource, if it is there.
    pub(super) fn read(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        read_file(&self.path(key)?, key)
    }

    /// Returns every resource of a kind, by namespace and name.
    pub(super) fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let namespaces = match namespace {
            Some(namespace) => vec![namespace.to_owned()],
            None => entries(&self.root)?.into_iter().filter(|name| is_dns_label(name)).collect(),
        };
        let mut listed = Vec::new();
        for namespace in namespaces {
            let folder = self.folder(kind, &namespace)?;
            for name in entries(&folder)? {
                let Some(name) = name.strip_suffix(".json").filter(|name| !name.starts_with('.'))
                else {
                    continue;
                };
                let key = Key { kind, namespace: namespace.clone(), name: name.to_owned() };
                let read = self.path(&key).and_then(|path| read_file(&path, &key));
                // One that has vanished since it was listed is not there.
                listed.extend(read.transpose());
            }
        }
        Ok(listed)
    }

    fn folder(&self, kind: Kind, namespace: &str) -> Result<PathBuf, StoreError> {
        if is_dns_label(namespace) {
            return Ok(self.root.join(namespace).join(kind.plural()));
        }
        let hint = "lower-case letters, digits and `-`, at most 63";
        let problem = format!("{:?} is not the name of a namespace: {hint}", cut(namespace));
        Err(StoreError::Refused { what: kind.to_string(), problems: vec![problem] })
    }

    fn path(&self, key: &Key) -> Result<PathBuf, StoreError> {
        let folder = self.folder(key.kind, &key.namespace)?;
        if key.name.len() <= NAME_LENGTH && is_dns_subdomain(&key.name) {
            return Ok(folder.join(format!("{}.json", key.name)));
        }
        let hint = format!("lower-case letters, digits, `-` and `.`, at most {NAME_LENGTH}");
        let problem = format!("{:?} is not the name of a resource: {hint}", cut(&key.name));
        Err(StoreError::Refused { what: key.kind.to_string(), problems: vec![problem] })
    }
}

impl LockedFiles<'_> {
    /// Returns a resource, if it is there.
    pub(super) fn read(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        self.files.read(key)
    }

    /// Puts a resource in the place of what was there, at once and for good.
    pub(super) fn write(&self, key: &Key, document: &Value) -> Result<(), StoreError> {
        let path = self.files.path(key)?;
        let mut text = serde_json::to_vec_pretty(document).map_err(|error| StoreError::Io {
            operation: "write",
            path: path.display().to_string(),
            source: io::Error::other(error),
        })?;
        text.push(b'\n');
        let folder = path.parent().unwrap_or(&self.files.root);
        make_folder(&self.files.root, folder)?;
        let new = self.new_file(&text)?;
        fs::rename(&new, &path).map_err(failed("rename to", &path))?;
        flush_folder(folder)
    }

    /// Removes a resource; returns whether it was there.
    pub(super) fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let path = self.files.path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => {
                flush_folder(path.parent().unwrap_or(&self.files.root))?;
                Ok(true)
            }
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(failed("delete", &path)(error)),
        }
    }

    /// Writes a file that no reader looks at yet. Whatever lies there is left over from a process that
    /// died: the holder of the lock is alone.
    fn new_file(&self, content: &[u8]) -> Result<PathBuf, StoreError> {
        let folder = self.files.root.join(".new");
        fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
        for leftover in entries(&folder)? {
            let leftover = folder.join(leftover);
            fs::remove_file(&leftover).map_err(failed("delete the leftover", &leftover))?;
        }
        let path = folder.join(uuid::Uuid::new_v4().to_string());
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(failed("write", &path))?;
        Ok(path)
    }
}

/// Makes a folder and those above it, and flushes each that has a new entry.
fn make_folder(root: &Path, folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    folder
        .ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(root))
        .try_for_each(flush_folder)
}

fn flush_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("flush", folder))
}

fn read_file(path: &Path, key: &Key) -> Result<Option<Resource>, StoreError> {
    let unreadable =
        |message: String| StoreError::Unreadable { what: path.display().to_string(), message };
    let text = match fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES => {
            return Err(unreadable(format!("it is larger than {FILE_BYTES} bytes")));
        }
        Ok(_) => fs::read(path),
        Err(error) => Err(error),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let document: Value =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if document["apiVersion"] != API_VERSION || document["kind"] != key.kind.as_str() {
        return Err(unreadable(format!("it is no {} of {API_VERSION}", key.kind)));
    }
    let resource = Resource::from_document(key.kind, document)
        .map_err(|error| unreadable(error.to_string()))?;
    let found = resource.key();
    if found != *key {
        return Err(unreadable(format!("it holds {found}")));
    }
    Ok(Some(resource))
}

/// Returns the names in a folder, sorted without their endings; none when it is not there.
fn entries(folder: &Path) -> Result<Vec<String>, StoreError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed("list", folder))?;
        names.extend(entry.file_name().into_string().ok());
    }
    // With their endings, `a-2.json` would come before `a.json`.
    let stem =
        |name: &String| name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned());
    names.sort_by_cached_key(stem);
    Ok(names)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { operation, path: path.display().to_string(), source }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
