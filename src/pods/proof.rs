//! What a command in a pod leaves behind: the proof in the termination message, and marked lines of
//! the log for a result that does not fit there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::conditions::Reason;
use crate::engines::job::JobProgress;

/// Most bytes of a termination message that the kubelet keeps.
///
/// # Source
/// <https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/>
pub(super) const MESSAGE_BYTES: usize = 4_096;
/// Most bytes of a result in a log.
pub(super) const RESULT_BYTES: usize = 1024 * 1024;
/// Begins a line that says how far the command is.
pub(super) const PROGRESS: &str = "MASON_PROGRESS ";
/// Begins a line that holds a part of the result.
pub(super) const RESULT: &str = "MASON_RESULT ";
/// Bytes of the result in one line: whole, such a line is written to a pipe at once, and a node keeps it
/// as one line.
const PART_BYTES: usize = 2_700;

/// How a command ended: the termination message of its container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ending {
    /// The token of the attempt, which makes this a proof of it.
    pub(super) token: String,
    /// The command's exit code; 128 and the signal's number when a signal ended it.
    pub(super) exit_code: i32,
    /// Its result, if that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Value>,
    /// What is known of a result that stands in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) logged: Option<Logged>,
    /// What is known of a result that was left in the storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uploaded: Option<Uploaded>,
    /// What is wrong although the command may have ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<EndingProblem>,
}

/// What a termination message says of a result that was left in the storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Uploaded {
    /// Its bytes.
    pub(super) bytes: usize,
    /// The digest of its bytes.
    pub(super) sha256: String,
}

/// A result that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logged {
    /// Its bytes.
    pub(super) bytes: usize,
    /// The digest of its bytes.
    pub(super) sha256: String,
    /// How many lines it takes.
    pub(super) lines: usize,
}

/// What is wrong with how a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndingProblem {
    /// As one word.
    pub(super) reason: Reason,
    /// In words.
    pub(super) message: String,
}

impl Ending {
    /// Reads a termination message; nothing when it is not one that `exec` wrote.
    pub(super) fn read(message: &str) -> Option<Self> {
        serde_json::from_str(message.trim()).ok()
    }

    /// Returns whether it proves that the attempt of a token ended well.
    pub(super) fn proves(&self, token: &str) -> bool {
        #[cfg(test)]
        if crate::faults::Precondition::PodProof.is_removed() {
            return self.exit_code == 0;
        }
        self.token == token && self.exit_code == 0 && self.problem.is_none()
    }

    /// Returns it as a termination message, if it fits.
    pub(super) fn message(&self) -> Option<String> {
        let text = serde_json::to_string(self).ok()?;
        (text.len() <= MESSAGE_BYTES).then_some(text)
    }
}

/// Returns a result as lines of a log, and what the termination message says of them.
pub(super) fn as_lines(token: &str, result: &[u8]) -> (Logged, Vec<String>) {
    let parts = result.chunks(PART_BYTES).enumerate();
    let line = |(index, part)| format!("{RESULT}{token} {index} {}", STANDARD.encode(part));
    let lines: Vec<String> = parts.map(line).collect();
    (Logged { bytes: result.len(), sha256: digest_of(result), lines: lines.len() }, lines)
}

/// Returns the digest by which a result is known again.
pub(super) fn digest_of(result: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(result)))
}

/// Returns the result that stands in a log, if all of it does.
pub(super) fn from_log(token: &str, logged: &Logged, log: &str) -> Option<Value> {
    let mark = format!("{RESULT}{token} ");
    let mut parts = vec![None; logged.lines];
    for line in log.lines() {
        // Something else that was printed without an end of line may stand before it.
        let Some(at) = line.rfind(&mark) else { continue };
        let Some((index, text)) = line[at + mark.len()..].split_once(' ') else { continue };
        let slot = index.parse().ok().and_then(|index: usize| parts.get_mut(index));
        if let (Some(slot), Ok(part)) = (slot, STANDARD.decode(text.trim_end())) {
            *slot = Some(part);
        }
    }
    let bytes = parts.into_iter().collect::<Option<Vec<_>>>()?.concat();
    if digest_of(&bytes) == logged.sha256 { serde_json::from_slice(&bytes).ok() } else { None }
}

/// What a command prints about how far it is; only the first is needed.
#[derive(Deserialize)]
struct Told {
    done: u64,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    phase: Option<String>,
    #[serde(default)]
    unit: Option<String>,
}

/// Returns how far the command is, by the last line of a log that says so.
pub(super) fn progress(log: &str) -> Option<JobProgress> {
    let mut told = log.lines().rev().filter_map(|line| line.trim().strip_prefix(PROGRESS));
    let told: Told = told.find_map(|text| serde_json::from_str(text).ok())?;
    Some(JobProgress {
        phase: told.phase.unwrap_or_else(|| "working".to_owned()),
        done: told.done,
        total: told.total,
        unit: told.unit.unwrap_or_else(|| "steps".to_owned()),
    })
}

/// Returns the lines of a log that are for people.
pub(super) fn plain_lines(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| !line.starts_with(PROGRESS) && !line.starts_with(RESULT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_in_the_log_is_found_whole_or_not_at_all() {
        let result = json!({"text": "é".repeat(5_000), "n": [1, 2, 3]});
        let (logged, lines) = as_lines("t", result.to_string().as_bytes());
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() < 4_096));
        let log = format!("hello\nunended{}\nnoise\n", lines.join("\n"));
        assert_eq!(from_log("t", &logged, &log), Some(result));
        assert_eq!(from_log("other", &logged, &log), None);
        assert_eq!(from_log("t", &logged, &lines[1..].join("\n")), None);
        let swapped = log.replacen(" 0 ", " 9 ", 1);
        assert_eq!(from_log("t", &logged, &swapped), None);
    }

    #[test]
    fn the_last_progress_counts() {
        let log = "MASON_PROGRESS {\"done\": 1}\nx\nMASON_PROGRESS {\"phase\":\"copying\",\"done\":2,\"total\":4,\"unit\":\"files\"}\nMASON_PROGRESS nonsense\n";
        let told = progress(log).expect("should be told");
        assert_eq!((told.phase.as_str(), told.done, told.total), ("copying", 2, Some(4)));
        assert_eq!(progress("nothing"), None);
        assert_eq!(plain_lines(log).collect::<Vec<_>>(), ["x"]);
    }

    #[test]
    fn only_the_attempts_own_token_proves_it() {
        let ending = Ending {
            token: "t".to_owned(),
            exit_code: 0,
            result: Some(json!(1)),
            logged: None,
            uploaded: None,
            problem: None,
        };
        let message = ending.message().expect("should fit");
        let read = Ending::read(&message).expect("should be read");
        assert!(read.proves("t") && !read.proves("u"));
        assert!(!Ending { exit_code: 1, ..ending.clone() }.proves("t"));
        assert_eq!(Ending::read("panic: out of luck"), None);
        assert_eq!(Ending { result: Some(json!("x".repeat(5_000))), ..ending }.message(), None);
    }
}
