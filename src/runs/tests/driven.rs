//! Runs that are driven to the end: validated, launched, followed, recorded, and what a person sees.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{
    AttemptOutcome, ClientKind, FreeForm, OperatorRun, OperatorRunStatus, Phase, Progress,
    Resolution,
};
use crate::engines::capability::{Capability, ClientDescription, ClientType};
use crate::engines::job::JobState;
use crate::engines::{ErrorKind, Retry, Role};
use crate::plan::Keeping;
use crate::runs::{EachTime, Observer, ProgressBudget, RunContext, RunError, Unwatched, drive};
use crate::store::Store;
use crate::testing::fakes::{
    Call, FAKE_OPERATORS, FakeClock, FakeEngines, FakeStore, Fault, JobEnd, LOCATION, SharedWorld,
    World, shared,
};

const CLIENTS: &[ClientType] = &[ClientType::uniform(ClientDescription {
    kind: ClientKind::Local,
    summary: "fake",
    roles: &Role::ALL,
    capabilities: &[
        Capability::ReadTables,
        Capability::ChangeDatabases,
        Capability::Preview,
        Capability::Jobs,
    ],
    reads: &[],
    writes: &[],
})];

pub(in crate::runs) struct Scene {
    pub(in crate::runs) world: SharedWorld,
    pub(in crate::runs) store: Arc<FakeStore>,
    pub(in crate::runs) context: RunContext,
}

impl Scene {
    pub(in crate::runs) fn new() -> Self {
        let world = shared();
        let store = Arc::new(FakeStore::new(Arc::clone(&world)));
        let library = ["answer", "job", "change", "both"].map(definition);
        let context = RunContext {
            store: Arc::<FakeStore>::clone(&store),
            library: Arc::new(library),
            look_up: Arc::new(EachTime),
            open_engines: Arc::new(FakeEngines(Arc::clone(&world))),
            operators: FAKE_OPERATORS,
            kinds: &[crate::api::v1alpha1::ActionKind::Builtin],
            clients: CLIENTS,
            admission: Arc::default(),
            clock: Arc::new(FakeClock(Arc::clone(&world))),
            attachments: None,
            keeping: Keeping { holds: true, ..Keeping::default() },
            budget: Arc::new(ProgressBudget::unlimited()),
        };
        Self { world, store, context }
    }

    /// Creates the config and a run of `fake/<action>` whose spec has these fields too.
    pub(in crate::runs) async fn order(&self, action: &str, fields: Value) -> Key {
        let config = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
            "metadata": {"name": "lake", "namespace": "default"},
            "spec": {
                "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["here"]},
                "clients": [{"name": "here", "local": {"root": "somewhere"}}],
            },
        });
        let mut run = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": "run", "namespace": "default"},
            "spec": {"operator": format!("fake/{action}"), "configRef": {"name": "lake"}},
        });
        for (name, value) in fields.as_object().expect("should be an object") {
            run["spec"][name] = value.clone();
        }
        for (kind, document) in [(Kind::MasonConfig, config), (Kind::OperatorRun, run)] {
            let resource = Resource::from_document(kind, document).expect("should be a resource");
            self.store.create(&resource).await.expect("should create");
        }
        Key { kind: Kind::OperatorRun, namespace: "default".to_owned(), name: "run".to_owned() }
    }

    pub(super) async fn drive(&self, key: &Key) -> OperatorRunStatus {
        let run = drive(&self.context, key, &Unwatched).await.expect("should drive");
        run.status.expect("should have a status")
    }

    pub(in crate::runs) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        World::of(&self.world)
    }

    /// The next change gets no answer, and cannot be fenced.
    fn leave_unknown(&self) {
        let mut world = self.world();
        world.faults.entry(Call::Apply).or_default().push_back(Fault::SILENT_BEFORE);
        world.broken.insert(Call::FenceChange, Fault::LASTING);
    }
}

