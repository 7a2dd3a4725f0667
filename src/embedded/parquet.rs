//! Parquet tables: DataFusion's own source over exactly the pinned files, with the options that a
//! plain session has, so that nothing is slower than there.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::{DFSchema, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::{expr_applicable_for_cols, filter_partitioned_file};
use datafusion::datasource::physical_plan::{
    FileGroup, FileGroupPartitioner, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::ObjectMeta;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt};

use super::agreement::OnlyAgreeing;
use super::counts::Counts;
use super::footers::Footers;
use crate::engines::table::PinnedFile;
use crate::lake::object_path::object_path;

/// Where the pinned files are, for DataFusion's own sources.
pub(super) fn pinned_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("pinned://inputs")
}

/// A table of Parquet files.
#[derive(Debug, Clone)]
pub(super) struct ParquetTable {
    pub(super) file_schema: SchemaRef,
    pub(super) partition_fields: Vec<FieldRef>,
    pub(super) files: Vec<(PinnedFile, Vec<ScalarValue>)>,
    pub(super) counts: Arc<Counts>,
}

impl ParquetTable {
    /// Reads texts and bytes as views, as DataFusion does by default.
    pub(super) fn with_views(mut self) -> Self {
        let viewed = |field: &FieldRef| -> FieldRef {
            let view = match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
                DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
                _ => return Arc::clone(field),
            };
            Arc::new(Field::new(field.name(), view, field.is_nullable()))
        };
        let fields: Vec<FieldRef> = self.file_schema.fields().iter().map(viewed).collect();
        self.file_schema = Arc::new(ArrowSchema::new(fields));
        self
    }

    /// Footers that tell of columns which the table does not have.
    fn knowing(&self, footers: Footers) -> Footers {
        let fields = self.file_schema.fields().iter().chain(&self.partition_fields);
        let columns = fields.map(|field| field.name().clone()).collect();
        footers.knowing(columns, Arc::clone(&self.counts.bad))
    }

    fn table_schema(&self) -> TableSchema {
        TableSchema::builder(Arc::clone(&self.file_schema))
            .with_table_partition_cols(self.partition_fields.clone())
            .build()
    }

    fn partitioned_files(&self) -> Vec<PartitionedFile> {
        let partitioned = |(file, values): &(PinnedFile, Vec<ScalarValue>)| {
            PartitionedFile::new_from_meta(object_meta(file)).with_partition_values(values.clone())
        };
        self.files.iter().map(partitioned).collect()
    }

    /// A scan that is run as it is: file by file in order when `parts` is 1, else cut by size.
    pub(super) fn unplanned(
        &self,
        footers: Footers,
        projection: &[usize],
        parts: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.partitioned_files();
        if files.is_empty() {
            let schema = Arc::new(self.schema().project(projection)?);
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let one = vec![FileGroup::new(files)];
        let groups = match parts {
            0 | 1 => one,
            parts => FileGroupPartitioner::new()
                .with_target_partitions(parts)
                .with_repartition_file_min_size(1 << 20)
                .repartition_file_groups(&one)
                .unwrap_or(one),
        };
        let scan = self
            .scan_of(groups, TableParquetOptions::default(), footers)?
            .with_projection_indices(Some(projection.to_vec()))?;
        Ok(DataSourceExec::from_data_source(scan.build()))
    }

    fn scan_of(
        &self,
        groups: Vec<FileGroup>,
        options: TableParquetOptions,
        footers: Footers,
    ) -> Result<FileScanConfigBuilder> {
        let source = ParquetSource::new(self.table_schema())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(self.knowing(footers)));
        Ok(FileScanConfigBuilder::new(pinned_url()?, Arc::new(source))
            .with_file_groups(groups)
            .with_expr_adapter(Some(Arc::new(OnlyAgreeing))))
    }

    /// The files that pass the filters on partition keys, with the statistics of their footers.
    async fn files_for(
        &self,
        session: &dyn Session,
        partition_filters: &[Expr],
        footers: &Footers,
    ) -> Result<Vec<PartitionedFile>> {
        let keys =
            DFSchema::from_unqualified_fields(self.partition_fields.clone().into(), [].into())?;
        let mut files = Vec::with_capacity(self.files.len());
        for file in self.partitioned_files() {
            files.extend(filter_partitioned_file(file, partition_filters, &keys)?);
        }
        if !session.config().collect_statistics() {
            return Ok(files);
        }
        let at_once = session.config_options().execution.meta_fetch_concurrency.get();
        futures::stream::iter(files)
            .map(|file| footers.with_statistics(file, &self.file_schema))
            .boxed()
            .buffered(at_once)
            .try_collect()
            .await
    }

    /// Groups of files and all of them, with what is known of their rows.
    fn with_statistics(&self, groups: Vec<FileGroup>) -> Result<(Vec<FileGroup>, Statistics)> {
        let schema = self.schema();
        let statistics = |groups: &[FileGroup]| {
            let files = groups.iter().flat_map(FileGroup::files);
            Statistics::try_merge_iter(files.filter_map(|file| file.statistics.as_deref()), &schema)
        };
        let all = statistics(&groups)?;
        let groups = groups
            .into_iter()
            .map(|group| {
                let own = statistics(std::slice::from_ref(&group))?;
                Ok(group.with_statistics(Arc::new(own)))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((groups, all))
    }

    fn is_on_partition_keys(&self, filter: &Expr) -> bool {
        let keys: Vec<&str> =
            self.partition_fields.iter().map(|field| field.name().as_str()).collect();
        !keys.is_empty()
            && !filter.column_refs().is_empty()
            && expr_applicable_for_cols(&keys, filter)
    }
}

#[async_trait]
impl TableProvider for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.table_schema().table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let footers = Footers::of(session.runtime_env())?;
        let on_keys: Vec<Expr> =
            filters.iter().filter(|filter| self.is_on_partition_keys(filter)).cloned().collect();
        let files = self.files_for(session, &on_keys, &footers).await?;
        if files.is_empty() {
            let schema = match projection {
                Some(projection) => Arc::new(self.schema().project(projection)?),
                None => self.schema(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let partitions = session.config().target_partitions();
        let groups = FileGroup::new(files).split_files(partitions);
        let (groups, statistics) = self.with_statistics(groups)?;
        let options = session.default_table_options().parquet;
        let scan = self
            .scan_of(groups, options, footers)?
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit);
        Ok(DataSourceExec::from_data_source(scan.build()))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if self.is_on_partition_keys(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(support).collect())
    }
}

fn object_meta(file: &PinnedFile) -> ObjectMeta {
    ObjectMeta {
        location: object_path(&file.path),
        // The store compares the time itself; here it would only be a key of caches.
        last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
        size: file.size_bytes,
        e_tag: file.identity.clone(),
        version: None,
    }
}
