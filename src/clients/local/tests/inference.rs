//! What `table/get` and `table/infer` find in the same files, and what is remembered of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;

use super::{metastore_in_job, new_root, owner, spec, token};
use crate::clients::local::clock::now;
use crate::clients::local::files::RootFiles;
use crate::clients::local::root::Root;
use crate::embedded::infer;
use crate::embedded::work::Work;
use crate::engines::bad_rows::{BadRows, Tally};
use crate::engines::job_spec::{Input, InputFile, JobSpec, Operation, Sample};
use crate::engines::metastore::Metastore;
use crate::engines::reading::Reading;
use crate::engines::result::InferAnswer;
use crate::engines::schema::{ColumnType, Schema, SchemaConflict, SchemaFound};
use crate::engines::table::{
    FileFormat, Format, StoragePath, TableLookup, TableName, TextEncoding,
};
use crate::engines::{EngineError, ErrorKind};
use crate::lake::listing::files_of;

/// What both ways say of a table.
#[derive(Debug, PartialEq)]
struct Said {
    format: FileFormat,
    schema: Result<Schema, SchemaConflict>,
    keys: Vec<String>,
    found: SchemaFound,
    notes: Vec<String>,
    why_text: BTreeMap<String, String>,
}

type Files<'a> = &'a [(&'a str, &'a [u8])];

fn write(folder: &Path, files: Files<'_>) {
    for (path, content) in files {
        let path = folder.join("sales/orders").join(path);
        fs::create_dir_all(path.parent().expect("should have one")).expect("should make a folder");
        fs::write(&path, content).expect("should write");
        // Older than what the cache distrusts.
        let file = fs::File::options().write(true).open(&path).expect("should open");
        file.set_modified(SystemTime::now() - Duration::from_mins(1)).expect("should set");
    }
}

async fn got(root: &Arc<Root>, reading: &Reading) -> Result<Said, EngineError> {
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    let lookup = metastore_in_job(root).get_table(&name, reading).await?;
    Ok(match lookup {
        TableLookup::Table(table) => Said {
            format: table.format,
            schema: Ok(table.schema),
            keys: table.partition_keys,
            found: table.found,
            notes: table.notes,
            why_text: table.why_text,
        },
        TableLookup::Conflicting(table) => Said {
            format: table.format,
            schema: Err(table.conflict),
            keys: table.partition_keys,
            found: table.found,
            notes: table.notes,
            why_text: BTreeMap::new(),
        },
        TableLookup::Unread(table) => panic!("should be read: {table:?}"),
    })
}

fn job_spec(root: &Arc<Root>, sample: Option<Sample>, reading: &Reading) -> JobSpec {
    let location = StoragePath::new("sales/orders").expect("should be a path");
    let files = files_of(&super::files(root), location.as_str()).expect("should be listed");
    let input = Input {
        name: TableName { database: "sales".to_owned(), table: "orders".to_owned() },
        format: FileFormat::of(Format::Parquet),
        schemas: Vec::new(),
        partition_columns: Schema::default(),
        files: files.into_iter().map(|file| InputFile { file, schema: 0 }).collect(),
        version: None,
        left_out: Tally::default(),
        partitions: None,
        notes: Vec::new(),
    };
    let operation = Operation::Infer { sample, reading: reading.clone() };
    JobSpec { inputs: vec![input], operation, ..spec(0, None) }
}

fn answer(
    root: &Arc<Root>,
    sample: Option<Sample>,
    reading: &Reading,
) -> Result<InferAnswer, EngineError> {
    let work = Work {
        files: Arc::new(RootFiles::new(Arc::clone(root))),
        scratch: root.path().join("scratch"),
        began: now(),
        owner: owner("r", 1),
        token: token("t"),
        memory_limit_bytes: 1 << 30,
        disk_limit_bytes: 1 << 30,
        parallelism: 2,
        progress: Arc::default(),
        cancelled: Arc::default(),
    };
    let executed = infer::run(&job_spec(root, sample, reading), &work)?;
    Ok(serde_json::from_value(executed.answer).expect("should be an inference's answer"))
}

fn inferred(root: &Arc<Root>, reading: &Reading) -> Result<Said, EngineError> {
    let said = |format, schema, keys: Schema, found, notes, why_text| {
        let keys = keys.columns.into_iter().map(|key| key.name).collect();
        Said { format, schema, keys, found, notes, why_text }
    };
    Ok(match answer(root, None, reading)? {
        InferAnswer::Same {
            format, mut schema, partition_columns, found, notes, why_text, ..
        } => {
            schema.columns.extend(partition_columns.columns.clone());
            said(format, Ok(schema), partition_columns, found, notes, why_text)
        }
        InferAnswer::Conflict { format, conflict, partition_columns, found, notes, .. } => {
            said(format, Err(*conflict), partition_columns, found, notes, BTreeMap::new())
        }
    })
}

