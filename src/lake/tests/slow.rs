//! Files in a storage that takes long to answer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use object_store::{ObjectStoreExt as _, PutPayload};
use parquet::arrow::ArrowWriter;

use super::{now, runtime};
use crate::engines::reading::Reading;
use crate::engines::table::{TableLookup, TableName};
use crate::lake::inference::{Inference, infer_files};
use crate::lake::listing::files_of;
use crate::lake::object_files::ObjectFiles;

const FILES: usize = 160;
const LATENCY: Duration = Duration::from_millis(25);
const THREADS: usize = 2;

fn parquet() -> Vec<u8> {
    let ids: arrow::array::ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("id", ids)]).expect("should be a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("should begin");
    writer.write(&batch).expect("should write");
    writer.close().expect("should close");
    bytes
}

#[test]
fn more_footers_are_read_at_once_than_there_are_threads_where_the_storage_is_slow() {
    let runtime = runtime();
    let slow = ThrottleConfig { wait_get_per_call: LATENCY, ..ThrottleConfig::default() };
    let store = Arc::new(ThrottledStore::new(InMemory::new(), slow));
    let bytes = parquet();
    for number in 0..FILES {
        let path = format!("sales/orders/{number}.parquet").into();
        let payload = PutPayload::from(bytes.clone());
        runtime.block_on(store.put(&path, payload)).expect("should put");
    }
    let files = ObjectFiles::new(store, runtime.handle().clone());
    let listed = files_of(&files, "sales/orders").expect("should be listed");
    assert_eq!(listed.len(), FILES);
    let (reading, cancelled) = (Reading::default(), AtomicBool::new(false));
    let inference = Inference {
        files: &files,
        now: now(),
        sample: None,
        reading: &reading,
        threads: THREADS,
        on_bytes: &|_| {},
        cancelled: &cancelled,
    };
    let began = Instant::now();
    let concluded = infer_files(&inference, listed).expect("should be inferred");
    let took = began.elapsed();
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    let TableLookup::Table(table) = concluded.into_lookup(name, "sales/orders".to_owned()) else {
        panic!("should be a table");
    };
    assert_eq!(table.rows, Some(3 * FILES as u64));
    // With one look of each thread at a time, and one request for each file, it takes at least this long.
    let at_least = LATENCY * u32::try_from(FILES / THREADS).expect("should be small");
    assert!(took < at_least, "it took {took:?}, as long as with {THREADS} at once ({at_least:?})");
}
