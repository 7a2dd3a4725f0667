//! Measures `mason controller` on a real API server of this machine: runs a minute, how soon a run is seen,
//! what finished runs cost. CPU and memory of the controller and of its workers stand apart.
//!
//! Usage: `benches/cluster/run [--runs N] [--active N] [--pods N] [--finished N]`; prints one line for each figure, with its goal.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints figures and stops where it fails"
)]

mod api_server;
#[path = "../../tests/cluster/connect.rs"]
mod connect;
mod controller;
#[path = "../../tests/chaos/kubelet.rs"]
mod kubelet;
mod objects;
mod seen;
#[path = "../../tests/cluster/started.rs"]
mod started;

use std::time::{Duration, Instant};

use api_server::ApiServer;
use controller::Controller;
use kubelet::Kubelet;
use objects::Objects;
use seen::Seen;

/// How long a controller is left alone to see what it costs idle.
const IDLE: Duration = Duration::from_secs(20);

/// How many runs are created one after the other while others are active.
const NEW: usize = 50;
/// The pause between two of them.
const BETWEEN_NEW: Duration = Duration::from_millis(100);

struct Sizes {
    runs: usize,
    pods: usize,
    finished: usize,
    active: usize,
}

impl Sizes {
    fn of_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str, default: usize| {
            let at = arguments.iter().position(|argument| argument == name);
            at.and_then(|at| arguments.get(at + 1)).map_or(default, |text| text.parse().unwrap())
        };
        Self {
            runs: number("--runs", 1_500),
            pods: number("--pods", 600),
            finished: number("--finished", 10_000),
            active: number("--active", 1_000),
        }
    }
}

#[tokio::main]
async fn main() {
    let sizes = Sizes::of_arguments();
    let folder = tempfile::tempdir().unwrap();
    let server = ApiServer::start(&folder.path().join("control-plane"));
    let objects = Objects::new(server.connect().await, &folder.path().join("data")).await;

    say_bare_client(&objects, sizes.runs).await;
    let few = measure_throughput(&server, &objects, &sizes).await;
    measure_active(&server, &objects, sizes.active).await;
    measure_pods(&server, &objects, sizes.pods).await;
    measure_finished(&server, &objects, &sizes, few).await;
}

/// What the API server itself allows: the writes of a run by a client that does nothing else.
async fn say_bare_client(objects: &Objects, runs: usize) {
    let began = Instant::now();
    objects.create_pods("bare", runs.min(600)).await;
    say("pods created by a bare client", per_minute(runs.min(600), began.elapsed()), "");
    objects.delete_pods().await;
    let began = Instant::now();
    objects.create_runs("bare", runs, true).await;
    objects.finish_runs("bare", runs, 1_024).await;
    let text = format!("{} (1 create, 1 status write each)", per_minute(runs, began.elapsed()));
    say("runs written by a bare client", text, "");
    objects.delete_runs().await;
}

/// Returns the controller's CPU time for each run.
async fn measure_throughput(server: &ApiServer, objects: &Objects, sizes: &Sizes) -> f64 {
    let controller = Controller::start(server, objects).await;
    objects.wait_for_config().await;
    let (before, others) = (controller.cost(), server.cpu_seconds());
    let seen = Seen::watch(objects).await;
    let began = Instant::now();
    objects.create_runs("many", sizes.runs, false).await;
    seen.until_finished(sizes.runs).await;
    let elapsed = began.elapsed();
    let cost = controller.cost().since(&before);
    let others = server.cpu_seconds() - others;
    let of_each = |seconds: f64| format!("{:.1} ms", seconds * 1000.0 / sizes.runs as f64);
    say("runs a minute, each reads a table", per_minute(sizes.runs, elapsed), "1500");
    say("watch to first status, all created at once", seen.latencies("many"), "");
    say("CPU of API server and etcd for a run", of_each(others), "");
    say("CPU of the controller for a run", of_each(cost.own), "");
    say("CPU of the workers for a run", of_each(cost.children), "");
    say("memory of the controller, at most", mib(controller.peak()), "128 MiB");
    let stopped = controller.stop();
    say("SIGTERM to the end", format!("{:.1} s", stopped.as_secs_f64()), "");
    objects.delete_runs().await;
    cost.own / sizes.runs as f64
}