/// Returns what both ways say of the same files, with and without a memory of them.
async fn both(files: Files<'_>, reading: &Reading) -> Result<Said, EngineError> {
    let mut said = Vec::new();
    for get_first in [true, false] {
        let (folder, root) = new_root();
        write(folder.path(), files);
        if get_first {
            said.push(got(&root, reading).await);
        }
        said.push(inferred(&root, reading));
        said.push(got(&root, reading).await);
    }
    let last = said.pop().expect("should have been said");
    for other in said {
        match (&last, &other) {
            (Ok(last), Ok(other)) => assert_eq!(last, other),
            (Err(last), Err(other)) => {
                assert_eq!(last.kind, other.kind);
                let message = other.message.trim_start_matches("`sales.orders`: ");
                assert!(last.message.ends_with(message), "{last} and {other}");
            }
            (last, other) => panic!("{last:?} and {other:?}"),
        }
    }
    last
}

async fn agreed(files: Files<'_>) -> Said {
    both(files, &Reading::default()).await.expect("should be inferred")
}

fn columns(said: &Said) -> Vec<(&str, DataType)> {
    let schema = said.schema.as_ref().expect("should agree");
    schema.columns.iter().map(|one| (one.name.as_str(), one.data_type.0.clone())).collect()
}

#[tokio::test]
async fn a_header_that_only_some_files_show_is_that_of_all() {
    let said = agreed(&[
        ("a.csv", b"id,2020,size\nx,1,5\n"),
        ("b.csv", b"\"id\",\"2020\",\"size\"\ny,2,6\n"),
        // Alone, these could be either, and would be taken for a first row.
        ("c.csv", b"id,2020,size\nz,3,7\n"),
        ("d.csv", b"id,2020,size\n"),
    ])
    .await;
    let int = DataType::Int64;
    let expected = [("id", DataType::Utf8), ("2020", int.clone()), ("size", int)];
    assert_eq!(columns(&said), expected);
    assert_eq!(said.found, SchemaFound::AllRows { files: 4, rows: 3 });
    let expected = "3 files, such as `sales/orders/a.csv`: header: as in the other files";
    assert!(said.notes.iter().any(|note| note == expected), "{:?}", said.notes);
    // Other names, or a first record that no header can be, are no header.
    let files: Files<'_> = &[("a.csv", b"id,n\nx,1\n"), ("b.csv", b"1,2\n"), ("c.csv", b"3,3\n")];
    let error = both(files, &Reading::default()).await.expect_err("should be refused");
    for part in ["a header (1 file", "no header (2 files"] {
        assert!(error.message.contains(part), "{error}");
    }
    let stated = Reading { header: Some(false), ..Reading::default() };
    assert!(both(files, &stated).await.expect("should be inferred").schema.is_err());
}

#[tokio::test]
async fn what_kept_a_column_text_is_told_over_all_files_whatever_the_threads() {
    use std::fmt::Write as _;
    const ROWS: u64 = 200_000;
    let text = |word: &str, at: u64, name: &str| {
        let mut text = "lat,name,mixed\n".to_owned();
        for row in 1..=ROWS {
            // Several blocks are looked at by several threads.
            let lat = if row == at { word.to_owned() } else { format!("{row}.25") };
            let mixed = if row == at { word } else { "2024-01-31" };
            writeln!(text, "{lat},{name},{mixed}").expect("should be written");
        }
        text.into_bytes()
    };
    let files = [text("n/a", 150_000, "x"), text("-", 7, "5"), b"lat,name,mixed\nx,y,z\n".to_vec()];
    let names = ["a.csv", "b.csv", "c.csv"];
    let two: Vec<_> = names.iter().zip(&files).take(2).map(|(n, f)| (*n, f.as_slice())).collect();
    let said = both(&two, &Reading::default()).await;
    // `name` is text in one file only: the files disagree, and nothing is told.
    assert!(said.expect("should be inferred").schema.is_err());
    let same = [("a.csv", files[0].as_slice()), ("b.csv", &text("-", 7, "y"))];
    let said = agreed(&same).await;
    let why = |kind: &str, noun: &str| {
        let place = "`sales/orders/a.csv`, row 150000";
        format!("{place}: \"n/a\" is no {noun}; 399,998 of 400,000 cells are {kind}")
    };
    let expected = [("lat", why("numbers", "number")), ("mixed", why("dates", "date"))];
    let expected = expected.map(|(name, why)| (name.to_owned(), why));
    assert_eq!(said.why_text, BTreeMap::from(expected));
    // A file of which less than half are numbers makes it a column of words.
    let with_words = [same[0], same[1], ("c.csv", files[2].as_slice())];
    assert_eq!(agreed(&with_words).await.why_text, BTreeMap::new());
}

