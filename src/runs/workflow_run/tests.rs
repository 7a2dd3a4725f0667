//! Runs of workflows: driven to the end with fake engines, and stopped between any two steps.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{WorkflowObserver, drive_workflow, reconcile_workflow};
use crate::api::conditions::Reason;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{OperatorRun, Phase, StepPhase, WorkflowRun, WorkflowRunStatus};
use crate::plan::{Parent, parent_says};
use crate::runs::Unwatched;
use crate::runs::tests::driven::Scene;
use crate::store::Store as _;

impl WorkflowObserver for Unwatched {
    fn changed(&self, _: &WorkflowRun) {}
}

/// Creates a config, a workflow of such a spec and a run of it.
async fn order(scene: &Scene, workflow: Value, run: Value) -> Key {
    scene.order("answer", json!({"suspend": true})).await;
    let mut spec = json!({"workflow": "a/flow", "description": "d", "configRef": {"name": "lake"}});
    merge(&mut spec, &workflow);
    let workflow = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "Workflow",
        "metadata": {"name": "flow", "namespace": "default"}, "spec": spec,
    });
    let mut spec = json!({"workflowRef": {"name": "flow"}});
    merge(&mut spec, &run);
    let run = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "WorkflowRun",
        "metadata": {"name": "now", "namespace": "default"}, "spec": spec,
    });
    for (kind, document) in [(Kind::Workflow, workflow), (Kind::WorkflowRun, run)] {
        let resource = Resource::from_document(kind, document).expect("should be a resource");
        scene.store.create(&resource).await.expect("should create");
    }
    Key { kind: Kind::WorkflowRun, namespace: "default".to_owned(), name: "now".to_owned() }
}

fn merge(into: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

async fn drive(scene: &Scene, key: &Key) -> WorkflowRunStatus {
    let run = drive_workflow(&scene.context, key, &Unwatched).await.expect("should drive");
    run.status.expect("should have a status")
}

fn phases(status: &WorkflowRunStatus) -> String {
    let lines = status.steps.iter();
    let lines: Vec<_> = lines.map(|line| format!("{} {}", line.id, line.phase.as_str())).collect();
    lines.join(", ")
}

#[tokio::test]
async fn steps_run_in_order_and_the_outputs_are_looked_up() {
    let scene = Scene::new();
    let steps = json!([
        {"id": "last", "operator": "fake/job", "dependencies": ["first"]},
        {"id": "first", "operator": "fake/answer"},
        {"id": "never", "operator": "fake/job", "dependencies": ["first"],
         "when": "steps.first.result.read == false"},
    ]);
    let outputs = json!({"read": "${steps.first.result.read}", "of": "${steps.last.phase}: ok"});
    let key = order(&scene, json!({"steps": steps, "outputs": outputs}), json!({})).await;
    let status = drive(&scene, &key).await;
    assert_eq!(status.phase, Phase::Succeeded, "{status:?}");
    assert_eq!(phases(&status), "last Succeeded, first Succeeded, never Skipped");
    let outputs = status.outputs.as_ref().map(|outputs| json!(outputs.0));
    assert_eq!(outputs, Some(json!({"of": "Succeeded: ok", "read": true})));
    assert_eq!(status.columns.steps, "3/3");
    assert_eq!(scene.world().commits.len(), 1, "one job was launched");
    assert_eq!(drive(&scene, &key).await, status, "a run that ended should stay as it is");
}

#[tokio::test]
async fn a_failed_step_fails_the_run_and_its_dependents_are_skipped_but_the_clean_up_runs() {
    let scene = Scene::new();
    let steps = json!([
        {"id": "bad", "operator": "fake/answer", "when": "parameters.none > 1"},
        {"id": "after", "operator": "fake/job", "dependencies": ["bad"]},
        {"id": "clean", "operator": "fake/job", "dependencies": ["bad"],
         "when": "steps.bad.phase == 'Failed'"},
        {"id": "tell", "operator": "fake/answer", "finally": true,
         "when": "run.phase == 'Failed'"},
    ]);
    let parameters = json!([{"name": "none", "type": "string", "default": "text"}]);
    let spec = json!({"steps": steps, "parameters": parameters});
    let key = order(&scene, spec, json!({})).await;
    let status = drive(&scene, &key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "StepFailed"));
    assert_eq!(
        phases(&status),
        "bad Failed, after Skipped, clean Succeeded, tell Succeeded",
        "{:?}",
        status.steps
    );
    let said = |index: usize| status.steps[index].message.clone().unwrap_or_default();
    assert!(
        said(0).starts_with("its condition `parameters.none > 1` cannot be worked out"),
        "{}",
        said(0)
    );
    assert_eq!(said(1), "its dependency `bad` failed");
    assert!(
        status.columns.message.starts_with("step `bad` failed: "),
        "{}",
        status.columns.message
    );
}

