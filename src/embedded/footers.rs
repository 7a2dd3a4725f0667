//! Footers of the pinned Parquet files for DataFusion's source, which decides by them what it reads:
//! each goes through [`crate::formats::parquet_trust`] first, so that it sees only what is believed.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::{
    CachedParquetMetaData, DFParquetMetadata,
};
use datafusion::datasource::physical_plan::parquet::{
    DefaultParquetFileReaderFactory, ParquetFileReaderFactory,
};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::{ObjectMeta, ObjectStore};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::named_files::named;
use super::parquet::pinned_url;
use crate::formats::decoding::BadCollector;
use crate::formats::parquet_trust::trusted;
use crate::lake::object_path::shown_path;

/// Reads footers, and keeps some of them.
#[derive(Clone)]
pub(super) struct Footers {
    store: Arc<dyn ObjectStore>,
    kept: Arc<FileMetadataCache>,
    /// All columns of the table, and what takes those of a file that it does not have.
    known: Option<(Arc<HashSet<String>>, Arc<BadCollector>)>,
}

impl fmt::Debug for Footers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Footers")
    }
}

impl Footers {
    /// Returns the footers of the files that are pinned in a session.
    pub(super) fn of(runtime: &RuntimeEnv) -> Result<Self> {
        let store = runtime.object_store(pinned_url()?)?;
        Ok(Self { store, kept: runtime.cache_manager.get_file_metadata_cache(), known: None })
    }

    /// Tells of the columns of files that are none of these.
    pub(super) fn knowing(self, columns: HashSet<String>, bad: Arc<BadCollector>) -> Self {
        Self { known: Some((Arc::new(columns), bad)), ..self }
    }

    fn take_unknown(&self, file: &ObjectMeta, footer: &ParquetMetaData) {
        if let Some((known, bad)) = &self.known {
            let columns = footer.file_metadata().schema_descr().root_schema().get_fields();
            let columns = columns.iter().map(|column| column.name());
            bad.take_unknown(&shown_path(&file.location), columns, known);
        }
    }

    /// Returns a file with the statistics of its footer. Only the number of rows is exact: it is the
    /// one claim that reading the file cannot contradict.
    pub(super) async fn with_statistics(
        &self,
        mut file: PartitionedFile,
        file_schema: &SchemaRef,
    ) -> Result<PartitionedFile> {
        let footer = self.footer(&file.object_meta).await?;
        let stated = stated(&footer, file_schema)?;
        let rows = stated.num_rows;
        let keys = file.partition_values.iter().map(|value| {
            let unknown = ColumnStatistics::new_unknown();
            if value.is_null() {
                return ColumnStatistics { null_count: rows, ..unknown };
            }
            ColumnStatistics {
                null_count: Precision::Exact(0),
                min_value: Precision::Exact(value.clone()),
                max_value: Precision::Exact(value.clone()),
                distinct_count: Precision::Exact(1),
                ..unknown
            }
        });
        let columns = stated.column_statistics.into_iter().chain(keys);
        let columns = columns.map(ColumnStatistics::to_inexact).collect();
        file.statistics = Some(Arc::new(Statistics { column_statistics: columns, ..stated }));
        Ok(file)
    }

    async fn footer(&self, file: &ObjectMeta) -> Result<Arc<ParquetMetaData>> {
        match self.kept_footer(file) {
            Some(footer) => Ok(footer),
            None => self
                .read(file)
                .await
                .map_err(|error| named(&shown_path(&file.location), "parquet", error)),
        }
    }

    async fn read(&self, file: &ObjectMeta) -> Result<Arc<ParquetMetaData>> {
        let stated = DFParquetMetadata::new(&*self.store, file)
            .with_metadata_size_hint(Some(TAIL_BYTES))
            .with_page_index_policy(Some(PageIndexPolicy::Skip))
            .fetch_metadata()
            .await?;
        let footer = trusted(Arc::unwrap_or_clone(stated))?;
        Ok(self.keep(file, footer))
    }

    fn kept_footer(&self, file: &ObjectMeta) -> Option<Arc<ParquetMetaData>> {
        let entry = self.kept.get(&file.location).filter(|entry| entry.is_valid_for(file))?;
        let kept = entry.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        Some(Arc::clone(kept.parquet_metadata()))
    }

    fn keep(&self, file: &ObjectMeta, footer: ParquetMetaData) -> Arc<ParquetMetaData> {
        let footer = Arc::new(footer);
        let entry = Arc::new(CachedParquetMetaData::new(Arc::clone(&footer)));
        self.kept.put(&file.location, CachedFileMetadataEntry::new(file.clone(), entry));
        footer
    }
}

/// Most columns whose statistics are looked at: each is looked up among all of them.
const MOST_COLUMNS: usize = 1_000;

fn stated(footer: &ParquetMetaData, schema: &SchemaRef) -> Result<Statistics> {
    if schema.fields().len() <= MOST_COLUMNS {
        return DFParquetMetadata::statistics_from_parquet_metadata(footer, schema);
    }
    let rows = usize::try_from(footer.file_metadata().num_rows()).unwrap_or(usize::MAX);
    Ok(Statistics::new_unknown(schema).with_num_rows(Precision::Exact(rows)))
}

/// Read from the end of a file at once: most footers fit, so that one read is enough.
const TAIL_BYTES: usize = 512 * 1024;

impl ParquetFileReaderFactory for Footers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let pages = DefaultParquetFileReaderFactory::new(Arc::clone(&self.store));
        let meta = file.object_meta.clone();
        let pages = pages.create_reader(partition, file, size_hint, metrics)?;
        Ok(Box::new(FileReader { footers: self.clone(), file: meta, pages }))
    }
}

/// DataFusion's own reader of one file, but for the footer.
struct FileReader {
    footers: Footers,
    file: ObjectMeta,
    pages: Box<dyn AsyncFileReader + Send>,
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.pages.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.pages.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        // DataFusion asks for no page index here: it reads those itself, by this footer.
        let footer = async {
            let footer = self.footers.footer(&self.file).await;
            let footer = footer.map_err(|error| ParquetError::External(Box::new(error)))?;
            self.footers.take_unknown(&self.file, &footer);
            Ok(footer)
        };
        footer.boxed()
    }
}
