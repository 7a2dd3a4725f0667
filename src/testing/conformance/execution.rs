//! The rules of [`Execution`].

use std::time::{Duration, Instant};

use futures::TryStreamExt;

use super::{Doubt, Report, Verdict, failed, fails, holds};
use crate::engines::execution::{Execution, Fence};
use crate::engines::job::{JobId, JobOwner, JobRequest, JobState, JobStatus, JobToken};
use crate::engines::job_spec::JobSpec;
use crate::engines::{EngineError, ErrorKind};

/// What the suite needs beside the execution.
pub struct Fixture {
    /// A job that ends well soon.
    pub quick: JobSpec,
    /// A job that fails, if there can be one.
    pub failing: Option<JobSpec>,
    /// A job that works until it is cancelled, if there can be one.
    pub endless: Option<JobSpec>,
    /// Rules that do not apply, each with the reason.
    pub leaves_out: &'static [(&'static str, &'static str)],
    /// How long the suite waits for a job.
    pub patience: Duration,
}

/// Checks an execution in which no job's token begins with `conformance-`.
pub async fn run(subject: &dyn Execution, fixture: &Fixture) -> Report {
    let suite = Suite { subject, fixture };
    let mut report = Report::default();
    let applies = |rule: &str, verdict: Verdict| {
        let left_out = fixture.leaves_out.iter().find(|(left_out, _)| *left_out == rule);
        left_out.map_or(verdict, |(_, why)| Err(Doubt::Skipped((*why).to_owned())))
    };
    let rule = "an unknown job is not found";
    report.add(rule, applies(rule, suite.unknown().await));
    let rule = "a created job is inert until it is released";
    report.add(rule, applies(rule, suite.inert().await));
    let rule = "a token has one owner";
    report.add(rule, applies(rule, suite.one_owner().await));
    let rule = "a released job leaves a proof that may be read again";
    report.add(rule, applies(rule, suite.proof().await));
    let rule = "what has ended is not cancelled";
    report.add(rule, applies(rule, suite.cancel_ended().await));
    let rule = "a fenced token is never used again";
    report.add(rule, applies(rule, suite.fence().await));
    let rule = "a token is fenced before it is created";
    report.add(rule, applies(rule, suite.fence_before_create().await));
    let rule = "jobs are listed, the newest first";
    report.add(rule, applies(rule, suite.list().await));
    let rule = "a log is bounded";
    report.add(rule, applies(rule, suite.logs().await));
    let rule = "a failed job says why";
    report.add(rule, applies(rule, suite.failing().await));
    let rule = "a working job is cancelled";
    report.add(rule, applies(rule, suite.cancel().await));
    let rule = "a working job is fenced";
    report.add(rule, applies(rule, suite.fence_working().await));
    report
}

fn token(text: &str) -> JobToken {
    JobToken(format!("conformance-{text}"))
}

fn owner(run: &str) -> JobOwner {
    JobOwner { run_uid: format!("uid-{run}"), run: run.to_owned(), attempt: 1 }
}

fn request(text: &str) -> JobRequest {
    JobRequest { token: token(text), owner: owner(text), recorded: None }
}

struct Suite<'a> {
    subject: &'a dyn Execution,
    fixture: &'a Fixture,
}

