//! What the work of a run logs on its cluster: from its pod while there is one, else what its attempt
//! keeps of it.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, LogParams};

use super::Cluster;
use crate::api::labels::{MANAGED_BY, MANAGER, TOKEN};
use crate::api::v1alpha1::{Attempt, OperatorRun};
use crate::runs::unseen;

/// Most lines of a pod's log that are read at one time.
const LINES: i64 = 2_000;

/// The lines of a run's newest attempt that were told.
#[derive(Default)]
pub(crate) struct Lines {
    token: String,
    seen: Vec<String>,
}

impl Lines {
    /// Returns the new lines of what the newest attempt keeps of its log.
    pub(crate) fn of_status(&mut self, run: &OperatorRun) -> Vec<String> {
        let Some(attempt) = newest(run).filter(|attempt| is_of_a_container(attempt)) else {
            return Vec::new();
        };
        let Some(tail) = &attempt.log_tail else { return Vec::new() };
        self.new_lines(&attempt.token, tail)
    }

    /// Returns the new lines of the pod that does the work, if there is one.
    pub(crate) async fn of_pod(&mut self, cluster: &Cluster, run: &OperatorRun) -> Vec<String> {
        let Some(attempt) = newest(run).filter(|attempt| is_of_a_container(attempt)) else {
            return Vec::new();
        };
        match pod_log(cluster, run, attempt).await {
            Some(text) => self.new_lines(&attempt.token, &text),
            None => Vec::new(),
        }
    }

    /// Returns the new lines of a log of an attempt.
    pub(crate) fn new_lines(&mut self, token: &str, text: &str) -> Vec<String> {
        if self.token != token {
            *self = Self { token: token.to_owned(), seen: Vec::new() };
        }
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // What an attempt keeps in the end is a part of what its pod has said.
        let is_told = |lines: &[String]| self.seen.windows(lines.len()).any(|part| part == lines);
        if lines.is_empty() || is_told(&lines) {
            return Vec::new();
        }
        let new = unseen(&self.seen, &lines).to_vec();
        self.seen = lines;
        new
    }
}

/// Whether an attempt runs a command of a definition, whose words are told while a run is waited for. What Mason's own
/// worker logs is for `mason logs`.
fn is_of_a_container(attempt: &Attempt) -> bool {
    attempt.job.as_ref().is_some_and(|job| job.kind == "Pod")
}

fn newest(run: &OperatorRun) -> Option<&Attempt> {
    run.status.as_ref()?.attempts.last()
}

/// Returns the log of the pod that an attempt has launched; nothing when it launched none, the pod is
/// gone or another's, or its log may not be read.
pub(crate) async fn pod_log(
    cluster: &Cluster,
    run: &OperatorRun,
    attempt: &Attempt,
) -> Option<String> {
    // The id of a pod is `NAME/UID`.
    let (name, uid) = attempt.job.as_ref()?.id.split_once('/')?;
    let namespace = run.metadata.namespace.as_deref()?;
    let api: Api<Pod> = Api::namespaced(cluster.connection.client.clone(), namespace);
    let pod = api.get_opt(name).await.ok()??;
    let is_ours = pod.labels().get(MANAGED_BY).is_some_and(|manager| manager == MANAGER);
    let has_token = pod.annotations().get(TOKEN).is_some_and(|token| *token == attempt.token);
    if !is_ours || !has_token || pod.uid().as_deref() != Some(uid) {
        return None;
    }
    let container = pod.spec.as_ref()?.containers.first()?.name.clone();
    let parameters =
        LogParams { container: Some(container), tail_lines: Some(LINES), ..LogParams::default() };
    api.logs(name, &parameters).await.ok()
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn every_line_is_told_once_for_each_attempt() {
        let mut lines = Lines::default();
        assert_eq!(lines.new_lines("a", "1\n2\n"), ["1", "2"]);
        assert_eq!(lines.new_lines("a", "1\n2\n3\n"), ["3"]);
        assert!(lines.new_lines("a", "2\n3\n").is_empty(), "the tail of what was told");
        assert_eq!(lines.new_lines("b", "1\n"), ["1"]);
        assert!(lines.new_lines("b", "").is_empty());
    }
}
