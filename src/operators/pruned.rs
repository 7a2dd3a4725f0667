//! The tables of a query, with the files of the partitions that it needs alone.
//!
//! Which partitions these are is found by planning the query over the columns of its tables, before any file is listed.
//! Only a job does that, whose engine then executes the same plan: outside a job the table is left to one.

use std::sync::Arc;

use super::Unprepared;
use super::inputs::table_input;
use crate::engines::job_spec::{Input, Operation};
use crate::engines::partitions::{PartitionFilter, PartitionPruner};
use crate::engines::reading::Reading;
use crate::engines::table::{Table, TableLookup, TableName, UnreadTable};
use crate::engines::{EngineError, Engines, Metastore};
use crate::sql::Analysed;

/// A query whose tables are looked up.
#[derive(Clone, Copy)]
pub(super) struct Queried<'a> {
    /// What is known of its words.
    pub(super) analysed: &'a Analysed,
    /// What a job does to execute it.
    pub(super) operation: &'a Operation,
}

/// A table of a query before all of them are planned with.
enum Found {
    /// Whatever a look-up says.
    Whole(TableLookup),
    /// One with partitions that the query may not all need, without its files.
    Partitioned(Box<Table>),
}

/// Returns the tables of a query in the order of their names.
///
/// # Errors
/// Whatever the look-ups fail with.
pub(super) async fn look_up_queried(
    engines: &Engines,
    reading: &Reading,
    names: &[TableName],
    query: Queried<'_>,
) -> Result<Vec<TableLookup>, Unprepared> {
    let metastore = &**engines.metastore()?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.push(match limited(metastore, reading, name, query).await? {
            Some(table) if engines.in_job => Found::Partitioned(table),
            Some(table) => Found::Whole(left_to_a_job(*table)),
            None => Found::Whole(metastore.get_table(name, reading).await?),
        });
    }
    let filters = match &engines.pruner {
        Some(pruner) => filters(&**pruner, &found, query).await,
        None => Vec::new(),
    };
    match pruned(metastore, reading, &found, filters).await? {
        Some(tables) => Ok(tables),
        None => whole(metastore, reading, found).await,
    }
}

/// Returns the tables with the files that their filters keep; nothing when one is no longer as it was planned with.
async fn pruned(
    metastore: &dyn Metastore,
    reading: &Reading,
    found: &[Found],
    filters: Vec<Option<Arc<dyn PartitionFilter>>>,
) -> Result<Option<Vec<TableLookup>>, EngineError> {
    let mut filters = filters.into_iter();
    let mut tables = Vec::with_capacity(found.len());
    for one in found {
        let filter = filters.next().flatten();
        tables.push(match one {
            Found::Whole(table) => table.clone(),
            Found::Partitioned(table) => {
                let now = match filter {
                    Some(filter) => metastore.get_pruned(&table.name, reading, filter).await?,
                    None => metastore.get_table(&table.name, reading).await?,
                };
                if !is_as_planned(table, &now) {
                    return Ok(None);
                }
                now
            }
        });
    }
    Ok(Some(tables))
}

/// Returns the tables with all their files.
async fn whole(
    metastore: &dyn Metastore,
    reading: &Reading,
    found: Vec<Found>,
) -> Result<Vec<TableLookup>, Unprepared> {
    let mut tables = Vec::with_capacity(found.len());
    for one in found {
        tables.push(match one {
            Found::Whole(table) => table,
            Found::Partitioned(table) => metastore.get_table(&table.name, reading).await?,
        });
    }
    Ok(tables)
}

/// Returns whether a table has the columns and partition keys that its query was planned with: filters mean nothing for
/// one that was replaced meanwhile.
fn is_as_planned(planned: &Table, now: &TableLookup) -> bool {
    let TableLookup::Table(now) = now else { return false };
    let columns = |table: &Table| {
        let columns = table.schema.columns.iter();
        columns.map(|column| (column.name.clone(), column.data_type.clone())).collect::<Vec<_>>()
    };
    planned.partition_keys == now.partition_keys && columns(planned) == columns(now)
}

/// Returns a table whose partition keys the query may have conditions on.
async fn limited(
    metastore: &dyn Metastore,
    reading: &Reading,
    name: &TableName,
    query: Queried<'_>,
) -> Result<Option<Box<Table>>, EngineError> {
    if !query.analysed.has_conditions() {
        return Ok(None);
    }
    let found = metastore.find_partitioned(name, reading).await?;
    let found = found.filter(|table| query.analysed.may_limit(&table.partition_keys));
    Ok(found.map(Box::new))
}

fn left_to_a_job(table: Table) -> TableLookup {
    let Table { name, kind, locations, version, .. } = table;
    TableLookup::Unread(UnreadTable { name, kind, locations, version })
}

/// Returns the filter of each table; none when a table has no columns that a query can be planned with.
async fn filters(
    pruner: &dyn PartitionPruner,
    found: &[Found],
    query: Queried<'_>,
) -> Vec<Option<Arc<dyn PartitionFilter>>> {
    let input = |one: &Found| match one {
        Found::Whole(TableLookup::Table(table)) | Found::Partitioned(table) => {
            Some(table_input(table).without_files())
        }
        Found::Whole(_) => None,
    };
    let is_limited = found.iter().any(|one| matches!(one, Found::Partitioned(_)));
    let inputs: Option<Vec<Input>> = found.iter().map(input).collect();
    match inputs.filter(|_| is_limited) {
        Some(inputs) => pruner.filters(query.operation, &inputs).await,
        None => Vec::new(),
    }
}