fn definition(action: &str) -> crate::api::v1alpha1::OperatorDefinition {
    serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
        "metadata": {"name": format!("fake-{action}")},
        "spec": {
            "operator": format!("fake/{action}"),
            "description": "does something",
            "action": {"builtin": {"name": format!("fake.{action}")}},
        },
    }))
    .expect("should be a definition")
}

fn condition(status: &OperatorRunStatus, kind: &str) -> String {
    let found = status.conditions.iter().find(|condition| condition.type_ == kind);
    found.map(|condition| format!("{} {}", condition.status, condition.reason)).unwrap_or_default()
}

#[tokio::test]
async fn a_job_is_launched_once_and_its_proof_is_the_result() {
    let scene = Scene::new();
    let key = scene.order("job", json!({})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Succeeded, "Completed"));
    assert_eq!(
        status.result.as_ref().map(|result| &result.data),
        Some(&json!({"rows": [{"n": 1}]}))
    );
    assert_eq!(status.attempts[0].outcome, Some(AttemptOutcome::Succeeded));
    assert_eq!(status.operator.as_ref().map(|used| used.name.as_str()), Some("fake-job"));
    assert_eq!(condition(&status, "Succeeded"), "True Completed");
    assert_eq!(condition(&status, "Finished"), "True Completed");
    assert_eq!(condition(&status, "Reconciling"), "False Completed");
    assert_eq!(scene.world().calls[&Call::Create], 1);
    assert_eq!(scene.world().commits.len(), 1);
    assert_eq!(scene.drive(&key).await, status, "a run that ended should stay as it is");
}

#[tokio::test]
async fn a_result_that_is_cut_says_so_where_everyone_looks() {
    let scene = Scene::new();
    scene.world().answer = Some(json!(vec!["a text that takes some room"; 10_000]));
    let key = scene.order("job", json!({})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Succeeded, "Completed"));
    let said = "the result is cut: a part of the answer is left out";
    assert_eq!(status.columns.message, said);
    assert!(status.result.as_ref().is_some_and(|result| result.truncated));
    assert_eq!(status.messages.warnings.len(), 1, "{:?}", status.messages);
    let succeeded = status.conditions.iter().find(|condition| condition.type_ == "Succeeded");
    let succeeded = succeeded.expect("should have the condition");
    assert_eq!((succeeded.status.as_str(), succeeded.message.as_str()), ("True", said));
}

/// Lets the definitions promise an array of integers, which no fake operator answers.
fn with_promises(mut scene: Scene) -> Scene {
    let promised = json!({"type": "array", "items": {"type": "integer"}});
    let promised: FreeForm = serde_json::from_value(promised).expect("should be a schema");
    let promising = |action| {
        let mut definition = definition(action);
        definition.spec.result_schema = Some(promised.clone());
        definition
    };
    scene.context.library = Arc::new(["answer", "job"].map(promising));
    scene
}

#[tokio::test]
async fn a_result_that_is_not_as_promised_fails_the_run_before_a_commit() {
    let scene = with_promises(Scene::new());
    let key = scene.order("answer", json!({"retry": {"limit": 3}})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "UserError"));
    assert_eq!(status.attempts.len(), 1, "another attempt would answer the same");
    assert_eq!(status.result, None);
    let [message] = status.messages.errors.as_slice() else { panic!("{:?}", status.messages) };
    for part in ["the result is not as `resultSchema` says: result: ", "\"array\"", "correct what"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
}

#[tokio::test]
async fn a_result_that_is_not_as_promised_is_a_warning_after_a_commit() {
    let scene = with_promises(Scene::new());
    let key = scene.order("job", json!({})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Succeeded, "Completed"));
    assert_eq!(scene.world().commits.len(), 1);
    let data = status.result.as_ref().map(|result| &result.data);
    assert_eq!(data, Some(&json!({"rows": [{"n": 1}]})), "it stays");
    let [warning] = status.messages.warnings.as_slice() else { panic!("{:?}", status.messages) };
    assert!(warning.starts_with("the result is not as `resultSchema` says: result: "), "{warning}");
}