/// How soon a run is seen while so many others work or wait for their turn.
async fn measure_active(server: &ApiServer, objects: &Objects, active: usize) {
    let controller = Controller::start(server, objects).await;
    let seen = Seen::watch(objects).await;
    objects.create_runs("busy", active, false).await;
    seen.until_begun(active).await;
    let others = active - seen.finished();
    for number in 0..NEW {
        objects.create_runs(&format!("new-{number}"), 1, false).await;
        tokio::time::sleep(BETWEEN_NEW).await;
    }
    seen.until_begun(active + NEW).await;
    let what = format!("watch to first status among {others} active");
    say(&what, seen.latencies("new"), "p95 < 1 s");
    seen.until_finished(active + NEW).await;
    say("memory of the controller, at most", mib(controller.peak()), "128 MiB");
    controller.stop();
    objects.delete_runs().await;
}

/// How fast runs work that are pods, on a node that lets each end as soon as it begins.
async fn measure_pods(server: &ApiServer, objects: &Objects, pods: usize) {
    let controller = Controller::start(server, objects).await;
    objects.define_container().await;
    let (client, ledger) = (server.connect().await, objects.folder().with_file_name("ledger"));
    let mut kubelet = Kubelet::begin(&client, objects::NAMESPACE, ledger).await;
    let playing = tokio::spawn(async move {
        loop {
            kubelet.look().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let (seen, before, began) = (Seen::watch(objects).await, controller.cost(), Instant::now());
    objects.create_pod_runs("pod", pods).await;
    seen.until_finished(pods).await;
    let (elapsed, cost) = (began.elapsed(), controller.cost().since(&before));
    playing.abort();
    say("pods a minute: created, released, proven", per_minute(pods, elapsed), "600");
    let own = format!("{:.1} ms", cost.own * 1000.0 / pods as f64);
    say("CPU of the controller for a pod", own, "");
    controller.stop();
    objects.delete_runs().await;
}

/// What runs that have ended cost.
async fn measure_finished(server: &ApiServer, objects: &Objects, sizes: &Sizes, few: f64) {
    objects.create_runs("old", sizes.finished, true).await;
    objects.finish_runs("old", sizes.finished, 16 * 1024).await;
    let began = Instant::now();
    let controller = Controller::start(server, objects).await;
    let ready = began.elapsed();
    say(
        &format!("ready with {} finished runs of 16 KiB", sizes.finished),
        format!("{:.1} s", ready.as_secs_f64()),
        "< 5 s",
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = controller.cost();
    tokio::time::sleep(IDLE).await;
    let idle = controller.cost().since(&before);
    let share = 100.0 * (idle.own + idle.children) / IDLE.as_secs_f64();
    say("CPU while nothing happens", format!("{share:.2} %"), "near 0");
    let before = controller.cost();
    let seen = Seen::watch(objects).await;
    let some = sizes.active;
    objects.create_runs("among", some, false).await;
    seen.until_finished(some).await;
    let many = controller.cost().since(&before).own / some as f64;
    let text = format!("{:.1} ms, {:.2} times that of few", many * 1000.0, many / few);
    say("CPU of the controller for a run among them", text, "flat");
    let what = format!("memory of the controller with {some} active, at most");
    say(&what, mib(controller.peak()), "128 MiB");
    controller.stop();
}

fn per_minute(count: usize, elapsed: Duration) -> String {
    format!("{:.0} a minute", count as f64 * 60.0 / elapsed.as_secs_f64())
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn say(what: &str, figure: impl std::fmt::Display, goal: &str) {
    println!("{what:<48} {figure:<44} {goal}");
}
