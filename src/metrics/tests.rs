//! What is counted, and that it stays small.

use std::time::{Duration, Instant};

use super::*;
use crate::metrics::{Ended, EngineCall, RunEnded, Sort};

fn metrics() -> Metrics {
    Metrics::new("1.2.3")
}

fn series(metrics: &Metrics) -> usize {
    metrics.text().lines().filter(|line| !line.starts_with('#')).count()
}

fn end(metrics: &Metrics, operator: Option<&str>, reason: &str) {
    let length = Duration::from_secs(1);
    let phase = "Succeeded";
    metrics.runs.end(&RunEnded { operator, phase, reason, length, result_bytes: Some(10) });
}

#[test]
fn ten_thousand_runs_and_hostile_operators_make_few_series() {
    let metrics = metrics();
    let controller = metrics.controllers.of("operatorrun", 8);
    let now = Instant::now();
    for number in 0..10_000 {
        let key = ("team".to_owned(), format!("run-{number}"));
        controller.add(key.clone(), now);
        let pass = controller.begin(&key, now);
        controller.end(pass, Ended::Settled, now);
        end(&metrics, Some("table/query"), "Completed");
        end(&metrics, None, "Invalid");
    }
    let few = series(&metrics);
    assert!(few < 200, "{few}:\n{}", metrics.text());
    assert!(!metrics.text().contains("run-"));
    for number in 0..10_000 {
        end(&metrics, Some(&format!("hostile/{number}")), "Completed");
        end(&metrics, Some(&format!("\"}} {number}\nevil 1")), "Completed");
        end(&metrics, Some("table/query"), &format!("Reason{number}"));
    }
    let most = series(&metrics);
    assert!(most < few + 200 * 18, "{most}");
    let text = metrics.text();
    assert!(!text.contains("evil"));
    let other =
        "mason_runs_total{operator=\"other\",phase=\"Succeeded\",reason=\"Completed\"} 19801";
    assert!(text.contains(other), "the operators without a place of their own are together");
}

#[test]
fn a_pass_is_counted_by_the_names_of_controller_runtime() {
    let metrics = metrics();
    let controller = metrics.controllers.of("operatorrun", 8);
    let (start, key) = (Instant::now(), ("team".to_owned(), "one".to_owned()));
    controller.add(key.clone(), start);
    assert!(metrics.text().contains("workqueue_depth{name=\"operatorrun\"} 1"));
    let pass = controller.begin(&key, start + Duration::from_secs(2));
    assert!(
        metrics.text().contains("controller_runtime_active_workers{controller=\"operatorrun\"} 1")
    );
    controller.end(pass, Ended::Panicked, start + Duration::from_secs(5));
    let text = metrics.text();
    for line in [
        "controller_runtime_reconcile_total{controller=\"operatorrun\",result=\"error\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"operatorrun\"} 1",
        "controller_runtime_reconcile_panics_total{controller=\"operatorrun\"} 1",
        "controller_runtime_reconcile_time_seconds_sum{controller=\"operatorrun\"} 3",
        "controller_runtime_max_concurrent_reconciles{controller=\"operatorrun\"} 8",
        "workqueue_adds_total{name=\"operatorrun\"} 1",
        "workqueue_retries_total{name=\"operatorrun\"} 1",
        "workqueue_depth{name=\"operatorrun\"} 0",
        "workqueue_queue_duration_seconds_sum{name=\"operatorrun\"} 2",
        "mason_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn the_queues_of_a_controller_count_until_they_are_gone() {
    let metrics = metrics();
    let (one, other) = (metrics.controllers.of("config", 1), metrics.controllers.of("config", 1));
    for controller in [&one, &other] {
        controller.add(("n".to_owned(), "a".to_owned()), Instant::now());
    }
    assert!(metrics.text().contains("workqueue_depth{name=\"config\"} 2"));
    drop(one);
    assert!(metrics.text().contains("workqueue_depth{name=\"config\"} 1"));
}

#[test]
fn a_request_is_counted_by_status_and_method() {
    let metrics = metrics();
    let length = Duration::from_millis(3);
    metrics.calls.request("GET", Some(200), length);
    metrics.calls.request("BREW", None, length);
    let failure = Some("Timeout");
    metrics.calls.engine(&EngineCall {
        client: "local",
        operation: "execution.find",
        length,
        failure,
    });
    let text = metrics.text();
    for line in [
        "rest_client_requests_total{code=\"200\",method=\"GET\"} 1",
        "rest_client_requests_total{code=\"<error>\",method=\"other\"} 1",
        "mason_engine_errors_total{client=\"local\",kind=\"Timeout\",operation=\"execution.find\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn every_metric_has_a_sentence_and_few_labels() {
    let described = metrics().described();
    assert!(described.len() > 30, "{}", described.len());
    for metric in described {
        assert!(metric.help.ends_with('.'), "{}: {}", metric.name, metric.help);
        assert!(metric.labels.len() <= 3, "{}", metric.name);
        let is_total = metric.name.ends_with("_total");
        assert_eq!(is_total, metric.sort == Sort::Counter, "{}", metric.name);
    }
}

#[test]
fn what_several_know_is_added_up_or_the_largest_counts_until_they_are_gone() {
    let metrics = metrics();
    let age = |seconds: f64| move || Some(vec![(Vec::new(), seconds)]);
    metrics.runs.oldest_pending.read_from(age(7.0));
    metrics.runs.oldest_pending.read_from(age(3.0));
    for count in [1.0, 2.0] {
        let phase = || vec!["Running".to_owned()];
        metrics.runs.active.read_from(move || Some(vec![(phase(), count)]));
    }
    metrics.runs.active.read_from(|| None);
    let text = metrics.text();
    assert!(text.contains("mason_oldest_pending_run_age_seconds 7"), "{text}");
    assert!(text.contains("mason_runs_active{phase=\"Running\"} 3"), "{text}");
}
