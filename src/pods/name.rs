//! Names of pods, and ids of the jobs that they are.

use k8s_openapi::api::core::v1::Pod;
use sha2::{Digest, Sha256};

use crate::engines::job::{JobId, JobToken};

/// Most characters of a name: that of a label, so that the name may stand in one.
const MOST: usize = 63;
/// How much of the digest stands in a name.
const DIGITS: usize = 10;

/// Returns the name of the pod of an attempt: from the run's name and the token alone, so that two who
/// create it make one. A DNS-1035 label.
#[must_use]
pub fn pod_name(run: &str, token: &JobToken) -> String {
    let digest = hex::encode(Sha256::digest(format!("{run}/{token}")));
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let mut name: String = run.to_ascii_lowercase().chars().map(plain).collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "r-");
    }
    name.truncate(MOST - DIGITS - 1);
    format!("{}-{}", name.trim_end_matches('-'), &digest[..DIGITS])
}

/// Returns the name and the UID of a pod that was read.
pub(super) fn name_and_uid(pod: &Pod) -> (&str, &str) {
    let (name, uid) = (pod.metadata.name.as_deref(), pod.metadata.uid.as_deref());
    (name.unwrap_or_default(), uid.unwrap_or_default())
}

/// Returns the id of the job that a pod is.
pub(super) fn id_of(pod: &Pod) -> JobId {
    let (name, uid) = name_and_uid(pod);
    JobId(format!("{name}/{uid}"))
}

/// Returns the name and the UID of the pod that a job is.
pub(super) fn parts_of(id: &JobId) -> Option<(&str, &str)> {
    id.0.split_once('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_begins_with_that_of_the_run() {
        let token = JobToken("t".to_owned());
        assert!(pod_name("sales-by-city", &token).starts_with("sales-by-city-"));
        assert!(pod_name("2026.report", &token).starts_with("r-2026-report-"));
        assert_ne!(pod_name("a", &token), pod_name("a", &JobToken("u".to_owned())));
    }

    proptest! {
        #[test]
        fn every_name_is_a_label(run in "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", token in "[a-f0-9]{32}") {
            let name = pod_name(&run, &JobToken(token.clone()));
            prop_assert!(name.len() <= 63);
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.ends_with(|c: char| c != '-'));
            prop_assert_eq!(&name, &pod_name(&run, &JobToken(token)));
            let mut pod = Pod::default();
            (pod.metadata.name, pod.metadata.uid) = (Some(name.clone()), Some("u".to_owned()));
            let id = id_of(&pod);
            prop_assert_eq!(parts_of(&id), Some((name.as_str(), "u")));
        }
    }
}