#[tokio::test]
async fn a_header_that_no_file_shows_is_asked_for() {
    let unsure: &[u8] = b"id,2020\n1,2\n";
    let error = both(&[("a.csv", unsure), ("b.csv", unsure)], &Reading::default()).await;
    let error = error.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    for part in ["2 files may have a header", "`sales/orders/a.csv`", "`2020` (above `2`)"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("read_headers=true")));
    for (header, rows) in [(true, 1), (false, 2)] {
        let stated = Reading { header: Some(header), ..Reading::default() };
        let said = both(&[("a.csv", unsure)], &stated).await.expect("should be inferred");
        assert_eq!(said.found, SchemaFound::AllRows { files: 1, rows });
    }
    // Files that surely have none show it, too.
    let unsure: &[u8] = b"x,5\ny,abc\nz,def\n";
    let said = agreed(&[("a.csv", unsure), ("b.csv", b"A-1,q\nA-2,w\n")]).await;
    assert_eq!(columns(&said), [("column_1", DataType::Utf8), ("column_2", DataType::Utf8)]);
    assert!(said.notes.iter().any(|note| note.contains("header: none, as in the other files")));
}

#[tokio::test]
async fn files_of_several_encodings_are_one_table() {
    let said = agreed(&[
        ("a.csv", "id,city\n1,Zürich\n".as_bytes()),
        ("b.csv", b"id,city\n2,K\xf6ln\n"),
        ("c.csv", b"id,city\n3,Bern\n"),
    ])
    .await;
    assert_eq!(columns(&said), [("id", DataType::Int64), ("city", DataType::Utf8)]);
    assert_eq!(said.format.csv.map(|csv| csv.encoding), Some(TextEncoding::PerFile));
    let note = "`sales/orders/b.csv`: encoding: converted from Latin-1 (windows-1252)";
    assert!(said.notes.iter().any(|one| one == note), "{:?}", said.notes);
    let said = agreed(&[("a.csv", "id\nü\n".as_bytes()), ("b.csv", b"id\nx\n")]).await;
    assert_eq!(said.format.csv.map(|csv| csv.encoding), Some(TextEncoding::Utf8));
}

