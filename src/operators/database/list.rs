//! `database/list`: every database, by name.

use async_trait::async_trait;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::table_use::TableUse;
use crate::operators::answers::{Listing, listing_schema};
use crate::operators::listing::{NameFilter, limit};
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "database/list";

/// Lists databases.
pub(in crate::operators) struct List;

#[async_trait]
impl Operator for List {
    fn name(&self) -> &'static str {
        "database.list"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[]
    }

    fn result_schema(&self) -> Value {
        listing_schema(&[("database", "string"), ("location", "string")])
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let filter = NameFilter::of(NAME, request)?;
        let mut listing = Listing::new((limit(NAME, request)?, request.answer_bytes));
        let mut databases = engines.metastore()?.list_databases();
        while let Some(database) = databases.try_next().await? {
            if filter.accepts(&database.name) {
                let mut row = json!({"database": database.name, "location": database.location});
                if let Some(tables) = database.tables {
                    row["tables"] = json!(tables);
                }
                listing.push(row);
            }
        }
        Ok(Prepared::Answer(listing.into_answer("give a pattern or a higher limit")))
    }
}
