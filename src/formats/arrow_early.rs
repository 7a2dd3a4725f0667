//! Arrow files and streams that were compressed before the format said how.
//!
//! Arrow 0.17 compressed the buffers of a batch and named the codec in the metadata of its message.
//! Readers that do not know that take the compressed bytes for values.
//!
//! # Source
//! <https://github.com/apache/arrow/blob/apache-arrow-0.17.0/cpp/src/arrow/ipc/reader.cc>

use std::io::{self, Read};

use arrow::ipc::{MessageHeader, root_as_message};

const KEY: &str = "ARROW:experimental_compression";
const CONTINUES: u32 = u32::MAX;
/// A message's metadata is as large as its schema is wide.
const MOST_BYTES: u64 = 64 << 20;

/// Whether the first batch is compressed in the early way. The reader is at the first message; whatever
/// else is wrong with it is for the reader of batches to say.
pub(crate) fn is_compressed_early(reader: impl Read) -> bool {
    look(reader).unwrap_or(false)
}

fn look(mut reader: impl Read) -> io::Result<bool> {
    loop {
        let mut length = read_u32(&mut reader)?;
        if length == CONTINUES {
            length = read_u32(&mut reader)?;
        }
        if length == 0 || u64::from(length) > MOST_BYTES {
            return Ok(false);
        }
        let mut metadata = Vec::new();
        reader.by_ref().take(u64::from(length)).read_to_end(&mut metadata)?;
        let Ok(message) = root_as_message(&metadata) else { return Ok(false) };
        let keys = message.custom_metadata();
        if keys.is_some_and(|keys| keys.iter().any(|pair| pair.key() == Some(KEY))) {
            return Ok(true);
        }
        if message.header_type() == MessageHeader::RecordBatch {
            return Ok(false);
        }
        let body = u64::try_from(message.bodyLength()).unwrap_or(0);
        io::copy(&mut reader.by_ref().take(body), &mut io::sink())?;
    }
}

fn read_u32(reader: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow::ipc::writer::StreamWriter;

    use super::*;
    use crate::engines::bad_rows::BadRows;
    use crate::engines::reading::Reading;
    use crate::formats::bytes::MemoryBytes;
    use crate::formats::infer::infer;
    use crate::formats::sniff::sniff;

    #[test]
    fn a_file_that_arrow_0_17_compressed_is_refused_by_name() {
        let path = "tests/files/public/pyarrow/v0.17.0.version.2-compression.lz4.feather";
        let whole = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let content = std::fs::read(whole).expect("should be there");
        let source = MemoryBytes::new("t/a.feather", content);
        let sniffed = sniff(&source, &Reading::default()).expect("should be known");
        let sniffed = sniffed.expect("should have content");
        let error = infer(&source, &sniffed, None, BadRows::Fail, &|_| true)
            .expect_err("should be refused");
        let expected = "`t/a.feather` is not readable as arrow: it is compressed as Arrow 0.17 did";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn a_stream_of_today_is_not_taken_for_one() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("n", column)]).expect("should be a batch");
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("should begin");
        writer.write(&batch).expect("should write");
        let stream = writer.into_inner().expect("should end");
        assert!(!is_compressed_early(stream.as_slice()));
        assert!(!is_compressed_early(&stream[..20]));
    }
}
