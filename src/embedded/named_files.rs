//! Scans of DataFusion's own sources whose errors name the file.
//!
//! DataFusion reads many files in one stream and says of a broken page what is wrong, not where; a
//! library that panics over a file ends the whole job. [`with_names`] puts a layer between the scan and
//! its source, after the plan is made, so that no rule of the planner meets it. What the file is not
//! the cause of (memory, a changed file, an expression that the scan computes) passes as it is.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::object_store::ObjectStore;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, PhysicalExpr};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};

use crate::engines::EngineError;
use crate::engines::error::causes;
use crate::formats::error::FormatError;
use crate::formats::guard::{broke_off, catch};
use crate::lake::object_path::shown_path;

/// Returns the plan with scans whose errors name the file.
pub(super) fn with_names(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let named = plan.transform_up(|node| {
        let Some(scan) = node.downcast_ref::<DataSourceExec>() else {
            return Ok(Transformed::no(node));
        };
        let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else {
            return Ok(Transformed::no(node));
        };
        let source = Arc::new(NamedSource(Arc::clone(config.file_source())));
        let config = FileScanConfigBuilder::from(config.clone()).with_source(source).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    });
    named.map(|named| named.data)
}

/// Names the file in an error of its content.
pub(super) fn named(path: &str, format: &str, error: DataFusionError) -> DataFusionError {
    if is_of_ours(&error) {
        return error;
    }
    match of_content(&error) {
        Some(message) => external(FormatError::broken(path, format, message)),
        None => error,
    }
}

fn external(error: FormatError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn is_of_ours(error: &DataFusionError) -> bool {
    causes(error).any(|cause| cause.is::<EngineError>() || cause.is::<FormatError>())
}

/// Returns what a reader says of the content of a file, if that is what failed.
fn of_content(error: &DataFusionError) -> Option<String> {
    let words = match error.find_root() {
        DataFusionError::ParquetError(error) => error.to_string(),
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::ParquetError(message) => message.clone(),
            _ => return None,
        },
        _ => return None,
    };
    Some(plain(&words).to_owned())
}

/// Returns a message without the kinds of errors that it went through.
fn plain(message: &str) -> &str {
    let mut line = message.lines().next().unwrap_or_default();
    let kinds = ["Parquet argument error: ", "Parquet error: ", "Arrow: ", "External: "];
    while let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) {
        line = rest;
    }
    line
}

/// A source that names the files.
struct NamedSource(Arc<dyn FileSource>);

impl FileSource for NamedSource {
    fn create_file_opener(
        &self,
        objects: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.0.create_file_opener(objects, config, partition)
    }

    fn create_morselizer(
        &self,
        objects: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.0.create_morselizer(objects, config, partition)?;
        Ok(Box::new(NamedFiles { inner, format: self.0.file_type().to_owned() }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.0.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self(self.0.with_batch_size(batch_size)))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.0.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.0.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.0.metrics()
    }

    fn file_type(&self) -> &str {
        self.0.file_type()
    }

    fn fmt_extra(
        &self,
        form: DisplayFormatType,
        formatter: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        self.0.fmt_extra(form, formatter)
    }

    fn supports_repartitioning(&self) -> bool {
        self.0.supports_repartitioning()
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.0.reorder_files(files)
    }

    fn apply_expressions(
        &self,
        each: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.0.apply_expressions(each)
    }
}

/// The file that is read, for its errors.
#[derive(Debug, Clone)]
struct File {
    path: Arc<str>,
    format: Arc<str>,
}

impl File {
    /// Does a part of the work on the file; a panic is an error of it.
    fn guard<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match catch(work) {
            Ok(ended) => ended.map_err(|error| named(&self.path, &self.format, error)),
            Err(message) => Err(external(broke_off(&self.path, &self.format, &message))),
        }
    }
}

#[derive(Debug)]
struct NamedFiles {
    inner: Box<dyn Morselizer>,
    format: String,
}

impl Morselizer for NamedFiles {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let path = shown_path(&file.object_meta.location).into();
        let named = File { path, format: self.format.as_str().into() };
        let inner = named.guard(|| self.inner.plan_file(file))?;
        Ok(Box::new(NamedPlanner { inner, file: named }))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    file: File,
}

