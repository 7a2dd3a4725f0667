//! `table/list`: the tables of a database, by name, without a look into their files.

use async_trait::async_trait;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::engines::Engines;
use crate::engines::capability::Capability;
use crate::engines::table_use::{Access, NamedBy, TableUse};
use crate::operators::answers::{Listing, exact, listing_schema};
use crate::operators::listing::{NameFilter, limit};
use crate::operators::parameters::required;
use crate::operators::{Operator, Prepared, Request, Unprepared};

const NAME: &str = "table/list";
/// Most locations shown of a table.
const LOCATIONS: usize = 10;

/// Lists tables.
pub(in crate::operators) struct List;

#[async_trait]
impl Operator for List {
    fn name(&self) -> &'static str {
        "table.list"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse { access: Access::Read, named: NamedBy::Database("database_name") }]
    }

    fn result_schema(&self) -> Value {
        exact(listing_schema(&[
            ("database", "string"),
            ("table", "string"),
            ("kind", "string"),
            ("locations", "array"),
            ("locationsTotal", "integer"),
        ]))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let wanted = required(NAME, request, "database_name")?;
        let filter = NameFilter::of(NAME, request)?;
        let mut listing = Listing::new((limit(NAME, request)?, request.answer_bytes));
        let database = engines.metastore()?.get_database(wanted).await?;
        let mut tables = engines.metastore()?.list_tables(&database.name);
        while let Some(entry) = tables.try_next().await? {
            if filter.accepts(&entry.name.table) {
                listing.push(json!({
                    "database": entry.name.database,
                    "table": entry.name.table,
                    "kind": entry.kind,
                    "locations": entry.locations.iter().take(LOCATIONS).collect::<Vec<_>>(),
                    "locationsTotal": entry.locations.len(),
                }));
            }
        }
        Ok(Prepared::Answer(listing.into_answer("give a pattern or a higher limit")))
    }
}
