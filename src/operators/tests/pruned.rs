//! Queries over tables with partitions: planned by a job, which reads those that its conditions leave.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::json;

use super::fakes::{World, file, name, request, schema, table};
use crate::engines::job_spec::{Input, Operation};
use crate::engines::metastore::{Changes, TableEntry};
use crate::engines::partitions::{PartitionFilter, PartitionPruner, PartitionsRead};
use crate::engines::reading::Reading;
use crate::engines::table::{Database, PinnedFile, Table, TableKind, TableLookup, TableName};
use crate::engines::{EngineError, Engines, Metastore};
use crate::operators::{Prepared, Unprepared, find};

/// Keeps the partitions of one day.
#[derive(Debug)]
struct OneDay(&'static str);

impl PartitionFilter for OneDay {
    fn keeps(&self, partitions: &[&[Option<String>]]) -> Vec<bool> {
        partitions.iter().map(|values| values[0].as_deref() == Some(self.0)).collect()
    }
}

/// Has a filter for tables with partitions.
struct ByDay;

#[async_trait]
impl PartitionPruner for ByDay {
    async fn filters(
        &self,
        query: &Operation,
        tables: &[Input],
    ) -> Vec<Option<Arc<dyn PartitionFilter>>> {
        assert!(matches!(query, Operation::Query { .. }), "{query:?}");
        let filter = |table: &Input| {
            assert!(table.files.is_empty(), "no file is listed yet");
            let has_keys = !table.partition_columns.columns.is_empty();
            has_keys.then(|| Arc::new(OneDay("2024-01-02")) as Arc<dyn PartitionFilter>)
        };
        tables.iter().map(filter).collect()
    }
}

fn world() -> World {
    let on = |day: &str| PinnedFile {
        partition_values: vec![Some(day.to_owned())],
        ..file(&format!("sales/days/day={day}/a.parquet"), 10)
    };
    let days = Table {
        schema: schema(&[("id", "Int64"), ("day", "Date32")]),
        partition_keys: vec!["day".to_owned()],
        files: vec![on("2024-01-01"), on("2024-01-02"), on("2024-01-03")],
        ..table("sales.days", TableKind::External)
    };
    let orders = table("sales.orders", TableKind::Managed);
    let tables = [days, orders].map(|table| TableLookup::Table(Box::new(table)));
    World { databases: vec!["sales".to_owned()], tables: tables.into(), ..World::default() }
}

async fn prepared(engines: &Engines, sql: &str) -> Result<Prepared, Unprepared> {
    let operator = find("table.query").expect("should exist");
    let parameters = json!({"database_name": "sales", "query_string": sql});
    operator.prepare(engines, &request(parameters)).await
}

const JOINED: &str =
    "select o.id from orders o join days d on o.id = d.id where d.day = '2024-01-02'";

#[tokio::test]
async fn conditions_on_partition_keys_are_left_to_a_job() {
    let engines = world().engines();
    let found = prepared(&engines, JOINED).await;
    let Err(Unprepared::Unread(what)) = found else { panic!("should be left: {found:?}") };
    assert_eq!(what, "`sales.days`");
    for sql in ["select day from days", "select id from days where id = 1", "select 1 as one"] {
        let found = prepared(&engines, sql).await;
        assert!(matches!(found, Ok(Prepared::Job { .. })), "{sql}: {found:?}");
    }
}

#[tokio::test]
async fn a_job_reads_the_partitions_that_are_left_and_says_how_many() {
    let engines = Engines { in_job: true, pruner: Some(Arc::new(ByDay)), ..world().engines() };
    let found = prepared(&engines, JOINED).await;
    let Ok(Prepared::Job { spec, plan }) = found else { panic!("should be a job: {found:?}") };
    let names: Vec<_> = spec.inputs.iter().map(|input| input.name.clone()).collect();
    assert_eq!(names, [name("sales.orders"), name("sales.days")]);
    assert_eq!((spec.inputs[0].files.len(), spec.inputs[1].files.len()), (2, 1));
    let counts = PartitionsRead { read: 1, total: Some(3) };
    assert_eq!((spec.inputs[0].partitions, spec.inputs[1].partitions), (None, Some(counts)));
    let note = "partitions of `sales.days`: 1 of 3 read, as the conditions on its keys leave";
    assert_eq!(spec.inputs[1].notes, [note]);
    assert_eq!(
        (plan.files_read, plan.partitions_read, plan.partitions_total),
        (3, Some(1), Some(3))
    );
}

#[tokio::test]
async fn a_job_whose_engine_tells_nothing_of_partitions_reads_all() {
    let engines = Engines { in_job: true, ..world().engines() };
    let found = prepared(&engines, JOINED).await;
    let Ok(Prepared::Job { spec, .. }) = found else { panic!("should be a job: {found:?}") };
    assert_eq!(spec.inputs[1].files.len(), 3);
}

/// A metastore whose table is replaced after a query was planned over it.
struct Replaced(Arc<dyn Metastore>);

#[async_trait]
impl Metastore for Replaced {
    fn list_databases(&self) -> BoxStream<'_, Result<Database, EngineError>> {
        self.0.list_databases()
    }

    async fn get_database(&self, name: &str) -> Result<Database, EngineError> {
        self.0.get_database(name).await
    }

    fn list_tables<'a>(
        &'a self,
        database: &'a str,
    ) -> BoxStream<'a, Result<TableEntry, EngineError>> {
        self.0.list_tables(database)
    }

    async fn get_table(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<TableLookup, EngineError> {
        self.0.get_table(name, reading).await
    }

    async fn find_partitioned(
        &self,
        name: &TableName,
        reading: &Reading,
    ) -> Result<Option<Table>, EngineError> {
        let found = self.0.find_partitioned(name, reading).await?;
        let before = schema(&[("id", "Int64"), ("day", "Utf8")]);
        Ok(found.map(|found| Table { schema: before, ..found }))
    }

    async fn get_pruned(
        &self,
        name: &TableName,
        reading: &Reading,
        filter: Arc<dyn PartitionFilter>,
    ) -> Result<TableLookup, EngineError> {
        self.0.get_pruned(name, reading, filter).await
    }

    fn changes(&self) -> Option<&dyn Changes> {
        None
    }
}

#[tokio::test]
async fn a_table_that_was_replaced_meanwhile_is_read_as_a_whole() {
    let engines = world().engines();
    let metastore = engines.metastore.clone().expect("has one");
    let metastore: Option<Arc<dyn Metastore>> = Some(Arc::new(Replaced(metastore)));
    let pruner: Option<Arc<dyn PartitionPruner>> = Some(Arc::new(ByDay));
    let engines = Engines { in_job: true, pruner, metastore, ..engines };
    let found = prepared(&engines, JOINED).await;
    let Ok(Prepared::Job { spec, .. }) = found else { panic!("should be a job: {found:?}") };
    assert_eq!(spec.inputs[1].files.len(), 3);
}
