//! Runs that cannot begin yet: what they name is not there, or others work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::driven::Scene;
use crate::api::conditions::Reason;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{MasonConfig, OperatorRun, Phase};
use crate::plan::Place;
use crate::runs::{Admission, Places, Session, Wake, reconcile};
use crate::store::Store;
use crate::testing::fakes::{Call, Fault};
use crate::validate::ValidRun;

const PATIENCE: Duration = Duration::from_mins(10);

/// A scene whose door waits for what is missing.
fn patient() -> Scene {
    let mut scene = Scene::new();
    let admission = Admission { patience: PATIENCE, ..Admission::default() };
    scene.context.admission = Arc::new(admission);
    scene
}

async fn run_of(scene: &Scene, key: &Key) -> OperatorRun {
    match scene.store.get(key).await {
        Ok(Some(Resource::OperatorRun(run))) => *run,
        other => panic!("should hold the run: {other:?}"),
    }
}

/// Makes one pass and returns phase, reason, and what follows.
async fn pass(scene: &Scene, key: &Key) -> (Phase, String, Wake) {
    let run = run_of(scene, key).await;
    let passed = reconcile(&scene.context, &mut Session::default(), run).await;
    let passed = passed.expect("should pass");
    let status = passed.run.status.expect("should have a status");
    (status.phase, status.columns.reason, passed.next)
}

#[tokio::test]
async fn a_run_waits_for_a_config_that_is_not_there_yet() {
    let scene = patient();
    let key = scene.order("job", json!({"configRef": {"name": "sea"}})).await;
    let (phase, reason, next) = pass(&scene, &key).await;
    assert_eq!((phase, reason.as_str()), (Phase::Pending, "NotFound"));
    assert!(matches!(next, Wake::At(_)), "{next:?}");
    let waiting = run_of(&scene, &key).await;
    let message = waiting.status.clone().unwrap_or_default().columns.message;
    assert!(message.contains("there is no config `sea` in namespace `default`"), "{message}");
    pass(&scene, &key).await;
    assert_eq!(run_of(&scene, &key).await, waiting, "waiting is written once");
    let mut sea = config(&scene).await;
    sea.metadata.name = Some("sea".to_owned());
    scene.store.create(&Resource::MasonConfig(Box::new(sea))).await.expect("should create");
    let status = scene.drive(&key).await;
    assert_eq!(status.phase, Phase::Succeeded, "{:?}", status.columns);
    assert_eq!(status.unseen_since, None);
}

async fn config(scene: &Scene) -> MasonConfig {
    let (namespace, name) = ("default".to_owned(), "lake".to_owned());
    match scene.store.get(&Key { kind: Kind::MasonConfig, namespace, name }).await {
        Ok(Some(Resource::MasonConfig(config))) => *config,
        other => panic!("should hold the config: {other:?}"),
    }
}

#[tokio::test]
async fn a_run_does_not_wait_for_ever_and_no_longer_than_its_timeout() {
    for (timeout, expect) in [(json!(null), PATIENCE), (json!("90s"), Duration::from_secs(90))] {
        let scene = patient();
        let key = scene.order("job", json!({"operator": "fake/none", "timeout": timeout})).await;
        let began = scene.context.clock.now();
        let status = scene.drive(&key).await;
        assert_eq!((status.phase, status.columns.reason.as_str()), (Phase::Failed, "NotFound"));
        let waited = scene.context.clock.now().duration_since(began);
        let waited = Duration::try_from(waited).expect("should be later");
        assert!(waited >= expect && waited < expect + Duration::from_secs(5), "{waited:?}");
        assert!(status.messages.errors[0].contains("there is no operator `fake/none`"));
    }
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled_and_suspended() {
    let scene = patient();
    let key = scene.order("job", json!({"configRef": {"name": "sea"}})).await;
    pass(&scene, &key).await;
    scene.store.edit(&key, |run| run.spec.suspend = true);
    assert_eq!(pass(&scene, &key).await.0, Phase::Suspended);
    scene.store.edit(&key, |run| run.spec.cancel = true);
    assert_eq!(pass(&scene, &key).await.0, Phase::Cancelled);
}

#[tokio::test]
async fn a_run_waits_for_a_folder_but_not_for_what_is_forbidden() {
    for (fault, expect) in [(Fault::LASTING, Phase::Failed), (Fault::PASSING, Phase::Pending)] {
        let scene = patient();
        scene.world().broken.insert(Call::Open, fault);
        let key = scene.order("job", json!({})).await;
        let (phase, reason, _) = pass(&scene, &key).await;
        assert_eq!((phase, reason.as_str()), (expect, "ClientNotReady"));
    }
}

/// Gives a place once it is open, and never before a run is to begin.
#[derive(Default)]
struct OnePlace(AtomicBool);

impl Places for OnePlace {
    fn ask(&self, run: &OperatorRun, _: &ValidRun, _: Option<&MasonConfig>) -> Place {
        assert!(!run.spec.suspend && !run.spec.cancel, "it is not about to begin");
        if self.0.load(Ordering::Relaxed) {
            return Place::Free;
        }
        Place::Taken { reason: Reason::WorkerPoolFull, message: "2 runs work".to_owned() }
    }
}

#[tokio::test]
async fn a_run_without_a_place_says_so_once_and_begins_when_there_is_one() {
    let mut scene = Scene::new();
    let places = Arc::new(OnePlace::default());
    let admission = Admission { places: Arc::<OnePlace>::clone(&places), ..Admission::default() };
    scene.context.admission = Arc::new(admission);
    let key = scene.order("job", json!({})).await;
    let (phase, reason, _) = pass(&scene, &key).await;
    assert_eq!((phase, reason.as_str()), (Phase::Pending, "WorkerPoolFull"));
    let waiting = run_of(&scene, &key).await;
    let status = waiting.status.clone().unwrap_or_default();
    assert_eq!((status.columns.message.as_str(), status.unseen_since), ("2 runs work", None));
    pass(&scene, &key).await;
    assert_eq!(run_of(&scene, &key).await, waiting, "waiting is written once");
    scene.store.edit(&key, |run| run.spec.suspend = true);
    assert_eq!(pass(&scene, &key).await.0, Phase::Suspended);
    scene.store.edit(&key, |run| run.spec.suspend = false);
    places.0.store(true, Ordering::Relaxed);
    assert_eq!(scene.drive(&key).await.phase, Phase::Succeeded);
}
