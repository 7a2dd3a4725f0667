//! Points of the program at which a test ends the process or lets it panic, and preconditions that a test
//! takes away.
//!
//! Between any two effects the process may die: [`reach`] gives each such place a name, so that a test
//! can let it die there, often, instead of hoping that a random kill falls into it. Only builds with the
//! feature `test-support` look at the environment; in all others a point is nothing. Preconditions can
//! be taken away in unit tests alone. Imports nothing of ours.

/// Every point of a run of an operator, as `part.place`. `docs/exactly-once.md` says what has happened at each.
pub const POINTS: [&str; 38] = [
    "intend.before-write",
    "intend.after-write",
    "launch.before-act",
    "launch.before-write",
    "launch.after-write",
    "adopt.before-write",
    "adopt.after-write",
    "release.before-act",
    "release.marked",
    "release.before-write",
    "collect.before-act",
    "collect.before-write",
    "collect.after-write",
    "apply.before-act",
    "change.recorded",
    "change.made",
    "apply.before-write",
    "apply.after-write",
    "settle.before-write",
    "settle.after-write",
    "cancel.before-act",
    "cancel.before-write",
    "cancel.after-write",
    "fence.before-act",
    "fence.before-write",
    "fence.after-write",
    "conclude.before-act",
    "conclude.before-write",
    "conclude.after-write",
    "refuse.before-write",
    "athena.starting",
    "athena.started",
    "worker.begun",
    "worker.planned",
    "worker.executed",
    "worker.prepared",
    "worker.committed",
    "worker.proven",
];

/// Every point of a run of a workflow: before the run of a step is created, before what was created is recorded, and after.
pub const WORKFLOW_POINTS: [&str; 3] =
    ["workflow.before-act", "workflow.before-write", "workflow.after-write"];

/// Every point of a schedule: before a run is made, before what was made is recorded, and after.
pub const SCHEDULE_POINTS: [&str; 4] =
    ["schedule.before-act", "schedule.after-act", "schedule.before-write", "schedule.after-write"];

/// The point at which this process ends, and at which time it gets there: `launch.before-act:2`.
pub const POINT_VARIABLE: &str = "MASON_FAULT_POINT";
/// A file that the process which ends there makes first, with the point as its content; a process that finds it made lives on.
pub const MARK_VARIABLE: &str = "MASON_FAULT_MARK";

/// The point at which this process panics once, and at which time: `collect.before-act:1`.
pub const PANIC_VARIABLE: &str = "MASON_FAULT_PANIC";

/// Seconds by which the clock of this process is ahead, `86400`; below nothing, it is behind.
pub const CLOCK_VARIABLE: &str = "MASON_FAULT_CLOCK";

/// Returns by how many seconds a test has put the clock of this process forward; always 0 in a build without
/// `test-support`.
#[must_use]
pub fn clock_seconds() -> i64 {
    #[cfg(any(test, feature = "test-support"))]
    return armed::clock_seconds();
    #[cfg(not(any(test, feature = "test-support")))]
    0
}

/// Ends the process or panics here when a test asked for it; nothing in a build without `test-support`.
#[inline]
pub fn reach(part: &str, place: &str) {
    #[cfg(any(test, feature = "test-support"))]
    armed::reach(part, place);
    #[cfg(not(any(test, feature = "test-support")))]
    let _ = (part, place);
}

#[cfg(any(test, feature = "test-support"))]
mod armed {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{CLOCK_VARIABLE, MARK_VARIABLE, PANIC_VARIABLE, POINT_VARIABLE};

    /// A point, and how often it is passed until something happens there.
    struct Armed {
        point: String,
        left: AtomicU64,
    }

    impl Armed {
        fn by(variable: &str) -> Option<Self> {
            let text = of_process(variable)?;
            let (point, times) = text.rsplit_once(':')?;
            Some(Self { point: point.to_owned(), left: AtomicU64::new(times.parse().ok()?) })
        }

        fn is_due(&self, part: &str, place: &str) -> bool {
            let is_here = self.point.split_once('.') == Some((part, place));
            is_here && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        }
    }

    /// Where this process ends, and the file that it makes first.
    static ENDS: LazyLock<Option<(Armed, PathBuf)>> =
        LazyLock::new(|| Some((Armed::by(POINT_VARIABLE)?, of_process(MARK_VARIABLE)?.into())));
    /// Where it panics.
    static PANICS: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by(PANIC_VARIABLE));

    /// By how much the clock of this process is ahead.
    static CLOCK: LazyLock<i64> = LazyLock::new(|| {
        let seconds = of_process(CLOCK_VARIABLE).and_then(|text| text.parse().ok());
        seconds.unwrap_or_default()
    });

    pub(super) fn clock_seconds() -> i64 {
        *CLOCK
    }

    #[expect(clippy::disallowed_methods, reason = "builds for tests only")]
    pub(super) fn of_process(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    pub(super) fn reach(part: &str, place: &str) {
        let panics = PANICS.as_ref().is_some_and(|armed| armed.is_due(part, place));
        assert!(!panics, "a test lets {part}.{place} panic");
        let Some((armed, mark)) = ENDS.as_ref().filter(|(armed, _)| armed.is_due(part, place))
        else {
            return;
        };
        let made = OpenOptions::new().write(true).create_new(true).open(mark);
        if let Ok(mut mark) = made
            && mark.write_all(armed.point.as_bytes()).is_ok()
        {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        }
    }
}