impl Suite<'_> {
    async fn create(&self, text: &str) -> Result<JobId, EngineError> {
        self.subject.create(&self.fixture.quick, &request(text)).await
    }

    async fn begin(&self, spec: &JobSpec, text: &str) -> Result<JobId, EngineError> {
        let id = self.subject.create(spec, &request(text)).await?;
        self.subject.release(&id).await?;
        Ok(id)
    }

    async fn until(
        &self,
        id: &JobId,
        wanted: impl Fn(JobState) -> bool,
    ) -> Result<JobStatus, Doubt> {
        let begun = Instant::now();
        loop {
            let status = self.subject.status(id).await?;
            if wanted(status.state) {
                return Ok(status);
            }
            holds(begun.elapsed() < self.fixture.patience, || {
                format!("it is still {:?}", status.state)
            })?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_state(&self, id: &JobId, wanted: JobState) -> Verdict {
        let status = self.until(id, JobState::has_ended).await?;
        holds(status.state == wanted, || format!("it is {status:?}, expected {wanted:?}"))
    }

    async fn unknown(&self) -> Verdict {
        let id = JobId("conformance-unknown".to_owned());
        fails(self.subject.status(&id).await, ErrorKind::NotFound)?;
        fails(self.subject.release(&id).await, ErrorKind::NotFound)?;
        fails(self.subject.collect(&id).await, ErrorKind::NotFound)?;
        fails(self.subject.logs(&id, 1).await, ErrorKind::NotFound)?;
        let found = self.subject.find(&request("unknown")).await?.found();
        holds(found.is_none(), || format!("{found:?}"))
    }

    async fn inert(&self) -> Verdict {
        let id = self.create("inert").await?;
        let again = self.create("inert").await?;
        holds(id == again, || format!("first {id}, then {again}"))?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = self.subject.status(&id).await?;
        holds(status.state == JobState::Inert, || format!("{status:?}"))?;
        holds(status.owner == owner("inert"), || format!("{status:?}"))?;
        holds(status.kind == self.subject.job_kind(), || format!("{status:?}"))?;
        fails(self.subject.collect(&id).await, ErrorKind::InvalidInput)?;
        Ok(())
    }

    async fn one_owner(&self) -> Verdict {
        self.create("owned").await?;
        let other = JobRequest { owner: owner("other"), ..request("owned") };
        let stolen = self.subject.create(&self.fixture.quick, &other).await;
        fails(stolen, ErrorKind::Conflict)?;
        Ok(())
    }

    async fn proof(&self) -> Verdict {
        let id = self.begin(&self.fixture.quick, "proof").await?;
        self.subject.release(&id).await?;
        self.is_state(&id, JobState::Succeeded).await?;
        self.subject.release(&id).await?;
        let outcome = self.subject.collect(&id).await?;
        let right = outcome.token == token("proof") && outcome.owner == owner("proof");
        holds(right, || format!("it is the proof of {} for {:?}", outcome.token, outcome.owner))?;
        let again = self.subject.collect(&id).await?;
        holds(outcome == again, || "it differs the second time".to_owned())?;
        let found = self.subject.find(&request("proof")).await?.found();
        let state = found.map(|status| (status.id, status.state));
        holds(state == Some((id, JobState::Succeeded)), || format!("it is found as {state:?}"))
    }

    async fn cancel_ended(&self) -> Verdict {
        let id = JobId(token("proof").0);
        let id = self.subject.find(&request("proof")).await?.found().map_or(id, |status| status.id);
        self.subject.cancel(&id).await?;
        self.is_state(&id, JobState::Succeeded).await
    }

    async fn down(&self, text: &str) -> Verdict {
        let begun = Instant::now();
        while self.subject.fence(&request(text)).await? == Fence::NotYet {
            holds(begun.elapsed() < self.fixture.patience, || "it still works".to_owned())?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn fence(&self) -> Verdict {
        let id = self.create("fenced").await?;
        self.down("fenced").await?;
        fails(self.subject.release(&id).await, ErrorKind::Conflict)?;
        fails(self.create("fenced").await, ErrorKind::Conflict)?;
        self.down("fenced").await?;
        self.down("proof").await?;
        let found = self.subject.find(&request("proof")).await?.found();
        let state = found.map(|status| status.state);
        holds(state == Some(JobState::Succeeded), || {
            format!("what had ended well is {state:?} after the fence")
        })
    }

    async fn fence_before_create(&self) -> Verdict {
        self.down("early").await?;
        fails(self.create("early").await, ErrorKind::Conflict)?;
        Ok(())
    }

    async fn list(&self) -> Verdict {
        let all: Vec<JobStatus> = self.subject.list().try_collect().await?;
        let times: Vec<_> = all.iter().filter_map(|status| status.created_at).collect();
        let ordered = times.windows(2).all(|pair| pair[0] >= pair[1]);
        holds(ordered, || format!("they were created at {times:?}"))?;
        for text in ["inert", "proof"] {
            let there = all.iter().any(|status| status.owner == owner(text));
            holds(there, || format!("`{text}` is not among them"))?;
        }
        Ok(())
    }

    async fn logs(&self) -> Verdict {
        let found = self.subject.find(&request("proof")).await?.found();
        let id = found.ok_or_else(|| failed("there is no job"))?.id;
        let all = self.subject.logs(&id, 1000).await?;
        holds(all.len() <= 1000, || format!("{} lines, at most 1000 were asked for", all.len()))?;
        for most in [0, 1] {
            let last = all.get(all.len().saturating_sub(most)..).unwrap_or_default();
            let lines = self.subject.logs(&id, most).await?;
            holds(lines == last, || format!("{lines:?}, the last {most} are {last:?}"))?;
        }
        Ok(())
    }

    async fn failing(&self) -> Verdict {
        let Some(spec) = &self.fixture.failing else {
            return Err(Doubt::Skipped("the fixture has no job that fails".to_owned()));
        };
        let id = self.begin(spec, "failing").await?;
        self.is_state(&id, JobState::Failed).await?;
        let error = self.subject.status(&id).await?.error;
        holds(error.is_some_and(|error| !error.message.is_empty()), || "no reason".to_owned())?;
        fails(self.subject.collect(&id).await, ErrorKind::InvalidInput)?;
        Ok(())
    }

    fn endless(&self) -> Result<&JobSpec, Doubt> {
        let why = || Doubt::Skipped("the fixture has no job without an end".to_owned());
        self.fixture.endless.as_ref().ok_or_else(why)
    }

    async fn cancel(&self) -> Verdict {
        let id = self.begin(self.endless()?, "cancelled").await?;
        self.until(&id, |state| state == JobState::Running).await?;
        self.subject.cancel(&id).await?;
        self.subject.cancel(&id).await?;
        self.is_state(&id, JobState::Cancelled).await
    }

    async fn fence_working(&self) -> Verdict {
        let id = self.begin(self.endless()?, "fenced-working").await?;
        self.until(&id, |state| state == JobState::Running).await?;
        self.down("fenced-working").await?;
        let status = self.subject.status(&id).await?;
        holds(status.state.has_ended(), || format!("it is still {:?}", status.state))
    }
}
