//! The peer of CSV inference: the `csv` crate counting the records of a file, nothing else.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = std::env::args().skip(1).find(|argument| argument != "--bench") else {
        return Ok(()); // run by `cargo bench` without arguments
    };
    let mut reader = csv::Reader::from_path(path)?;
    let (mut record, mut rows) = (csv::ByteRecord::new(), 0_u64);
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    #[expect(clippy::print_stdout, reason = "the answer of this program")]
    {
        println!("{rows}");
    }
    Ok(())
}
