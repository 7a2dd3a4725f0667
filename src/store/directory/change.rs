//! What a change makes of a resource: identity, versions and the rules of the schemas, as an API
//! server has them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::files::{Files, LockedFiles};
use crate::api::labels;
use crate::api::resource::{Key, Resource};
use crate::api::rules::broken_rules;
use crate::store::{Applied, StoreError};

/// How often a name is drawn for a resource that gives only its beginning.
const DRAWS: usize = 8;

pub(super) fn create(
    files: &Files,
    given: Resource,
    now: Timestamp,
) -> Result<Resource, StoreError> {
    create_locked(&files.locked()?, given, now)
}

pub(super) fn apply(
    files: &Files,
    given: Resource,
    now: Timestamp,
) -> Result<(Resource, Applied), StoreError> {
    let files = files.locked()?;
    let key = given.key();
    let before = if key.name.is_empty() { None } else { files.read(&key)? };
    let Some(before) = before else {
        return create_locked(&files, given, now).map(|created| (created, Applied::Created));
    };
    expect_same(&key, &given, &before)?;
    let mut after = before.clone();
    replace_spec(&mut after, given);
    let (old, new) = (before.to_document(), after.to_document());
    if old == new {
        return Ok((before, Applied::Unchanged));
    }
    obey(&key, &new, Some(&old))?;
    let metadata = after.metadata_mut();
    if old["spec"] != new["spec"] {
        metadata.generation = Some(metadata.generation.unwrap_or(1) + 1);
    }
    metadata.resource_version =
        Some(next_version(before.metadata().resource_version.as_ref(), now));
    files.write(&key, &after.to_document())?;
    Ok((after, Applied::Configured))
}

pub(super) fn replace_status(
    files: &Files,
    given: &Resource,
    now: Timestamp,
) -> Result<Resource, StoreError> {
    let files = files.locked()?;
    let key = given.key();
    let conflict = || StoreError::Conflict { what: key.to_string() };
    let before = files.read(&key)?.ok_or_else(conflict)?;
    if given.metadata().resource_version.is_none() {
        return Err(conflict());
    }
    expect_same(&key, given, &before)?;
    let mut after = before.clone();
    if !after.take_status_of(given) {
        return Err(conflict());
    }
    if after == before {
        return Ok(before);
    }
    obey(&key, &after.to_document(), Some(&before.to_document()))?;
    let version = next_version(before.metadata().resource_version.as_ref(), now);
    after.metadata_mut().resource_version = Some(version);
    files.write(&key, &after.to_document())?;
    Ok(after)
}

fn create_locked(
    files: &LockedFiles<'_>,
    mut given: Resource,
    now: Timestamp,
) -> Result<Resource, StoreError> {
    let namespace = given.key().namespace;
    given.metadata_mut().namespace = Some(namespace);
    let key = name(files, &mut given)?;
    given.clear_status();
    let metadata = given.metadata_mut();
    metadata.uid = Some(uuid::Uuid::new_v4().to_string());
    metadata.generation = Some(1);
    metadata.resource_version = Some(next_version(None, now));
    metadata.creation_timestamp = Some(Time(whole_seconds(now)));
    let document = given.to_document();
    obey(&key, &document, None)?;
    files.write(&key, &document)?;
    Ok(given)
}

/// Returns the key of a resource that does not exist yet, drawing a name where only its beginning is
/// given.
fn name(files: &LockedFiles<'_>, given: &mut Resource) -> Result<Key, StoreError> {
    let key = given.key();
    let conflict = || StoreError::Conflict { what: key.to_string() };
    if !key.name.is_empty() {
        return if files.read(&key)?.is_none() { Ok(key) } else { Err(conflict()) };
    }
    let beginning = given.metadata().generate_name.clone().unwrap_or_default();
    for _ in 0..DRAWS {
        let drawn = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("{beginning}{}", &drawn[..6]);
        given.metadata_mut().name = Some(name);
        if !beginning.is_empty() && files.read(&given.key())?.is_none() {
            return Ok(given.key());
        }
    }
    if beginning.is_empty() {
        let problems = vec!["it has neither `name` nor `generateName`".to_owned()];
        return Err(StoreError::Refused { what: key.kind.to_string(), problems });
    }
    Err(conflict())
}

/// Refuses a change that was decided on an older version, or on another resource of the same name.
fn expect_same(key: &Key, given: &Resource, before: &Resource) -> Result<(), StoreError> {
    let (given, before) = (given.metadata(), before.metadata());
    let agrees =
        |given: &Option<String>, before: &Option<String>| given.is_none() || given == before;
    if agrees(&given.resource_version, &before.resource_version) && agrees(&given.uid, &before.uid)
    {
        return Ok(());
    }
    Err(StoreError::Conflict { what: key.to_string() })
}

/// Takes over what a person writes: spec, labels and annotations. What Mason itself put among the
/// labels and annotations stays.
fn replace_spec(after: &mut Resource, given: Resource) {
    let metadata = given.metadata();
    let labels = kept(after.metadata().labels.as_ref(), metadata.labels.as_ref());
    let annotations = kept(after.metadata().annotations.as_ref(), metadata.annotations.as_ref());
    after.metadata_mut().labels = labels;
    after.metadata_mut().annotations = annotations;
    // The key holds the kind, so both are of one kind.
    after.take_spec_of(given);
}

fn kept(
    before: Option<&BTreeMap<String, String>>,
    given: Option<&BTreeMap<String, String>>,
) -> Option<BTreeMap<String, String>> {
    let is_ours = |name: &String| name.starts_with("mason.dev/") || name == labels::MANAGED_BY;
    let ours = before.into_iter().flatten().filter(|(name, _)| is_ours(name));
    let theirs = given.into_iter().flatten();
    let all: BTreeMap<_, _> =
        ours.chain(theirs).map(|(name, value)| (name.clone(), value.clone())).collect();
    (!all.is_empty()).then_some(all)
}

fn obey(key: &Key, document: &Value, before: Option<&Value>) -> Result<(), StoreError> {
    let broken = broken_rules(key.kind, document, before);
    if broken.is_empty() {
        return Ok(());
    }
    let problems = broken.into_iter().map(|rule| match rule.path.as_str() {
        "" => rule.message,
        path => format!("{path}: {}", rule.message),
    });
    Err(StoreError::Refused { what: key.to_string(), problems: problems.collect() })
}

/// Returns a version above the one before: microseconds since 1970, so that a resource made again
/// under the same name does not begin again, or one more when the clock stands or goes back.
fn next_version(before: Option<&String>, now: Timestamp) -> String {
    let now = u64::try_from(now.as_microsecond()).unwrap_or(1);
    let before = before.and_then(|version| version.parse::<u64>().ok());
    before.map_or(now, |before| now.max(before + 1)).to_string()
}

fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
