//! Every query speaks of metrics and labels that there are, and every path leads to a field.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use super::alerts::ALERTS;
use super::dashboard::ROWS;
use super::state_metrics::{COMMON, Read, STATE_METRICS, labels_of};
use super::{alerts, dashboard};
use crate::api::crds;
use crate::metrics::{Metrics, Sort};

/// Labels that Prometheus itself puts on what it reads from a pod.
const OF_TARGET: [&str; 5] = ["job", "namespace", "pod", "instance", "service"];
const WORDS: [&str; 7] = ["by", "without", "and", "or", "unless", "on", "ignoring"];

/// Returns every metric that can be queried, with its labels.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::new();
    for metric in Metrics::new("").described() {
        let mut labels: BTreeSet<String> = metric.labels.iter().cloned().collect();
        labels.extend(OF_TARGET.map(str::to_owned));
        if metric.sort == Sort::Histogram {
            for part in ["_sum", "_count"] {
                known.insert(format!("{}{part}", metric.name), labels.clone());
            }
            labels.insert("le".to_owned());
            known.insert(format!("{}_bucket", metric.name), labels);
        } else {
            known.insert(metric.name, labels);
        }
    }
    for metric in &STATE_METRICS {
        let labels = labels_of(metric).into_iter().map(str::to_owned).collect();
        known.insert(format!("mason_{}", metric.name), labels);
    }
    known
}

/// Returns what is wrong with a query.
fn problems(query: &str, known: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let pattern = |text: &str| Regex::new(text).unwrap();
    let texts =
        pattern(r#""[^"]*""#).replace_all(&query.replace(" $MASON", ""), "\"\"").into_owned();
    let mut labels: Vec<String> = Vec::new();
    let mut plain = texts.clone();
    for grouping in pattern(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)").captures_iter(&texts) {
        labels.extend(grouping[1].split(',').map(|label| label.trim().to_owned()));
        plain = plain.replace(&grouping[0], " ");
    }
    for matching in pattern(r"\{([^}]*)\}").captures_iter(&texts) {
        let names = matching[1].split(',').map(|one| one.split(['=', '!']).next().unwrap_or(""));
        labels.extend(names.map(|label| label.trim().to_owned()));
        plain = plain.replace(&matching[0], " ");
    }
    let plain = pattern(r"\[[^\]]*\]").replace_all(&plain, " ").into_owned();
    let names = pattern(r"\b([a-zA-Z_:][\w:]*)\s*(\(?)");
    let metrics: Vec<String> = names
        .captures_iter(&plain)
        .filter(|found| &found[2] != "(" && !WORDS.contains(&&found[1]))
        .map(|found| found[1].to_owned())
        .collect();
    let mut problems = Vec::new();
    if metrics.is_empty() {
        problems.push(format!("no metric in {query}"));
    }
    for metric in metrics {
        match known.get(&metric) {
            None => problems.push(format!("no metric {metric}, in {query}")),
            Some(of) => problems.extend(
                labels
                    .iter()
                    .filter(|label| !of.contains(*label))
                    .map(|label| format!("{metric} has no label {label}, in {query}")),
            ),
        }
    }
    problems
}

#[test]
fn every_query_speaks_of_metrics_and_labels_that_there_are() {
    let known = known();
    let panels = ROWS.iter().flat_map(|row| row.panels);
    let drawn = panels.flat_map(|panel| panel.queries).map(|(_, query)| *query);
    let queries: Vec<&str> = drawn.chain(ALERTS.iter().map(|alert| alert.query)).collect();
    assert!(queries.len() > 35, "{}", queries.len());
    let found: Vec<String> = queries.iter().flat_map(|query| problems(query, &known)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn metrics_that_other_operators_have_too_are_read_of_mason_alone() {
    let foreign = Regex::new(r"\b(?:controller_runtime|workqueue|rest_client|leader_election)_\w+(\{[^}]*\})?(?:\[\w+\]\))?").unwrap();
    let panels = ROWS.iter().flat_map(|row| row.panels);
    let drawn = panels.flat_map(|panel| panel.queries).map(|(_, query)| *query);
    let mut seen = 0;
    for query in drawn.chain(ALERTS.iter().map(|alert| alert.query)) {
        for found in foreign.captures_iter(query) {
            let whole = found.get(0).expect("should be there");
            let is_named =
                found.get(1).is_some_and(|matching| matching.as_str() == r#"{name="mason"}"#);
            assert!(is_named || query[whole.end()..].starts_with(" $MASON"), "{query}");
            seen += 1;
        }
    }
    assert!(seen >= 18, "{seen}");
}

#[test]
fn a_metric_or_label_that_there_is_not_is_found() {
    let known = known();
    for query in [
        "rate(mason_run_total[5m])",
        "sum by (phase) (rate(mason_attempts_total[5m]))",
        "mason_runs_active{fase=\"Unknown\"}",
        "rate(mason_run_duration_seconds[5m])",
        "5 > 3",
    ] {
        assert!(!problems(query, &known).is_empty(), "{query}");
    }
    assert!(problems("max(mason_runs_active{phase=\"a b\"}) > 0", &known).is_empty());
}

#[test]
fn every_metric_that_tells_of_trouble_is_shown_somewhere() {
    let all = [dashboard::json(), alerts::page()].join("\n");
    // What these say is in others, or is for looking closer.
    let apart = [
        "workqueue_adds_total",
        "workqueue_retries_total",
        "workqueue_work_duration_seconds",
        "workqueue_unfinished_work_seconds",
        "mason_watchdog_alarms_total",
        "mason_attempts_adopted_total",
    ];
    for metric in Metrics::new("").described() {
        let shown = all.contains(&metric.name) || apart.contains(&metric.name.as_str());
        assert!(shown, "{} is nowhere", metric.name);
    }
}

/// Returns the schema of a field, if there is one.
fn field<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |schema, part| schema["properties"].get(*part))
}

#[test]
fn every_path_of_kube_state_metrics_leads_to_a_field() {
    for metric in &STATE_METRICS {
        let schema = crds::schema(metric.kind);
        let has = |path: &[&str]| path[0] == "metadata" || field(schema, path).is_some();
        assert!(has(metric.path), "{}: {:?}", metric.name, metric.path);
        for (label, path) in metric.labels {
            let found = match metric.read {
                Read::Conditions => {
                    let items = &field(schema, metric.path).unwrap()["items"];
                    items["properties"].get("status").is_some() && field(items, path).is_some()
                }
                _ => has(path),
            };
            assert!(found, "{}: {label} at {path:?}", metric.name);
        }
        if let Read::Words(words) = metric.read {
            let known = &field(schema, metric.path).unwrap();
            let text = known.to_string();
            assert!(words.iter().all(|word| text.contains(&format!("\"{word}\""))), "{text}");
        }
    }
    assert!(!crds::schema(crate::api::resource::Kind::OperatorRun).to_string().is_empty());
    assert_eq!(COMMON.len(), 3);
}
