//! The next step of a run: a pure function of what is recorded, what was observed, and the time.
//!
//! Facts come before wishes: a proof of success is taken even when the run is being cancelled or has
//! passed its deadline, and a person's answer to phase `Unknown` counts only while nothing can be seen.

use std::time::Duration;

use jiff::Timestamp;

use super::attempt::attempt_token;
use super::decision::{Decision, Next, ending};
use super::failure::{classify_reading, failure_of_job};
use super::lifetime;
use super::observation::{Observation, Parent, Sight};
use super::retries::{MAX_ATTEMPTS, after, is_due, next_step};
use crate::api::conditions::Reason;
use crate::api::duration::DurationText;
use crate::api::v1alpha1::{
    Attempt, AttemptError, AttemptOutcome, AttemptState, FailureClass, JobReference, OperatorRun,
    OperatorRunStatus, Phase, Progress, Resolution,
};
use crate::engines::job::{JobError, JobOwner, JobState, JobStatus};
use crate::engines::{ErrorKind, Retry};
use crate::validate::ValidRun;

/// How long what became of the work may not be looked up before a person is asked.
pub const UNSEEN_LIMIT: Duration = Duration::from_mins(15);
/// The same once the run is being cancelled.
const UNSEEN_LIMIT_CANCELLED: Duration = Duration::from_secs(30);
/// The shortest pause between two polls of a job, the longest within a minute, and the longest after that. A
/// run is woken before that when the end of its job is known.
const POLL: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(2), Duration::from_secs(20)];

/// Returns what a pass over the run does.
#[must_use]
pub fn plan(run: &OperatorRun, observation: &Observation, now: Timestamp) -> Decision {
    let unborn = OperatorRunStatus::default();
    let status = run.status.as_ref().unwrap_or(&unborn);
    let pass = Pass { run, status, seen: observation, now };
    let keeping = observation.keeping;
    if status.phase.is_terminal() {
        return lifetime::ended(run, status, keeping, now);
    }
    if let Some(decision) = lifetime::give_up(run, status, now) {
        return decision;
    }
    if let Some(decision) = lifetime::hold(run, status, keeping) {
        return decision;
    }
    let decision = match status.attempts.last() {
        None => pass.begin(),
        Some(attempt) if attempt.state == AttemptState::Finished => pass.between(attempt),
        Some(attempt) => pass.live(attempt),
    };
    lifetime::or_abandon(run, status, decision)
}

/// Returns the pause before the next look at a job that has taken so long.
fn pause_of(elapsed: Duration) -> Duration {
    let [least, of_a_minute, most] = POLL;
    (elapsed / 10).clamp(least, of_a_minute).max((elapsed / 30).min(most))
}

/// Returns whether the run is about to begin an attempt, for which it needs a place among those that
/// work.
#[must_use]
pub fn is_about_to_begin(run: &OperatorRun, now: Timestamp) -> bool {
    let unborn = OperatorRunStatus::default();
    let status = run.status.as_ref().unwrap_or(&unborn);
    let waits_for_person = status.phase == Phase::Unknown && run.spec.resolution.is_none();
    if status.phase.is_terminal()
        || waits_for_person
        || lifetime::is_leaving(run)
        || run.spec.cancel
        || run.spec.suspend
    {
        return false;
    }
    status.attempts.last().is_none_or(|last| {
        last.state == AttemptState::Finished
            && status.next_attempt_at.is_none_or(|at| is_due(run, at, now))
    })
}

pub(super) struct Pass<'a> {
    pub(super) run: &'a OperatorRun,
    pub(super) status: &'a OperatorRunStatus,
    pub(super) seen: &'a Observation,
    pub(super) now: Timestamp,
}

