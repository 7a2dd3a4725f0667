//! Creating and fencing, killed before each durable operation, in a process of its own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::execution::{LIMITS, ended, execution, fenced};
use super::worker_process::{WRITES, command};
use super::{new_root, owner, request, sink, spec};
use crate::clients::local::disk::recorder::KilledAt;
use crate::clients::local::execution::LocalExecution;
use crate::clients::local::root::Root;
use crate::engines::ErrorKind;
use crate::engines::execution::{Execution, Fence};
use crate::engines::job::JobState;
use crate::engines::job_spec::{JobSpec, WriteMode};
use crate::engines::table::StoragePath;
use crate::lake::catalogue;

const ROOT: &str = "MASON_TEST_ROOT";
const CALL: &str = "MASON_TEST_CALL";

/// More durable operations than either call makes.
const STEPS: u64 = 40;

fn job() -> JobSpec {
    spec(WRITES, Some(sink(WriteMode::Append, None)))
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how a test program is told what to do")]
#[ignore = "started by other tests as a process of its own"]
async fn as_creator() {
    let (Ok(root), Ok(call)) = (std::env::var(ROOT), std::env::var(CALL)) else { return };
    let (call, step) = call.split_once(' ').expect("should be two words");
    let step = step.parse().expect("should be a number");
    let root = Root::open(Path::new(&root)).expect("should open");
    let root = Arc::new(root.with_disk(Box::new(KilledAt::step(step))));
    let execution = LocalExecution::new(root, LIMITS, command(None));
    match call {
        "create" => {
            let made = execution.create(&job(), &request("t", owner("u", 1))).await;
            made.map(drop).expect("should create");
        }
        _ => assert_eq!(
            execution.fence(&request("t", owner("u", 1))).await.expect("should fence"),
            Fence::Down
        ),
    }
}

/// Makes a call in a process that is killed before a durable operation; returns whether it was.
fn is_killed(folder: &Path, call: &str, step: u64) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("should be a program"));
    command.args(["--ignored", "--exact", "--test-threads=1"]);
    command.arg("clients::local::tests::creator_process::as_creator");
    command.env(ROOT, folder).env(CALL, format!("{call} {step}"));
    let done = command.output().expect("should start");
    assert!(done.status.success() || done.status.code().is_none(), "{done:?}");
    !done.status.success()
}

fn commits(root: &Arc<Root>) -> usize {
    let location = StoragePath::new("sales/orders").expect("should be a path");
    catalogue::history(&super::files(root), &location).expect("should be whole").len()
}

#[tokio::test]
async fn create_killed_at_any_step_is_found_or_made_again_and_works_once() {
    for step in 1..STEPS {
        let (folder, root) = new_root();
        let was_killed = is_killed(folder.path(), "create", step);
        let next = execution(&root, None);
        if let Some(found) =
            next.find(&request("t", owner("u", 1))).await.expect("should look").found()
        {
            assert_eq!((found.state, found.owner), (JobState::Inert, owner("u", 1)), "step {step}");
        }
        let id = next.create(&job(), &request("t", owner("u", 1))).await.expect("should create");
        next.release(&id).await.expect("should release");
        assert_eq!(ended(&next, &id).await.state, JobState::Succeeded, "step {step}");
        assert_eq!(commits(&root), 1, "step {step}");
        if !was_killed {
            assert!(step > 4, "it should have several durable operations");
            return;
        }
    }
    panic!("a create should have fewer durable operations");
}

#[tokio::test]
async fn fence_killed_at_any_step_is_made_again_and_then_nothing_begins() {
    for is_created in [false, true] {
        let mut killed = 0;
        for step in 1..STEPS {
            let (folder, root) = new_root();
            let next = execution(&root, None);
            if is_created {
                next.create(&job(), &request("t", owner("u", 1))).await.expect("should create");
            }
            let was_killed = is_killed(folder.path(), "fence", step);
            fenced(&next, "t").await;
            let late = next.create(&job(), &request("t", owner("u", 1))).await;
            assert_eq!(late.expect_err("should be fenced").kind, ErrorKind::Conflict);
            let state = next
                .find(&request("t", owner("u", 1)))
                .await
                .expect("should look")
                .found()
                .map(|job| job.state);
            assert_eq!(state, is_created.then_some(JobState::Lost), "step {step}");
            assert_eq!(commits(&root), 0, "step {step}");
            if !was_killed {
                break;
            }
            killed += 1;
        }
        assert!((3..STEPS - 1).contains(&killed), "it has {killed} durable operations");
    }
}
