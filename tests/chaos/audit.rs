//! Counts what the API server accepted, by its own log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// The phases that are ends.
pub(crate) const ENDS: [&str; 3] = ["Succeeded", "Failed", "Cancelled"];

/// The status writes that were accepted for one run, by the version that each was decided on: the log has
/// them in the order of their answers, which is another one.
#[derive(Debug, Clone, Default)]
struct Writes {
    /// The phase that each wrote. Two on one version would be a lost update.
    phases: BTreeMap<u64, Vec<String>>,
    /// The tokens of its attempts, by number.
    tokens: BTreeMap<u64, Vec<String>>,
}

impl Writes {
    /// Returns how many say how the run ended, and how many follow the first of those.
    fn ends(&self) -> (usize, usize) {
        let is_end = |phase: &&String| ENDS.contains(&phase.as_str());
        let in_order: Vec<&String> = self.phases.values().flatten().collect();
        let ends = in_order.iter().copied().filter(is_end).count();
        let first = in_order.iter().position(is_end);
        (ends, first.map_or(0, |first| in_order.len() - first - 1))
    }
}

/// What the log says.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    runs: BTreeMap<String, Writes>,
    /// Creations of pods, by the attempt's token.
    pods: BTreeMap<String, usize>,
    /// Pods that were created without the gate that keeps them from every node.
    ungated: Vec<String>,
    /// Removals of the gate that keeps a pod from its node, by the pod's name.
    releases: BTreeMap<String, usize>,
    pub(crate) status_writes: usize,
    pub(crate) conflicts: usize,
}

impl Audit {
    /// Reads the log; a line that the API server did not finish before it was killed is left out.
    pub(crate) fn read(log: &Path) -> Self {
        let mut audit = Self::default();
        let lines = BufReader::new(std::fs::File::open(log).unwrap()).split(b'\n');
        for event in lines.map_while(Result::ok) {
            if let Ok(event) = serde_json::from_slice(&event) {
                audit.take(&event);
            }
        }
        audit
    }

    fn take(&mut self, event: &Value) {
        let object = &event["objectRef"];
        let code = event["responseStatus"]["code"].as_u64().unwrap_or_default();
        let is_pod = object["resource"] == "pods" && object["subresource"].is_null();
        if is_pod && event["verb"] == "patch" && (200..300).contains(&code) {
            let steps = event["requestObject"].as_array().into_iter().flatten();
            if steps.into_iter().any(|step| step["op"] == "remove") {
                let name = object["name"].as_str().unwrap_or_default().to_owned();
                *self.releases.entry(name).or_default() += 1;
            }
        }
        if is_pod && event["verb"] == "create" && (200..300).contains(&code) {
            let annotations = &event["requestObject"]["metadata"]["annotations"];
            let token = annotations["mason.dev/token"].as_str().unwrap_or_default();
            *self.pods.entry(token.to_owned()).or_default() += 1;
            let gates = event["requestObject"]["spec"]["schedulingGates"].as_array();
            if gates.is_none_or(Vec::is_empty) {
                self.ungated.push(token.to_owned());
            }
        }
        if object["resource"] != "operatorruns" || object["subresource"] != "status" {
            return;
        }
        self.conflicts += usize::from(code == 409);
        if !(200..300).contains(&code) {
            return;
        }
        self.status_writes += 1;
        let uid = event["requestObject"]["metadata"]["uid"].as_str().unwrap_or_default();
        let status = &event["requestObject"]["status"];
        let version = event["requestObject"]["metadata"]["resourceVersion"].as_str();
        let version = version.and_then(|version| version.parse().ok()).unwrap_or_default();
        let writes = self.runs.entry(uid.to_owned()).or_default();
        let phase = status["phase"].as_str().unwrap_or_default().to_owned();
        writes.phases.entry(version).or_default().push(phase);
        for attempt in status["attempts"].as_array().into_iter().flatten() {
            let number = attempt["number"].as_u64().unwrap_or_default();
            let token = attempt["token"].as_str().unwrap_or_default().to_owned();
            let tokens = writes.tokens.entry(number).or_default();
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
    }

    /// Returns how many pods were created, how many of them for an attempt that had one already, and how
    /// many were released.
    pub(crate) fn pods(&self) -> (usize, usize, usize) {
        let created: usize = self.pods.values().sum();
        (created, created - self.pods.len(), self.releases.values().sum())
    }

    /// Returns everything that was accepted and should not have been. A write just before the API server
    /// was killed may be missing from its log.
    pub(crate) fn findings(&self, uids: &[String], api_server_kills: usize) -> Vec<String> {
        let mut findings = Vec::new();
        let mut missing = 0;
        for uid in uids {
            let writes = self.runs.get(uid).cloned().unwrap_or_default();
            let (ends, after) = writes.ends();
            missing += usize::from(ends == 0);
            if ends > 1 || after > 0 {
                findings.push(format!("run {uid}: {ends} ends, {after} writes after: {writes:?}"));
            }
            if writes.phases.values().any(|phases| phases.len() > 1) {
                findings.push(format!("run {uid}: two writes on one version: {writes:?}"));
            }
            if writes.tokens.values().any(|tokens| tokens.len() != 1) {
                findings.push(format!("run {uid}: a token was changed: {:?}", writes.tokens));
            }
        }
        if missing > 4 * api_server_kills {
            findings.push(format!("{missing} ends are not in the audit log"));
        }
        // A pod's name follows from its attempt. Who was stopped between the look and the creation may
        // create it once more when the first is gone already: held back, and never released.
        let twice = self.releases.iter().filter(|(_, releases)| **releases > 1);
        findings.extend(twice.map(|(name, count)| format!("{count} releases of pod {name}")));
        let free = self.ungated.iter();
        findings.extend(free.map(|token| format!("a pod of attempt {token} was not held back")));
        findings
    }
}
