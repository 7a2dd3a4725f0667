//! The command line when something is missing: the controller, the connection, the CRDs, the context.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::console::{Console, signal};
use super::{BY_CITY, run_query};
use crate::team::Team;

#[test]
fn a_run_that_nobody_picks_up_says_so_and_goes_on_once_there_is_a_controller() {
    let team = Team::with_config("cli-nobody");
    let console = Console::of(&team);
    let called = console.start(&run_query("waits", BY_CITY));
    called.until_err(|err| err.contains("no controller has picked up run `waits` for 1"));
    let doctor = console.call(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("failed   config lake: was not looked at"), "{}", doctor.out);
    let _controller = team.controller();
    let ended = called.ended();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("Graz"), "{}", ended.out);
}

#[test]
fn a_second_interrupt_leaves_a_run_that_nobody_ends() {
    let team = Team::with_config("cli-leave");
    let console = Console::of(&team);
    let called = console.start(&run_query("waits", BY_CITY));
    team.cluster.done(&["wait", "--for=create", "oprun/waits", "-n", team.name, "--timeout=60s"]);
    std::thread::sleep(Duration::from_millis(300));
    signal(&called, rustix::process::Signal::INT);
    called.until_err(|err| err.contains("interrupt once more"));
    signal(&called, rustix::process::Signal::INT);
    let left = called.ended();
    assert_eq!(left.code, 1, "{left:?}");
    assert!(left.err.contains("left run `waits` before it stopped"), "{}", left.err);
    assert_eq!(team.get("oprun/waits")["spec"]["cancel"], true, "what was asked for is kept");
}

#[test]
fn a_lost_connection_is_no_end_of_a_run() {
    let team = Team::with_config("cli-lost");
    let console = Console::of(&team);
    let view =
        ["view", "--minify", "-o", "jsonpath={.clusters[0].name} {.clusters[0].cluster.server}"];
    let cluster = console.configure(&team, &view);
    let (cluster, server) = cluster.split_once(' ').unwrap();
    let wire = Wire::to(server.strip_prefix("https://").unwrap());
    let server = format!("https://{}", wire.address);
    console.configure(&team, &["set-cluster", cluster, "--server", &server]);
    let mut called = console.start(&run_query("lost", BY_CITY));
    let mut watching = console.start(&["get", "runs", "-w", "-o", "name"]);
    watching.until_out(|out| out.contains("operatorrun.mason.dev/lost"));
    wire.cut();
    called.until_err(|err| err.contains("is lost; run `lost` goes on there, trying again"));
    let _controller = team.controller();
    assert_eq!(team.finished("lost")["phase"], "Succeeded");
    assert!(called.goes_on() && watching.goes_on(), "nobody has told them of the end");
    wire.mend();
    let ended = called.ended();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("connected again") && ended.out.contains("Graz"), "{ended:?}");
    watching.until_out(|out| out.matches("operatorrun.mason.dev/lost").count() > 1);
}

#[test]
fn an_api_server_that_is_not_there_is_told_with_a_hint() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let console = Console::for_server(&closed.to_string());
    for call in [&["get", "runs"][..], &["run", "table/list", "--config", "lake"], &["doctor"]] {
        let called = console.call(call);
        assert_eq!(called.code, 1, "{called:?}");
        let printed = called.out + &called.err;
        assert!(printed.contains("is this the right context"), "{call:?}: {printed}");
    }
}

#[test]
fn a_context_that_is_not_there_is_refused_with_those_that_are() {
    let console = Console::for_server("127.0.0.1:1");
    let called = console.call(&["get", "runs", "--context", "lab"]);
    assert_eq!(called.code, 2, "{called:?}");
    assert_eq!(
        called.err,
        "error: there is no context `lab` in the kubeconfig\nhint: there are: other\n"
    );
}

#[test]
fn a_cluster_without_crds_is_told_with_what_installs_them() {
    let server = bare_server();
    let console = Console::for_server(&server.to_string());
    for call in [&["get", "runs"][..], &["get", "run", "x"], &["cancel", "x"]] {
        let called = console.call(call);
        assert_eq!(called.code, 1, "{called:?}");
        assert!(called.err.contains("`mason crds | kubectl apply"), "{call:?}: {}", called.err);
    }
    let doctor = console.call(&["doctor", "-o", "json"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    let checks: Value = serde_json::from_str(&doctor.out).unwrap();
    let verdict = |name: &str| {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap()["verdict"].clone()
    };
    assert_eq!(verdict("api server"), "ok");
    assert_eq!(verdict("crd operatorruns"), "failed");
}

/// Answers as an API server without Mason's CRDs does.
fn bare_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut request = [0_u8; 16 * 1024];
    let Ok(length) = stream.read(&mut request) else { return };
    let text = String::from_utf8_lossy(&request[..length]).into_owned();
    let (status, body) = if text.starts_with("GET /version") {
        let version = json!({
            "major": "1", "minor": "35", "gitVersion": "v1.35.0", "gitCommit": "", "buildDate": "",
            "gitTreeState": "", "goVersion": "", "compiler": "", "platform": "",
        });
        ("200 OK", version.to_string())
    } else {
        ("404 Not Found", "404 page not found\n".to_owned())
    };
    let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    drop(stream.write_all((head + &body).as_bytes()));
}

/// A wire to the API server that can be cut and mended.
struct Wire {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, open) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let wire = Self { address, is_cut: Arc::clone(&is_cut), open: Arc::clone(&open) };
        let server = server.trim_end_matches('/').to_owned();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !is_cut.load(Ordering::SeqCst) {
                    connect(near, &server, &open);
                }
            }
        });
        wire
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn connect(near: TcpStream, server: &str, open: &Mutex<Vec<TcpStream>>) {
    let far = TcpStream::connect(server).unwrap();
    open.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
    for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
        std::thread::spawn(move || {
            drop(std::io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Both));
        });
    }
}
