//! The mix of runs, each with the end that it has to have.

use std::path::Path;

use serde_json::{Value, json};

use crate::draw::Draw;
use crate::kubelet::ENDLESS_IMAGE;

/// How many runs append to the same table, or replace it.
const WRITERS_OF_ONE: usize = 30;
/// Never ends by itself.
const ENDLESS: &str = "select sum(a.value * b.value) as n from generate_series(1, 1000000) a \
                       cross join generate_series(1, 1000000) b";

/// What a run is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Adds one row to a table that others add to as well.
    Append,
    /// Replaces the content of a table that others replace as well; who meets another's replacement fails
    /// with that reason, and replaces nothing.
    Replace,
    /// Merges files whose schemas differ to a table of its own.
    Merge,
    /// Declares a table over files: a job, and then a change.
    Declare,
    /// Makes a database: a change without a job.
    Create,
    /// Runs a pod, which writes a line to a ledger.
    Pod,
    /// Runs a pod without end and is cancelled.
    PodCancelled,
    /// Runs a pod without end and has a timeout.
    PodLate,
    /// Fails in its work, because its SQL is wrong.
    Wrong,
    /// Fails before any work, because its parameters are wrong.
    Refused,
    /// Works without end and is cancelled.
    Cancelled,
    /// Works without end and has a timeout.
    Late,
}

impl Sort {
    /// Those that a mix is drawn from, the frequent ones more often.
    pub(crate) const MIX: [Self; 16] = [
        Self::Append,
        Self::Append,
        Self::Append,
        Self::Replace,
        Self::Merge,
        Self::Declare,
        Self::Declare,
        Self::Create,
        Self::Pod,
        Self::PodCancelled,
        Self::PodLate,
        Self::Pod,
        Self::Wrong,
        Self::Refused,
        Self::Cancelled,
        Self::Late,
    ];

    /// Returns whether a worker works on it until it is stopped.
    pub(crate) fn is_endless(self) -> bool {
        matches!(self, Self::Cancelled | Self::Late)
    }

    /// Returns whether somebody cancels it.
    pub(crate) fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled | Self::PodCancelled)
    }

    /// Returns whether it may end with a phase and a reason.
    pub(crate) fn may_end(self, end: (&str, &str)) -> bool {
        end == self.end() || self == Self::Replace && end == ("Failed", "TargetChanged")
    }

    /// Returns the phase and the reason that it ends with when nobody else meets it.
    fn end(self) -> (&'static str, &'static str) {
        match self {
            Self::Append
            | Self::Replace
            | Self::Merge
            | Self::Declare
            | Self::Create
            | Self::Pod => ("Succeeded", "Completed"),
            Self::Wrong => ("Failed", "UserError"),
            Self::Refused => ("Failed", "Invalid"),
            Self::Cancelled | Self::PodCancelled => ("Cancelled", "Cancelled"),
            Self::Late | Self::PodLate => ("Failed", "DeadlineExceeded"),
        }
    }
}

/// A run that was ordered.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    /// The table that it writes or declares; the database that it makes.
    pub(crate) target: String,
}

impl Order {
    pub(crate) fn new(number: usize, sort: Sort) -> Self {
        let name = format!("r{number}");
        let target = match sort {
            Sort::Declare => format!("declared{number}"),
            Sort::Create => format!("made{number}"),
            Sort::Merge => format!("merged{number}"),
            Sort::Replace => format!("replaced{}", number / WRITERS_OF_ONE),
            _ => format!("ledger{}", number / WRITERS_OF_ONE),
        };
        Self { name, sort, target }
    }

    /// Returns the resource. What is to fail or to be stopped would append too.
    pub(crate) fn document(&self, namespace: &str) -> Value {
        let name = &self.name;
        let write = |sql: &str, mode: &str| {
            json!({
                "database_name": "sales", "query_string": sql,
                "output_table": self.target, "mode": mode,
            })
        };
        let append = |sql: &str| write(sql, "append");
        let (operator, parameters) = match self.sort {
            Sort::Append => ("table/query", append(&format!("select '{name}' as run"))),
            Sort::Wrong => ("table/query", append("select cast(city as int) as run from orders")),
            Sort::Cancelled | Sort::Late => ("table/query", append(ENDLESS)),
            Sort::Refused => ("table/query", json!({"database_name": "sales", "nonsense": 1})),
            Sort::Replace => ("table/query", write(&format!("select '{name}' as run"), "replace")),
            Sort::Merge => (
                "table/merge",
                json!({
                    "database_name": "parts", "table_name": "orders", "on_conflict": "text",
                    "output_database": "sales", "output_table": self.target,
                }),
            ),
            Sort::Pod => ("chaos/pod", json!({})),
            Sort::PodCancelled | Sort::PodLate => ("chaos/endless", json!({})),
            Sort::Create => ("database/create", json!({"database_name": self.target})),
            Sort::Declare => (
                "table/infer",
                json!({
                    "database_name": "sales", "storage_path": "raw/orders.csv",
                    "table_name": self.target,
                }),
            ),
        };
        let backoff = json!({"base": "100ms", "factor": 1.5, "cap": "1s"});
        let mut document = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "operator": operator, "configRef": {"name": "lake"}, "parameters": parameters,
                // Killed workers are repeated as often as it takes.
                "retry": {"limit": 10, "backoff": backoff},
            },
        });
        if matches!(self.sort, Sort::Late | Sort::PodLate) {
            document["spec"]["timeout"] = json!("2s");
        }
        document
    }
}

/// Draws what comes next, with no more endless work than the machine has room for.
pub(crate) fn next(draw: &mut Draw, endless: usize) -> Sort {
    loop {
        let sort = draw.one(&Sort::MIX);
        if !sort.is_endless() || endless < 2 {
            return sort;
        }
    }
}

/// Returns the config, and puts the data there that it reads.
pub(crate) fn config(namespace: &str, root: &Path) -> Value {
    for folder in ["sales", "raw"] {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("orders.csv"), "city,amount\nWien,1.50\nGraz,2.25\n").unwrap();
    }
    let parts = root.join("parts/orders");
    std::fs::create_dir_all(&parts).unwrap();
    std::fs::write(parts.join("a.csv"), "city,amount\nWien,1.50\n").unwrap();
    std::fs::write(parts.join("b.csv"), "city,amount\nGraz,many\n").unwrap();
    let engines = json!({"metastore": ["here"], "storage": ["here"], "execution": ["here"]});
    json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
        "metadata": {"name": "lake", "namespace": namespace},
        "spec": {
            "engines": engines,
            "allowedActions": ["builtin", "container"],
            "clients": [{"name": "here", "local": {"root": root, "parallelism": 1}}],
        },
    })
}

/// Returns the operators whose actions are pods.
pub(crate) fn definitions(namespace: &str) -> [Value; 2] {
    [("pod", "played:1"), ("endless", ENDLESS_IMAGE)].map(|(name, image)| {
        json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
            "metadata": {"name": format!("chaos-{name}"), "namespace": namespace},
            "spec": {
                "operator": format!("chaos/{name}"), "description": "writes a line",
                "action": {"container": {"image": image, "command": ["work"]}},
            },
        })
    })
}