#[tokio::test]
async fn files_without_content_among_others_are_told_and_left_out() {
    let said = agreed(&[("a.csv", b"id\n1\n"), ("b.csv", b""), ("c.csv", b"  \n\n")]).await;
    assert_eq!(columns(&said), [("id", DataType::Int64)]);
    assert_eq!(said.found, SchemaFound::AllRows { files: 1, rows: 1 });
    let expected = "2 files, such as `sales/orders/b.csv`: no content, left out";
    assert!(said.notes.iter().any(|note| note == expected), "{:?}", said.notes);
    let error = both(&[("a.csv", b""), ("b.csv", b"\n")], &Reading::default()).await;
    let error = error.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("none of the 2 files has any content"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_cut_is_named_with_what_to_do() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let text = (0..5000_u32).map(|n| format!("{n},{}\n", n * 7)).collect::<Vec<_>>().concat();
    std::io::Write::write_all(&mut packed, text.as_bytes()).expect("should write");
    let packed = packed.finish().expect("should pack");
    let files: Files<'_> = &[("a.csv", b"1,2\n"), ("b.csv.gz", &packed[..packed.len() / 2])];
    let error = both(files, &Reading::default()).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    let named = "`sales/orders/b.csv.gz` is not readable as gzip: it ends too early";
    assert!(error.message.contains(named), "{error}");
    assert!(error.hint.is_some(), "{error:?}");
}

#[tokio::test]
async fn a_file_of_no_content_is_named() {
    let error = both(&[("a.csv", b"\n")], &Reading::default()).await.expect_err("should be empty");
    assert!(error.message.ends_with("`sales/orders/a.csv` has no content"), "{error}");
}

#[tokio::test]
async fn files_that_disagree_are_a_value_with_their_partitions() {
    let said = agreed(&[("k=01/a.csv", b"id,x\n1,2\n"), ("k=2/b.csv", b"id,x\n1,a\n3,b\n")]).await;
    let conflict = said.schema.expect_err("should disagree");
    assert_eq!(conflict.differing_columns[0].name, "x");
    assert_eq!(said.keys, ["k"]);
    assert_eq!(said.found, SchemaFound::AllRows { files: 2, rows: 3 });
}

#[tokio::test]
async fn a_column_that_the_path_gives_too_is_taken_from_the_path() {
    let said = agreed(&[("K=1/a.csv", b"id,k\n1,x\n"), ("K=2/b.csv", b"id,k\n1,7\n")]).await;
    assert_eq!(columns(&said), [("id", DataType::Int64), ("K", DataType::Int64)]);
    assert!(said.notes.iter().any(|note| note.contains("`k` is taken from the path")));
}

#[tokio::test]
async fn files_read_in_several_ways_are_refused_with_every_way() {
    let files: Files<'_> =
        &[("a.csv", b"id,n\n1,2\n"), ("b.csv", b"id;n\n1;2\n"), ("c.jsonl", b"{\"id\": 1}\n")];
    let error = both(files, &Reading::default()).await.expect_err("should be refused");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    for part in ["delimiter \",\"", "delimiter \";\"", "jsonl (1 file, such as `sales/orders/c"] {
        assert!(error.message.contains(part), "{error}");
    }
}

#[tokio::test]
async fn what_is_stated_of_the_text_holds_for_both() {
    let reading = Reading {
        header: Some(false),
        delimiter: Some(";".to_owned()),
        null_tokens: vec!["NA".to_owned()],
        ..Reading::default()
    };
    let said = both(&[("a.csv", b"1;NA\nNA;2.5\n")], &reading).await.expect("should be inferred");
    assert_eq!(
        columns(&said),
        [("column_1", DataType::Int64), ("column_2", DataType::Decimal128(18, 1))]
    );
    assert_eq!(said.format.csv.map(|csv| csv.null_tokens), Some(vec!["NA".to_owned()]));
}

#[tokio::test]
async fn what_is_remembered_is_of_one_way_of_reading() {
    let (folder, root) = new_root();
    write(folder.path(), &[("a.csv", b"id,x\n1,NA\n2,3\n")]);
    let detected = got(&root, &Reading::default()).await.expect("should be found");
    assert_eq!(columns(&detected)[1], ("x", DataType::Utf8));
    let stated = Reading { null_tokens: vec!["NA".to_owned()], ..Reading::default() };
    let stated = got(&root, &stated).await.expect("should be found");
    assert_eq!(columns(&stated)[1], ("x", DataType::Int64));
    assert_eq!(got(&root, &Reading::default()).await.expect("should be found"), detected);
}

#[tokio::test]
async fn a_sample_neither_takes_nor_leaves_what_it_does_not_know() {
    let (folder, root) = new_root();
    write(folder.path(), &[("a.csv", b"x\n1\nb\n"), ("b.csv", b"x\nc\n"), ("c.csv", b"")]);
    let whole = got(&root, &Reading::default()).await.expect("should be found");
    let sample = Some(Sample { files: u64::MAX, rows: 1 });
    let InferAnswer::Conflict { found, .. } =
        answer(&root, sample, &Reading::default()).expect("should be inferred")
    else {
        panic!("the first rows should disagree");
    };
    let SchemaFound::Sampled { files: 2, rows: 2, of_files: 3, .. } = found else {
        panic!("should be a sample: {found:?}");
    };
    let sample = Some(Sample { files: 1, rows: u64::MAX });
    let InferAnswer::Same { found, .. } =
        answer(&root, sample, &Reading::default()).expect("should be inferred")
    else {
        panic!("one file should agree with itself");
    };
    assert!(matches!(found, SchemaFound::Sampled { files: 1, of_files: 3, .. }), "{found:?}");
    assert_eq!(got(&root, &Reading::default()).await.expect("should be found"), whole);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("should be a batch");
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None)
        .expect("should begin");
    writer.write(&batch).expect("should write");
    writer.into_inner().expect("should end")
}

#[tokio::test]
async fn columns_of_one_name_are_refused_with_the_file() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let twice = parquet(vec![("id", Arc::clone(&ids)), ("id", ids)]);
    let files: Files<'_> = &[("a.parquet", &twice)];
    let error = both(files, &Reading::default()).await.expect_err("should be refused");
    let named = "`sales/orders/a.parquet` is not readable as parquet: two of its columns are named";
    assert!(error.message.contains(named), "{error}");
}

