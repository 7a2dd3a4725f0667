//! The peer of `table/query`: plain DataFusion on the same files, as a process of its own.
//!
//! `plain_datafusion <threads> <folder of parquet tables> <file with one query>` registers every
//! table folder, runs the query, prints the number of rows and exits.

use std::path::Path;

use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (Some(threads), Some(folder), Some(query)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Ok(()); // run by `cargo bench` without arguments
    };
    let threads: usize = threads.parse()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        let context =
            SessionContext::new_with_config(SessionConfig::new().with_target_partitions(threads));
        for entry in std::fs::read_dir(&folder)? {
            let table = entry?.path();
            let name =
                table.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let options = ParquetReadOptions::default();
            context.register_parquet(name, table.to_string_lossy(), options).await?;
        }
        let batches =
            context.sql(&std::fs::read_to_string(Path::new(&query))?).await?.collect().await?;
        let rows: usize = batches.iter().map(datafusion::arrow::array::RecordBatch::num_rows).sum();
        #[expect(clippy::print_stdout, reason = "the answer of this program")]
        {
            println!("{rows}");
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })
}
