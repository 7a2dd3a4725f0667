//! Counts what the API server accepted, by its own log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// What was accepted for one run.
#[derive(Debug, Clone, Default)]
struct Writes {
    /// Writes that say how the run ended.
    ends: usize,
    /// Writes of the status after the first of those.
    after_the_end: usize,
    /// The tokens of its attempts, by number.
    tokens: BTreeMap<u64, Vec<String>>,
}

/// What the log says.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    runs: BTreeMap<String, Writes>,
    /// Creations of pods, by the attempt's token.
    pods: BTreeMap<String, usize>,
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
        if object["resource"] == "pods" && event["verb"] == "create" && code < 300 {
            let annotations = &event["requestObject"]["metadata"]["annotations"];
            let token = annotations["mason.dev/token"].as_str().unwrap_or_default();
            *self.pods.entry(token.to_owned()).or_default() += 1;
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
        let writes = self.runs.entry(uid.to_owned()).or_default();
        if writes.ends > 0 {
            writes.after_the_end += 1;
        }
        let phase = status["phase"].as_str().unwrap_or_default();
        writes.ends += usize::from(["Succeeded", "Failed", "Cancelled"].contains(&phase));
        for attempt in status["attempts"].as_array().into_iter().flatten() {
            let number = attempt["number"].as_u64().unwrap_or_default();
            let token = attempt["token"].as_str().unwrap_or_default().to_owned();
            let tokens = writes.tokens.entry(number).or_default();
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
    }

    /// Returns everything that was accepted and should not have been. A write just before the API server
    /// was killed may be missing from its log.
    pub(crate) fn findings(&self, uids: &[String], api_server_kills: usize) -> Vec<String> {
        let mut findings = Vec::new();
        let mut missing = 0;
        for uid in uids {
            let writes = self.runs.get(uid).cloned().unwrap_or_default();
            missing += usize::from(writes.ends == 0);
            if writes.ends > 1 || writes.after_the_end > 0 {
                let Writes { ends, after_the_end, .. } = writes;
                findings.push(format!("run {uid}: {ends} ends, {after_the_end} writes after it"));
            }
            if writes.tokens.values().any(|tokens| tokens.len() != 1) {
                findings.push(format!("run {uid}: a token was changed: {:?}", writes.tokens));
            }
        }
        if missing > 4 * api_server_kills {
            findings.push(format!("{missing} ends are not in the audit log"));
        }
        let twice = self.pods.iter().filter(|(_, creations)| **creations > 1);
        findings.extend(twice.map(|(token, count)| format!("{count} pods of attempt {token}")));
        findings
    }
}
