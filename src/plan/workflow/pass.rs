//! One pass over a run of a workflow.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::child::{SAID, settle};
use super::decision::{Advance, NewChild, WorkflowDecision, WorkflowNext};
use super::ending;
use super::look::seen_line;
use super::observation::{ChildKey, ChildSight, WorkflowChecked, WorkflowObservation};
use super::turn::{Turn, replaced_by, turn};
use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{
    ItemOutcome, Phase, StepPhase, StepStatus, Stopping, Ticket, WorkflowRun, WorkflowRunStatus,
    WorkflowSpec, WorkflowStep,
};
use crate::plan::failure::cut;
use crate::plan::observation::Parent;
use crate::plan::operator_run::since;
use crate::plan::retries::after;
use crate::validate::{Group, Problems, ValidWorkflow, nodes, order};

/// Most runs of steps that one pass creates.
const CREATED: usize = 50;
/// How long after something that a run names was not there it is looked for again.
const LACK: std::time::Duration = std::time::Duration::from_secs(2);

/// Returns what a pass over the run does. `frozen` is the workflow that it began with.
#[must_use]
pub fn plan_workflow(
    run: &WorkflowRun,
    frozen: Option<&WorkflowSpec>,
    seen: &WorkflowObservation,
    now: Timestamp,
) -> WorkflowDecision {
    let unborn = WorkflowRunStatus::default();
    let status = run.status.as_ref().unwrap_or(&unborn);
    if status.phase.is_terminal() {
        return WorkflowDecision::Rest;
    }
    match frozen {
        None => begin(run, status, seen, now),
        Some(spec) => Pass::new((run, status), spec, seen, now).advance(),
    }
}

fn begin(
    run: &WorkflowRun,
    status: &WorkflowRunStatus,
    seen: &WorkflowObservation,
    now: Timestamp,
) -> WorkflowDecision {
    if run.spec.cancel {
        return end_before(Phase::Cancelled, Reason::Cancelled, "cancelled before its first step");
    }
    match seen.parent {
        Parent::Waits => {
            let message = "waits for the run of the workflow that it is a step of".to_owned();
            return wait_unbegun((Phase::Pending, Reason::WaitsForWorkflow), message);
        }
        Parent::Ends => {
            let message = "the run of the workflow that it is a step of has ended or stops";
            return end_before(Phase::Cancelled, Reason::Cancelled, message);
        }
        Parent::None | Parent::Lets => {}
    }
    match &seen.checked {
        Some(WorkflowChecked::Ready(valid)) if run.spec.dry_run => dry_run(valid),
        Some(WorkflowChecked::Ready(_)) if run.spec.suspend => {
            let message = "suspended before its first step".to_owned();
            wait_unbegun((Phase::Suspended, Reason::Suspended), message)
        }
        Some(WorkflowChecked::Ready(valid)) => begin_in_turn((run, status), valid, seen, now),
        Some(WorkflowChecked::Refused(problems)) if waits(status, problems, seen, now) => {
            WorkflowDecision::Lack { problems: problems.clone(), until: after(now, LACK) }
        }
        Some(WorkflowChecked::Refused(problems)) => WorkflowDecision::Refuse(problems.clone()),
        None => WorkflowDecision::Rest,
    }
}

/// Begins a run when it is its turn in its group, if it counts in one.
fn begin_in_turn(
    (run, status): (&WorkflowRun, &WorkflowRunStatus),
    valid: &ValidWorkflow,
    seen: &WorkflowObservation,
    now: Timestamp,
) -> WorkflowDecision {
    let begins = || WorkflowDecision::Begin(Box::new(valid.clone()));
    // A run that was suspended takes a new place.
    let ticket = status.ticket.as_ref().filter(|_| status.phase != Phase::Suspended);
    let Some(ticket) = ticket else {
        let Some(Group { name, limit, policy, newest_only }) = valid.group.clone() else {
            return begins();
        };
        let ticket = Ticket { group: name, limit, policy, newest_only, since: now };
        return WorkflowDecision::TakeTicket(ticket);
    };
    let uid = run.metadata.uid.as_deref().unwrap_or_default();
    match turn(ticket, uid, &seen.peers) {
        Turn::Begins => begins(),
        Turn::Waits(message) => wait_unbegun((Phase::Pending, Reason::ConcurrencyLimit), message),
        Turn::Ends(reason, message) => end_before(Phase::Cancelled, reason, &message),
    }
}

/// Lets a run wait that has not begun.
fn wait_unbegun((phase, reason): (Phase, Reason), message: String) -> WorkflowDecision {
    WorkflowDecision::Advance(Box::new(Advance {
        steps: Vec::new(),
        create: Vec::new(),
        stopping: None,
        next: WorkflowNext::Wait { phase, reason, message, until: None },
    }))
}

fn dry_run(valid: &ValidWorkflow) -> WorkflowDecision {
    let steps = valid.spec.steps.len();
    end_before(Phase::Succeeded, Reason::DryRun, &format!("valid: {steps} steps would run"))
}

