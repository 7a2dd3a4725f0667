//! A worker whose executor behaves as the job's seed says, in a process of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use crate::clients::local::disk::recorder::KilledAt;
use crate::clients::local::processes::WorkerCommand;
use crate::clients::local::root::Root;
use crate::clients::local::worker::{Executor, run_with};
use crate::embedded::planned::OnPlanned;
use crate::embedded::work::{Executed, Work};
use crate::engines::Engines;
use crate::engines::job_spec::{JobSpec, Operation, Sink, WriteMode};
use crate::engines::result::Written;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;
use crate::lake::tests::write_file;

pub(crate) const WRITES: u64 = 0;
pub(crate) const WAITS_FOR_CANCEL: u64 = 1;
pub(crate) const IGNORES_CANCEL: u64 = 2;
pub(crate) const NEEDS_TOO_MUCH_MEMORY: u64 = 3;
pub(crate) const PANICS: u64 = 4;
pub(crate) const FAILS: u64 = 5;
pub(crate) const KILLS_ITSELF: u64 = 6;

const JOB: &str = "MASON_TEST_JOB";
const KILLED_AT: &str = "MASON_TEST_KILLED_AT";

/// Returns the command that runs this test program as a worker, killed before a durable operation.
pub(crate) fn command(killed_at: Option<u64>) -> WorkerCommand {
    Arc::new(move |folder| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1"]);
        command.arg("clients::local::tests::worker_process::as_worker");
        command.env(JOB, folder);
        if let Some(step) = killed_at {
            command.env(KILLED_AT, step.to_string());
        }
        Ok(command)
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a test program is told that it is a worker")]
#[ignore = "started by other tests as a process of its own"]
fn as_worker() {
    let Some(folder) = std::env::var_os(JOB) else { return };
    let killed_at = std::env::var_os(KILLED_AT);
    let step = killed_at.and_then(|step| step.to_str().and_then(|step| step.parse().ok()));
    let disk = |root: Root| match step {
        Some(step) => root.with_disk(Box::new(KilledAt::step(step))),
        None => root,
    };
    run_with(&PathBuf::from(folder), &Behaviour, disk).expect("should write down how it ended");
}

struct Behaviour;

#[async_trait]
impl Executor for Behaviour {
    async fn execute(
        &self,
        spec: &JobSpec,
        work: &Work,
        _engines: &Engines,
        on_planned: &OnPlanned<'_>,
    ) -> Result<Executed, EngineError> {
        if let Operation::Operator(_) = &spec.operation {
            // Planned only now: what it will write was not known before.
            let planned = Box::new(super::spec(WRITES, Some(super::sink(WriteMode::Append, None))));
            on_planned(&planned)?;
            let executed = answer(write(&planned, work));
            return Ok(Executed { planned: Some(planned), ..executed });
        }
        let Operation::Fake { seed, .. } = &spec.operation else { return Ok(answer(None)) };
        match *seed {
            WAITS_FOR_CANCEL => {
                write(spec, work);
                while !work.is_cancelled() {
                    work.progress.update(|progress| progress.done += 1);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error(ErrorKind::Unavailable, "work", "was told to stop"))
            }
            IGNORES_CANCEL => {
                root_of(work).dir().write("busy", "").expect("should write");
                loop {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            NEEDS_TOO_MUCH_MEMORY => {
                let mut kept: Vec<Vec<u8>> = Vec::new();
                loop {
                    kept.push(vec![1; 16 << 20]);
                }
            }
            PANICS => panic!("a bug"),
            FAILS => {
                Err(error(ErrorKind::InvalidInput, "work", "the data is wrong")
                    .with_hint("correct it"))
            }
            KILLS_ITSELF => {
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
                Ok(answer(None))
            }
            _ => Ok(answer(write(spec, work))),
        }
    }
}

fn answer(written: Option<Written>) -> Executed {
    Executed {
        rows: Some(2),
        written,
        warnings: vec!["a warning".to_owned()],
        ..Executed::answering(json!([{"a": 1}, {"a": 2}]))
    }
}

/// Returns the root below which a job has its folder for spilling.
fn root_of(work: &Work) -> Root {
    let root = work.scratch.ancestors().nth(4).expect("should be below the root");
    Root::open(root).expect("should open")
}

fn write(spec: &JobSpec, work: &Work) -> Option<Written> {
    let Sink::Files(sink) = &spec.sink else { return None };
    Some(write_file(&*work.files, sink, &work.token, "1\n2\n"))
}
