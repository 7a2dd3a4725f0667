//! Parquet files that are no longer as their table says: DataFusion would cast their columns, and
//! give nulls for those that are missing. Here they are refused, as files of every other format are.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

use super::error::failed;
use crate::engines::ErrorKind;
use crate::engines::schema::Schema;
use crate::engines::table::Format;
use crate::formats::canonical::canonical_schema;
use crate::formats::compare::{Compared, compare};

/// Adapts files that agree with their table, which differ in the order of columns at most.
#[derive(Debug)]
pub(super) struct OnlyAgreeing;

impl PhysicalExprAdapterFactory for OnlyAgreeing {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        check(&table, &file)?;
        DefaultPhysicalExprAdapterFactory.create(table, file)
    }
}

fn check(table: &ArrowSchema, file: &ArrowSchema) -> Result<()> {
    let declared = Schema::from_arrow(&canonical_schema(table));
    let mut found = Schema::from_arrow(&canonical_schema(file));
    found.columns.retain(|column| declared.columns.iter().any(|wanted| wanted.name == column.name));
    let schemas = [("table", &declared), ("file", &found)];
    let Compared::Conflict(conflict, _) = compare(&schemas, Format::Parquet) else {
        return Ok(());
    };
    let type_in = |schema: &Schema, name: &str| {
        let mut columns = schema.columns.iter();
        columns.find(|column| column.name == name).map(|column| column.data_type.0.clone())
    };
    let differs = |name: &str| match (type_in(&found, name), type_in(&declared, name)) {
        (Some(found), Some(declared)) => format!("`{name}` is {found}, not {declared}"),
        _ => format!("`{name}` is missing"),
    };
    let columns = conflict.differing_columns.iter().map(|column| differs(&column.name));
    let words = columns.collect::<Vec<_>>().join(", ");
    let message = format!("a file is no longer as its table says: column {words}");
    let error = failed(ErrorKind::InvalidInput, "read the table", message)
        .with_hint("run table/refresh, which shows the files that differ");
    Err(DataFusionError::External(Box::new(error)))
}
