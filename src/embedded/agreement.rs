//! Parquet files that are no longer as their table says: DataFusion would cast their columns, and
//! give nulls for those that are missing. Here they are refused, as files of every other format are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
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
        let fields = file.fields().iter().enumerate();
        let positions = fields.map(|(at, field)| (field.name().clone(), at)).collect();
        let others =
            DefaultPhysicalExprAdapterFactory.create(Arc::clone(&table), Arc::clone(&file))?;
        Ok(Arc::new(Agreeing { table, file, positions, others }))
    }
}

/// Finds plain columns by their names, where the general adapter looks each one up among all.
#[derive(Debug)]
struct Agreeing {
    table: SchemaRef,
    file: SchemaRef,
    positions: HashMap<String, usize>,
    others: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Agreeing {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        if let Some(column) = expr.downcast_ref::<Column>()
            && let Some(at) = self.positions.get(column.name())
            && let Some(wanted) = self.table.fields().get(column.index())
            && wanted.name() == column.name()
            && wanted.data_type() == self.file.field(*at).data_type()
        {
            return Ok(Arc::new(Column::new(column.name(), *at)));
        }
        self.others.rewrite(expr)
    }
}

fn check(table: &ArrowSchema, file: &ArrowSchema) -> Result<()> {
    let declared = Schema::from_arrow(&canonical_schema(table));
    let mut found = Schema::from_arrow(&canonical_schema(file));
    let wanted: HashSet<&str> =
        declared.columns.iter().map(|column| column.name.as_str()).collect();
    found.columns.retain(|column| wanted.contains(column.name.as_str()));
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
        _ => match file.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name)) {
            Some(other) => format!("`{name}` is missing, and there is `{}`", other.name()),
            None => format!("`{name}` is missing"),
        },
    };
    let columns = conflict.differing_columns.iter().map(|column| differs(&column.name));
    let words = columns.collect::<Vec<_>>().join(", ");
    let message = format!("a file is not as its table says: column {words}");
    let error = failed(ErrorKind::InvalidInput, "read the table", message).with_hint(
        "table/refresh shows what differs, and takes over how the files are where they agree",
    );
    Err(DataFusionError::External(Box::new(error)))
}