#[tokio::test]
async fn footers_that_are_known_are_not_read_again() {
    let (folder, root) = new_root();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let (one, two) = (parquet(vec![("id", Arc::clone(&ids))]), parquet(vec![("id", texts)]));
    write(folder.path(), &[("a.parquet", &one), ("b.parquet", &one)]);
    let said = got(&root, &Reading::default()).await.expect("should be found");
    assert_eq!(said.found, SchemaFound::Footers { files: 2 });
    // The same size, time and inode: what is remembered is believed, also by the job.
    let broken = folder.path().join("sales/orders/a.parquet");
    let modified =
        fs::metadata(&broken).and_then(|found| found.modified()).expect("should be there");
    fs::write(&broken, vec![b'x'; one.len()]).expect("should write");
    let file = fs::File::options().write(true).open(&broken).expect("should open");
    file.set_modified(modified).expect("should set");
    assert_eq!(inferred(&root, &Reading::default()).expect("should be found"), said);
    // A new file is looked at beside what is known of the others.
    write(folder.path(), &[("c.parquet", &two)]);
    let said = inferred(&root, &Reading::default()).expect("should be found");
    assert_eq!(said.schema.expect_err("should disagree").schemas.len(), 2);
}

#[tokio::test]
async fn a_file_that_is_bad_is_left_out_with_its_reason_where_that_is_asked_for() {
    let broken = b"PAR1 this is no Parquet file PAR1".as_slice();
    let good = parquet(vec![("id", Arc::new(Int64Array::from(vec![1, 2])))]);
    let (folder, root) = new_root();
    write(folder.path(), &[("a.parquet", &good), ("b.parquet", broken), ("c.parquet", b"text")]);
    assert!(got(&root, &Reading::default()).await.is_err());
    let reading = Reading { bad_rows: BadRows::Reject, ..Reading::default() };
    let said = got(&root, &reading).await.expect("should be found");
    assert_eq!(said.found, SchemaFound::Footers { files: 1 });
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    let lookup = metastore_in_job(&root).get_table(&name, &reading).await;
    let Ok(TableLookup::Table(table)) = lookup else { panic!("{lookup:?}") };
    assert_eq!((table.rows, table.files.len(), table.bad.files.count), (Some(2), 1, 2));
    let warnings = table.bad.warnings().join("");
    for part in ["2 files were left out", "sales/orders/b.parquet", "sales/orders/c.parquet"] {
        assert!(warnings.contains(part), "{warnings}");
    }
    // What is remembered with one rule is not taken with another.
    assert!(got(&root, &Reading::default()).await.is_err());
    write(folder.path(), &[("a.parquet", broken)]);
    let error = got(&root, &reading).await.expect_err("should be refused");
    assert!(error.message.contains("3 of 3 files are broken"), "{error}");
}

#[tokio::test]
async fn what_is_left_out_is_remembered_with_the_file() {
    let (folder, root) = new_root();
    write(folder.path(), &[("a.csv", b"a,b\n1,x\n2\n3,y\n")]);
    let reading = Reading { bad_rows: BadRows::Skip, ..Reading::default() };
    let name = TableName { database: "sales".to_owned(), table: "orders".to_owned() };
    for _ in 0..2 {
        let lookup = metastore_in_job(&root).get_table(&name, &reading).await;
        let Ok(TableLookup::Table(table)) = lookup else { panic!("{lookup:?}") };
        let expected = "1 row was left out: `sales/orders/a.csv` row 2 (1 cell, not 2)";
        assert_eq!((table.rows, table.bad.warnings()), (Some(2), vec![expected.to_owned()]));
    }
}

#[tokio::test]
async fn types_are_stated_of_columns_that_some_file_has() {
    let stated = |names: &[&str]| Reading {
        types: names.iter().map(|name| ((*name).to_owned(), ColumnType(DataType::Utf8))).collect(),
        ..Reading::default()
    };
    let files: Files<'_> = &[("k=1/a.csv", b"id,n\n1,2\n"), ("k=1/b.csv", b"id,n\n3,4\n")];
    let said = both(files, &stated(&["id"])).await.expect("should be inferred");
    assert_eq!(columns(&said)[..2], [("id", DataType::Utf8), ("n", DataType::Int64)]);
    assert_eq!(said.format.types.len(), 1);
    let error = both(files, &stated(&["ID", "k", "other"])).await.expect_err("should be refused");
    for part in [
        "there is no column `ID` (did you mean `id`?)",
        "`k` comes from the path",
        "there is no column `other`",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
}