/// Whether what is wrong may pass, and the run has not waited for too long.
fn waits(
    status: &WorkflowRunStatus,
    problems: &Problems,
    seen: &WorkflowObservation,
    now: Timestamp,
) -> bool {
    let waited = status.unseen_since.map(|at| since(at, now)).unwrap_or_default();
    problems.may_pass() && waited < seen.patience
}

fn end_before(phase: Phase, reason: Reason, message: &str) -> WorkflowDecision {
    let next = WorkflowNext::End { phase, reason, message: message.to_owned(), outputs: None };
    let (steps, create) = (Vec::new(), Vec::new());
    WorkflowDecision::Advance(Box::new(Advance { steps, create, stopping: None, next }))
}

pub(super) struct Pass<'a> {
    pub(super) run: &'a WorkflowRun,
    pub(super) spec: &'a WorkflowSpec,
    pub(super) status: &'a WorkflowRunStatus,
    pub(super) seen: &'a WorkflowObservation,
    pub(super) now: Timestamp,
    /// Every step as it is known by now, in the order of the workflow.
    pub(super) lines: Vec<StepStatus>,
    pub(super) by_id: BTreeMap<&'a str, usize>,
    pub(super) stopping: Option<Stopping>,
    create: Vec<NewChild>,
    /// Whether a step waits only for a look at another one's run.
    unseen: bool,
}

/// What becomes of a step in a pass.
#[derive(Debug)]
pub(super) enum Move {
    /// It waits.
    Stay,
    /// It waits for a look at the run of another step.
    Look,
    /// It is settled without a run.
    Settle(StepPhase, Reason, String),
    /// It is not run again: this is its line.
    Reuse(Box<StepStatus>),
    /// Its run is to be created.
    Create(Box<Resource>),
    /// It has no run: this is its line.
    Line(Box<StepStatus>),
    /// Its items go on: this is its line, in which the items whose runs are to be created count as begun.
    Items(Box<StepStatus>, Vec<(u32, Resource)>),
}

impl<'a> Pass<'a> {
    fn new(
        (run, status): (&'a WorkflowRun, &'a WorkflowRunStatus),
        spec: &'a WorkflowSpec,
        seen: &'a WorkflowObservation,
        now: Timestamp,
    ) -> Self {
        let by_id = spec.steps.iter().enumerate();
        let by_id: BTreeMap<_, _> = by_id.map(|(index, step)| (step.id.as_str(), index)).collect();
        let recorded: BTreeMap<&str, &StepStatus> =
            status.steps.iter().map(|line| (line.id.as_str(), line)).collect();
        let line = |step: &WorkflowStep| {
            let line = recorded.get(step.id.as_str());
            line.map_or_else(|| StepStatus::of(step), |line| seen_line(line, &seen.children, now))
        };
        let lines = spec.steps.iter().map(line).collect();
        let stopping = status.stopping.clone();
        Self {
            run,
            spec,
            status,
            seen,
            now,
            lines,
            by_id,
            stopping,
            create: Vec::new(),
            unseen: false,
        }
    }

    fn advance(mut self) -> WorkflowDecision {
        self.lose_gone();
        if self.stopping.is_none() {
            self.stopping = self.stops();
        }
        let order = order(&nodes(self.spec));
        self.decide(&order, false);
        if self.stopping.is_none() && self.spec.fail_fast {
            self.stopping = self.stops();
            if self.stopping.is_some() {
                // A step has failed in this pass: nothing that it has decided on begins.
                self.forget_created();
                self.decide(&order, false);
            }
        }
        if self.is_settled(false) {
            self.decide(&order, true);
        }
        let next = self.next();
        let Self { lines, create, stopping, .. } = self;
        WorkflowDecision::Advance(Box::new(Advance { steps: lines, create, stopping, next }))
    }

    /// Settles the steps whose runs are gone. They are not made anew: what they did is not known.
    fn lose_gone(&mut self) {
        let now = self.now;
        for line in &mut self.lines {
            let key = ChildKey::of_step(&line.id);
            let is_gone = self.seen.children.get(&key) == Some(&ChildSight::Gone);
            if is_gone && line.run.is_some() && !line.phase.is_settled() {
                let name = line.run.as_ref().map(|run| run.name.clone()).unwrap_or_default();
                let message = format!("its run `{name}` was deleted before it had ended");
                settle(line, StepPhase::Failed, (Reason::ChildGone, &message), now);
            }
        }
    }