#[tokio::test]
async fn with_fail_fast_nothing_begins_beside_or_after_a_failure() {
    for order_of_steps in [["bad", "good"], ["good", "bad"]] {
        let scene = Scene::new();
        let step = |id: &str| match id {
            "bad" => json!({"id": id, "operator": "fake/job", "when": "1 / 0 == 1"}),
            _ => json!({"id": id, "operator": "fake/job"}),
        };
        let steps: Vec<Value> = order_of_steps.into_iter().map(step).collect();
        let key = order(&scene, json!({"steps": steps, "failFast": true}), json!({})).await;
        let status = drive(&scene, &key).await;
        assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "StepFailed"));
        let good = status.steps.iter().find(|line| line.id == "good").expect("should be there");
        assert_eq!((good.phase, good.reason), (StepPhase::Skipped, Some(Reason::StepFailed)));
        assert!(scene.world().commits.is_empty());
    }
}

#[tokio::test]
async fn more_problems_than_a_status_lists_are_counted() {
    let scene = Scene::new();
    let step = |number: usize| json!({"id": format!("s{number}"), "operator": "fake/nothing"});
    let steps: Vec<Value> = (0..150).map(step).collect();
    let key = order(&scene, json!({"steps": steps}), json!({})).await;
    let status = drive(&scene, &key).await;
    let errors = &status.messages.errors;
    assert_eq!((errors.len(), errors[99].as_str()), (100, "… and 51 more"));
    assert!(
        status.columns.message.starts_with("150 problems; the first: "),
        "{}",
        status.columns.message
    );
}

#[tokio::test]
async fn a_wrong_workflow_is_refused_whole_and_nothing_is_run() {
    let scene = Scene::new();
    let steps = json!([
        {"id": "a", "operator": "fake/jobb", "dependencies": ["b"]},
        {"id": "b", "operator": "fake/job", "dependencies": ["a"], "parameters": {"x": 1}},
    ]);
    let key = order(&scene, json!({"steps": steps}), json!({})).await;
    let status = drive(&scene, &key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "Invalid"));
    let told = status.messages.errors.join("\n");
    for part in ["a -> b -> a", "there is no operator `fake/jobb`", "has no such parameter"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(status.steps.is_empty());
}

#[tokio::test]
async fn a_run_that_is_cancelled_launches_nothing_more_and_still_cleans_up() {
    let scene = Scene::new();
    let steps = json!([
        {"id": "work", "operator": "fake/job"},
        {"id": "clean", "operator": "fake/answer", "finally": true},
    ]);
    let key = order(&scene, json!({"steps": steps}), json!({})).await;
    step(&scene, &key).await; // begins
    cancel(&scene, &key);
    let status = drive(&scene, &key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Cancelled, "Cancelled"));
    assert_eq!(phases(&status), "work Skipped, clean Succeeded");
    assert!(scene.world().commits.is_empty());
}

