//! What pods are made of, what they tell, and what is done with them on an API server made of a map.

mod building;
mod launching;
mod reading;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::settings::{PodSettings, read_settings};
use super::{AttemptPods, ContainerPlace, Launcher, PodExecution, StorageMount};
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::ContainerAction;
use crate::engines::job::{JobId, JobOwner, JobRequest, JobToken};
use crate::engines::job_spec::{AnswerLimits, BadRows, JobSpec, Operation, Sink};

fn settings() -> PodSettings {
    read_settings(
        "image: mason:1
imagePullSecrets: [registry]
roots: [{path: /data, volume: {persistentVolumeClaim: {claimName: lake}}}]
",
    )
    .unwrap()
}

fn place() -> ContainerPlace {
    ContainerPlace {
        operator: "text/words".parse().unwrap(),
        config: "lake".to_owned(),
        storage: Some(StorageMount {
            root: PathBuf::from("/data/team/lake"),
            credentials: Some("keys".to_owned()),
        }),
    }
}

fn owner() -> JobOwner {
    JobOwner { run_uid: "uid-1".to_owned(), run: "words".to_owned(), attempt: 2 }
}

/// What an attempt asks for that has recorded no job.
fn request() -> JobRequest {
    JobRequest { token: token(), owner: owner(), recorded: None }
}

/// What one asks for that has recorded this job, or else some other.
fn recorded(id: Option<JobId>) -> JobRequest {
    let id = id.unwrap_or_else(|| JobId("another/uid".to_owned()));
    JobRequest { recorded: Some(id), ..request() }
}

fn token() -> JobToken {
    JobToken("0a1b2c".to_owned())
}

fn container(image: &str) -> ContainerAction {
    serde_json::from_value(json!({"image": image, "command": ["work"]})).unwrap()
}

fn spec(image: &str) -> JobSpec {
    let parameters = Parameters(BTreeMap::from([("path".to_owned(), json!("a.txt"))]));
    JobSpec {
        version: JobSpec::VERSION,
        inputs: Vec::new(),
        operation: Operation::Container { container: Box::new(container(image)), parameters },
        sink: Sink::Answer,
        bad_rows: BadRows::default(),
        limits: AnswerLimits::default(),
    }
}

fn execution(server: &server::Shared) -> PodExecution {
    execution_with(server, None)
}

fn execution_with(
    server: &server::Shared,
    uploads: Option<Arc<dyn object_store::ObjectStore>>,
) -> PodExecution {
    let launcher = Launcher::new(server::client(server), "team");
    let pods = AttemptPods::new(launcher, Arc::new(settings()), place(), "words");
    let Operation::Container { container, parameters } = spec("quick").operation else {
        unreachable!("it is a container")
    };
    PodExecution::new(pods, (*container, parameters), uploads)
}
