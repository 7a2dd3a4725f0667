//! `job/list`: the jobs that the execution engine still knows, the newest first.

use async_trait::async_trait;
use futures::TryStreamExt;
use serde_json::{Value, json};

use super::get::shown;
use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::job::JobState;
use crate::engines::table_use::TableUse;
use crate::operators::answers::{Listing, listing_schema};
use crate::operators::listing::limit;
use crate::operators::parameters::choice;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "job/list";

/// Lists jobs.
pub(in crate::operators) struct List;

#[async_trait]
impl Operator for List {
    fn name(&self) -> &'static str {
        "job.list"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::Jobs]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        listing_schema(&[("id", "string"), ("state", "string"), ("operation", "string")])
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let wanted: Option<JobState> = choice(NAME, request, "state")?;
        let mut listing = Listing::new((limit(NAME, request)?, request.answer_bytes));
        let mut jobs = engines.execution()?.list();
        while let Some(job) = jobs.try_next().await? {
            if wanted.is_none_or(|state| state == job.state) {
                listing.push(json!(shown(&job)));
            }
        }
        Ok(Prepared::Answer(listing.into_answer("give a state or a higher limit")))
    }
}
