//! What is known after a pass, as the run's new status: pure.
//!
//! Every pass ends in at most one status write, made of this. Terminal phases, attempts and tokens
//! are never changed again; the schema's own rules guard the same.

use jiff::Timestamp;

use super::act::{Outcome, Step};
use super::present;
use super::prune;
use super::session::Pending;
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{
    Attempt, AttemptError, AttemptOutcome, AttemptState, FailureClass, JobReference, OperatorRun,
    OperatorRunStatus, Phase,
};
use crate::engines::Retry;
use crate::engines::execution::Fence;
use crate::engines::job::JobError;
use crate::engines::metastore::Changed;
use crate::operators::Answer;
use crate::plan::{
    Decision, Next, after_failure, classify, classify_reading, cut, fenced_by_former_process,
    requested,
};
use crate::validate::{Problems, ValidRun};

/// Returns the run's status after a decision was performed with this outcome.
#[must_use]
pub fn record(
    run: &OperatorRun,
    decision: &Decision,
    outcome: &Outcome,
    now: Timestamp,
) -> OperatorRunStatus {
    let mut status = run.status.clone().unwrap_or_default();
    status.last_handled_request = requested(run).or(status.last_handled_request);
    if status.phase.is_terminal() && *decision == Decision::Prune && is_gone(outcome) {
        return prune::pruned(&status, now);
    }
    if status.phase.is_terminal() || *decision == Decision::Rest {
        return status;
    }
    let mut record = Record { run, asked: status.phase == Phase::Unknown, status, now };
    record.decided(decision, outcome);
    record.finish()
}

/// Whether a stored result is gone, or can never be reached again.
fn is_gone(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Failed { error, .. } if error.retry != Retry::Never)
}

struct Record<'a> {
    run: &'a OperatorRun,
    /// Whether a person had been asked already: a further question does not void the answer.
    asked: bool,
    status: OperatorRunStatus,
    now: Timestamp,
}

