//! Formats that are not text: Parquet, MessagePack, ORC, Arrow.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::{failure, read, read_with, texts};
use crate::engines::bad_rows::BadRows;
use crate::engines::files::ByteSource;
use crate::engines::reading::Reading;
use crate::formats::bytes::MemoryBytes;
use crate::formats::infer::{InferredFile, infer};
use crate::formats::sniff::sniff;

#[test]
fn broken_parquet_is_an_error_naming_the_file() {
    for content in [&b"PAR1"[..], b"PAR1PAR1", b"PAR1\x00\x00\x00\x10\xff\xff\xff\x7fPAR1"] {
        let message = failure("dir/a.parquet", content);
        assert!(message.contains("`dir/a.parquet` is not readable as parquet"), "{message}");
    }
}

#[test]
fn msgpack_rows_are_read() {
    let row = |n: i64| {
        rmpv::Value::Map(vec![
            ("n".into(), n.into()),
            ("t".into(), format!("t{n}").into()),
            ("b".into(), rmpv::Value::Binary(vec![1, 2])),
        ])
    };
    let mut sequence = Vec::new();
    for n in 0..3 {
        rmpv::encode::write_value(&mut sequence, &row(n)).expect("should write");
    }
    let mut array = Vec::new();
    let rows = rmpv::Value::Array((0..3).map(row).collect());
    rmpv::encode::write_value(&mut array, &rows).expect("should write");
    let (left, right) = (read("a.msgpack", &sequence), read("a", &array));
    assert_eq!(left.rows(), right.rows());
    assert_eq!(left.rows()[2][1].as_deref(), Some("t2"));
    assert_eq!(left.file.rows, Some(3));
    let message = failure("a.msgpack", &sequence[..sequence.len() - 1]);
    assert!(message.contains("row 3"), "{message}");
    array.push(0);
    assert!(failure("a.msgpack", &array).contains("bytes follow"));
}

#[test]
fn orc_is_read_with_the_schema_of_its_footer() {
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3])) as arrow::array::ArrayRef),
        ("t", Arc::new(arrow::array::StringArray::from(vec!["a", "b", ""]))),
    ])
    .expect("should be a batch");
    let mut content = Vec::new();
    let mut writer = orc_rust::ArrowWriterBuilder::new(&mut content, batch.schema())
        .try_build()
        .expect("should build");
    writer.write(&batch).expect("should write");
    writer.close().expect("should close");
    let read = read("a.orc", &content);
    assert!(read.file.declared);
    assert_eq!(read.file.rows, Some(3));
    assert_eq!(read.rows()[2], texts(&[vec![Some("3"), Some("")]])[0]);
    let only = |file: &mut InferredFile| drop(file.schema.columns.remove(0));
    let options = Reading::default();
    let part = read_with("a.orc", &content, &options, only, BadRows::Fail).expect("should read");
    assert_eq!(part.rows()[0], texts(&[vec![Some("a")]])[0]);
    let broken = failure("dir/a.orc", &content[..content.len() - 7]);
    assert!(broken.contains("`dir/a.orc`"), "{broken}");
}

#[test]
fn arrow_stream_is_read_also_when_compressed() {
    let batch = RecordBatch::try_from_iter([(
        "n",
        Arc::new(arrow::array::Int64Array::from(vec![1, 2])) as arrow::array::ArrayRef,
    )])
    .expect("should be a batch");
    let mut stream = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema())
        .expect("should begin");
    stream.write(&batch).expect("should write");
    let content = stream.into_inner().expect("should end");
    let compressed = crate::formats::compression::tests::compress(
        &content,
        crate::engines::table::Compression::Gzip,
    );
    for content in [content, compressed] {
        assert_eq!(read("a.arrows", &content).rows().len(), 2);
    }
}

#[test]
fn footer_takes_one_read() {
    struct Counting(MemoryBytes, AtomicU64);
    impl ByteSource for Counting {
        fn path(&self) -> &str {
            self.0.path()
        }
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(buffer, offset)
        }
    }
    let batch = RecordBatch::try_from_iter([(
        "n",
        Arc::new(arrow::array::Int64Array::from((0..300_000).collect::<Vec<_>>()))
            as arrow::array::ArrayRef,
    )])
    .expect("should be a batch");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None)
        .expect("should begin");
    writer.write(&batch).expect("should write");
    let content = writer.into_inner().expect("should end");
    let source = Counting(MemoryBytes::new("a.parquet", content), AtomicU64::new(0));
    let sniffed = sniff(&source, &Reading::default()).expect("known").expect("content");
    let file = infer(&source, &sniffed, None, BadRows::Fail, &|_| true).expect("should infer");
    assert_eq!((file.rows, source.1.load(Ordering::Relaxed)), (Some(300_000), 2));
    assert!(file.bytes < source.size());
}
