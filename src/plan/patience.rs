//! How long a run waits before its first attempt: for what it names, for its clients, for a slot.

use std::time::Duration;

use super::decision::Decision;
use super::observation::{Checked, Parent, Place};
use super::operator_run::{Pass, UNSEEN_LIMIT, hinted, since};
use super::retries::after;
use crate::api::conditions::Reason;
use crate::api::duration::DurationText;
use crate::engines::job::JobError;
use crate::engines::{ErrorKind, Retry};
use crate::validate::Problems;

/// How often a waiting run checks by itself; it is woken before that when what it waits for has changed.
const LOOKS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// How often a run that waits for a slot asks by itself; it is woken before that when it gets one.
const TURN: Duration = Duration::from_mins(5);

impl Pass<'_> {
    /// No attempt has been decided on.
    pub(super) fn begin(&self) -> Decision {
        if self.seen.parent == Parent::Waits && !self.is_cancelled() {
            let why = "the run of its workflow has not recorded it yet".to_owned();
            return self.wait(Reason::WaitsForWorkflow, Some(why));
        }
        let valid = match &self.seen.checked {
            Some(Checked::Refused(problems)) if !self.waits_for(problems) => {
                return Decision::Refuse(problems.clone());
            }
            _ if self.is_cancelled() => return Self::cancelled(),
            Some(Checked::Refused(_)) if self.is_suspended() => return Decision::Suspend,
            Some(Checked::Refused(problems)) => return self.look_again(problems),
            Some(Checked::ClientDown(error)) => return self.client_down(error),
            Some(Checked::Ready(valid)) => valid,
            None => return self.wait(Reason::Accepted, Some("not validated yet".to_owned())),
        };
        if self.is_suspended() {
            return Decision::Suspend;
        }
        self.intend(1, Some(valid.clone()))
    }

    /// Whether nothing is wrong with the run but what is not there, and may be soon.
    fn waits_for(&self, problems: &Problems) -> bool {
        problems.may_pass() && !self.seen.patience.is_zero() && self.has_patience()
    }

    fn has_patience(&self) -> bool {
        self.status.unseen_since.is_none_or(|at| since(at, self.now) < self.patience())
    }

    /// The door's patience, or all the time that the run has, if that is less.
    fn patience(&self) -> Duration {
        let timeout = self.run.spec.timeout.as_ref().map(DurationText::to_duration);
        timeout.map_or(self.seen.patience, |timeout| timeout.min(self.seen.patience))
    }

    fn look_again(&self, problems: &Problems) -> Decision {
        let waited = self.status.unseen_since.map_or(Duration::ZERO, |at| since(at, self.now));
        let left = self.patience().saturating_sub(waited);
        let pause = (waited / 4).clamp(LOOKS.0, LOOKS.1).min(left);
        let obstacle = problems.to_string().replace('\n', "; ");
        let (until, reason) = (after(self.now, pause), problems.reason());
        Decision::Wait { until, progress: None, reason, obstacle: Some(obstacle), waits_for: None }
    }

    fn client_down(&self, error: &JobError) -> Decision {
        // What is not there may come while the run waits for it; what is forbidden stays so.
        let passes = error.retry != Retry::Never
            || (!self.seen.patience.is_zero() && error.kind == ErrorKind::NotFound);
        let limit = if self.seen.patience.is_zero() { UNSEEN_LIMIT } else { self.patience() };
        let too_long = self.status.unseen_since.is_some_and(|at| since(at, self.now) >= limit);
        if !passes || too_long {
            return Self::fail(error.reason.unwrap_or(Reason::ClientNotReady), &hinted(error));
        }
        self.wait(Reason::ClientNotReady, Some(error.message.clone()))
    }

    /// Returns what a run does that may begin an attempt only with a slot.
    pub(super) fn in_turn(&self, decision: Decision) -> Decision {
        match &self.seen.place {
            Place::Free => decision,
            Place::Taken { reason, message } => Decision::Queue {
                until: after(self.now, TURN),
                reason: *reason,
                message: message.clone(),
            },
        }
    }
}
