//! Compiles a [`JobSpec`](crate::engines::job_spec::JobSpec) to DataFusion and runs it within the limits of its job.
//!
//! [`execute()`] is called by a worker process with the job's [`Work`](work::Work). Inputs become tables
//! ([`tables::Tables`]), the operation becomes a stream of batches, and [`sink::drain`] takes the
//! stream to the answer or into files that no reader sees before they are committed. Nothing is read but
//! the pinned files of the inputs, nothing is written but below the job's own folders.

mod agreement;
#[cfg(test)]
mod batch_operations_tests;
#[cfg(test)]
mod bound_tests;
mod counts;
mod decoded;
mod deduplicate;
#[cfg(test)]
mod empty_parts_tests;
pub(crate) mod error;
mod execute;
mod files;
#[cfg(test)]
mod files_tests;
mod footers;
mod functions;
pub(crate) mod infer;
mod join;
mod kept;
#[cfg(test)]
mod kept_tests;
mod named_files;
mod parquet;
#[cfg(test)]
mod parquet_tests;
mod partition_filter;
mod phrases;
mod plain_select;
pub mod planned;
mod pool;
pub(crate) mod progress;
mod pruning;
#[cfg(test)]
mod pruning_tests;
mod query;
mod rows;
mod rules;
pub(crate) mod session;
pub(crate) mod sink;
mod sorted;
#[cfg(test)]
mod sql_tests;
mod summarize;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod transform;
#[cfg(test)]
mod wide_tests;
mod words;
#[cfg(test)]
mod words_tests;
pub mod work;

pub use execute::execute;
