//! Jobs in worker processes: found again, cancelled, fenced, killed at every step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::worker_process::{
    FAILS, IGNORES_CANCEL, KILLS_ITSELF, NEEDS_TOO_MUCH_MEMORY, PANICS, WAITS_FOR_CANCEL, WRITES,
    command,
};
use super::{new_root, owner, request, sink, spec, token};
use crate::api::parameters::Parameters;
use crate::clients::local::clock::now;
use crate::clients::local::execution::LocalExecution;
use crate::clients::local::jobs::{JobFolder, Started, file};
use crate::clients::local::leftovers::{Retention, collect};
use crate::clients::local::root::Root;
use crate::clients::local::settings::JobLimits;
use crate::engines::execution::{Execution, Fence};
use crate::engines::files::Files as _;
use crate::engines::job::{JobId, JobState, JobStatus};
use crate::engines::job_spec::{JobSpec, Operation, WriteMode};
use crate::engines::request::{OperatorJob, Request};
use crate::engines::table::{StoragePath, TableVersion};
use crate::engines::{ErrorKind, Retry};
use crate::lake::catalogue;

pub(crate) const LIMITS: JobLimits =
    JobLimits { memory_bytes: 256 << 20, disk_bytes: 1 << 30, parallelism: 2 };

pub(super) fn execution(root: &Arc<Root>, killed_at: Option<u64>) -> LocalExecution {
    LocalExecution::new(Arc::clone(root), LIMITS, command(killed_at))
        .with_graces(Duration::from_secs(20), Duration::from_millis(300))
}

async fn started(execution: &LocalExecution, behaviour: u64) -> JobId {
    let id = execution
        .create(&spec(behaviour, None), &request("t", owner("u", 1)))
        .await
        .expect("should create");
    execution.release(&id).await.expect("should release");
    id
}

