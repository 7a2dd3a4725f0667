//! Controllers as processes of their own, and what is done to them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mason::faults::{MARK_VARIABLE, POINT_VARIABLE};
use rustix::process::{Pid, Signal, kill_process};

/// What every controller is started with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) allowed: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) namespace: &'static str,
}

impl Site {
    /// Returns the end of what the controllers have logged.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("controllers.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// A controller that may be told to end at a point.
pub(crate) struct Controller {
    child: Child,
    pub(crate) armed: Option<Armed>,
    pub(crate) born: Instant,
    /// How long it lives at most; without an end when nothing is said.
    pub(crate) life: Option<Duration>,
    /// Until when it stands still.
    pub(crate) stopped: Option<Instant>,
}

/// The point at which a process ends, and the mark that it makes before.
#[derive(Debug, Clone)]
pub(crate) struct Armed {
    pub(crate) point: &'static str,
    pub(crate) mark: PathBuf,
}

impl Armed {
    /// Returns whether a process ended there, a controller or one of its workers.
    pub(crate) fn is_hit(&self) -> bool {
        self.mark.exists()
    }
}

impl Controller {
    /// Starts one that ends when it comes to a point for the given time.
    pub(crate) fn start(site: &Site, armed: Option<(Armed, usize)>) -> Self {
        let log = site.folder.join("controllers.log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mason"));
        command
            .args(["controller", "--watch-namespace", site.namespace, "--probe-interval", "60s"])
            .args(["--health-address", "127.0.0.1:0", "--local-root"])
            .arg(&site.allowed)
            .arg("--pod-settings")
            .arg(site.folder.join("pods.yaml"))
            .env("KUBECONFIG", &site.kubeconfig)
            .env_remove("MASON_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some((armed, times)) = &armed {
            command.env(POINT_VARIABLE, format!("{}:{times}", armed.point));
            command.env(MARK_VARIABLE, &armed.mark);
        }
        Self {
            child: command.spawn().unwrap(),
            armed: armed.map(|(armed, _)| armed),
            born: Instant::now(),
            life: None,
            stopped: None,
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it stand still for a time, as a machine that is held up does.
    pub(crate) fn stop(&mut self, length: Duration) {
        self.signal(Signal::STOP);
        self.stopped = Some(Instant::now() + length);
    }

    pub(crate) fn go_on(&mut self) {
        self.signal(Signal::CONT);
        self.stopped = None;
    }

    fn signal(&self, signal: Signal) {
        // One that died meanwhile needs no signal.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the processes that work on jobs below a root now: each prints into its job's log.
pub(crate) fn workers(root: &Path) -> Vec<Pid> {
    let jobs = root.join(".mason/jobs");
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let works = processes.filter(|process| {
        std::fs::read_link(process.path().join("fd/1")).is_ok_and(|log| log.starts_with(&jobs))
    });
    works.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?)).collect()
}

/// Ends a worker at once; returns whether it still was there.
pub(crate) fn kill_worker(worker: Pid) -> bool {
    kill_process(worker, Signal::KILL).is_ok()
}
