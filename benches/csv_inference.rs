//! Inference and decoding of delimited text beside the bare counting of the `csv` crate, in one run.
//!
//! `cargo bench --bench csv_inference [-- <megabytes>]`; the text is made in a temporary folder.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mason::engines::job_spec::BadRows;
use mason::engines::reading::Reading;
use mason::formats::bytes::FileBytes;
use mason::formats::decode::decode;
use mason::formats::decoding::DecodeOptions;
use mason::formats::infer::infer;
use mason::formats::sniff::sniff;

fn main() -> Result<(), Box<dyn Error>> {
    let megabytes: u64 =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1000);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.csv");
    write_rows(&path, megabytes * 1_000_000)?;
    let size = f64::from(u32::try_from(path.metadata()?.len() / 1000)?) / 1000.0;
    let bare = timed("csv crate, counting", size, || count(&path))?;
    let source = Arc::new(FileBytes::open(&path)?);
    let sniffed = sniff(&source, &Reading::default())?.ok_or("should have content")?;
    let inferred = timed("inference of every row", size, || {
        Ok(infer(&source, &sniffed, None, BadRows::Fail, &|_| true)?.rows.unwrap_or_default())
    })?;
    let file = infer(&source, &sniffed, Some(1000), BadRows::Fail, &|_| true)?;
    for threads in [1, 2] {
        timed(&format!("decoding, {threads} thread(s)"), size, || {
            let options = DecodeOptions {
                schema: file.schema.to_arrow(),
                batch_rows: 8192,
                threads,
                bad_rows: BadRows::Fail,
                bad: Arc::default(),
                known: None,
            };
            let mut rows = 0;
            for batch in decode(Arc::clone(&source) as _, &file.format, &options)? {
                rows += batch?.num_rows() as u64;
            }
            Ok(rows)
        })?;
    }
    println!("inference / counting: {:.2} (goal: at least 0.60)", bare / inferred);
    println!("peak memory: {} (goal: under 300 MB)", peak_memory()?);
    Ok(())
}

/// Runs a step, prints its speed and returns its seconds.
fn timed(
    name: &str,
    megabytes: f64,
    step: impl FnOnce() -> Result<u64, Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    let rows = step()?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: {seconds:.2} s, {:.0} MB/s, {rows} rows", megabytes / seconds);
    Ok(seconds)
}

/// The crate's own loop over records without any look at the cells.
fn count(path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(rows)
}

fn write_rows(path: &Path, bytes: u64) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut written = out.write(b"id,price,city,flag,day,ratio\n")? as u64;
    let cities = ["Vienna", "Graz", "\"Linz, upper town\"", "Salzburg", ""];
    let mut row = 0_u64;
    while written < bytes {
        let line = format!(
            "{row},{}.{:02},{},{},20{:02}-{:02}-{:02},{}\n",
            row * 7919 % 10_000,
            row % 100,
            cities[usize::try_from(row % 5)?],
            row.is_multiple_of(3),
            row % 30,
            row % 12 + 1,
            row % 28 + 1,
            f64::from(u32::try_from(row * 31 % 100_003)?) / 1000.0,
        );
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
        row += 1;
    }
    out.flush()?;
    Ok(())
}

fn peak_memory() -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    Ok(line.unwrap_or("VmHWM: unknown").trim_start_matches("VmHWM:").trim().to_owned())
}