impl Pass<'_> {
    /// The newest attempt is over, and the run is not.
    fn between(&self, last: &Attempt) -> Decision {
        if let Sight::Found(changed) = &self.seen.change {
            return Decision::Settle(changed.clone());
        }
        if self.status.phase == Phase::Unknown {
            return match self.resolution() {
                Some(Resolution::Repeat) if last.number < MAX_ATTEMPTS => {
                    self.intend(last.number + 1, None)
                }
                Some(Resolution::Repeat) => {
                    Self::fail(Reason::RetriesExhausted, "no attempt is left")
                }
                Some(answer) => Self::resolved(answer, None),
                None => Decision::Rest,
            };
        }
        if self.status.pending.is_none() {
            if self.is_cancelled() {
                return Self::cancelled();
            }
            if self.is_late() {
                let message = self.late_message() + &unseen_of(last);
                return Self::fail(Reason::DeadlineExceeded, &message);
            }
        }
        if self.is_suspended() {
            return Decision::Suspend;
        }
        match self.status.next_attempt_at {
            Some(at) if !is_due(self.run, at, self.now) => Decision::Wait {
                until: self.deadline().map_or(at, |deadline| deadline.min(at)),
                progress: None,
                reason: Reason::BackingOff,
                obstacle: None,
                waits_for: None,
            },
            _ => self.intend(last.number + 1, None),
        }
    }

    /// The newest attempt is not over.
    fn live(&self, attempt: &Attempt) -> Decision {
        if self.status.pending.is_some() {
            return self.effect(attempt);
        }
        let job = match &self.seen.job {
            Sight::Failed(error) => {
                return self.unseen(classify_reading(error), error.retry == Retry::Never);
            }
            // Nothing is launched anew, fenced or given up while it may work.
            Sight::Unknown(why) => return self.unseen(untold(why), true),
            Sight::Found(job) => Some(job),
            Sight::Nothing | Sight::NotLooked => None,
        };
        if let Some(job) = job {
            if !self.owns(attempt, job) {
                return child_conflict(job);
            }
            if job.state == JobState::Succeeded {
                return self.collect(attempt, job);
            }
        }
        match &attempt.error {
            Some(error) => self.end(attempt, job, error),
            None => self.advance(attempt, job),
        }
    }

    /// The work is proven and its effect recorded; only the metastore is left.
    fn effect(&self, attempt: &Attempt) -> Decision {
        match (&self.seen.change, &attempt.error) {
            (Sight::Found(changed), _) => Decision::Settle(changed.clone()),
            (Sight::Failed(error), _) => {
                self.unseen(classify_reading(error), error.retry == Retry::Never)
            }
            (Sight::Nothing, Some(error)) => self.give_up(attempt, error),
            (Sight::Unknown(why), _) => self.unseen(untold(why), true),
            (Sight::NotLooked, Some(error)) => {
                self.conclude(attempt, AttemptOutcome::Failed, error)
            }
            (_, None) => Decision::Apply,
        }
    }

    /// The change was refused or got no answer. The next attempt may make it all the same; before an
    /// end it is fenced, so that no late process makes it.
    fn give_up(&self, attempt: &Attempt, error: &AttemptError) -> Decision {
        if attempt.fenced_at.is_some() {
            return self.conclude(attempt, AttemptOutcome::Failed, &looked_for(error));
        }
        match next_step(self.run, self.status, (attempt, error), self.now) {
            Next::Retry(_) => self.conclude(attempt, AttemptOutcome::Failed, error),
            Next::End(..) | Next::Ask => self.fence(error.clone()),
        }
    }

    /// The job ended well: its proof counts, whatever else is wanted by now.
    fn collect(&self, attempt: &Attempt, job: &JobStatus) -> Decision {
        match &attempt.job {
            Some(reference) => self.or_ask(
                Decision::Collect(reference.clone()),
                "the proof of the job cannot be collected",
            ),
            None => Decision::Adopt(reference_to(job)),
        }
    }

    /// The attempt is being ended: fenced first, then looked at once more.
    fn end(&self, attempt: &Attempt, job: Option<&JobStatus>, error: &AttemptError) -> Decision {
        if attempt.fenced_at.is_none() {
            return self.fence(error.clone());
        }
        match (job.map(|job| job.state), attempt.state) {
            (None, AttemptState::Launched) => self.unseen(vanished(), false),
            (Some(JobState::Queued | JobState::Running), _) => self.unseen(
                ending(Reason::OutcomeUnknown, "the job works although it is fenced".to_owned()),
                false,
            ),
            _ if matches!(error.reason, Reason::Cancelled | Reason::DeadlineExceeded) => {
                self.conclude(attempt, AttemptOutcome::Cancelled, error)
            }
            (Some(JobState::Lost), _) => self.conclude(attempt, AttemptOutcome::Lost, error),
            _ => self.conclude(attempt, AttemptOutcome::Failed, error),
        }
    }

    /// The attempt goes on.
    fn advance(&self, attempt: &Attempt, job: Option<&JobStatus>) -> Decision {
        if self.is_cancelled() {
            return self.stop(attempt, job, ending(Reason::Cancelled, "cancelled".to_owned()));
        }
        if self.is_late() {
            return self.stop(attempt, job, ending(Reason::DeadlineExceeded, self.late_message()));
        }
        match (attempt.state, job) {
            (_, Some(job)) if job.state.has_ended() => self.fence(failure_of_job(job)),
            (AttemptState::Intended, Some(job)) => Decision::Adopt(reference_to(job)),
            (AttemptState::Intended, None) if self.is_suspended() => Decision::Suspend,
            (AttemptState::Intended, None) if self.unseen_too_long() => self.fence(unanswered()),
            (AttemptState::Intended, None) => Decision::Launch,
            (_, None) => self.unseen(vanished(), false),
            (_, Some(job)) if job.state == JobState::Inert && self.is_suspended() => {
                Decision::Suspend
            }
            (_, Some(job)) if job.state == JobState::Inert => self.release(attempt, job),
            (_, Some(job)) => self.poll(attempt, job),
        }
    }

    fn release(&self, attempt: &Attempt, job: &JobStatus) -> Decision {
        if self.unseen_too_long() {
            return self.fence(unanswered());
        }
        Decision::Release(attempt.job.clone().unwrap_or_else(|| reference_to(job)))
    }

    fn poll(&self, attempt: &Attempt, job: &JobStatus) -> Decision {
        let elapsed = since(attempt.started_at, self.now);
        let until = after(self.now, pause_of(elapsed));
        Decision::Wait {
            until: self.deadline().map_or(until, |deadline| deadline.min(until)),
            progress: job.progress.as_ref().map(|progress| progress_of(progress, elapsed)),
            reason: job.waiting.as_ref().map_or(Reason::Running, |waiting| waiting.reason),
            obstacle: None,
            waits_for: job.waiting.as_ref().map(|waiting| waiting.message.clone()),
        }
    }

    /// Ends what works, and fences what does not work yet.
    fn stop(&self, attempt: &Attempt, job: Option<&JobStatus>, error: AttemptError) -> Decision {
        match (job.map(|job| job.state), &attempt.job) {
            (Some(JobState::Queued | JobState::Running), Some(job)) => {
                Decision::Cancel { job: job.clone(), error }
            }
            _ => self.fence(error),
        }
    }

    fn fence(&self, error: AttemptError) -> Decision {
        self.or_ask(Decision::Fence { error }, "the work cannot be stopped for good")
    }

    fn conclude(
        &self,
        attempt: &Attempt,
        outcome: AttemptOutcome,
        error: &AttemptError,
    ) -> Decision {
        let next = next_step(self.run, self.status, (attempt, error), self.now);
        Decision::Conclude { outcome, error: error.clone(), next }
    }

    /// What became of the work cannot be seen: waits, then asks a person.
    fn unseen(&self, error: AttemptError, lasting: bool) -> Decision {
        if self.status.phase == Phase::Unknown {
            return match self.resolution() {
                Some(Resolution::Repeat) => Decision::Conclude {
                    outcome: AttemptOutcome::Lost,
                    error: ending(
                        Reason::ResolvedByPerson,
                        format!("a person says that it did not take place: {}", error.message),
                    ),
                    next: Next::Retry(self.now),
                },
                Some(answer) => Self::resolved(answer, Some(&error)),
                None => Decision::Rest,
            };
        }
        if lasting || self.unseen_too_long() || self.is_late() {
            return Decision::Ask(error);
        }
        self.wait(Reason::Infrastructure, Some(error.message))
    }

    /// Tries something, unless it has been tried for too long: then a person is asked.
    fn or_ask(&self, decision: Decision, what: &str) -> Decision {
        let answered = self.status.phase == Phase::Unknown && self.resolution().is_some();
        let too_long = self.status.phase != Phase::Unknown && self.unseen_too_long();
        if answered || too_long {
            let message = format!("{what}: {}", self.status.columns.message);
            return self.unseen(ending(Reason::OutcomeUnknown, message), true);
        }
        decision
    }

    pub(super) fn wait(&self, reason: Reason, obstacle: Option<String>) -> Decision {
        let unseen = self.status.unseen_since.map_or(Duration::ZERO, |at| since(at, self.now));
        let pause = (unseen / 2).clamp(Duration::from_millis(200), Duration::from_secs(30));
        Decision::Wait {
            until: after(self.now, pause),
            progress: None,
            reason,
            obstacle,
            waits_for: None,
        }
    }

    pub(super) fn intend(
        &self,
        number: u32,
        resolved: Option<Box<crate::validate::ValidRun>>,
    ) -> Decision {
        let uid = self.run.metadata.uid.as_deref().unwrap_or_default();
        self.in_turn(Decision::Intend { number, token: attempt_token(uid, number), resolved })
    }

    pub(super) fn cancelled() -> Decision {
        Decision::End {
            phase: Phase::Cancelled,
            reason: Reason::Cancelled,
            message: "cancelled while nothing of it ran".to_owned(),
        }
    }

    pub(super) fn fail(reason: Reason, message: &str) -> Decision {
        Decision::End { phase: Phase::Failed, reason, message: message.to_owned() }
    }

    /// Ends the run as a person says. What cannot be seen may have left files, which no message can name:
    /// the end says why.
    fn resolved(answer: Resolution, unseen: Option<&AttemptError>) -> Decision {
        let (phase, word) = match answer {
            Resolution::Succeeded => (Phase::Succeeded, "took place"),
            Resolution::Failed | Resolution::Repeat => (Phase::Failed, "did not take place"),
        };
        let mut message = format!("a person says that the work {word}");
        if let Some(error) = unseen {
            message.push_str(LEFT_UNSEEN);
            message.push_str(&error.message);
        }
        Decision::End { phase, reason: Reason::ResolvedByPerson, message }
    }

    /// The person's answer, if it was given after the question was asked.
    fn resolution(&self) -> Option<Resolution> {
        let asked = self.status.observed_generation.unwrap_or_default();
        let answered = self.run.metadata.generation.unwrap_or_default();
        self.run.spec.resolution.filter(|_| answered > asked)
    }

    /// Whether the run is to end: a run that is being deleted is cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.run.spec.cancel || lifetime::is_leaving(self.run) || self.seen.parent == Parent::Ends
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.run.spec.suspend && !lifetime::is_leaving(self.run)
    }

    fn owns(&self, attempt: &Attempt, job: &JobStatus) -> bool {
        let same_job = attempt.job.as_ref().is_none_or(|recorded| recorded.id == job.id.0);
        Some(job.owner.run_uid.as_str()) == self.run.metadata.uid.as_deref()
            && job.owner.attempt == attempt.number
            && same_job
    }

    fn unseen_too_long(&self) -> bool {
        let limit = if self.is_cancelled() { UNSEEN_LIMIT_CANCELLED } else { UNSEEN_LIMIT };
        self.status.unseen_since.is_some_and(|at| since(at, self.now) >= limit)
    }

    fn deadline(&self) -> Option<Timestamp> {
        Some(after(self.status.started_at?, self.timeout()?.to_duration()))
    }

    /// The run's timeout; what it was resolved to where it gives none.
    fn timeout(&self) -> Option<DurationText> {
        let resolved = || ValidRun::frozen_timeout(self.status.resolved.as_ref()?);
        self.run.spec.timeout.clone().or_else(resolved)
    }

    fn is_late(&self) -> bool {
        self.deadline().is_some_and(|deadline| self.now >= deadline)
    }

    fn late_message(&self) -> String {
        let timeout = self.timeout().map(|timeout| timeout.to_string()).unwrap_or_default();
        format!("the run took longer than its timeout of {timeout}")
    }
}

