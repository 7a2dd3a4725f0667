//! The controller that is measured, and what the system says of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::api_server::ApiServer;
use crate::objects::Objects;

/// What pods are made of; work is in the controller's workers where its config does not say otherwise.
const PODS: &str =
    "{image: none, allowedPlacements: [Pod, Controller], defaultPlacement: Controller}\n";

/// CPU time in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Of the controller's own process.
    pub(crate) own: f64,
    /// Of the workers that have ended.
    pub(crate) children: f64,
}

impl Cost {
    /// Returns what was spent since an earlier look.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self { own: self.own - before.own, children: self.children - before.children }
    }
}

/// A controller as a process of its own; killed when it is dropped.
pub(crate) struct Controller {
    child: Child,
    log: PathBuf,
}

impl Controller {
    /// Starts one and returns when it is ready.
    pub(crate) async fn start(server: &ApiServer, objects: &Objects) -> Self {
        let log = objects.folder().with_file_name("controller.log");
        let mason = std::env::var_os("MASON_BENCH_PROGRAM").expect("run benches/cluster/run");
        let pods = log.with_file_name("pods.yaml");
        std::fs::write(&pods, PODS).unwrap();
        let child = Command::new(mason)
            .args(["controller", "--health-address", "127.0.0.1:0", "--local-root"])
            .arg(objects.folder())
            .arg("--pod-settings")
            .arg(pods)
            .env("KUBECONFIG", server.kubeconfig())
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let controller = Self { child, log };
        while !controller.is_ready() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        controller
    }

    /// Returns what it has spent.
    pub(crate) fn cost(&self) -> Cost {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // From the third field of proc(5): 14 utime, 15 stime, 16 cutime, 17 cstime, in 1/100 s.
        let seconds = |field: usize| fields[field - 3].parse::<f64>().unwrap() / 100.0;
        Cost { own: seconds(14) + seconds(15), children: seconds(16) + seconds(17) }
    }

    /// Returns the most bytes of memory it has held.
    pub(crate) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    /// Asks it to stop and returns how long that took.
    pub(crate) fn stop(mut self) -> Duration {
        let began = Instant::now();
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
        began.elapsed()
    }

    fn is_ready(&self) -> bool {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let Some((_, rest)) = log.split_once("health=") else { return false };
        let Some(address) = rest.split_whitespace().next() else { return false };
        let Ok(mut stream) = TcpStream::connect(address) else { return false };
        let mut answer = String::new();
        let request = "GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200 ")
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