#[tokio::test]
async fn answers_and_changes_need_no_job() {
    for (action, changes) in [("answer", 0), ("change", 1), ("both", 1)] {
        let scene = Scene::new();
        let key = scene.order(action, json!({})).await;
        let status = scene.drive(&key).await;
        assert_eq!(status.phase, Phase::Succeeded, "{action}: {:?}", status.columns);
        assert_eq!(scene.world().changes.len(), changes, "{action}");
        let data = &status.result.expect("should have a result").data;
        assert_eq!(data.get("changed").is_some(), changes == 1, "{action}: {data}");
    }
}

#[tokio::test]
async fn a_dry_run_answers_its_plan_and_changes_nothing() {
    for action in ["answer", "job", "change", "both"] {
        let scene = Scene::new();
        let key = scene.order(action, json!({"dryRun": true})).await;
        let status = scene.drive(&key).await;
        assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Succeeded, "DryRun"));
        let result = status.result.expect("should have a result");
        assert_eq!(result.kind, crate::api::v1alpha1::ResultKind::Plan);
        assert!(result.data["what"].is_string(), "{action}: {}", result.data);
        let world = scene.world();
        assert!(world.jobs.is_empty() && world.changes.is_empty(), "{action}");
    }
}

#[tokio::test]
async fn a_bad_run_is_refused_with_every_problem_before_anything_happens() {
    let scene = Scene::new();
    let fields = json!({"parameters": {"a": 1, "b": 2}, "configRef": {"name": "sea"}});
    let key = scene.order("job", fields).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "Invalid"));
    assert_eq!(status.messages.errors.len(), 3, "{:?}", status.messages.errors);
    assert!(status.attempts.is_empty() && scene.world().calls.is_empty());
    assert_eq!(condition(&status, "Succeeded"), "False Invalid");
}

#[tokio::test]
async fn clients_that_cannot_be_opened_end_the_run_before_an_attempt() {
    let scene = Scene::new();
    scene.world().broken.insert(Call::Open, Fault::LASTING);
    let key = scene.order("job", json!({})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "ClientNotReady"));
    assert!(status.attempts.is_empty());
}

#[tokio::test]
async fn what_the_user_asked_wrongly_is_not_repeated() {
    let scene = Scene::new();
    scene.world().ends.push_back(JobEnd::Fails(ErrorKind::InvalidInput, Retry::Never));
    let key = scene.order("job", json!({"retry": {"limit": 5}})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "UserError"));
    assert_eq!((status.attempts.len(), status.messages.errors.len()), (1, 1));
    assert_eq!(status.attempts[0].log_tail.as_deref(), Some("created\nfailed"));
    assert!(status.attempts[0].fenced_at.is_some());
}

#[tokio::test]
async fn what_may_pass_is_repeated_after_a_wait_as_often_as_the_run_allows() {
    let throttled = JobEnd::Fails(ErrorKind::RateLimited, Retry::Later);
    for (limit, phase, attempts) in [(2, Phase::Succeeded, 3), (1, Phase::Failed, 2)] {
        let scene = Scene::new();
        scene.world().ends.extend([throttled, throttled]);
        let backoff = json!({"base": "10s", "factor": 2.0, "cap": "1m"});
        let key = scene.order("job", json!({"retry": {"limit": limit, "backoff": backoff}})).await;
        let status = scene.drive(&key).await;
        assert_eq!(
            (status.phase, status.attempts.len()),
            (phase, attempts),
            "{:?}",
            status.columns
        );
        for pair in status.attempts.windows(2) {
            let ended = pair[0].finished_at.expect("should have ended");
            assert!(pair[1].started_at >= ended);
            assert_ne!(pair[0].token, pair[1].token);
        }
    }
}

