//! One operator for each shape of work: an answer, a job, a change, a job and then a change.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::job_spec::{AnswerLimits, BadRows, JobSpec, Operation, Sink};
use crate::engines::metastore::Change;
use crate::engines::result::JobOutcome;
use crate::engines::table_use::TableUse;
use crate::engines::{EngineError, Engines};
use crate::operators::{
    Answer, Conclusion, Effect, Operator, Prepared, Request, Unprepared, WorkPlan,
};

/// The fake operators' names.
pub const ACTIONS: [&str; 4] = ["fake.answer", "fake.job", "fake.change", "fake.both"];

/// The fake operators.
pub static FAKE_OPERATORS: &[&dyn Operator] = &[
    &FakeOperator { name: ACTIONS[0], job: false, change: false },
    &FakeOperator { name: ACTIONS[1], job: true, change: false },
    &FakeOperator { name: ACTIONS[2], job: false, change: true },
    &FakeOperator { name: ACTIONS[3], job: true, change: true },
];

struct FakeOperator {
    name: &'static str,
    job: bool,
    change: bool,
}

impl FakeOperator {
    fn effect() -> Effect {
        Effect::Metastore {
            change: Change::DeleteDatabase { name: "x".to_owned(), cascade: false },
        }
    }
}

#[async_trait]
impl Operator for FakeOperator {
    fn name(&self) -> &'static str {
        self.name
    }

    fn needs(&self) -> &'static [Capability] {
        match (self.job, self.change) {
            (true, true) => &[Capability::Preview, Capability::ChangeDatabases],
            (true, false) => &[Capability::Preview],
            (false, true) => &[Capability::ChangeDatabases],
            (false, false) => &[Capability::ReadTables],
        }
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        json!({})
    }

    /// Fails once the database that is to be deleted is gone, as real operators do.
    async fn prepare(&self, engines: &Engines, _: &Request) -> Result<Prepared, Unprepared> {
        engines.metastore()?.get_database("x").await?;
        let plan = WorkPlan { what: format!("do {}", self.name), ..WorkPlan::default() };
        Ok(match (self.job, self.change) {
            (true, _) => Prepared::Job { spec: Box::new(preview()), plan },
            (false, true) => Prepared::Effect { effect: Self::effect(), plan },
            (false, false) => Prepared::Answer(Answer::object(json!({ "read": true }))),
        })
    }

    async fn conclude(
        &self,
        _: &Engines,
        _: &Request,
        outcome: &JobOutcome,
    ) -> Result<Conclusion, EngineError> {
        let answer = Answer::object(json!({ "rows": outcome.answer }));
        Ok(Conclusion { answer, effect: self.change.then(Self::effect) })
    }
}

fn preview() -> JobSpec {
    JobSpec {
        version: JobSpec::VERSION,
        inputs: Vec::new(),
        operation: Operation::Preview { rows: 1 },
        sink: Sink::Answer,
        bad_rows: BadRows::Fail,
        limits: AnswerLimits::default(),
    }
}