/// What keeps an effect from taking place twice; each can be taken away in unit tests.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// A status is replaced only by who has seen the newest version.
    CompareAndSwap,
    /// Before a job is created, it is looked for under the attempt's token.
    Look,
    /// A job is taken up only when it names the run's UID as its owner.
    OwnerUid,
    /// A job is taken up only when it is the one recorded for the attempt.
    RecordedJob,
    /// An attempt ends only when nothing of it can begin or commit any more.
    Fence,
    /// Before a change is made again, it is looked for under the run's UID.
    LookForChange,
    /// A job's folder belongs to the attempt whose token it has.
    TokenOwner,
    /// A commit is made once for each run's UID.
    CommitRecord,
    /// A change is made once for each run's UID.
    ChangeRecord,
    /// A worker does not begin under a fenced token, nor twice.
    BegunOnce,
    /// A pod is kept from every node until it is recorded.
    PodGate,
    /// A pod is taken up only when it has the attempt's token.
    PodToken,
    /// A pod that its run has not recorded is taken up only when it does what was asked.
    PodWork,
    /// Only the pod of the recorded UID is released.
    PodUid,
    /// A pod without a node is deleted only as it was seen.
    PodVersion,
    /// A pod has succeeded only if it says so under the attempt's token.
    PodProof,
}

#[cfg(test)]
impl Precondition {
    /// Returns whether this process works without it: `MASON_WITHOUT` is its name.
    pub(crate) fn is_removed(self) -> bool {
        use std::sync::LazyLock;
        static REMOVED: LazyLock<Option<String>> =
            LazyLock::new(|| armed::of_process("MASON_WITHOUT"));
        REMOVED.as_deref() == Some(format!("{self:?}").as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{POINTS, Precondition};

    /// Each precondition with a test that fails without it.
    const NEEDED: [(Precondition, &str); 16] = [
        (Precondition::CompareAndSwap, "runs::tests::scripts::a_late_process_undoes_no_end"),
        (
            Precondition::Look,
            "runs::tests::scripts::a_crash_after_the_creation_makes_no_second_job",
        ),
        (Precondition::OwnerUid, "runs::tests::scripts::a_job_of_another_run_is_left_alone"),
        (
            Precondition::RecordedJob,
            "runs::tests::scripts::a_job_that_is_not_the_recorded_one_is_left_alone",
        ),
        (
            Precondition::Fence,
            "runs::tests::scripts::a_late_release_begins_nothing_after_the_cancellation",
        ),
        (
            Precondition::LookForChange,
            "runs::tests::scripts::a_crash_after_a_change_makes_no_second_one",
        ),
        (
            Precondition::TokenOwner,
            "clients::local::tests::execution::a_token_of_another_run_is_refused",
        ),
        (
            Precondition::CommitRecord,
            "lake::tests::commit::run_commits_once_whichever_attempt_does",
        ),
        (
            Precondition::ChangeRecord,
            "clients::local::tests::changes::a_change_is_made_once_for_its_run",
        ),
        (
            Precondition::BegunOnce,
            "clients::local::tests::execution::a_job_that_has_begun_is_not_begun_again",
        ),
        (Precondition::PodGate, "pods::tests::launching::pods_keep_the_rules_of_every_execution"),
        (
            Precondition::PodToken,
            "pods::tests::launching::a_pod_is_adopted_only_if_owner_and_token_are_the_same",
        ),
        (
            Precondition::PodWork,
            "pods::tests::launching::a_pod_of_the_same_token_that_runs_something_else_is_never_adopted",
        ),
        (
            Precondition::PodUid,
            "pods::tests::launching::only_the_recorded_pod_is_released_and_only_once",
        ),
        (
            Precondition::PodVersion,
            "pods::tests::launching::a_pod_that_gets_its_node_while_it_is_fenced_is_stopped_and_not_forgotten",
        ),
        (
            Precondition::PodProof,
            "pods::tests::reading::a_pods_state_follows_from_its_phase_and_its_proof",
        ),
    ];

    /// Runs one test of this program as a process of its own; returns whether it ran, and passed.
    fn passes(test: &str, without: Option<Precondition>) -> bool {
        let mut command = Command::new(std::env::current_exe().expect("should be a program"));
        command.args(["--exact", test, "--test-threads=1"]).env_remove("MASON_WITHOUT");
        if let Some(precondition) = without {
            command.env("MASON_WITHOUT", format!("{precondition:?}"));
        }
        let output = command.output().expect("should run");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("running 1 test\n"), "there is no test `{test}`: {told}");
        output.status.success()
    }

    #[test]
    fn a_named_test_fails_without_each_precondition() {
        for (precondition, test) in NEEDED {
            assert!(passes(test, None), "`{test}` fails anyway");
            assert!(!passes(test, Some(precondition)), "`{test}` passes without {precondition:?}");
        }
    }

    #[test]
    fn every_point_has_a_row_in_the_docs() {
        let docs = include_str!("../docs/exactly-once.md");
        for point in POINTS {
            assert!(docs.contains(&format!("| `{point}` |")), "{point}");
        }
    }
}
