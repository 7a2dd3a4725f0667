//! The objects below an address, under the paths by which the lake knows files.
//!
//! The lake's path of an object is the percent-encoded form of its file's; a key is the path itself, as other
//! programs write it, behind the prefix of the address. An empty object that stands for a folder (`a/`), as consoles
//! make them, is shown as the mark of a folder that was made. Refusals are told by [`named`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};

use super::error::named;
use crate::api::s3_address::S3Address;
use crate::engines::table::StoragePath;
use crate::lake::object_files::FOLDER_MARK;
use crate::lake::object_path::{file_path, object_path};

/// Empty objects that are looked at together, whether they stand for folders.
const LOOKS_AT_ONCE: usize = 16;

/// The objects of a bucket below an address.
#[derive(Debug, Clone)]
pub(super) struct BucketFiles {
    bucket: Arc<AmazonS3>,
    address: Arc<S3Address>,
}

impl fmt::Display for BucketFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

impl BucketFiles {
    pub(super) fn new(bucket: Arc<AmazonS3>, address: &S3Address) -> Self {
        Self { bucket, address: Arc::new(address.clone()) }
    }

    /// Returns the key of a path of the lake.
    fn key(&self, path: &Path) -> Result<Path> {
        key_of(&self.address, path)
    }

    fn below(&self, folder: Option<&Path>) -> Result<Option<Path>> {
        let whole = Path::default();
        let key = self.key(folder.unwrap_or(&whole))?;
        Ok((!key.as_ref().is_empty()).then_some(key))
    }

    fn named(&self, error: Error) -> Error {
        named(error, self.address.bucket())
    }

    /// Returns an object under its path of the lake, listed below a key.
    async fn shown(self, below: Option<Path>, found: ObjectMeta) -> Result<ObjectMeta> {
        // Mason's own mark of a folder is one of the empty objects that are what they are.
        let is_mark = found.size == 0
            && found.location.filename() != Some(FOLDER_MARK)
            && (below.as_ref() == Some(&found.location) || self.is_folder(&found.location).await?);
        let location = path_of(&self.address, &found.location)?;
        let location = if is_mark { location.join(FOLDER_MARK) } else { location };
        Ok(ObjectMeta { location, ..found })
    }

    /// Returns whether an empty object that is listed is not there under its name: its key ends with a `/`.
    async fn is_folder(&self, key: &Path) -> Result<bool> {
        match self.bucket.head(key).await {
            Ok(_) => Ok(false),
            Err(Error::NotFound { .. }) => Ok(true),
            Err(failed) => Err(self.named(failed)),
        }
    }
}

/// Returns the key of a path of the lake.
fn key_of(address: &S3Address, path: &Path) -> Result<Path> {
    let prefix = address.prefix();
    if path.as_ref().is_empty() {
        return Ok(Path::parse(prefix)?);
    }
    let file = file_path(path)?;
    let key = if prefix.is_empty() { file.to_string() } else { format!("{prefix}/{file}") };
    Ok(Path::parse(key)?)
}

/// Returns the path of the lake of a key below the address; empty for the address itself.
fn path_of(address: &S3Address, key: &Path) -> Result<Path> {
    let prefix = address.prefix();
    let below = match key.as_ref().strip_prefix(prefix) {
        Some(below) if prefix.is_empty() => below,
        Some("") => "",
        Some(below) if below.starts_with('/') => &below[1..],
        _ => {
            let source = format!("`{key}` is not below `{address}`").into();
            return Err(Error::Generic { store: "S3", source });
        }
    };
    if below.is_empty() {
        return Ok(Path::default());
    }
    let file = StoragePath::new(below);
    let file = file.map_err(|source| Error::Generic { store: "S3", source: source.into() })?;
    Ok(object_path(&file))
}

#[async_trait]
impl ObjectStore for BucketFiles {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.bucket.put_opts(&self.key(location)?, payload, options).await;
        put.map_err(|error| self.named(error))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.bucket.put_multipart_opts(&self.key(location)?, options).await;
        begun.map_err(|error| self.named(error))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let got = self.bucket.get_opts(&self.key(location)?, options).await;
        let got = got.map_err(|error| self.named(error))?;
        Ok(GetResult { meta: ObjectMeta { location: location.clone(), ..got.meta }, ..got })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (wanted, address, own) = (self.clone(), Arc::clone(&self.address), self.clone());
        let keys = locations.map(move |location| wanted.key(&location?)).boxed();
        let deleted = self.bucket.delete_stream(keys);
        let shown = move |key: Result<Path>| {
            key.map_err(|error| own.named(error)).and_then(|key| path_of(&address, &key))
        };
        deleted.map(shown).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let below = match self.below(prefix) {
            Ok(below) => below,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let (own, listed) = (self.clone(), self.bucket.list(below.as_ref()));
        let shown = move |found: Result<ObjectMeta>| {
            let (own, below) = (own.clone(), below.clone());
            async move {
                match found {
                    Ok(found) => own.shown(below, found).await,
                    Err(error) => Err(own.named(error)),
                }
            }
        };
        listed.map(shown).buffered(LOOKS_AT_ONCE).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let below = self.below(prefix)?;
        let listed = self.bucket.list_with_delimiter(below.as_ref()).await;
        let listed = listed.map_err(|error| self.named(error))?;
        let folders = listed.common_prefixes.iter().map(|key| path_of(&self.address, key));
        let mut objects = Vec::with_capacity(listed.objects.len());
        for found in listed.objects {
            objects.push(self.clone().shown(below.clone(), found).await?);
        }
        Ok(ListResult { common_prefixes: folders.collect::<Result<_>>()?, objects })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let copied = self.bucket.copy_opts(&self.key(from)?, &self.key(to)?, options).await;
        copied.map_err(|error| self.named(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_path_of_its_file_behind_the_prefix() {
        for prefix in ["", "data", "a/b c"] {
            let root = S3Address::parse(&format!("s3://lake/{prefix}")).expect("should be one");
            for file in ["t/a.csv", "t/k=a%2Fb é/c+d.csv", "x y/100%.csv", "~a/#?"] {
                let path = object_path(&StoragePath::new(file).expect("should be a path"));
                let key = key_of(&root, &path).expect("should be a key");
                let wanted =
                    if prefix.is_empty() { file.to_owned() } else { format!("{prefix}/{file}") };
                assert_eq!(key.as_ref(), wanted);
                assert_eq!(path_of(&root, &key).expect("should be below"), path);
            }
        }
    }

    #[test]
    fn what_is_not_below_the_address_is_no_path() {
        let root = S3Address::parse("s3://lake/data").expect("should be one");
        for key in ["database/a.csv", "other", "dat"] {
            assert!(path_of(&root, &Path::parse(key).expect("should be a key")).is_err(), "{key}");
        }
        let own = Path::parse("data").expect("should be a key");
        assert!(path_of(&root, &own).expect("is the root").as_ref().is_empty());
    }
}
