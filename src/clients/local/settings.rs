//! The settings of a `local` client, from its block in a config.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::v1alpha1::LocalClient;
use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;

/// The least memory a job may be given.
pub const MIN_MEMORY_BYTES: u64 = 64 * 1024 * 1024;
/// The least disk a job may be given.
pub const MIN_DISK_BYTES: u64 = 1024 * 1024;

/// Checked settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSettings {
    /// The root folder.
    pub root: PathBuf,
    /// What one job may use.
    pub limits: JobLimits,
}

/// What one job may use. Kept in the job's folder, so that the worker needs no config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLimits {
    /// Memory.
    pub memory_bytes: u64,
    /// Disk, for spilling and for what it writes together.
    pub disk_bytes: u64,
    /// Threads.
    pub parallelism: usize,
}

impl LocalSettings {
    /// Checks a client's block. A relative root is below `base`.
    ///
    /// # Errors
    /// `InvalidInput` naming every setting that is wrong.
    #[expect(
        clippy::missing_panics_doc,
        clippy::unwrap_in_result,
        reason = "a number up to 256 fits"
    )]
    pub fn of(config: &LocalClient, base: &Path) -> Result<Self, EngineError> {
        let mut problems = Vec::new();
        let memory_bytes =
            amount("memoryLimit", &config.memory_limit, MIN_MEMORY_BYTES, &mut problems);
        let disk_bytes = amount("diskLimit", &config.disk_limit, MIN_DISK_BYTES, &mut problems);
        let parallelism = match config.parallelism {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(threads @ 1..=256) => usize::try_from(threads).expect("should be at most 256"),
            Some(threads) => {
                problems.push(format!("`parallelism` is {threads}, it must be within 1 to 256"));
                1
            }
        };
        if problems.is_empty() {
            let limits = JobLimits { memory_bytes, disk_bytes, parallelism };
            return Ok(Self { root: base.join(&config.root), limits });
        }
        Err(error(ErrorKind::InvalidInput, "read the client's settings", problems.join("; ")))
    }
}

fn amount(field: &str, text: &str, least: u64, problems: &mut Vec<String>) -> u64 {
    match quantity(text) {
        Some(bytes) if bytes >= least => return bytes,
        Some(_) => problems
            .push(format!("`{field}` is {text}, it must be at least {}Mi", least / (1024 * 1024))),
        None => problems.push(format!("`{field}` is {text:?}, which is no amount like `512Mi`")),
    }
    least
}

/// Returns the bytes of a Kubernetes quantity: a whole number, or one with a suffix of `Ki` to `Ti`
/// (powers of 1024) or `k` to `T` (powers of 1000).
///
/// # Source
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
#[must_use]
pub fn quantity(text: &str) -> Option<u64> {
    const SUFFIXES: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    let (digits, factor) = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
        .unwrap_or((text, 1));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("64Mi", 64 << 20),
            ("1Gi", 1 << 30),
            ("2k", 2000),
            ("3M", 3_000_000),
        ] {
            assert_eq!(quantity(text), Some(bytes), "{text}");
        }
        for text in ["", "Mi", "-1", "1.5Gi", "1 Gi", "1gi", "1KiB", "+1", "999999999999999Ti"] {
            assert_eq!(quantity(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let config = LocalClient {
            root: "lake".to_owned(),
            memory_limit: "1Mi".to_owned(),
            parallelism: Some(0),
            disk_limit: "much".to_owned(),
            placement: None,
            credentials: None,
        };
        let error = LocalSettings::of(&config, Path::new("/base")).expect_err("should be wrong");
        for field in ["memoryLimit", "diskLimit", "parallelism"] {
            assert!(error.message.contains(field), "{error}");
        }
        let right = LocalClient {
            memory_limit: "1Gi".to_owned(),
            parallelism: Some(2),
            disk_limit: "1Gi".to_owned(),
            ..config
        };
        let settings = LocalSettings::of(&right, Path::new("/base")).expect("should be right");
        assert_eq!(settings.root, Path::new("/base/lake"));
        assert_eq!(settings.limits.parallelism, 2);
    }
}
