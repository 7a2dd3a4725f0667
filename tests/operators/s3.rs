//! A bucket of a server of S3 that is emulated on this machine, one for each case.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as ObjectPath;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::catalogue;
use crate::objects::{self, Names};
use crate::peer;
use crate::server::Server;

/// What requests are signed with; the server takes any.
const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")];

/// The databases of a case are below this prefix of its bucket.
const PREFIX: &str = "lake of/a+b";

const NAMES: Names = Names { of_file: key, of_object: |key| below_prefix(key.as_ref()) };

fn key(file: &str) -> ObjectPath {
    ObjectPath::parse(format!("{PREFIX}/{file}")).expect("should be a key")
}

fn below_prefix(key: &str) -> String {
    key.strip_prefix(PREFIX).and_then(|below| below.strip_prefix('/')).expect("is below").to_owned()
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&peer::python(), &[]))
}

/// A bucket with the files of a case.
pub(crate) struct Bucket {
    name: String,
    objects: AmazonS3,
    runtime: Runtime,
}

impl Bucket {
    /// Makes a bucket with all that is below a folder.
    pub(crate) fn new(root: &Path) -> Self {
        static BUCKETS: AtomicUsize = AtomicUsize::new(0);
        let name = format!("case-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        put(server().address(), &name, "");
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(server().address())
            .with_bucket_name(&name)
            .with_allow_http(true);
        for (key, value) in KEYS {
            let key = key.to_lowercase().parse().expect("should be a key");
            builder = builder.with_config(key, value);
        }
        let objects = builder.build().expect("should be a client");
        let runtime = Runtime::new().expect("should build");
        let made = Self { name, objects, runtime };
        made.put_folder(root);
        made
    }

    /// Returns the config of the bucket, whose jobs work in a folder of this machine.
    pub(crate) fn config(&self, work: &Path) -> Value {
        let root = format!("s3://{}/{PREFIX}/", self.name);
        let s3 = json!({"name": "bucket", "s3": {"root": root, "endpoint": server().address()}});
        json!({
            "apiVersion": "mason.dev/v1alpha1",
            "kind": "MasonConfig",
            "metadata": {"name": "lake"},
            "spec": {
                "engines": {
                    "metastore": ["bucket"], "storage": ["bucket"], "execution": ["here"],
                },
                "clients": [s3, {"name": "here", "local": {"root": work}}],
            },
        })
    }

    /// Puts all that is below a folder.
    pub(crate) fn put_folder(&self, root: &Path) {
        objects::take(&self.objects, &self.runtime, NAMES, root);
    }

    /// Puts an empty object whose key ends with `/`, as consoles make for a folder.
    pub(crate) fn put_marker(&self, folder: &str) {
        self.put_content(folder, "");
    }

    /// Puts an object whose key no path may have.
    pub(crate) fn put_content(&self, key: &str, content: &str) {
        let key = format!("{PREFIX}/{key}");
        let encoded =
            percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
        let path = encoded.to_string().replace("%2F", "/");
        put(server().address(), &format!("{}/{path}", self.name), content);
    }

    /// Returns the address of the server that all buckets are on.
    pub(crate) fn server() -> &'static str {
        server().address()
    }

    /// Returns the address of a path, `s3://…`.
    pub(crate) fn address_of(&self, path: &str) -> String {
        format!("s3://{}/{PREFIX}/{path}", self.name)
    }

    /// Returns what was asked of the bucket so far, each as `GET /bucket/key?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let told = catalogue::http("GET", "/front/objects", None, "");
        let all: Vec<String> = serde_json::from_str(&told).expect("is a list of texts");
        let own = format!(" /{}", self.name);
        let is_own = |request: &String| {
            let of = request.split_once(&own).map(|(_, rest)| rest);
            of.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        all.into_iter().filter(is_own).collect()
    }

    /// Lets a command use the bucket.
    pub(crate) fn lend_to(command: &mut Command) {
        command.envs(KEYS).env_remove("AWS_PROFILE");
    }

    /// Writes all objects into a folder, in the place of what is there.
    pub(crate) fn show(&self, root: &Path) {
        objects::show(&self.objects, &self.runtime, NAMES, root);
    }
}

/// Puts an object, or makes a bucket where the path is but a name.
fn put(server: &str, path: &str, content: &str) {
    let host = server.strip_prefix("http://").expect("should be an address");
    let mut stream = TcpStream::connect(host).expect("should connect");
    let request = format!(
        "PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    );
    stream.write_all(request.as_bytes()).expect("should ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("should answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "no {path}: {answer}");
}