#[tokio::test]
async fn a_step_runs_for_each_item_and_answers_their_results_in_order() {
    let scene = Scene::new();
    let parameters = json!([{"name": "cities", "type": "list", "default": ["a", "b", "c", "d"]}]);
    let steps = json!([
        {"id": "each", "operator": "fake/answer", "allowFailure": true,
         "forEach": {"items": "${parameters.cities}", "parallelism": 2},
         "when": "item == 'b' ? item > 1 : item != 'c'"},
        {"id": "none", "operator": "fake/job", "forEach": {"items": []}},
        {"id": "wrong", "operator": "fake/job", "allowFailure": true,
         "forEach": {"items": "${steps.each.result[0]}"}, "dependencies": ["each"],
         "when": "true"},
        {"id": "again", "operator": "fake/job", "dependencies": ["each"],
         "when": "size(steps.each.result) == 4 && steps.none.phase == 'Succeeded'"},
    ]);
    let mut steps = steps;
    steps[3]["dependencies"] = json!(["each", "none"]);
    steps[2]["forEach"]["items"] = json!("${steps.each.result[0].read ?? []}");
    let outputs = json!({"all": "${steps.each.result ?? []}"});
    let spec = json!({"steps": steps, "parameters": parameters, "outputs": outputs});
    let key = order(&scene, spec, json!({})).await;
    let status = drive(&scene, &key).await;
    assert_eq!(status.phase, Phase::Succeeded, "{status:#?}");
    assert_eq!(
        phases(&status),
        "each Failed, none Succeeded, wrong Failed, again Succeeded",
        "{:#?}",
        status.steps
    );
    let items = status.steps[0].items.clone().expect("should have items");
    assert_eq!(json!(items), json!({"total": 4, "launched": 4, "outcomes": "SFKS"}));
    let said = |index: usize| status.steps[index].message.clone().unwrap_or_default();
    assert!(
        said(0).starts_with("1 of 4 items did not succeed; item 1: its condition"),
        "{}",
        said(0)
    );
    assert_eq!(said(2), "its `forEach.items` is no list");
    let outputs = status.outputs.map(|outputs| json!(outputs.0)).unwrap_or_default();
    let read = json!({"read": true});
    assert_eq!(outputs["all"], json!([read, null, null, read]));
    let names = scene.store.list(Kind::OperatorRun, None).await.expect("should list").len();
    assert_eq!(names, 4, "one run was there, two items and a step had one");
}

#[tokio::test]
async fn a_fan_out_that_is_suspended_says_so_while_it_works_and_after() {
    let scene = Scene::new();
    let steps = json!([
        {"id": "each", "operator": "fake/job", "forEach": {"items": [1, 2, 3], "parallelism": 1}},
    ]);
    let key = order(&scene, json!({"steps": steps}), json!({})).await;
    for _ in 0..2 {
        step(&scene, &key).await; // begins, and begins an item
    }
    scene.store.edit_any(&key, |resource| {
        if let Resource::WorkflowRun(run) = resource {
            run.spec.suspend = true;
        }
    });
    step(&scene, &key).await;
    let status = fetch(&scene, &key).await.status.expect("should have a status");
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Running, "Suspended"));
    let status = drive(&scene, &key).await;
    assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Suspended, "Suspended"));
    let items = status.steps[0].items.clone().expect("should have items");
    assert_eq!((items.launched, items.settled()), (1, 1));
}

#[tokio::test]
async fn a_fan_out_that_is_cancelled_begins_no_more_items_and_says_how_far_it_came() {
    let scene = Scene::new();
    let items: Vec<u8> = (0..5).collect();
    let steps = json!([
        {"id": "each", "operator": "fake/job", "forEach": {"items": items, "parallelism": 2}},
    ]);
    let key = order(&scene, json!({"steps": steps}), json!({})).await;
    for _ in 0..2 {
        step(&scene, &key).await; // begins, and begins two items
    }
    cancel(&scene, &key);
    let status = drive(&scene, &key).await;
    assert_eq!(status.phase, Phase::Cancelled, "{status:#?}");
    let line = &status.steps[0];
    let items = line.items.as_ref().expect("should have items");
    assert_eq!((items.launched, items.open.len()), (2, 0), "{line:?}");
    assert!(matches!(line.phase, StepPhase::Failed | StepPhase::Cancelled), "{line:?}");
}

