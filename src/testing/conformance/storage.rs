//! The rules of [`Storage`].

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{Report, Verdict, failed, fails, holds};
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind, Storage};

/// What the suite needs beside the storage.
pub struct Fixture<'a> {
    /// Writes a file below the storage's root, by other means than the storage; replaces one that exists.
    pub write: &'a (dyn Fn(&str, &[u8]) + Sync),
}

/// Checks a storage whose root may hold anything but a folder `conformance`.
pub async fn run(subject: &dyn Storage, fixture: &Fixture<'_>) -> Report {
    let mut report = Report::default();
    for (path, content) in [
        ("conformance/b.csv", "a\n1\n"),
        ("conformance/a.csv", "a\n1\n2\n"),
        ("conformance/deep/er/c.csv", "a\n"),
        ("conformance/_hidden.csv", "a\n"),
        ("conformance/.hidden.csv", "a\n"),
        ("conformance/_hidden/d.csv", "a\n"),
    ] {
        (fixture.write)(path, content.as_bytes());
    }
    report.add("a folder's files come by path, hidden names left out", listing(subject).await);
    report.add("a file is a location", one_file(subject).await);
    report.add("a glob is a location", glob(subject).await);
    report.add("nothing outside the root is a location", outside(subject).await);
    report.add("what is not there does not exist", absent(subject).await);
    report.add("objects are the files' bytes", objects(subject).await);
    report.add("a changed file has another pin", pins(subject, fixture).await);
    report
}

async fn listed(subject: &dyn Storage, location: &str) -> Result<Vec<PinnedFile>, EngineError> {
    subject.list_files(location).try_collect().await
}

async fn paths(subject: &dyn Storage, location: &str) -> Result<Vec<String>, EngineError> {
    let files = listed(subject, location).await?;
    Ok(files.into_iter().map(|file| file.path.to_string()).collect())
}

async fn is_listed_as(subject: &dyn Storage, location: &str, wanted: &[&str]) -> Verdict {
    let found = paths(subject, location).await?;
    holds(found == wanted, || format!("`{location}` has {found:?}, expected {wanted:?}"))
}

async fn listing(subject: &dyn Storage) -> Verdict {
    let all = ["conformance/a.csv", "conformance/b.csv", "conformance/deep/er/c.csv"];
    is_listed_as(subject, "conformance", &all).await?;
    is_listed_as(subject, "conformance/", &all).await
}

async fn one_file(subject: &dyn Storage) -> Verdict {
    let files = listed(subject, "conformance/a.csv").await?;
    let sizes: Vec<_> = files.iter().map(|file| file.size_bytes).collect();
    holds(sizes == [6], || format!("the sizes are {sizes:?}, expected [6]"))
}

async fn glob(subject: &dyn Storage) -> Verdict {
    is_listed_as(subject, "conformance/*.csv", &["conformance/a.csv", "conformance/b.csv"]).await?;
    is_listed_as(subject, "conformance/**/c.*", &["conformance/deep/er/c.csv"]).await
}

async fn outside(subject: &dyn Storage) -> Verdict {
    for bad in ["..", "../x", "conformance/../..", "/etc", "", "conformance//a.csv", "a\0b"] {
        fails(listed(subject, bad).await, ErrorKind::InvalidInput)?;
        fails(subject.exists(bad).await, ErrorKind::InvalidInput)?;
    }
    Ok(())
}

async fn absent(subject: &dyn Storage) -> Verdict {
    fails(listed(subject, "conformance/none").await, ErrorKind::NotFound)?;
    for (location, there) in [
        ("conformance/none", false),
        ("conformance/*.none", false),
        ("conformance", true),
        ("conformance/a.csv", true),
        ("conformance/*.csv", true),
    ] {
        let found = subject.exists(location).await?;
        holds(found == there, || format!("`{location}` exists: {found}, expected {there}"))?;
    }
    Ok(())
}

async fn objects(subject: &dyn Storage) -> Verdict {
    let store = subject.objects();
    let path = Path::from("conformance/a.csv");
    let wrong = |error: object_store::Error| failed(error.to_string());
    let bytes = store.get(&path).await.map_err(wrong)?.bytes().await.map_err(wrong)?;
    holds(bytes == "a\n1\n2\n", || format!("the bytes are {bytes:?}"))?;
    let part = store.get_range(&path, 2..4).await.map_err(wrong)?;
    holds(part == "1\n", || format!("bytes 2 to 4 are {part:?}"))?;
    match store.get(&Path::from("conformance/none")).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => Err(failed(format!("a missing object gives {other:?}"))),
    }
}

async fn pins(subject: &dyn Storage, fixture: &Fixture<'_>) -> Verdict {
    let before = listed(subject, "conformance/b.csv").await?;
    (fixture.write)("conformance/b.csv", b"a\n1\n2\n3\n");
    let after = listed(subject, "conformance/b.csv").await?;
    holds(before != after, || format!("both times it is {before:?}"))
}
