//! What a controller tells about its work: metrics, lines of JSON, and traces.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::team::{PATIENCE, Team, query};

#[test]
fn metrics_say_what_became_of_runs() {
    let team = Team::with_config("measured");
    let controller = team.controller();
    team.apply(&query("good", "select count(*) as n from orders", ""));
    team.apply(&query("wrong", "select nothing from orders", ""));
    assert_eq!(team.finished("good")["phase"], "Succeeded");
    assert_eq!(team.finished("wrong")["phase"], "Failed");
    let good =
        "mason_runs_total{operator=\"table/query\",phase=\"Succeeded\",reason=\"Completed\"}";
    let began = Instant::now();
    while controller.metric(good) != Some(1.0) {
        assert!(began.elapsed() < PATIENCE, "{:?}", controller.ask("/metrics"));
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = controller.ask("/metrics").unwrap();
    for counted in [
        "controller_runtime_reconcile_total{controller=\"operatorrun\",result=\"requeue_after\"}",
        "controller_runtime_reconcile_time_seconds_count{controller=\"operatorrun\"}",
        "workqueue_adds_total{name=\"operatorrun\"}",
        "rest_client_requests_total{code=\"200\",method=\"GET\"}",
        "rest_client_requests_total{code=\"200\",method=\"PUT\"}",
        "mason_engine_call_duration_seconds_count{client=\"local\",operation=\"execution.create\"}",
        "mason_status_writes_total{controller=\"operatorrun\"}",
        "mason_status_writes_total{controller=\"masonconfig\"}",
        "mason_attempts_total{class=\"\",outcome=\"Succeeded\"}",
        "mason_launch_seconds_count",
        "mason_result_bytes_count",
        "mason_workers_limit",
    ] {
        let value = controller.metric(counted);
        assert!(value.is_some_and(|value| value > 0.0), "{counted} is {value:?}:\n{text}");
    }
    assert_eq!(controller.metric("mason_watch_to_status_seconds_count"), Some(2.0), "{text}");
    assert_eq!(controller.metric("mason_runs_active{phase=\"Running\"}"), Some(0.0), "{text}");
    assert_eq!(controller.metric("workqueue_depth{name=\"operatorrun\"}"), Some(0.0), "{text}");
    assert!(!text.contains("good") && !text.contains(team.name), "no label names a run:\n{text}");
    let known = mason::metrics::Metrics::new("").described();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(known.iter().any(|metric| metric.name == name), "{name} is not in the docs");
    }
}

#[test]
fn every_line_of_a_pass_says_what_it_is_about() {
    let team = Team::with_config("in-json");
    let controller = team.controller_with(&["--log-format", "json"]);
    team.apply(&query("logged", "select count(*) as n from orders", ""));
    team.finished("logged");
    let uid = team.get("oprun/logged")["metadata"]["uid"].clone();
    let log = controller.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let about: Vec<_> = lines.iter().filter(|line| line["name"] == "logged").collect();
    assert!(about.len() >= 2, "{log}");
    for line in &about {
        assert_eq!(line["controller"], "operatorrun", "{line}");
        assert_eq!((&line["namespace"], &line["uid"]), (&Value::from("in-json"), &uid), "{line}");
        assert!(line["attempt"].is_number() && line["reconcile_id"].is_string(), "{line}");
    }
    let last = about.last().unwrap();
    assert_eq!((&last["phase"], &last["attempt"]), (&"Succeeded".into(), &1.into()), "{log}");
}

/// A collector that accepts everything it is sent.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    pub(crate) received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    /// Begins to listen.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || receive(stream, &kept));
            }
        });
        Self { endpoint, received }
    }

    /// Returns whether something has arrived.
    pub(crate) fn has(&self, bytes: &[u8]) -> bool {
        let received = self.received.lock().unwrap();
        received.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// Reads requests and answers each with 200.
fn receive(mut stream: TcpStream, kept: &Mutex<Vec<u8>>) -> Option<()> {
    let (mut request, mut more) = (Vec::new(), vec![0; 65_536]);
    loop {
        let head = loop {
            if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            let read = stream.read(&mut more).ok().filter(|&read| read > 0)?;
            request.extend_from_slice(&more[..read]);
        };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = text.split_once("content-length: ")?.1.split("\r\n").next()?;
        let length: usize = length.parse().ok()?;
        while request.len() < head + length {
            let read = stream.read(&mut more).ok().filter(|&read| read > 0)?;
            request.extend_from_slice(&more[..read]);
        }
        kept.lock().unwrap().extend(request.drain(..head + length));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

#[test]
fn all_that_happens_to_a_run_is_one_trace() {
    let team = Team::with_config("traced");
    let collector = Collector::new();
    let controller = team.controller_with(&["--otlp-endpoint", &collector.endpoint]);
    team.apply(&query("traced", "select count(*) as n from orders", ""));
    assert_eq!(team.finished("traced")["phase"], "Succeeded");
    let uid = team.get("oprun/traced")["metadata"]["uid"].as_str().unwrap().to_owned();
    let log = controller.log();
    assert!(controller.terminate(), "what is left is sent before the end: {log}");
    let trace = uuid::Uuid::parse_str(&uid).unwrap().into_bytes();
    assert!(collector.has(&trace), "no span of the run's trace has arrived: {log}");
    for span in ["run", "pass", "step", "engine", "execution.create", "mason.operator"] {
        assert!(collector.has(span.as_bytes()), "{span} has not arrived: {log}");
    }
    let count = collector.received.lock().unwrap().windows(16).filter(|id| *id == trace).count();
    assert!(count > 5, "passes, steps and calls are in the trace of their run: {count}");
}

#[test]
fn a_collector_that_does_not_answer_costs_no_work() {
    let team = Team::with_config("untraced");
    // A port that was free a moment ago.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let controller = team.controller_with(&["--otlp-endpoint", &format!("http://{gone}")]);
    team.apply(&query("untraced", "select count(*) as n from orders", ""));
    assert_eq!(team.finished("untraced")["phase"], "Succeeded");
    let began = Instant::now();
    while !controller.log().contains("failed to export traces") {
        assert!(began.elapsed() < PATIENCE, "{}", controller.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(controller.ask("/healthz").unwrap().starts_with("HTTP/1.1 200 "));
    let status = controller.system_status();
    assert!(status.contains("THP_enabled:\t0"), "it takes memory by small pages: {status}");
    assert!(controller.terminate());
}
