//! What is served, and that one slow client does not keep others waiting.

use std::io::{Read, Write};
use std::net::TcpStream;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::server::{Health, Serving};
use crate::metrics::{self, Metrics};

const PATIENCE: Duration = Duration::from_secs(2);

fn serve(stuck_after: Duration) -> (Health, Metrics) {
    let metrics = Metrics::new("0");
    let serving = Serving { health: "127.0.0.1:0".parse().unwrap(), metrics: None, stuck_after };
    (Health::serve(serving, &metrics).unwrap(), metrics)
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn ready_once_every_gate_is_open_or_not_wanted_any_more() {
    let (health, _) = serve(PATIENCE);
    let (one, other) = (health.gate(), health.gate());
    health.has_started();
    let ready = || ask(health.address(), "GET /readyz");
    assert!(ready().starts_with("HTTP/1.1 503 "), "{}", ready());
    one.open();
    one.open();
    assert!(ready().ends_with("1 watches have not begun yet\n"), "{}", ready());
    drop(other);
    assert!(ready().starts_with("HTTP/1.1 200 OK\r\n"), "{}", ready());
}

#[test]
fn who_sends_a_request_byte_by_byte_does_not_keep_others_waiting() {
    let (health, _) = serve(PATIENCE);
    let mut slow = TcpStream::connect(health.address()).unwrap();
    slow.write_all(b"G").unwrap();
    let begun = Instant::now();
    let answer = ask(health.address(), "GET /healthz");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn alive_whatever_the_gates_are_and_nothing_else_is_there() {
    let (health, metrics) = serve(PATIENCE);
    let _gate = health.gate();
    let status = |request: &str| ask(health.address(), request)[9..12].to_owned();
    assert_eq!(status("GET /healthz"), "200");
    assert_eq!(status("GET /healthz?verbose"), "200");
    assert_eq!(status("GET /"), "404");
    assert_eq!(status("POST /healthz"), "405");
    let _idle = metrics.controllers.of("masonconfig", 1);
    let text = ask(health.address(), "GET /metrics");
    assert!(text.contains("content-type: text/plain; version=0.0.4"), "{text}");
    assert!(text.contains("workqueue_adds_total{name=\"masonconfig\"} 0"), "{text}");
}

#[test]
fn metrics_may_be_served_apart() {
    let metrics = Metrics::new("0");
    let here = "127.0.0.1:0".parse().unwrap();
    let serving = Serving { health: here, metrics: Some(here), stuck_after: PATIENCE };
    let health = Health::serve(serving, &metrics).unwrap();
    assert!(ask(health.address(), "GET /metrics").starts_with("HTTP/1.1 404"));
    assert!(ask(health.metrics_address(), "GET /metrics").contains("mason_build_info"));
    assert!(ask(health.metrics_address(), "GET /healthz").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_pass_that_does_not_end_makes_the_process_unhealthy_until_it_does() {
    let (health, metrics) = serve(Duration::from_millis(200));
    let controller = metrics.controllers.of("operatorrun", 1);
    let idle = metrics.controllers.of("masonconfig", 1);
    let pass = controller.begin(&("n".to_owned(), "a".to_owned()), Instant::now());
    let healthy = || ask(health.address(), "GET /healthz");
    let until = |wanted: &str| {
        let begun = Instant::now();
        while !healthy().starts_with(wanted) {
            assert!(begun.elapsed() < PATIENCE * 10, "{}", healthy());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("HTTP/1.1 503");
    assert!(healthy().contains("operatorrun: a pass has not ended for 0 s"), "{}", healthy());
    let text = metrics.text();
    assert!(text.contains("mason_watchdog_stuck{controller=\"operatorrun\"} 1"), "{text}");
    assert!(text.contains("mason_watchdog_stuck{controller=\"masonconfig\"} 0"), "{text}");
    let alarms = "mason_watchdog_alarms_total{controller=\"operatorrun\",what=\"pass\"} 1";
    assert!(text.contains(alarms), "{text}");
    controller.end(pass, metrics::Ended::Settled, Instant::now());
    until("HTTP/1.1 200");
    drop(idle);
}
