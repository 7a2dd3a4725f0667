//! The memory of a worker's process: its bound, and what it holds.

use crate::engines::{EngineError, ErrorKind};
use crate::lake::error::error;

/// Memory beside what a job is given: the program itself, its threads' stacks, the allocator's slack.
const MEMORY_BESIDE: u64 = 64 * 1024 * 1024;

/// Bounds the addresses that this process may have data at: the system refuses what goes beyond, and
/// the process ends.
///
/// Only data counts (`RLIMIT_DATA`: heap and private mappings), not mapped code. Twice the job's
/// memory, because the allocator keeps addresses whose pages it has given back; what is really held is
/// bounded by [`holds_too_much`], and this is for what grows faster than that is looked at.
///
/// # Errors
/// `Unexpected` when the system refuses.
pub(super) fn limit(bytes: u64) -> Result<(), EngineError> {
    set_limit(Some(bytes.saturating_add(MEMORY_BESIDE).saturating_mul(2)))
}

/// Takes the bound of [`limit`] back: what a worker does after its job, such as collecting what others have
/// left, is no work on the job.
///
/// # Errors
/// `Unexpected` when the system refuses.
pub(super) fn lift_limit() -> Result<(), EngineError> {
    set_limit(None)
}

/// Sets the bound on data, as far as the process may; to the most that it may when `None`.
fn set_limit(bytes: Option<u64>) -> Result<(), EngineError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Data).maximum;
    let current = match (bytes, maximum) {
        (Some(bytes), Some(maximum)) => Some(bytes.min(maximum)),
        (bytes, maximum) => bytes.or(maximum),
    };
    setrlimit(Resource::Data, Rlimit { current, maximum }).map_err(|source| {
        error(ErrorKind::Unexpected, "limit the worker's memory", source.to_string())
            .with_source(source)
    })
}

/// Whether the pages of this process's own, without those of mapped files, are more than a job with
/// this limit may hold. Never where the system does not tell.
///
/// # Source
/// `RssAnon`, <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
pub(super) fn holds_too_much(limit_bytes: u64) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = own.and_then(|own| own.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes
        .is_some_and(|own| own.saturating_mul(1024) > limit_bytes.saturating_add(MEMORY_BESIDE))
}

/// Returns the most memory that this process has held at once. Nothing where the system does not tell.
///
/// # Source
/// `VmHWM`, <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
pub(super) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::{MEMORY_BESIDE, lift_limit, limit};

    #[test]
    fn a_bound_on_memory_is_of_the_job_and_taken_back_after_it() {
        let before = getrlimit(Resource::Data).maximum;
        let bytes = 1 << 44; // more than the other tests of this process hold
        limit(bytes).expect("should be set");
        let wanted = (bytes + MEMORY_BESIDE) * 2;
        let within = before.map_or(wanted, |most| most.min(wanted));
        assert_eq!(getrlimit(Resource::Data).current, Some(within));
        lift_limit().expect("should be taken back");
        let after = getrlimit(Resource::Data);
        assert_eq!((after.current, after.maximum), (before, before));
    }
}
