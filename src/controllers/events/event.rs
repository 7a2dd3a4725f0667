//! One event, built from a stored object and what became of it. Pure but for the time.

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use sha2::{Digest, Sha256};

use super::transitions::Report;
use crate::api::resource::Resource;
use crate::controllers::clock::now;

/// Most bytes of an event's text, as the API server has it.
pub(super) const NOTE: usize = 1_024;
/// Most bytes of the object's name in the event's.
const NAME: usize = 200;

/// Returns the event; its name follows from the stored version of the object.
pub(super) fn event_of(object: &Resource, report: &Report, instance: &str) -> Event {
    let (metadata, key) = (object.metadata(), object.key());
    let version = metadata.resource_version.clone().unwrap_or_default();
    let uid = metadata.uid.clone().unwrap_or_default();
    let digest = Sha256::digest(format!("{uid}/{version}/{:?}", report.reason));
    let digest = hex::encode(&digest[..8]);
    let name = up_to(&key.name, NAME);
    let controller = object.kind().controller();
    Event {
        action: Some(report.action.to_owned()),
        reason: Some(report.reason.as_str().to_owned()),
        note: Some(up_to(&report.note, NOTE)),
        type_: Some(if report.is_warning { "Warning" } else { "Normal" }.to_owned()),
        event_time: Some(MicroTime(now())),
        regarding: Some(object.reference()),
        metadata: ObjectMeta {
            name: Some(format!("{}.{digest}", name.trim_end_matches(['-', '.']))),
            namespace: Some(key.namespace),
            ..ObjectMeta::default()
        },
        reporting_controller: Some(controller.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        ..Event::default()
    }
}

/// Returns the beginning of a text, within so many bytes and in whole characters.
pub(super) fn up_to(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
