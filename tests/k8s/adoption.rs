//! The pods that an attempt takes up, as a real API server writes them.

use std::sync::Arc;

use mason::api::parameters::Parameters;
use mason::api::v1alpha1::ContainerAction;
use mason::engines::job::{JobOwner, JobRequest, JobState, JobToken};
use mason::engines::job_spec::{AnswerLimits, BadRows, JobSpec, Operation, Sink};
use mason::engines::{Execution as _, Lookup};
use mason::pods::{AttemptPods, ContainerPlace, Launcher, PodExecution, pod_name, read_settings};
use serde_json::json;

use crate::cluster::cluster;
use crate::team::{Team, query};

/// Every part that the API server fills in or writes in other words, with the token of an account.
fn action() -> ContainerAction {
    let action = json!({
        "image": "greeter", "command": ["greet"], "serviceAccountName": "default",
        "env": {"EMPTY": "", "A": "1"},
        "resources": {"requests": {"cpu": "0.5"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
    });
    serde_json::from_value(action).unwrap()
}

#[tokio::test]
async fn a_pod_that_was_made_and_not_recorded_is_found_and_one_that_was_changed_is_made_anew() {
    let team = Team::new("adoption");
    let launcher = Launcher::new(cluster().connect().await, team.name);
    let settings = Arc::new(read_settings("image: mason:1\n").unwrap());
    let operator = "text/words".parse().unwrap();
    let place = ContainerPlace { operator, config: "lake".to_owned(), storage: None };
    let pods = AttemptPods::new(launcher, settings, place, "words");
    let execution = PodExecution::new(pods, (action(), Parameters::default()), None);
    let spec = JobSpec {
        version: JobSpec::VERSION,
        inputs: Vec::new(),
        operation: Operation::Container {
            container: Box::new(action()),
            parameters: Parameters::default(),
        },
        sink: Sink::Answer,
        bad_rows: BadRows::default(),
        limits: AnswerLimits::default(),
    };
    let token = JobToken("0a1b2c".to_owned());
    // The garbage collector removes a pod whose owner is not there.
    team.apply(&(query("words", "select 1", "") + "  suspend: true\n"));
    let run_uid = team.get("oprun/words")["metadata"]["uid"].as_str().unwrap().to_owned();
    let owner = JobOwner { run_uid, run: "words".to_owned(), attempt: 1 };
    let request = JobRequest { token: token.clone(), owner, recorded: None };
    let id = execution.create(&spec, &request).await.unwrap();
    let found = execution.find(&request).await.unwrap().found().unwrap();
    assert_eq!((&found.id, found.state), (&id, JobState::Inert));
    assert_eq!(execution.create(&spec, &request).await.unwrap(), id, "it is the same");
    let pod = format!("pod/{}", pod_name("words", &token));
    team.kubectl(&["set", "image", &pod, "main=forged"]);
    assert_eq!(execution.find(&request).await.unwrap(), Lookup::Nothing);
    assert!(execution.create(&spec, &request).await.is_err(), "it is replaced");
    assert_ne!(execution.create(&spec, &request).await.unwrap(), id);
    execution.fence(&request).await.unwrap();
}