    /// Returns why the steps that are left have to end, if they have to.
    fn stops(&self) -> Option<Stopping> {
        if self.is_settled(false) {
            return None;
        }
        let stopping = |reason, message: String| {
            Some(Stopping { reason, message: cut(&message, SAID), at: self.now })
        };
        if self.run.spec.cancel {
            return stopping(Reason::Cancelled, "the run was cancelled".to_owned());
        }
        if self.seen.parent == Parent::Ends {
            let message = "the run of the workflow that it is a step of has ended or stops";
            return stopping(Reason::Cancelled, message.to_owned());
        }
        if let Some(timeout) = &self.spec.timeout
            && self.deadline().is_some_and(|deadline| self.now >= deadline)
        {
            let message = format!("the run took longer than its timeout of {timeout}");
            return stopping(Reason::DeadlineExceeded, message);
        }
        let uid = self.run.metadata.uid.as_deref().unwrap_or_default();
        let ticket = self.status.ticket.as_ref();
        if let Some(name) = ticket.and_then(|ticket| replaced_by(ticket, uid, &self.seen.peers)) {
            return stopping(
                Reason::Superseded,
                format!("run `{name}` of its group takes its place"),
            );
        }
        let failed = ending::first_failure(self).filter(|_| self.spec.fail_fast)?;
        stopping(Reason::StepFailed, failed)
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let timeout = self.spec.timeout.as_ref()?;
        Some(after(self.status.started_at?, timeout.to_duration()))
    }

    /// Returns when the next thing happens by itself.
    fn look_again(&self) -> Option<Timestamp> {
        let deadline = self.deadline().filter(|_| self.stopping.is_none());
        deadline.into_iter().chain(self.approval_deadline()).min()
    }

    /// Decides every step that waits, in the order of the graph: what one comes to counts for the next at once.
    fn decide(&mut self, order: &[usize], finally: bool) {
        for &index in order {
            let (step, line) = (&self.spec.steps[index], &self.lines[index]);
            if step.finally != finally || line.run.is_some() || line.phase.is_settled() {
                continue;
            }
            match self.step(index) {
                Move::Stay => {}
                Move::Look => self.unseen = true,
                Move::Settle(phase, reason, message) => {
                    let now = self.now;
                    settle(&mut self.lines[index], phase, (reason, &message), now);
                }
                Move::Reuse(line) | Move::Line(line) => self.lines[index] = *line,
                Move::Create(run) => self.create.push(NewChild { index, item: None, run: *run }),
                Move::Items(line, runs) => {
                    self.lines[index] = *line;
                    let new = |(item, run)| NewChild { index, item: Some(item), run };
                    self.create.extend(runs.into_iter().map(new));
                }
            }
        }
    }

    /// Takes back the runs that were to be created: items whose runs they are do not run.
    fn forget_created(&mut self) {
        for NewChild { index, item, .. } in std::mem::take(&mut self.create) {
            let items = self.lines[index].items.as_mut();
            let place = item.and_then(|item| usize::try_from(item).ok());
            let outcome = items.zip(place).and_then(|(items, at)| items.outcomes.0.get_mut(at));
            if let Some(outcome) = outcome {
                *outcome = ItemOutcome::Skipped;
            }
        }
    }

    /// Whether no slot is free for another run, when so many more are about to be created.
    pub(super) fn is_full(&self, more: usize) -> bool {
        let working: usize = self.lines.iter().map(|line| line.open_runs().count()).sum();
        let most = usize::try_from(self.spec.parallelism).unwrap_or(1);
        let new = self.create.len() + more;
        new >= CREATED || working + new >= most
    }

    /// Whether every ordinary step, or every `finally` step, is settled.
    pub(super) fn is_settled(&self, finally: bool) -> bool {
        let mut lines = self.spec.steps.iter().zip(&self.lines);
        lines.all(|(step, line)| step.finally != finally || line.phase.is_settled())
    }

    fn next(&self) -> WorkflowNext {
        if self.is_settled(false) && self.is_settled(true) {
            return ending::end(self);
        }
        if self.unseen {
            return WorkflowNext::Again;
        }
        let wait = |phase, reason, message: String| WorkflowNext::Wait {
            phase,
            reason,
            message,
            until: self.look_again(),
        };
        let is_any = |phase| self.lines.iter().any(|line| line.phase == phase);
        let works = !self.create.is_empty()
            || self
                .lines
                .iter()
                .any(|line| line.phase == StepPhase::Running && line.open_runs().next().is_some());
        let is_suspended = self.run.spec.suspend && self.stopping.is_none();
        if is_suspended && works {
            let message = "suspended: what works goes on, and nothing more begins".to_owned();
            return wait(Phase::Running, Reason::Suspended, message);
        }
        if works || (is_any(StepPhase::Running) && !is_suspended) {
            if let (None, Some(asks)) = (&self.stopping, self.waiting_approval()) {
                return wait(Phase::Running, Reason::WaitsForApproval, asks);
            }
            return match &self.stopping {
                Some(stopping) => wait(Phase::Running, stopping.reason, stopping.message.clone()),
                None => wait(Phase::Running, Reason::Running, String::new()),
            };
        }
        if let Some(line) = self.lines.iter().find(|line| line.phase == StepPhase::Unknown) {
            let name = line.open_runs().next().map(|(name, _)| name).unwrap_or_default();
            let message = format!(
                "step `{}` waits for a person: it is not known what became of its run `{name}`",
                line.id
            );
            return wait(Phase::Unknown, Reason::OutcomeUnknown, message);
        }
        if self.run.spec.suspend {
            return wait(Phase::Suspended, Reason::Suspended, "suspended".to_owned());
        }
        wait(Phase::Running, Reason::Running, String::new())
    }
}