async fn until(
    execution: &LocalExecution,
    id: &JobId,
    wanted: impl Fn(&JobStatus) -> bool,
) -> JobStatus {
    let begun = Instant::now();
    loop {
        let status = execution.status(id).await.expect("should be known");
        if wanted(&status) {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "still {status:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) async fn ended(execution: &LocalExecution, id: &JobId) -> JobStatus {
    until(execution, id, |status| status.state.has_ended()).await
}

pub(super) async fn fenced(execution: &LocalExecution, text: &str) {
    let begun = Instant::now();
    while execution.fence(&request(text, owner("u", 1))).await.expect("should fence")
        == Fence::NotYet
    {
        assert!(begun.elapsed() < Duration::from_mins(1), "still works");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn released_job_writes_its_proof() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = execution
        .create(&spec(WRITES, Some(sink(WriteMode::Error, None))), &request("t", owner("u", 1)))
        .await
        .expect("should create");
    let inert = execution.status(&id).await.expect("should be known");
    assert_eq!(inert.state, JobState::Inert);
    execution.release(&id).await.expect("should release");
    execution.release(&id).await.expect("should change nothing");
    let status = ended(&execution, &id).await;
    assert_eq!(status.state, JobState::Succeeded, "{status:?}");
    let outcome = execution.collect(&id).await.expect("should collect");
    assert_eq!(outcome, execution.collect(&id).await.expect("should collect again"));
    let commit = outcome.commit.expect("should have committed");
    assert_eq!((commit.version, commit.rows, commit.attempt), (TableVersion(1), 2, 1));
    assert_eq!(
        execution.find(&request("t", owner("u", 1))).await.expect("should look").found(),
        Some(status)
    );
}

#[tokio::test]
async fn cancelled_job_stops_and_is_cancelled() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = started(&execution, WAITS_FOR_CANCEL).await;
    until(&execution, &id, |status| status.progress.as_ref().is_some_and(|p| p.done > 0)).await;
    execution.cancel(&id).await.expect("should cancel");
    execution.cancel(&id).await.expect("should change nothing");
    assert_eq!(ended(&execution, &id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn worker_whose_folder_is_gone_stops_and_leaves_nothing() {
    let (folder, root) = new_root();
    let execution = execution(&root, None);
    let waits = spec(WAITS_FOR_CANCEL, Some(sink(WriteMode::Error, None)));
    let id = execution.create(&waits, &request("t", owner("u", 1))).await.expect("should create");
    execution.release(&id).await.expect("should release");
    until(&execution, &id, |status| status.progress.as_ref().is_some_and(|p| p.done > 0)).await;
    assert!(folder.path().join("sales/orders/mason-job-t/part-0.csv").exists());
    let job = JobFolder::of(&root, &token("t")).expect("should be a folder");
    let started =
        job.read::<Started>(file::STARTED).expect("should read").expect("should have begun");
    // The worker may be writing its progress there.
    while std::fs::remove_dir_all(job.absolute()).is_err() {}
    let end = tokio::task::spawn_blocking(move || started.process.await_end());
    assert!(tokio::time::timeout(Duration::from_secs(20), end).await.is_ok(), "it works on");
    assert!(!job.exists(), "the folder is not made again");
    assert!(!folder.path().join("sales/orders").exists(), "what was not committed is removed");
}

#[tokio::test]
async fn who_takes_a_job_over_learns_of_its_end_at_once() {
    let (_folder, root) = new_root();
    let former = execution(&root, None);
    let id = started(&former, WAITS_FOR_CANCEL).await;
    until(&former, &id, |status| status.state == JobState::Running).await;
    let (next, stranger) = (execution(&root, None), JobId("u".repeat(32)));
    let patience = Duration::from_millis(200);
    for (other, what) in [(&id, "works"), (&stranger, "is not there")] {
        let early = tokio::time::timeout(patience, next.ended(other)).await;
        assert!(early.is_err(), "nothing is told of a job that {what}");
    }
    let told = async {
        tokio::join!(next.ended(&id), async { next.cancel(&id).await.expect("should cancel") })
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert!(told.is_ok(), "the end of a worker that another process has started is told");
    assert_eq!(ended(&next, &id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn worker_that_ignores_the_cancel_is_killed() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = started(&execution, IGNORES_CANCEL).await;
    until(&execution, &id, |_| root.dir().try_exists("busy").unwrap_or(false)).await;
    fenced(&execution, "t").await;
    let status = ended(&execution, &id).await;
    assert_eq!(status.state, JobState::Lost, "{status:?}");
    let error = execution.create(&spec(WRITES, None), &request("t", owner("u", 1))).await;
    assert_eq!(error.expect_err("should be fenced").kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn worker_that_needs_too_much_memory_says_so() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = started(&execution, NEEDS_TOO_MUCH_MEMORY).await;
    let status = ended(&execution, &id).await;
    let error = status.error.expect("should have an error");
    assert_eq!((status.state, error.kind), (JobState::Failed, ErrorKind::OutOfMemory), "{error:?}");
    assert!(error.hint.expect("should have a hint").contains("memoryLimit"));
}

#[tokio::test]
async fn failure_panic_and_kill_are_told_apart() {
    for (behaviour, state, words) in [
        (FAILS, JobState::Failed, "the data is wrong"),
        (PANICS, JobState::Failed, "panicked"),
        (KILLS_ITSELF, JobState::Lost, ""),
    ] {
        let (_folder, root) = new_root();
        let execution = execution(&root, None);
        let id = started(&execution, behaviour).await;
        let status = ended(&execution, &id).await;
        assert_eq!(status.state, state, "{status:?}");
        assert!(status.error.expect("should have an error").message.contains(words));
        let error = execution.collect(&id).await.expect_err("should have no outcome");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn worker_that_cannot_read_its_job_says_so() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let token = token("t");
    let id = execution
        .create(&spec(WRITES, None), &request(&token.0, owner("u", 1)))
        .await
        .expect("should create");
    let folder = JobFolder::of(&root, &token).expect("should be a folder");
    std::fs::write(folder.absolute().join(file::SPEC), "{\"version\": \"new\"}")
        .expect("should be written");
    execution.release(&id).await.expect("should release");
    let status = ended(&execution, &id).await;
    let error = status.error.expect("should have an error");
    assert_eq!((status.state, error.retry), (JobState::Failed, Retry::Never), "{error:?}");
    assert!(error.message.contains("the worker cannot read its job"), "{error:?}");
    assert!(error.message.contains("spec.json"), "{error:?}");
    assert!(error.hint.expect("should have a hint").contains("version of Mason"));
    assert!(!folder.has(file::STARTED), "it never began");
}

#[tokio::test]
async fn fence_stops_a_create_that_comes_late() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    assert_eq!(
        execution.fence(&request("t", owner("u", 1))).await.expect("should fence"),
        Fence::Down
    );
    let late = execution.create(&spec(WRITES, None), &request("t", owner("u", 1))).await;
    assert_eq!(late.expect_err("should be refused").kind, ErrorKind::Conflict);
    assert_eq!(
        execution.find(&request("t", owner("u", 1))).await.expect("should look").found(),
        None
    );
}

#[tokio::test]
async fn fenced_job_never_begins() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = execution
        .create(&spec(WRITES, None), &request("t", owner("u", 1)))
        .await
        .expect("should create");
    fenced(&execution, "t").await;
    assert_eq!(execution.release(&id).await.expect_err("refused").kind, ErrorKind::Conflict);
    assert_eq!(ended(&execution, &id).await.state, JobState::Lost);
}

#[tokio::test]
async fn a_token_of_another_run_is_refused() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let create = async |run: &str, attempt| {
        execution.create(&spec(WRITES, None), &request("t", owner(run, attempt))).await
    };
    let id = create("u", 1).await.expect("should create");
    assert_eq!(create("u", 1).await.expect("should be the same"), id);
    for (run, attempt) in [("other", 1), ("u", 2)] {
        let refused = create(run, attempt).await.expect_err("should be another's");
        assert_eq!(refused.kind, ErrorKind::Conflict, "{run} {attempt}");
    }
}

#[tokio::test]
async fn a_job_that_has_begun_is_not_begun_again() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let append = spec(WRITES, Some(sink(WriteMode::Append, None)));
    let id = execution.create(&append, &request("t", owner("u", 1))).await.expect("should create");
    execution.release(&id).await.expect("should release");
    assert_eq!(ended(&execution, &id).await.state, JobState::Succeeded);
    let folder = JobFolder::of(&root, &token("t")).expect("should be a folder");
    let began = folder.read::<Started>(file::STARTED).expect("should read");
    let again = command(None)(&folder.absolute()).expect("should be a program").output();
    assert!(again.expect("should run").status.success());
    // A second beginning finds the file there that the first has written, and fails.
    assert!(!folder.has(file::ERROR));
    assert_eq!(folder.read::<Started>(file::STARTED).expect("should read"), began);
}

#[tokio::test]
async fn job_killed_at_any_step_ends_with_exactly_one_commit() {
    killed_at_every_step(&spec(WRITES, Some(sink(WriteMode::Append, None)))).await;
}

#[tokio::test]
async fn job_of_an_operator_killed_at_any_step_ends_with_exactly_one_commit() {
    killed_at_every_step(&operator_job()).await;
}

#[tokio::test]
async fn what_a_planned_job_wrote_and_did_not_commit_is_collected() {
    let (_folder, root) = new_root();
    let job = operator_job();
    let staging = StoragePath::new("sales/orders/mason-job-t1").expect("should be a path");
    let is_left = || super::files(&root).kind(&staging).expect("should look").is_some();
    let mut were_left = 0;
    for step in 1..60 {
        let dying = execution(&root, Some(step));
        let id = dying.create(&job, &request("t1", owner("u", 1))).await.expect("should create");
        dying.release(&id).await.expect("should release");
        let next =
            execution(&root, None).with_graces(Duration::from_secs(5), Duration::from_secs(1));
        let status = ended(&next, &id).await;
        if status.state == JobState::Succeeded {
            break;
        }
        fenced(&next, "t1").await;
        were_left += u32::from(is_left());
        collect(&root, Retention::default(), now()).expect("should collect");
        assert!(!is_left(), "step {step}");
        root.dir().remove_dir_all(".mason/jobs/t1").expect("should remove");
    }
    assert!(were_left > 0, "it should have died with files that it wrote");
}

/// A job that says which operator is asked for what, and nothing of where it will write.
fn operator_job() -> JobSpec {
    let request = Request {
        parameters: Parameters::default(),
        allow_writing_sql: false,
        statement: None,
        answer_bytes: 1024,
        container: None,
    };
    let job = OperatorJob { operator: "table.format".to_owned(), request, dry_run: false };
    JobSpec { operation: Operation::Operator(Box::new(job)), ..spec(WRITES, None) }
}

async fn killed_at_every_step(append: &JobSpec) {
    let mut survived = false;
    for step in 1..60 {
        if killed_once(append, step).await {
            survived = true;
            break;
        }
    }
    assert!(survived, "the worker should have fewer durable operations");
}

/// Kills the first attempt before one durable operation, then runs a second; returns whether the first
/// had fewer operations.
async fn killed_once(append: &JobSpec, step: u64) -> bool {
    let (_folder, root) = new_root();
    let first = execution(&root, Some(step));
    let id = first.create(append, &request("t1", owner("u", 1))).await.expect("should create");
    first.release(&id).await.expect("should release");
    // The process that watches dies too: what follows is found out by another one.
    let next = execution(&root, None).with_graces(Duration::from_secs(5), Duration::from_secs(1));
    let status = ended(&next, &id).await;
    fenced(&next, "t1").await;
    let location = StoragePath::new("sales/orders").expect("should be a path");
    let history = catalogue::history(&super::files(&root), &location).expect("should be whole");
    // What was committed is the end, with or without the worker's own word.
    assert_eq!(status.state == JobState::Succeeded, history.len() == 1, "step {step}: {status:?}");
    if let Some(stored) = history.first() {
        let commit = next.collect(&id).await.expect("should collect").commit;
        assert_eq!(commit.expect("should have a commit").digest, stored.digest, "step {step}");
    }
    let id = next.create(append, &request("t2", owner("u", 2))).await.expect("should create");
    next.release(&id).await.expect("should release");
    let second = ended(&next, &id).await;
    assert_eq!(second.state, JobState::Succeeded, "step {step}: {second:?}");
    let history = catalogue::history(&super::files(&root), &location).expect("should be whole");
    assert_eq!(history.len(), 1, "step {step}");
    assert_eq!(history[0].manifest.files.len(), 1, "step {step}");
    let outcome = next.collect(&id).await.expect("should collect");
    let commit = outcome.commit.expect("should have a commit");
    assert_eq!(commit.attempt, history[0].manifest.attempt, "step {step}");
    for file in &history[0].manifest.files {
        assert_eq!(root.pin(&file.path).expect("should be there").size_bytes, file.size_bytes);
    }
    status.state == JobState::Succeeded
        && first.collect(&JobId("t1".to_owned())).await.is_ok()
        && status.finished_at.is_some()
        && !was_killed(&root)
}

fn was_killed(root: &Root) -> bool {
    // The spawner's thread notes the end of a worker only when it left no outcome; a worker killed
    // after its outcome has its name is seen by the log's missing last line.
    let log = root.dir().read_to_string(".mason/jobs/t1/log").expect("should have a log");
    !log.contains("test result: ok")
}

#[tokio::test]
async fn what_a_job_took_is_told_and_a_torn_document_of_it_hides_nothing_else() {
    let (_folder, root) = new_root();
    let execution = execution(&root, None);
    let id = started(&execution, WRITES).await;
    let status = ended(&execution, &id).await;
    let took = status.statistics.expect("should be told");
    assert!(took.running_milliseconds.is_some() && took.queued_milliseconds.is_some(), "{took:?}");
    assert!(took.peak_memory_bytes > Some(0), "{took:?}");
    root.dir().write(".mason/jobs/t/statistics.json", "{\"torn").expect("should write");
    let status = execution.status(&id).await.expect("should be known");
    assert_eq!((status.state, status.statistics), (JobState::Succeeded, None));
}
