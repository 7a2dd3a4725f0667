//! DuckDB and SQLite, in one Python process.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::statement::Engine;
use crate::tables::{Table, for_peers};

/// The process.
pub(crate) struct Peers(Mutex<Peer>);

impl Peers {
    /// Starts it.
    pub(crate) fn start() -> Self {
        Self(Mutex::new(Peer::start("tests/sql/peers.py")))
    }

    /// Makes the tables of a world in both.
    pub(crate) fn make(&self, world: u64, tables: &[Table]) {
        let mut make = json!({});
        for (engine, statements) in for_peers(tables) {
            make[name(engine)] = json!(statements);
        }
        self.ask(&json!({"world": world, "make": make}));
    }

    /// Returns the rows of a statement as tagged values, or the words with which it is refused.
    pub(crate) fn rows(
        &self,
        world: u64,
        engine: Engine,
        sql: &str,
    ) -> Result<Vec<Vec<Value>>, String> {
        let reply = self.ask(&json!({"world": world, "engine": name(engine), "sql": sql}));
        match reply["refused"].as_str() {
            Some(refused) => Err(refused.to_owned()),
            None => Ok(serde_json::from_value(reply["rows"].clone()).expect("should be rows")),
        }
    }

    fn ask(&self, request: &Value) -> Value {
        let mut peer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peer.ask(request).unwrap_or_else(|error| panic!("{error} to {request}"))
    }
}

fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::DuckDb => "duckdb",
        Engine::Sqlite => "sqlite",
        Engine::Mason => panic!("Mason is no peer"),
    }
}