#[tokio::test]
async fn lost_workers_are_made_good_twice_without_being_asked_to() {
    for (losses, phase) in [(2, Phase::Succeeded), (3, Phase::Failed)] {
        let scene = Scene::new();
        scene.world().ends.extend(vec![JobEnd::IsLost; losses]);
        let key = scene.order("job", json!({})).await;
        let status = scene.drive(&key).await;
        assert_eq!((status.phase, status.attempts.len()), (phase, 3), "{:?}", status.columns);
        assert_eq!(status.attempts[0].outcome, Some(AttemptOutcome::Lost));
    }
}

#[tokio::test]
async fn a_run_past_its_timeout_is_stopped_outside_and_fails() {
    let scene = Scene::new();
    scene.world().ends.push_back(JobEnd::Hangs);
    let key = scene.order("job", json!({"timeout": "1m", "retry": {"limit": 3}})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "DeadlineExceeded"));
    assert_eq!(scene.world().jobs[0].1.state, JobState::Cancelled);
    assert_eq!(status.attempts.len(), 1);
}

/// Cancels its run once the job works, and remembers what it was told.
struct Canceller<'a> {
    store: &'a FakeStore,
    key: &'a Key,
    seen: Mutex<Vec<String>>,
}

impl Observer for Canceller<'_> {
    fn transition(&self, run: &OperatorRun) {
        let reason = run.status.as_ref().map(|status| status.columns.reason.clone());
        self.seen.lock().expect("should lock").push(reason.unwrap_or_default());
    }

    fn progress(&self, _: &OperatorRun, progress: &Progress) {
        self.seen.lock().expect("should lock").push(format!("{} files", progress.done));
        self.store.edit(self.key, |run| run.spec.cancel = true);
    }

    fn log_line(&self, _: &OperatorRun, line: &str) {
        self.seen.lock().expect("should lock").push(format!("log: {line}"));
    }

    fn wants_logs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_cancelled_run_stops_its_job_and_an_observer_sees_it_all() {
    let scene = Scene::new();
    scene.world().ends.push_back(JobEnd::Hangs);
    let key = scene.order("job", json!({})).await;
    let observer = Canceller { store: &scene.store, key: &key, seen: Mutex::default() };
    let run = drive(&scene.context, &key, &observer).await.expect("should drive");
    assert_eq!(run.status.as_ref().map(|status| status.phase), Some(Phase::Cancelled));
    assert_eq!(scene.world().jobs[0].1.state, JobState::Cancelled);
    let seen = observer.seen.into_inner().expect("should lock");
    for expected in ["Launching", "log: created", "Running", "1 files", "log: running", "Cancelled"]
    {
        assert!(seen.iter().any(|told| told == expected), "{expected} is not in {seen:?}");
    }
}

#[tokio::test]
async fn a_suspended_run_launches_nothing_until_it_goes_on() {
    let scene = Scene::new();
    let key = scene.order("job", json!({"suspend": true})).await;
    assert_eq!(scene.drive(&key).await.phase, Phase::Suspended);
    assert!(scene.world().jobs.is_empty());
    scene.store.edit(&key, |run| run.spec.suspend = false);
    assert_eq!(scene.drive(&key).await.phase, Phase::Succeeded);
}

#[tokio::test]
async fn a_run_that_cannot_be_looked_up_asks_and_heals_when_it_can_again() {
    let scene = Scene::new();
    let lasting = Fault { kind: ErrorKind::PermissionDenied, ..Fault::LASTING };
    scene.world().broken.insert(Call::Find, lasting);
    let key = scene.order("job", json!({})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Unknown, "OutcomeUnknown"));
    assert_eq!(condition(&status, "Stalled"), "True OutcomeUnknown");
    assert_eq!(scene.drive(&key).await, status, "it should go on asking");
    scene.world().broken.clear();
    assert_eq!(scene.drive(&key).await.phase, Phase::Succeeded);
}

