//! The pods of one run, each the pod of one attempt: found and created under names that follow
//! from the run and the attempt, so that they are known beforehand.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;

use super::build::{Child, ContainerPlace};
use super::launcher::{Launcher, now};
use super::name::{name_and_uid, pod_name};
use super::settings::PodSettings;
use super::waiting::{held_up_by, is_held_up, waiting_for};
use crate::engines::EngineError;
use crate::engines::job::{JobOwner, JobToken, Waiting};

/// The pods of one run.
#[derive(Clone)]
pub struct AttemptPods {
    pub(super) launcher: Launcher,
    settings: Arc<PodSettings>,
    place: ContainerPlace,
    run: String,
}

impl AttemptPods {
    /// Makes those of the run of this name.
    #[must_use]
    pub fn new(
        launcher: Launcher,
        settings: Arc<PodSettings>,
        place: ContainerPlace,
        run: &str,
    ) -> Self {
        Self { launcher, settings, place, run: run.to_owned() }
    }

    /// Returns the name of an attempt's pod.
    pub(super) fn name(&self, token: &JobToken) -> String {
        pod_name(&self.run, token)
    }

    /// Returns whatever has the name of an attempt's pod.
    pub(super) async fn find(&self, token: &JobToken) -> Result<Option<Pod>, EngineError> {
        self.launcher.find(&self.name(token)).await
    }

    /// Returns what a released pod that does not work yet waits for. Of one that has had its node for a
    /// while, its node is asked; what cannot be had costs only words.
    pub(super) async fn waiting(&self, pod: &Pod) -> Waiting {
        let waiting = waiting_for(pod);
        if !is_held_up(pod, &waiting, now()) {
            return waiting;
        }
        let (name, uid) = name_and_uid(pod);
        let warnings = self.launcher.warnings(uid).await.unwrap_or_else(|error| {
            tracing::debug!(pod = name, %error, "failed to look why a pod does not begin");
            Vec::new()
        });
        held_up_by(pod, &warnings).unwrap_or(waiting)
    }

    /// Creates the pod of an attempt, made by `build`.
    pub(super) async fn create(
        &self,
        (owner, token): (&JobOwner, &JobToken),
        build: impl FnOnce(Child<'_>, &PodSettings) -> Result<Pod, EngineError>,
    ) -> Result<Pod, EngineError> {
        let pod = self.pod((owner, token), build)?;
        self.launcher.create(&pod, owner, token).await
    }

    /// Returns the pod that [`create`](Self::create) makes.
    pub(super) fn pod(
        &self,
        (owner, token): (&JobOwner, &JobToken),
        build: impl FnOnce(Child<'_>, &PodSettings) -> Result<Pod, EngineError>,
    ) -> Result<Pod, EngineError> {
        let name = self.name(token);
        build(Child { owner, token, name: &name, place: &self.place }, &self.settings)
    }
}
