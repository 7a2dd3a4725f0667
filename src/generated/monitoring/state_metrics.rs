//! What kube-state-metrics tells of single objects: Mason's own metrics never name one.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::api::resource::Kind;

/// How a value is read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// Always 1; says what the labels say.
    Info,
    /// A number, a time, or true and false.
    Value,
    /// One series for each of these words, 1 for the one that is there.
    Words(&'static [&'static str]),
    /// One series for each condition: 1 when it is true.
    Conditions,
}

/// One metric of a kind.
pub(super) struct StateMetric {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    help: &'static str,
    /// Where the value is.
    pub(super) path: &'static [&'static str],
    pub(super) read: Read,
    /// Further labels and where they are, below the path for conditions.
    pub(super) labels: &'static [(&'static str, &'static [&'static str])],
}

const PHASES: &[&str] =
    &["Pending", "Running", "Succeeded", "Failed", "Cancelled", "Suspended", "Unknown"];
const OF_CONDITIONS: &[(&str, &[&str])] = &[("type", &["type"]), ("reason", &["reason"])];

pub(super) const STATE_METRICS: [StateMetric; 10] = [
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_info",
        help: "A run.",
        path: &["spec"],
        read: Read::Info,
        labels: &[
            ("operator", &["spec", "operator"]),
            ("config", &["spec", "configRef", "name"]),
            ("reason", &["status", "columns", "reason"]),
        ],
    },
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_phase",
        help: "The phase of a run.",
        path: &["status", "phase"],
        read: Read::Words(PHASES),
        labels: &[],
    },
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_created",
        help: "When a run was created.",
        path: &["metadata", "creationTimestamp"],
        read: Read::Value,
        labels: &[],
    },
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_started",
        help: "When a run's first attempt began.",
        path: &["status", "startedAt"],
        read: Read::Value,
        labels: &[],
    },
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_finished",
        help: "When a run ended.",
        path: &["status", "finishedAt"],
        read: Read::Value,
        labels: &[],
    },
    StateMetric {
        kind: Kind::OperatorRun,
        name: "operatorrun_condition",
        help: "The conditions of a run.",
        path: &["status", "conditions"],
        read: Read::Conditions,
        labels: OF_CONDITIONS,
    },
    StateMetric {
        kind: Kind::MasonConfig,
        name: "masonconfig_info",
        help: "A config.",
        path: &["spec"],
        read: Read::Info,
        labels: &[
            ("metastore", &["status", "columns", "metastore"]),
            ("storage", &["status", "columns", "storage"]),
            ("execution", &["status", "columns", "execution"]),
        ],
    },
    StateMetric {
        kind: Kind::MasonConfig,
        name: "masonconfig_condition",
        help: "The conditions of a config.",
        path: &["status", "conditions"],
        read: Read::Conditions,
        labels: OF_CONDITIONS,
    },
    StateMetric {
        kind: Kind::OperatorDefinition,
        name: "operatordefinition_info",
        help: "A definition.",
        path: &["spec"],
        read: Read::Info,
        labels: &[("operator", &["spec", "operator"]), ("digest", &["status", "digest"])],
    },
    StateMetric {
        kind: Kind::OperatorDefinition,
        name: "operatordefinition_condition",
        help: "The conditions of a definition.",
        path: &["status", "conditions"],
        read: Read::Conditions,
        labels: OF_CONDITIONS,
    },
];

/// Labels that every object has.
pub(super) const COMMON: [(&str, &[&str]); 3] = [
    ("exported_namespace", &["metadata", "namespace"]),
    ("name", &["metadata", "name"]),
    ("uid", &["metadata", "uid"]),
];

/// Returns the names of a metric's labels.
pub(super) fn labels_of(metric: &StateMetric) -> Vec<&'static str> {
    let word = matches!(metric.read, Read::Words(_)).then_some("phase");
    let own = metric.labels.iter().map(|(name, _)| *name);
    COMMON.iter().map(|(name, _)| *name).chain(own).chain(word).collect()
}

/// Returns the configuration that kube-state-metrics takes with `--custom-resource-state-config-file`.
///
/// # Source
/// <https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/extend/customresourcestate-metrics.md>
pub(super) fn config() -> Value {
    let resources = Kind::ALL.into_iter().map(|kind| {
        let of_kind = STATE_METRICS.iter().filter(|metric| metric.kind == kind);
        json!({
            "groupVersionKind": {"group": "mason.dev", "version": "v1alpha1", "kind": kind.as_str()},
            "metricNamePrefix": "mason",
            // What is not there yet, such as the end of a run that works, is no error to be logged.
            "errorLogV": 10,
            "labelsFromPath": paths(&COMMON),
            "metrics": of_kind.map(metric_json).collect::<Vec<_>>(),
        })
    });
    json!({
        "kind": "CustomResourceStateMetrics",
        "spec": {"resources": resources.collect::<Vec<_>>()},
    })
}

fn metric_json(metric: &StateMetric) -> Value {
    let labels = paths(metric.labels);
    let each = match metric.read {
        Read::Info => json!({"type": "Info", "info": {"labelsFromPath": labels}}),
        Read::Value => json!({"type": "Gauge", "gauge": {"path": metric.path, "nilIsZero": false}}),
        Read::Words(words) => json!({
            "type": "StateSet",
            "stateSet": {"path": metric.path, "labelName": "phase", "list": words},
        }),
        Read::Conditions => json!({
            "type": "Gauge",
            "gauge": {"path": metric.path, "labelsFromPath": labels, "valueFrom": ["status"]},
        }),
    };
    json!({"name": metric.name, "help": metric.help, "each": each})
}

fn paths(labels: &[(&'static str, &'static [&'static str])]) -> Value {
    let paths = labels.iter().map(|(name, path)| ((*name).to_owned(), json!(path)));
    Value::Object(paths.collect::<Map<_, _>>())
}

/// Returns the metrics as a table.
pub(super) fn table() -> String {
    let mut table = "| metric | labels | what it says |\n|---|---|---|\n".to_owned();
    for metric in &STATE_METRICS {
        let labels: Vec<String> =
            labels_of(metric).into_iter().map(|label| format!("`{label}`")).collect();
        let (name, help) = (metric.name, metric.help);
        let _ = writeln!(table, "| `mason_{name}` | {} | {help} |", labels.join(" "));
    }
    table
}