#[tokio::test]
async fn a_persons_answer_ends_or_repeats_a_run_whose_outcome_is_unknown() {
    for (answer, phase, attempts) in [
        (Resolution::Repeat, Phase::Succeeded, 2),
        (Resolution::Succeeded, Phase::Succeeded, 1),
        (Resolution::Failed, Phase::Failed, 1),
    ] {
        let scene = Scene::new();
        let key = scene.order("change", json!({})).await;
        scene.leave_unknown();
        assert_eq!(scene.drive(&key).await.phase, Phase::Unknown);
        scene.store.edit(&key, |run| run.spec.resolution = Some(answer));
        let status = scene.drive(&key).await;
        assert_eq!((status.phase, status.attempts.len()), (phase, attempts), "{answer:?}");
    }
}

#[tokio::test]
async fn a_change_without_an_answer_is_fenced_and_then_known() {
    for (fault, phase) in
        [(Fault::SILENT_BEFORE, Phase::Failed), (Fault::SILENT_AFTER, Phase::Succeeded)]
    {
        let scene = Scene::new();
        scene.world().faults.entry(Call::Apply).or_default().push_back(fault);
        let key = scene.order("change", json!({})).await;
        let status = scene.drive(&key).await;
        let reason = if phase == Phase::Failed { "Infrastructure" } else { "Completed" };
        assert_eq!((status.phase, status.columns.reason.as_str()), (phase, reason));
        assert_eq!(scene.world().changes.len(), usize::from(phase == Phase::Succeeded));
        assert_eq!(status.attempts[0].fenced_at.is_some(), phase == Phase::Failed);
    }
}

#[tokio::test]
async fn a_refused_change_names_what_its_job_committed_and_how_to_go_on() {
    let scene = Scene::new();
    scene.world().broken.insert(Call::Apply, Fault::LASTING);
    let key = scene.order("both", json!({"retry": {"limit": 3}})).await;
    let status = scene.drive(&key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "UserError"));
    let [message] = status.messages.errors.as_slice() else { panic!("{:?}", status.messages) };
    for part in
        ["scripted", LOCATION, "1 file with 1 row", "version 1", "no table uses those files"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    scene.world().broken.clear();
    assert_eq!(scene.drive(&key).await, status, "a run that ended should stay as it is");
    assert!(scene.world().changes.is_empty());
}

#[tokio::test]
async fn an_answer_given_before_the_question_does_not_count() {
    let scene = Scene::new();
    scene.leave_unknown();
    let key = scene.order("change", json!({"resolution": "Failed"})).await;
    assert_eq!(scene.drive(&key).await.phase, Phase::Unknown);
    assert_eq!(scene.drive(&key).await.phase, Phase::Unknown);
}

#[tokio::test]
async fn several_processes_drive_one_run_to_one_end() {
    for action in ["answer", "job", "change", "both"] {
        let scene = Scene::new();
        let key = scene.order(action, json!({})).await;
        let drivers = (0..4).map(|_| drive(&scene.context, &key, &Unwatched));
        let ends = futures::future::join_all(drivers).await;
        for end in ends {
            let status = end.expect("should drive").status.expect("should have a status");
            assert_eq!(status.phase, Phase::Succeeded, "{action}");
            assert_eq!(status.attempts.len(), 1, "{action}");
        }
        let world = scene.world();
        assert!(world.commits.len() <= 1 && world.changes.len() <= 1, "{action}");
    }
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_an_error() {
    let scene = Scene::new();
    let key = Key { kind: Kind::OperatorRun, namespace: "n".to_owned(), name: "none".to_owned() };
    let error = drive(&scene.context, &key, &Unwatched).await.expect_err("should fail");
    assert!(matches!(error, RunError::NotFound { .. }));
    assert_eq!(error.to_string(), "run `n/none` does not exist");
}
