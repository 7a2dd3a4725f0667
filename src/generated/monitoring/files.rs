//! The files of monitoring and the generated parts of its page.

use std::fmt::Write as _;

use serde_json::json;

use super::{alerts, dashboard, state_metrics};
use crate::metrics::{Metrics, Sort};

/// Returns every generated file: its path below the project's folder and its text. The chart has copies,
/// because it reads none outside its folder.
pub(in crate::generated) fn files() -> Vec<(String, String)> {
    let groups = alerts::groups();
    let rule = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "mason", "labels": {"app.kubernetes.io/name": "mason"}},
        "spec": groups,
    });
    let dashboard = dashboard::json();
    [
        ("deploy/monitoring/dashboard.json", dashboard.clone()),
        ("deploy/monitoring/prometheus-rule.yaml", yaml(&rule)),
        ("deploy/monitoring/kube-state-metrics.yaml", yaml(&state_metrics::config())),
        ("charts/mason/files/monitoring/dashboard.json", dashboard),
        ("charts/mason/files/monitoring/alerts.yaml", yaml(&groups)),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into()
}

/// Returns the generated parts of the page on monitoring, by the names of their marks.
pub(in crate::generated) fn parts() -> [(&'static str, String); 3] {
    [
        ("metrics", metrics_table()),
        ("alerts", alerts::page()),
        ("state-metrics", state_metrics::table()),
    ]
}

fn yaml(document: &serde_json::Value) -> String {
    serde_saphyr::to_string(document).expect("should be YAML: it is a document of plain values")
}

fn metrics_table() -> String {
    let mut table = "| metric | sort | labels | what it says |\n|---|---|---|---|\n".to_owned();
    for metric in Metrics::new("").described() {
        let sort = match metric.sort {
            Sort::Counter => "counter",
            Sort::Gauge => "gauge",
            Sort::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, help) = (&metric.name, &metric.help);
        let _ = writeln!(table, "| `{name}` | {sort} | {} | {help} |", labels.join(" "));
    }
    table
}