/// Returns an error whose effect has been looked for since: it did not take place.
fn looked_for(error: &AttemptError) -> AttemptError {
    let reason = match error.reason {
        Reason::OutcomeUnknown => Reason::Infrastructure,
        reason => reason,
    };
    AttemptError { reason, ..error.clone() }
}

/// What a job left that could not be seen when a person was asked, and why.
const LEFT_UNSEEN: &str = "; what the job left could not be looked up: ";

/// Returns what an end adds about an attempt of which a person said that it did not take place.
fn unseen_of(attempt: &Attempt) -> String {
    match &attempt.error {
        Some(error) if error.reason == Reason::ResolvedByPerson => {
            format!("{LEFT_UNSEEN}{}", error.message)
        }
        _ => String::new(),
    }
}

fn child_conflict(job: &JobStatus) -> Decision {
    let belongs = || {
        let JobOwner { run, attempt, .. } = &job.owner;
        format!(
            "a job with the attempt's token exists and belongs to attempt {attempt} of run `{run}`"
        )
    };
    let said = job.error.as_ref().filter(|error| error.kind == ErrorKind::Conflict);
    let message = said.map_or_else(belongs, |error| error.message.clone());
    let hint = said.and_then(|error| error.hint.clone());
    Decision::Conclude {
        outcome: AttemptOutcome::Failed,
        error: AttemptError { hint, ..ending(Reason::ChildConflict, message) },
        next: Next::End(Phase::Failed, Reason::ChildConflict),
    }
}

