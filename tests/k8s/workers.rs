//! The processes of workers, as the system has them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::deletion::until_it_works;
use crate::team::{LONG, PATIENCE, Team, query};

/// Returns how many worker processes work below a folder.
pub(crate) fn workers_below(folder: &Path) -> usize {
    worker_ids(folder).len()
}

/// Returns the processes that work below a folder: each prints into its job's log.
fn worker_ids(folder: &Path) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let works = |entry: std::fs::DirEntry| {
        let log = std::fs::read_link(entry.path().join("fd/1")).ok()?;
        log.starts_with(folder).then(|| entry.file_name().to_string_lossy().parse().ok()).flatten()
    };
    processes.filter_map(works).collect()
}

/// Ends at once whatever works below a folder.
pub(crate) fn end_workers_below(folder: &Path) {
    for id in worker_ids(folder) {
        let process = rustix::process::Pid::from_raw(id).unwrap();
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}

/// Returns the processes that a process has started.
fn children_of(parent: u32) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let line = format!("PPid:\t{parent}\n");
    let status = |process: &PathBuf| std::fs::read_to_string(process.join("status"));
    processes.filter(|one| status(one).is_ok_and(|status| status.contains(&line))).collect()
}

#[test]
fn a_worker_that_waited_gets_the_job_and_those_that_wait_go_with_their_controller() {
    let team = Team::with_config("warm");
    let controller = team.controller_with(&["--warm-workers", "3"]);
    let is_waiting = |process: &PathBuf| {
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).ends_with("\0worker\0--wait\0")
    };
    let waiting = || children_of(controller.id()).into_iter().filter(is_waiting);
    let began = Instant::now();
    while waiting().count() < 3 {
        assert!(began.elapsed() < PATIENCE, "{}", controller.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let beforehand: Vec<PathBuf> = waiting().collect();
    team.apply(&query("long", LONG, ""));
    until_it_works(&team, "long");
    let works = worker_ids(&team.root());
    let works: Vec<PathBuf> = works.iter().map(|id| PathBuf::from(format!("/proc/{id}"))).collect();
    assert!(works.len() == 1 && beforehand.contains(&works[0]), "{works:?} {beforehand:?}");
    while waiting().count() < 4 {
        assert!(began.elapsed() < PATIENCE, "the one that works is replaced: {}", controller.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let left: Vec<PathBuf> = waiting().filter(|one| *one != works[0]).collect();
    controller.kill();
    while left.iter().any(is_waiting) {
        assert!(began.elapsed() < PATIENCE, "they wait for nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(workers_below(&team.root()), 1, "work under way goes on");
    end_workers_below(&team.root());
}
