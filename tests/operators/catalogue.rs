//! A catalogue of an emulated Glue, and what other programs do with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::s3::Bucket;
use crate::world::World;

/// A world with a catalogue, and a database in it that no other test has.
pub(crate) struct Catalogue {
    pub(crate) world: World,
    pub(crate) database: String,
}

impl Catalogue {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static DATABASES: AtomicUsize = AtomicUsize::new(0);
        let database = format!("sales_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let made = Self { world: World::catalogued(files), database };
        let run =
            made.world.run("make-db", "database/create", &json!({"database_name": made.database}));
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        made
    }

    /// Asks the catalogue itself, beside Mason.
    pub(crate) fn ask(&self, action: &str, mut body: Value) -> Value {
        if body.get("DatabaseName").is_none() {
            body["DatabaseName"] = json!(self.database);
        }
        let answer = http("POST", "/", Some(action), &body.to_string());
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    pub(crate) fn table(&self, name: &str) -> Value {
        self.ask("GetTable", json!({"Name": name}))["Table"].clone()
    }

    /// Declares a table as another program does.
    pub(crate) fn declare(&self, name: &str, folder: &str, more: &Value) {
        let mut input = json!({
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [],
            "StorageDescriptor": {"Location": self.world.bucket.address_of(folder)},
        });
        merge(&mut input, more);
        let answer = self.ask("CreateTable", json!({"TableInput": input}));
        assert_eq!(answer, json!({}), "{name} was not declared");
    }

    pub(crate) fn run(&self, name: &str, operator: &str, mut parameters: Value) -> Value {
        parameters["database_name"] = json!(self.database);
        self.world.run(name, operator, &parameters)
    }

    pub(crate) fn query(&self, name: &str, sql: &str) -> Value {
        self.run(name, "table/query", json!({"query_string": sql}))
    }

    pub(crate) fn rows(&self, name: &str, sql: &str) -> Value {
        let run = self.query(name, sql);
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
        run["status"]["result"]["data"].clone()
    }

    pub(crate) fn infer(&self, name: &str, path: &str, table: &str, mode: &str) -> Value {
        let parameters = json!({"storage_path": path, "table_name": table, "mode": mode});
        self.run(name, "table/infer", parameters)
    }

    /// Returns how often an action was asked for in the database.
    pub(crate) fn calls(&self, action: &str) -> usize {
        let calls: Value =
            serde_json::from_str(&http("GET", "/front", None, "")).expect("is a list");
        let of_ours = |call: &&Value| {
            let body = &call["body"];
            let database = body["DatabaseName"].as_str().or(body["DatabaseInput"]["Name"].as_str());
            call["action"] == action && database == Some(&self.database)
        };
        calls.as_array().expect("is a list").iter().filter(of_ours).count()
    }

    /// Returns how many queries Athena was started with in the database, those that do nothing apart.
    pub(crate) fn queries(&self) -> usize {
        let asked = http("GET", "/front/queries", None, "");
        let asked: Value = serde_json::from_str(&asked).expect("is a list");
        let is_ours = |asked: &&Value| {
            asked["QueryExecutionContext"]["Database"] == self.database.as_str()
                && asked["QueryString"] != "SELECT 1"
        };
        asked.as_array().expect("is a list").iter().filter(is_ours).count()
    }

    /// Has the statements on the database executed by a Trino.
    pub(crate) fn execute_by(&self, address: &str) {
        let engine = json!({"database": self.database, "address": address});
        http("PUT", "/front/engine", None, &engine.to_string());
    }

    /// Has the next request of an action fail, before or after its effect.
    pub(crate) fn fail(&self, action: &str, when: &str, code: &str) {
        let fault = json!([{
            "action": action, "when": when, "code": code, "database": self.database,
        }]);
        http("PUT", "/front", None, &fault.to_string());
    }
}

pub(crate) fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

pub(crate) fn http(method: &str, path: &str, action: Option<&str>, body: &str) -> String {
    let host = Bucket::server().strip_prefix("http://").expect("should be an address");
    let mut stream = TcpStream::connect(host).expect("should connect");
    let target = action.map_or_else(String::new, |action| {
        let signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glue/aws4_request";
        format!("X-Amz-Target: AWSGlue.{action}\r\nAuthorization: {signed}\r\n")
    });
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{target}Content-Type: application/x-amz-json-1.1\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("should ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("should answer");
    answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}
