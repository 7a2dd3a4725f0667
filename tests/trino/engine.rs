//! The Trino of these tests: one for all, beside the emulated Glue and S3.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::s3::Bucket;

/// How many runs there are at a time.
const AT_ONCE: usize = 4;

/// What Trino answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The names and types of the columns.
    pub(crate) columns: Vec<(String, String)>,
    /// The rows, each a list of tagged values.
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Returns the rows of a statement about the tables of a database, or Trino's error. Timestamps have microseconds.
pub(crate) fn exact(database: &str, sql: &str) -> Result<Answer, String> {
    answer(&json!({"sql": sql, "database": database, "exact": true}))
}

/// As `exact`, with the milliseconds that timestamps have in Athena.
pub(crate) fn usual(database: &str, sql: &str) -> Result<Answer, String> {
    answer(&json!({"sql": sql, "database": database}))
}

/// Returns the address of the server.
pub(crate) fn address() -> String {
    let reply = ask(&json!({"address": true})).expect("should have an address");
    reply["address"].as_str().expect("should be an address").to_owned()
}

/// Writes the example files of a kind below a folder, each table in a folder of its own.
pub(crate) fn write_examples(folder: &Path) {
    ask(&json!({"examples": folder})).expect("should write the examples");
}

/// Does work on all items, some at a time: most of it waits for other processes.
pub(crate) fn at_once<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, item))
    };
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let each = || {
        while let Some((index, item)) = take() {
            let made = work(index, item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, made));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(each);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, made)| made).collect()
}

fn answer(request: &Value) -> Result<Answer, String> {
    let reply = ask(request)?;
    let columns = serde_json::from_value(reply["columns"].clone()).expect("should be columns");
    let rows = serde_json::from_value(reply["rows"].clone()).expect("should be rows");
    Ok(Answer { columns, rows })
}

fn ask(request: &Value) -> Result<Value, String> {
    static PEER: OnceLock<Mutex<Peer>> = OnceLock::new();
    PEER.get_or_init(|| Mutex::new(start()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .ask(request)
}

/// Starts Trino and waits until it reads tables.
fn start() -> Peer {
    let mut peer = Peer::start("tests/trino/server.py");
    let started = peer.ask(&json!({"endpoint": Bucket::server()}));
    started.unwrap_or_else(|why| panic!("Trino does not start: {why}"));
    peer
}
