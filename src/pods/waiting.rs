//! Why a pod that was released does not work yet, in one sentence: pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateWaiting, ContainerStatus, Event, Pod};

use super::build::{GATE, MAIN};
use super::error::one_line;
use crate::api::conditions::Reason;
use crate::engines::job::Waiting;

/// What kubelets say when an image cannot be had.
///
/// # Source
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go>
const IMAGE_REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// What kubelets say of a container that is on its way.
///
/// # Source
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go>
const UNDER_WAY: [&str; 3] = ["", "PodInitializing", "ContainerCreating"];

/// What a scheduler warns of before a pod has its node: nothing of it is left then.
const BEFORE_THE_NODE: &str = "FailedScheduling";

/// How long a pod may take on its node before it is looked why.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// Returns whether a pod has a node, so that something may run.
pub(super) fn is_bound(pod: &Pod) -> bool {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    node.is_some_and(|node| !node.is_empty())
}

/// Returns whether a pod has had a node for a while and does not say why it does not work.
pub(super) fn is_held_up(pod: &Pod, waiting: &Waiting, now: Timestamp) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut scheduled =
        conditions.filter(|one| one.type_ == "PodScheduled" && one.status == "True");
    let since = scheduled.next().and_then(|one| Some(one.last_transition_time.as_ref()?.0));
    let for_long = since.is_some_and(|since| now.duration_since(since) > PATIENCE);
    waiting.reason == Reason::Starting && is_bound(pod) && for_long
}

/// Returns what a pod waits for by the newest of what its node warns of.
pub(super) fn held_up_by(pod: &Pod, warnings: &[Event]) -> Option<Waiting> {
    let time = |event: &Event| {
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        last.or_else(|| event.event_time.as_ref().map(|time| time.0)).unwrap_or_default()
    };
    let of_node = warnings.iter().filter(|event| event.reason.as_deref() != Some(BEFORE_THE_NODE));
    let newest = of_node.max_by_key(|event| time(event))?;
    let reason = newest.reason.as_deref().unwrap_or("a warning");
    let said = one_line(newest.message.as_deref().unwrap_or_default());
    Some(held_up(pod, &format!("cannot start: {reason}: {said}")))
}

/// Returns what a released pod that does not work yet waits for.
pub(super) fn waiting_for(pod: &Pod) -> Waiting {
    scheduling(pod).or_else(|| containers(pod)).unwrap_or_else(|| {
        let scheduled = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
        let what = if scheduled { "its containers" } else { "a node" };
        starting(pod, &format!("waits for {what}"))
    })
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

fn starting(pod: &Pod, what: &str) -> Waiting {
    Waiting { reason: Reason::Starting, message: format!("pod `{}` {what}", name(pod)) }
}

/// What holds the pod up stays until something outside of Mason changes.
fn held_up(pod: &Pod, what: &str) -> Waiting {
    Waiting { reason: Reason::PodHeldUp, ..starting(pod, what) }
}

fn scheduling(pod: &Pod) -> Option<Waiting> {
    let gates = pod.spec.iter().flat_map(|spec| spec.scheduling_gates.iter().flatten());
    let foreign: Vec<&str> =
        gates.map(|gate| gate.name.as_str()).filter(|name| *name != GATE).collect();
    if !foreign.is_empty() {
        return Some(held_up(pod, &format!("is held back by `{}`", foreign.join("`, `"))));
    }
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut refused = conditions
        .filter(|one| one.type_ == "PodScheduled" && one.status == "False")
        .filter(|one| one.reason.as_deref() == Some("Unschedulable"));
    let said = refused.next()?.message.as_deref().unwrap_or("the scheduler does not say why");
    let missing = missing_resources(said);
    let wants = missing.iter().map(|resource| match requested(pod, resource) {
        Some(amount) => format!("{resource} (it wants {amount})"),
        None => resource.clone(),
    });
    let wants: Vec<String> = wants.collect();
    let lack = match wants.as_slice() {
        [] => format!("no node takes pod `{}`", name(pod)),
        wants => format!("no node has enough {} for pod `{}`", wants.join(" and "), name(pod)),
    };
    let said = said.split(" preemption:").next().unwrap_or(said);
    let message = format!("{lack}: {}", one_line(said).trim_end_matches('.'));
    Some(Waiting { reason: Reason::Unschedulable, message })
}

/// Returns the resources that a scheduler says are short: `1 Insufficient memory`.
fn missing_resources(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in said.split("Insufficient ").skip(1) {
        let resource = part.split([',', ' ', ';']).next().unwrap_or_default().trim_end_matches('.');
        if !resource.is_empty() && !found.iter().any(|known| known == resource) {
            found.push(resource.to_owned());
        }
    }
    found
}

fn requested(pod: &Pod, resource: &str) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let resources = spec.containers.first()?.resources.as_ref()?;
    let of = |amounts: &Option<std::collections::BTreeMap<String, _>>| {
        amounts.as_ref().and_then(|amounts| amounts.get(resource)).cloned()
    };
    let amount = of(&resources.requests).or_else(|| of(&resources.limits));
    amount.map(|quantity: k8s_openapi::apimachinery::pkg::api::resource::Quantity| quantity.0)
}

fn containers(pod: &Pod) -> Option<Waiting> {
    let status = pod.status.as_ref()?;
    let preparing = status.init_container_statuses.iter().flatten();
    let all = preparing.chain(status.container_statuses.iter().flatten());
    let waiting = all.filter_map(|one| Some((one, one.state.as_ref()?.waiting.as_ref()?)));
    // What can be told of one container is more than that the others wait for it.
    let mut told: Vec<(&ContainerStatus, &ContainerStateWaiting)> = waiting.collect();
    told.sort_by_key(|(_, waiting)| rank(waiting));
    let (container, waiting) = told.first()?;
    let said = one_line(waiting.message.as_deref().unwrap_or_default());
    let reason = waiting.reason.as_deref().unwrap_or_default();
    if IMAGE_REASONS.contains(&reason) {
        let image = image_of(pod, &container.name).unwrap_or(container.image.as_str());
        let said = if said.is_empty() { reason.to_owned() } else { said };
        let message =
            format!("the image `{image}` of pod `{}` cannot be pulled: {said}", name(pod));
        return Some(Waiting { reason: Reason::ImagePullFailed, message });
    }
    let more = if said.is_empty() { String::new() } else { format!(": {said}") };
    Some(if UNDER_WAY.contains(&reason) {
        starting(pod, &format!("waits for its image and its containers{more}"))
    } else {
        held_up(pod, &format!("cannot start its container: {reason}{more}"))
    })
}

/// The less, the more a person learns from it.
fn rank(waiting: &ContainerStateWaiting) -> u8 {
    match waiting.reason.as_deref().unwrap_or_default() {
        reason if IMAGE_REASONS.contains(&reason) => 0,
        reason if UNDER_WAY.contains(&reason) => 2,
        _ => 1,
    }
}

fn image_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a str> {
    let spec = pod.spec.as_ref()?;
    let preparing = spec.init_containers.iter().flatten();
    let mut all = preparing.chain(&spec.containers);
    all.find(|one| one.name == container)?.image.as_deref()
}

/// Returns the status of the container that does the work.
pub(super) fn main_status(pod: &Pod) -> Option<&ContainerStatus> {
    let mut statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    statuses.find(|one| one.name == MAIN)
}
