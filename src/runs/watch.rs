//! Tells an observer what changed between two passes.

use super::context::{Observer, RunContext};
use super::reconciled::Wake;
use super::session::{Session, id_of};
use crate::api::v1alpha1::{AttemptState, OperatorRun, Phase, Progress};

/// How many lines of a log are read at one time.
const LOG_LINES: usize = 1_000;

/// What an observer has been told.
pub(super) struct Watch<'a> {
    observer: &'a dyn Observer,
    stage: Option<Stage>,
    progress: Option<Progress>,
    log: (Option<String>, Vec<String>),
}

#[derive(PartialEq)]
struct Stage {
    phase: Phase,
    reason: String,
    attempt: Option<(u32, AttemptState)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(observer: &'a dyn Observer) -> Self {
        Self { observer, stage: None, progress: None, log: (None, Vec::new()) }
    }

    /// Tells what is new in a run that is stored so.
    pub(super) async fn see(
        &mut self,
        context: &RunContext,
        session: &mut Session,
        run: &OperatorRun,
        next: Wake,
    ) {
        let Some(status) = run.status.as_ref().filter(|_| next != Wake::Reread) else { return };
        if self.observer.wants_logs() {
            self.follow(context, session, run).await;
        }
        let stage = Stage {
            phase: status.phase,
            reason: status.columns.reason.clone(),
            attempt: status.attempts.last().map(|attempt| (attempt.number, attempt.state)),
        };
        if self.stage.as_ref() != Some(&stage) {
            self.stage = Some(stage);
            self.observer.transition(run);
        }
        if let Some(progress) = status.progress.as_ref()
            && self.progress.as_ref() != Some(progress)
        {
            self.progress = Some(progress.clone());
            self.observer.progress(run, progress);
        }
    }

    /// Passes new lines of the job's log on; a log that cannot be read is left out.
    async fn follow(&mut self, context: &RunContext, session: &mut Session, run: &OperatorRun) {
        let attempt = run.status.as_ref().and_then(|status| status.attempts.last());
        let Some(job) = attempt.and_then(|attempt| attempt.job.as_ref()) else { return };
        let Some(engines) = session.engines_of(context, run).await else { return };
        let Some(execution) = &engines.execution else { return };
        let Ok(lines) = execution.logs(&id_of(job), LOG_LINES).await else { return };
        if self.log.0.as_ref() != Some(&job.id) {
            self.log = (Some(job.id.clone()), Vec::new());
        }
        for line in unseen(&self.log.1, &lines) {
            self.observer.log_line(run, line);
        }
        self.log.1 = lines;
    }
}

/// Returns the lines that follow the longest overlap of what was seen with what there is.
#[must_use]
pub fn unseen<'a>(seen: &[String], lines: &'a [String]) -> &'a [String] {
    let longest = seen.len().min(lines.len());
    let overlap = (0..=longest).rev().find(|&count| seen[seen.len() - count..] == lines[..count]);
    &lines[overlap.unwrap_or_default()..]
}

#[cfg(test)]
mod tests {
    use super::unseen;

    #[test]
    fn only_new_lines_of_a_log_are_passed_on() {
        let text = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        assert_eq!(unseen(&[], &text(&["a"])), ["a"]);
        assert_eq!(unseen(&text(&["a", "b"]), &text(&["a", "b", "c"])), ["c"]);
        assert_eq!(unseen(&text(&["a", "b"]), &text(&["b", "c"])), ["c"]);
        assert!(unseen(&text(&["a"]), &text(&["a"])).is_empty());
    }
}