impl NamedPlanner {
    fn boxed(inner: Box<dyn MorselPlanner>, file: &File) -> Box<dyn MorselPlanner> {
        Box::new(Self { inner, file: file.clone() })
    }
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, file } = *self;
        let Some(mut plan) = file.guard(|| inner.plan())? else { return Ok(None) };
        let morsels = plan.take_morsels().into_iter().map(|inner| -> Box<dyn Morsel> {
            Box::new(NamedMorsel { inner, file: file.clone() })
        });
        let planners = plan.take_ready_planners().into_iter();
        let mut named = MorselPlan::new()
            .with_morsels(morsels.collect())
            .with_planners(planners.map(|inner| NamedPlanner::boxed(inner, &file)).collect());
        if let Some(mut pending) = plan.take_pending_planner() {
            named.set_pending_planner(std::future::poll_fn(move |context| {
                let polled = file.guard(|| match pending.poll_unpin(context) {
                    Poll::Ready(Ok(inner)) => Ok(Poll::Ready(NamedPlanner::boxed(inner, &file))),
                    Poll::Ready(Err(error)) => Err(error),
                    Poll::Pending => Ok(Poll::Pending),
                });
                match polled {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(planner)) => Poll::Ready(Ok(planner)),
                    Err(error) => Poll::Ready(Err(error)),
                }
            }));
        }
        Ok(Some(named))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    file: File,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, file } = *self;
        match file.guard(|| Ok(inner.into_stream())) {
            Ok(stream) => NamedBatches { inner: Some(stream), file }.boxed(),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }
}

/// The batches of a file; they end with an error.
struct NamedBatches {
    inner: Option<BoxStream<'static, Result<RecordBatch>>>,
    file: File,
}

impl Stream for NamedBatches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let file = self.file.clone();
        let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
        let polled = file.guard(|| match inner.poll_next_unpin(context) {
            Poll::Ready(Some(Err(error))) => Err(error),
            Poll::Ready(other) => Ok(Poll::Ready(other)),
            Poll::Pending => Ok(Poll::Pending),
        });
        polled.unwrap_or_else(|error| {
            self.inner = None;
            Poll::Ready(Some(Err(error)))
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::not_impl_err;

    use super::*;
    use crate::engines::ErrorKind;

    /// A reader that panics at one of its steps, as libraries do over damaged files.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Panicking {
        First,
        Planned,
        Waiting,
        Opened,
        Read,
    }

    fn panics() -> ! {
        panic!("bit width 254\nand more")
    }

    impl Morselizer for Panicking {
        fn plan_file(&self, _: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
            if *self == Self::First { panics() } else { Ok(Box::new(*self)) }
        }
    }

    impl MorselPlanner for Panicking {
        fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
            match *self {
                Self::First | Self::Planned => panics(),
                Self::Waiting => {
                    Ok(Some(MorselPlan::new().with_pending_planner(async { panics() })))
                }
                Self::Opened | Self::Read => {
                    Ok(Some(MorselPlan::new().with_morsels(vec![self as Box<dyn Morsel>])))
                }
            }
        }
    }

    impl Morsel for Panicking {
        fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
            match *self {
                Self::Read => futures::stream::poll_fn(|_| panics()).boxed(),
                _ => panics(),
            }
        }
    }

    async fn read(reader: Panicking) -> Result<()> {
        let files = NamedFiles { inner: Box::new(reader), format: "parquet".to_owned() };
        let planner = files.plan_file(PartitionedFile::new("d/t/ö.parquet", 1))?;
        let Some(mut plan) = planner.plan()? else { return not_impl_err!("no plan") };
        if let Some(pending) = plan.take_pending_planner() {
            pending.await?;
        }
        for morsel in plan.take_morsels() {
            let batches: Vec<_> = morsel.into_stream().collect().await;
            assert_eq!(batches.len(), 1, "a stream ends with its error");
            batches.into_iter().collect::<Result<Vec<_>>>()?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_panic_at_any_step_is_an_error_of_the_file() {
        use Panicking::{First, Opened, Planned, Read, Waiting};
        for step in [First, Planned, Waiting, Opened, Read] {
            let error = read(step).await.expect_err("should be an error").to_string();
            let expected = "`d/t/ö.parquet` is not readable as parquet: the reader broke off: bit \
                            width 254";
            assert!(error.ends_with(expected), "{step:?}: {error}");
        }
    }

    #[test]
    fn what_is_not_of_the_content_keeps_its_words() {
        let ours = EngineError::new(ErrorKind::Conflict, "local", "read", "`a` has changed");
        let error = DataFusionError::ParquetError(Box::new(
            datafusion::parquet::errors::ParquetError::External(Box::new(ours)),
        ));
        assert!(matches!(named("a", "parquet", error), DataFusionError::ParquetError(_)));
        let overflow = DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None);
        assert!(matches!(named("a", "parquet", overflow), DataFusionError::ArrowError(..)));
        assert_eq!(plain("Parquet argument error: Parquet error: a\nb"), "a");
    }
}