#[tokio::test]
async fn a_wrong_list_of_items_is_a_problem_of_the_workflow() {
    let scene = Scene::new();
    let parameters = json!([{"name": "city", "type": "string", "default": "a"}]);
    let many: Vec<u16> = (0..1001).collect();
    let each = |id: &str, items: Value| json!({"id": id, "operator": "fake/job", "forEach": {"items": items}});
    let steps = json!([
        each("many", json!(many)),
        each("text", json!("a")),
        each("no_list", json!("${parameters.city}")),
        each("itself", json!(["${item}"])),
        {"id": "plain", "operator": "fake/job", "when": "item == 1"},
    ]);
    let key = order(&scene, json!({"steps": steps, "parameters": parameters}), json!({})).await;
    let told = drive(&scene, &key).await.messages.errors.join("\n");
    for part in [
        "spec.steps[0].forEach.items: has 1001 items, and at most 1000 can be run",
        "spec.steps[1].forEach.items: is a text and no list",
        "spec.steps[2].forEach.items: parameter `city` is no list",
        "spec.steps[3].forEach.items[0]: `item` is known only to",
        "spec.steps[4].when: `item` is known only to",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

#[tokio::test]
async fn a_run_that_is_retried_takes_over_what_succeeded_and_is_not_below_what_runs_again() {
    let scene = Scene::new();
    let parameters = json!([{"name": "on", "type": "boolean", "default": false}]);
    let steps = json!([
        {"id": "first", "operator": "fake/job"},
        {"id": "second", "operator": "fake/answer", "dependencies": ["first"]},
        {"id": "third", "operator": "fake/job", "dependencies": ["second"],
         "when": "parameters.on || steps.second.result.none"},
        {"id": "last", "operator": "fake/answer", "finally": true},
    ]);
    let key = order(&scene, json!({"steps": steps, "parameters": parameters}), json!({})).await;
    let before = drive(&scene, &key).await;
    assert_eq!(phases(&before), "first Succeeded, second Succeeded, third Failed, last Succeeded");

    for (name, from, reused) in [
        ("all", json!([]), [true, true, false, false]),
        ("some", json!(["second"]), [true, false, false, false]),
    ] {
        let again = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "WorkflowRun",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "workflowRef": {"name": "flow"}, "parameters": {"on": true},
                "retryFrom": {"run": "now", "from": from},
            },
        });
        let again = Resource::from_document(Kind::WorkflowRun, again).expect("should be a run");
        scene.store.create(&again).await.expect("should create");
        let status = drive(&scene, &again.key()).await;
        assert_eq!(status.phase, Phase::Succeeded, "{status:?}");
        let taken: Vec<bool> = status.steps.iter().map(|line| line.reused).collect();
        assert_eq!(taken, reused, "{name}");
        assert_eq!(status.steps[0].run, before.steps[0].run, "its run is that of the earlier one");
    }
    // The third step of two runs, and the first of one.
    assert_eq!(scene.world().commits.len(), 3);
}