impl Record<'_> {
    fn decided(&mut self, decision: &Decision, outcome: &Outcome) {
        match decision {
            Decision::Refuse(problems) => self.refuse(problems),
            Decision::Intend { number, token, resolved } => {
                self.intend(*number, token, resolved.as_deref());
            }
            Decision::Suspend => self.set(Phase::Suspended, Reason::Suspended, "suspended"),
            Decision::Adopt(job) => self.launched(job),
            Decision::Wait { .. } => self.wait(decision),
            Decision::Queue { reason, message, .. } => self.queue(*reason, message),
            Decision::Settle(changed) => self.settle(Some(changed)),
            Decision::Cancel { error, .. } => self.end_attempt_soon(error),
            Decision::Fence { error } => self.fence(error, outcome),
            Decision::Conclude { outcome: how, error, next } => {
                if let Outcome::Logged(lines) = outcome {
                    self.log(lines.as_deref());
                }
                self.conclude(*how, error, next);
            }
            Decision::End { phase, reason, message } => self.end(*phase, *reason, message),
            Decision::Ask(error) => self.ask(error),
            Decision::Launch | Decision::Release(_) | Decision::Collect(_) | Decision::Apply => {
                self.performed(outcome);
            }
            // These write the metadata, or are about runs that have ended.
            Decision::Rest
            | Decision::Hold
            | Decision::LetGo
            | Decision::Abandon { .. }
            | Decision::Discard
            | Decision::Prune
            | Decision::Delete => {}
        }
    }

    fn performed(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Created(job) => self.launched(job),
            Outcome::Answered(answer) => self.succeed(answer),
            Outcome::Decided(pending) => self.pending(pending),
            Outcome::Applied(changed) => self.settle(changed.as_ref()),
            Outcome::Failed { step, error } => self.failed(*step, error),
            Outcome::Done => self.running(Reason::Running),
            Outcome::Fenced(_) | Outcome::Logged(_) => {}
        }
    }

    fn refuse(&mut self, problems: &Problems) {
        let (errors, first) = present::refusal(problems);
        self.end(Phase::Failed, problems.reason(), &first);
        self.status.messages.errors = errors;
    }

    fn intend(&mut self, number: u32, token: &str, resolved: Option<&ValidRun>) {
        if let Some(valid) = resolved {
            self.status.resolved = Some(valid.freeze());
            self.status.operator = Some(valid.definition.clone());
            self.status.engines = Some(valid.engines.clone());
            self.status.parameters.clone_from(&valid.origins);
        }
        self.status.attempts.push(Attempt {
            number,
            token: token.to_owned(),
            state: AttemptState::Intended,
            job: None,
            started_at: self.now,
            fenced_at: None,
            finished_at: None,
            outcome: None,
            error: None,
            image_id: None,
            statistics: None,
            log_tail: None,
        });
        self.status.started_at.get_or_insert(self.now);
        self.status.next_attempt_at = None;
        self.status.progress = None;
        self.running(Reason::Launching);
    }

    fn launched(&mut self, job: &JobReference) {
        self.attempt(|attempt, _| {
            attempt.job = Some(job.clone());
            attempt.state = AttemptState::Launched;
        });
        // It is released at once, which saves a write that says only that.
        self.running(Reason::Running);
    }

    fn wait(&mut self, decision: &Decision) {
        let Decision::Wait { until, progress, reason, obstacle, waits_for } = decision else {
            return;
        };
        if let Some(obstacle) = obstacle {
            self.status.unseen_since.get_or_insert(self.now);
            let phase =
                if self.status.attempts.is_empty() { Phase::Pending } else { Phase::Running };
            return self.set(phase, *reason, obstacle);
        }
        // Progress is coalesced: only work that is looked at rarely is written at every look.
        let rarely = until.duration_since(self.now).as_millis() >= 100;
        if progress.is_some() && (rarely || self.status.progress.is_none()) {
            self.status.progress.clone_from(progress);
        }
        self.waits(*reason, waits_for.as_deref().unwrap_or_default());
    }

    /// Nothing is in the way but others, who work.
    fn queue(&mut self, reason: Reason, message: &str) {
        self.status.unseen_since = None;
        let phase = if self.status.attempts.is_empty() { Phase::Pending } else { Phase::Running };
        self.set(phase, reason, message);
    }

    /// The answer is there, and an effect remains. From here on the run is pursued to its end.
    fn pending(&mut self, pending: &Pending) {
        self.status.pending = Some(pending.freeze());
        self.attempt(|attempt, _| attempt.error = None);
        self.running(Reason::Running);
    }

    fn settle(&mut self, changed: Option<&Changed>) {
        let pending = Pending::of(&self.status).ok().flatten();
        let Some(answer) = pending.map(|pending| pending.answer) else {
            return self.ask(&unreadable());
        };
        self.succeed(&match changed {
            Some(changed) => answer.with_changed(changed),
            None => answer,
        });
    }

    fn succeed(&mut self, answer: &Answer) {
        let reason = if self.run.spec.dry_run { Reason::DryRun } else { Reason::Completed };
        let (result, preview) = present::result(answer);
        let message = present::cut_said(answer, &result);
        let warnings = answer.warnings.iter().cloned().chain(preview).collect();
        self.status.result = Some(result);
        self.status.messages.warnings = present::bounded(warnings);
        self.status.messages.info = present::bounded(answer.info.clone());
        self.attempt(|attempt, now| {
            attempt.error = None;
            close(attempt, AttemptOutcome::Succeeded, now);
        });
        self.end(Phase::Succeeded, reason, message);
    }

    fn end_attempt_soon(&mut self, error: &AttemptError) {
        self.attempt(|attempt, _| attempt.error = Some(error.clone()));
        self.running(error.reason);
    }

    fn fence(&mut self, error: &AttemptError, outcome: &Outcome) {
        self.attempt(|attempt, _| {
            attempt.error.get_or_insert_with(|| error.clone());
        });
        match outcome {
            Outcome::Applied(changed) => self.settle(changed.as_ref()),
            Outcome::Fenced(Fence::Down) | Outcome::Done => {
                self.attempt(|attempt, now| attempt.fenced_at = Some(now));
                self.running(error.reason);
            }
            Outcome::Failed { error, .. } if error.retry == Retry::Never => {
                self.ask(&classify_reading(error));
            }
            Outcome::Failed { error, .. } => self.obstacle(Reason::Infrastructure, &error.message),
            _ => self.obstacle(error.reason, "the work has not stopped yet"),
        }
    }

    fn failed(&mut self, step: Step, error: &JobError) {
        let lasting = error.retry == Retry::Never;
        let conflict = error.kind == crate::engines::ErrorKind::Conflict;
        match step {
            Step::Create | Step::Release if conflict => {
                self.end_attempt_soon(&fenced_by_former_process(error));
            }
            // Nothing was made, and what refuses it may change: the run's deadline is the limit.
            Step::Create | Step::Release
                if error.retry == Retry::Later && error.reason.is_some() =>
            {
                self.waits(error.reason.unwrap_or(Reason::Launching), &error.message);
            }
            // Whether it had its effect is looked up with the next pass.
            Step::Create if error.retry == Retry::EffectUnknown => {
                self.obstacle(Reason::Infrastructure, &error.message);
            }
            Step::Release | Step::Collect | Step::Conclude { .. } if !lasting => {
                self.obstacle(Reason::Infrastructure, &error.message);
            }
            Step::Collect | Step::Conclude { committed: true } => {
                self.ask(&classify_reading(error));
            }
            Step::Conclude { committed: false } => {
                let error = classify_reading(error);
                let next = after_failure(self.run, &self.status, &error, self.now);
                self.conclude(AttemptOutcome::Failed, &error, &next);
            }
            Step::Apply => self.end_attempt_soon(&self.with_commit(classify(error))),
            _ => self.end_attempt_soon(&classify_reading(error)),
        }
    }

    /// Names what the run's job has committed: it stays, whatever becomes of the effect.
    fn with_commit(&self, error: AttemptError) -> AttemptError {
        let pending = Pending::of(&self.status).ok().flatten();
        match pending.and_then(|pending| pending.commit) {
            Some(commit) => present::with_commit(error, &commit),
            None => error,
        }
    }

    fn conclude(&mut self, how: AttemptOutcome, error: &AttemptError, next: &Next) {
        self.attempt(|attempt, now| {
            attempt.error = Some(error.clone());
            close(attempt, how, now);
        });
        match next {
            Next::Retry(at) => {
                self.running(Reason::BackingOff);
                self.status.next_attempt_at = Some(*at);
                self.status.columns.message = cut(&error.message, 1_000);
            }
            Next::End(phase, reason) => {
                self.end(*phase, *reason, &error.message);
                self.status.messages.errors = present::bounded(vec![present::in_words(error)]);
            }
            Next::Ask => self.ask(error),
        }
    }

    fn end(&mut self, phase: Phase, reason: Reason, message: &str) {
        let how = match phase {
            Phase::Succeeded => AttemptOutcome::Succeeded,
            Phase::Cancelled => AttemptOutcome::Cancelled,
            _ => AttemptOutcome::Failed,
        };
        self.attempt(|attempt, now| {
            if attempt.state != AttemptState::Finished {
                close(attempt, how, now);
            }
        });
        if phase == Phase::Failed {
            self.status.messages.errors = present::bounded(vec![message.to_owned()]);
        }
        if phase == Phase::Succeeded && self.status.result.is_none() {
            self.answer_of_pending();
        }
        let started = self.status.started_at.unwrap_or(self.now);
        self.status.finished_at = Some(self.now.max(started));
        self.status.next_attempt_at = None;
        self.status.unseen_since = None;
        // The last look was taken before the end: a share of the work that is done would be false.
        self.status.progress = None;
        self.set(phase, reason, message);
    }

    /// A person says that the pending effect took place: its answer is the run's.
    fn answer_of_pending(&mut self) {
        if let Ok(Some(pending)) = Pending::of(&self.status) {
            self.status.result = Some(present::result(&pending.answer).0);
        }
    }

    fn ask(&mut self, error: &AttemptError) {
        self.status.unseen_since.get_or_insert(self.now);
        self.set(Phase::Unknown, Reason::OutcomeUnknown, &present::in_words(error));
    }

    /// Something is in the way; a person who has been asked is not bothered again.
    fn obstacle(&mut self, reason: Reason, message: &str) {
        self.status.unseen_since.get_or_insert(self.now);
        if self.status.phase != Phase::Unknown {
            self.set(Phase::Running, reason, message);
        }
    }

    fn running(&mut self, reason: Reason) {
        self.waits(reason, "");
    }

    /// The work goes on, or waits for what a sentence says.
    fn waits(&mut self, reason: Reason, message: &str) {
        self.status.unseen_since = None;
        self.set(Phase::Running, reason, message);
    }

    fn set(&mut self, phase: Phase, reason: Reason, message: &str) {
        self.status.phase = phase;
        reason.as_str().clone_into(&mut self.status.columns.reason);
        self.status.columns.message = cut(message, 1_000);
    }

    fn log(&mut self, lines: Option<&str>) {
        let tail = lines.map(|lines| present::tail(lines, 4_000));
        self.attempt(|attempt, _| attempt.log_tail.clone_from(&tail));
    }

    fn attempt(&mut self, change: impl Fn(&mut Attempt, Timestamp)) {
        if let Some(attempt) = self.status.attempts.last_mut() {
            change(attempt, self.now.max(attempt.started_at));
        }
    }

    fn finish(mut self) -> OperatorRunStatus {
        let unanswered = self.asked && self.status.phase == Phase::Unknown;
        if !unanswered {
            self.status.observed_generation = self.run.metadata.generation;
        }
        present::columns(&mut self.status);
        present::conditions(&mut self.status, self.now);
        self.status
    }
}

fn close(attempt: &mut Attempt, how: AttemptOutcome, now: Timestamp) {
    attempt.state = AttemptState::Finished;
    attempt.outcome = Some(how);
    attempt.finished_at = Some(now);
}

fn unreadable() -> AttemptError {
    AttemptError {
        class: FailureClass::Unknown,
        reason: Reason::OutcomeUnknown,
        message: "what was to be answered is not recorded".to_owned(),
        hint: None,
    }
}