fn vanished() -> AttemptError {
    ending(Reason::OutcomeUnknown, "the job is recorded but not to be found".to_owned())
}

fn untold(why: &str) -> AttemptError {
    ending(Reason::OutcomeUnknown, format!("it cannot be told whether it took place: {why}"))
}

fn unanswered() -> AttemptError {
    AttemptError {
        class: FailureClass::Infrastructure,
        reason: Reason::Infrastructure,
        message: "the job cannot be launched: its client does not say whether it was".to_owned(),
        hint: None,
    }
}

fn reference_to(job: &JobStatus) -> JobReference {
    JobReference { kind: job.kind.clone(), id: job.id.0.clone(), url: job.url.clone() }
}

fn progress_of(progress: &crate::engines::job::JobProgress, elapsed: Duration) -> Progress {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people, not a count")]
    let rate = (elapsed > Duration::ZERO && progress.done > 0)
        .then(|| progress.done as f64 / elapsed.as_secs_f64());
    let left = progress.total.map(|total| total.saturating_sub(progress.done));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people, not a count")]
    let eta = rate.zip(left).and_then(|(rate, left)| {
        Duration::try_from_secs_f64(left as f64 / rate).ok().map(|eta| eta.as_secs())
    });
    Progress {
        phase: progress.phase.chars().take(63).collect(),
        done: progress.done,
        total: progress.total,
        unit: progress.unit.chars().take(31).collect(),
        rate_per_second: rate,
        eta_seconds: eta,
    }
}

pub(super) fn hinted(error: &JobError) -> String {
    match &error.hint {
        Some(hint) => format!("{} (hint: {hint})", error.message),
        None => error.message.clone(),
    }
}

/// Returns how long ago a time was; nothing when the clock was moved back behind it.
pub(super) fn since(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(time)).unwrap_or_default()
}