#[tokio::test]
async fn a_run_that_works_or_is_of_another_workflow_cannot_be_retried() {
    let scene = Scene::new();
    let steps = json!([{"id": "a", "operator": "fake/job"}]);
    let retry = json!({"retryFrom": {"run": "nowhere", "from": ["b"]}});
    let key = order(&scene, json!({"steps": steps}), retry).await;
    let status = drive(&scene, &key).await;
    let told = status.messages.errors.join("\n");
    for part in [
        "spec.retryFrom.run: there is no run `nowhere` of a workflow",
        "spec.retryFrom.from[0]: the workflow has no step `b`",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

async fn fetch(scene: &Scene, key: &Key) -> WorkflowRun {
    match scene.store.get(key).await.expect("should read") {
        Some(Resource::WorkflowRun(run)) => *run,
        other => panic!("{other:?}"),
    }
}

fn cancel(scene: &Scene, key: &Key) {
    scene.store.edit_any(key, |resource| {
        if let Resource::WorkflowRun(run) = resource {
            run.spec.cancel = true;
        }
    });
}

async fn step(scene: &Scene, key: &Key) {
    let run = fetch(scene, key).await;
    reconcile_workflow(&scene.context, run).await.expect("should make a pass");
}

/// What happens in a simulated history.
#[derive(Debug, Clone)]
enum Event {
    /// A process makes a pass, and dies after so many of its awaits; not at all with `None`.
    Pass(Option<usize>),
    /// A run of a step that may begin does, and ends so at once.
    Child(usize, Phase),
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let phase = prop_oneof![4 => Just(Phase::Succeeded), 1 => Just(Phase::Failed)];
    let event = prop_oneof![
        4 => Just(Event::Pass(None)),
        4 => (0_usize..8).prop_map(|awaits| Event::Pass(Some(awaits))),
        6 => (0_usize..8, phase).prop_map(|(which, phase)| Event::Child(which, phase)),
        1 => Just(Event::Cancel),
    ];
    proptest::collection::vec(event, 0..40)
}

/// Steps whose dependencies stand before them; some have conditions, some are `finally` steps.
fn graphs() -> impl Strategy<Value = Value> {
    let step = (any::<u8>(), 0_usize..8, any::<bool>());
    proptest::collection::vec(step, 1..7).prop_map(|steps| {
        let mut made: Vec<Value> = Vec::new();
        for (index, (mask, kind, allow)) in steps.into_iter().enumerate() {
            let finally = kind == 7 && index > 0;
            let before = (0..index).filter(|other| {
                mask & (1 << other) != 0 && (made[*other]["finally"] == json!(true)) == finally
            });
            let dependencies: Vec<String> = before.map(|other| format!("s{other}")).collect();
            let mut step = json!({
                "id": format!("s{index}"), "operator": "fake/job",
                "dependencies": dependencies, "finally": finally, "allowFailure": allow,
            });
            if matches!(kind, 4..=5) {
                let items: Vec<u8> = (0..mask % 4).collect();
                step["forEach"] = json!({"items": items, "parallelism": kind - 3});
            }
            if let (0..=1, Some(first)) = (kind, dependencies.first()) {
                step["when"] = json!(format!("steps.{first}.phase != 'Succeeded'"));
            }
            made.push(step);
        }
        json!({"steps": made, "parallelism": 2})
    })
}

/// Polls a future so many times and then drops it, as a process that dies; polls it to its end with `None`.
fn poll_for<T>(future: impl Future<Output = T>, times: Option<usize>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for count in 0.. {
        if times.is_some_and(|times| count >= times) {
            return None;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
    None
}

struct History<'a> {
    scene: &'a Scene,
    key: Key,
    begun: BTreeMap<String, u32>,
    cancelled: bool,
}

impl History<'_> {
    fn run(&self) -> WorkflowRun {
        poll_for(fetch(self.scene, &self.key), None).expect("should be there")
    }

    fn children(&self) -> Vec<OperatorRun> {
        let listed = poll_for(self.scene.store.list(Kind::OperatorRun, None), None);
        let listed = listed.expect("should end").expect("should list");
        let runs = listed.into_iter().filter_map(|found| match found {
            Ok(Resource::OperatorRun(run)) => Some(*run),
            _ => None,
        });
        runs.filter(|run| run.metadata.owner_references.is_some()).collect()
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Pass(awaits) => {
                let pass = reconcile_workflow(&self.scene.context, self.run());
                if let Some(made) = poll_for(pass, *awaits) {
                    made.expect("should make a pass");
                }
            }
            Event::Child(which, phase) => self.child(*which, *phase),
            Event::Cancel => {
                self.cancelled = true;
                cancel(self.scene, &self.key);
            }
        }
    }

    /// Lets one run of a step go on, as it would read from its parent.
    fn child(&mut self, which: usize, phase: Phase) {
        let parent = self.run();
        let open = |child: &OperatorRun| {
            child.status.as_ref().is_none_or(|status| !status.phase.is_terminal())
        };
        let open: Vec<_> = self.children().into_iter().filter(open).collect();
        let Some(mut child) = open.get(which % open.len().max(1)).cloned() else { return };
        let phase = match parent_says(Some(&parent), &child.metadata) {
            Parent::Lets => phase,
            Parent::Ends => Phase::Cancelled,
            Parent::Waits | Parent::None => return,
        };
        if phase != Phase::Cancelled {
            self.begins(&parent, &child);
        }
        let status = child.status.get_or_insert_default();
        status.phase = phase;
        let resource = Resource::OperatorRun(Box::new(child));
        poll_for(self.scene.store.replace_status(&resource), None)
            .expect("should end")
            .expect("should store");
    }

    fn begins(&mut self, parent: &WorkflowRun, child: &OperatorRun) {
        let labels = child.metadata.labels.clone().unwrap_or_default();
        let step = labels["mason.dev/step"].clone();
        let status = parent.status.as_ref().expect("should have begun");
        let frozen = json!(status.frozen.as_ref().expect("should be frozen").0);
        let steps = frozen["steps"].as_array().cloned().unwrap_or_default();
        let spec = steps.iter().find(|one| one["id"] == json!(step)).expect("should be a step");
        let settled = |id: &Value| {
            status.steps.iter().any(|line| json!(line.id) == *id && line.phase.is_settled())
        };
        let dependencies = spec["dependencies"].as_array().cloned().unwrap_or_default();
        assert!(dependencies.iter().all(settled), "`{step}` began before its dependencies ended");
        let working: usize = status.steps.iter().map(|line| line.open_runs().count()).sum();
        assert!(working <= 2, "more steps work than may");
        let item = labels.get("mason.dev/item").cloned().unwrap_or_default();
        *self.begun.entry(format!("{step} {item}")).or_default() += 1;
    }

    /// Makes everything well until nothing changes any more.
    fn end(&mut self) -> WorkflowRunStatus {
        for round in 0..200 {
            self.happens(&Event::Pass(None));
            self.child(round, Phase::Succeeded);
        }
        self.run().status.expect("should have a status")
    }
}

/// Returns how each step ends by a plain reading of the rules, given how each run of a step ended.
fn expected_end(status: &WorkflowRunStatus, spec: &Value, cancelled: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let phase_of = |id: &str| {
        let line = status.steps.iter().find(|line| line.id == id);
        line.map(|line| line.phase).unwrap_or_default()
    };
    let mut fails = false;
    for step in spec["steps"].as_array().expect("should be steps") {
        let id = step["id"].as_str().expect("should be an id");
        let dependencies: Vec<&str> = step["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let runs = match step["when"].as_str() {
            Some(_) => phase_of(dependencies[0]) != StepPhase::Succeeded,
            None => dependencies.iter().all(|id| phase_of(id) == StepPhase::Succeeded),
        };
        let (phase, finally) = (phase_of(id), step["finally"] == json!(true));
        let has_run = !matches!(phase, StepPhase::Skipped | StepPhase::Pending);
        if has_run && !runs {
            wrong.push(format!("{id} ran"));
        }
        if !has_run && runs && (!cancelled || finally) {
            wrong.push(format!("{id} did not run: {phase:?}"));
        }
        let failed = matches!(phase, StepPhase::Failed | StepPhase::Cancelled);
        fails |= failed && !finally && step["allowFailure"] != json!(true);
    }
    let ended = match status.phase {
        Phase::Succeeded => !fails,
        Phase::Failed => fails,
        Phase::Cancelled => cancelled,
        _ => false,
    };
    if !ended {
        wrong.push(format!("the run is {:?}, fails: {fails}", status.phase));
    }
    wrong
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_step_begins_twice_and_every_run_ends_wherever_a_process_dies(
        spec in graphs(),
        history in events(),
    ) {
        let scene = Scene::new();
        let key = poll_for(order(&scene, spec.clone(), json!({})), None).expect("should end");
        let mut world = History { scene: &scene, key, begun: BTreeMap::new(), cancelled: false };
        for event in &history {
            world.happens(event);
        }
        let status = world.end();
        let twice: BTreeSet<_> = world.begun.iter().filter(|(_, times)| **times > 1).collect();
        prop_assert!(twice.is_empty(), "began twice: {:?}", twice);
        let has_begun = !status.steps.is_empty();
        if has_begun {
            let wrong = expected_end(&status, &spec, world.cancelled);
            prop_assert!(wrong.is_empty(), "{:?} in {:?}", wrong, status.steps);
        } else {
            prop_assert_eq!(status.phase, Phase::Cancelled);
        }
    }
}
