//! Finds the one schema of a table's files, or how they disagree.
//!
//! Files are looked at by several threads, each by its content; [`conclude`] is pure. Nothing is
//! left out silently: broken files are all named (at most 20), files without content are a note, and
//! a sample says what it is a sample of.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::partitions::{Disagreement, take_partitions};
use crate::engines::job::InferAnswer;
use crate::engines::job_spec::Sample;
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{FileFormat, PinnedFile};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::bytes::ByteSource;
use crate::formats::compare::{Compared, compare};
use crate::formats::error::FormatError;
use crate::formats::infer::{InferredFile, infer};
use crate::formats::sniff::{SniffOptions, Sniffed, sniff};

const INFER: &str = "infer the schema";
/// Broken files that are named.
const NAMED: usize = 20;
/// Notes of files that are kept, each told once with a file that it is true of.
const NOTES: usize = 50;

/// Opens a pinned file.
pub(crate) type Open<'a> =
    &'a (dyn Fn(&PinnedFile) -> Result<Arc<dyn ByteSource>, EngineError> + Sync);

/// What is asked of an inference.
pub(crate) struct Inference<'a> {
    /// The files.
    pub(crate) files: &'a [PinnedFile],
    /// How much is read; everything when `None`.
    pub(crate) sample: Option<Sample>,
    /// What is known of delimited text.
    pub(crate) options: &'a SniffOptions,
    /// How many files are looked at at once.
    pub(crate) threads: usize,
    /// Opens a file.
    pub(crate) open: Open<'a>,
    /// Called with the bytes of all files read so far.
    pub(crate) on_bytes: &'a (dyn Fn(u64) + Sync),
    /// Set when it is to stop.
    pub(crate) cancelled: &'a AtomicBool,
}

/// What was found in one file; `None` for a file without content.
pub(super) type Looked = Option<(Sniffed, InferredFile)>;

/// Looks at files and says what they amount to.
///
/// # Errors
/// `NotFound` when there is no file or none with content; `InvalidInput` when files are broken (each
/// is named, at most 20), of several formats, or read in several ways; `Unavailable` when stopped.
pub(crate) fn infer_files(inference: &Inference<'_>) -> Result<InferAnswer, EngineError> {
    let mut files = inference.files.to_vec();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let partition_columns = take_partitions(&mut files).map_err(|error| keys_differ(&error))?;
    let most = inference.sample.map_or(u64::MAX, |sample| sample.files);
    let count = files.len().min(usize::try_from(most).unwrap_or(usize::MAX));
    let mut looked = look_at_all(inference, &files[..count])?;
    agree_on_headers(inference, &files[..count], &mut looked)?;
    conclude(&files, looked, partition_columns)
}

fn failed(kind: ErrorKind, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, "local", INFER, message)
}

fn keys_differ(error: &Disagreement) -> EngineError {
    let said = |(path, keys): &(String, Vec<String>)| match keys.as_slice() {
        [] => format!("`{path}` has no partition keys"),
        keys => format!("`{path}` has the partition keys {}", keys.join(", ")),
    };
    let message = format!("{}, and {}", said(&error.first), said(&error.other));
    failed(ErrorKind::InvalidInput, message)
        .with_hint("move the files so that all paths have the same `key=value` folders")
}

/// Looks at every file; results are in the order of the files.
fn look_at_all(
    inference: &Inference<'_>,
    files: &[PinnedFile],
) -> Result<Vec<Looked>, EngineError> {
    let next = AtomicUsize::new(0);
    let read: Vec<AtomicUsize> = files.iter().map(|_| AtomicUsize::new(0)).collect();
    let found: Mutex<BTreeMap<usize, Result<Looked, EngineError>>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break };
            if inference.cancelled.load(Ordering::Relaxed) {
                break;
            }
            let on_bytes = |bytes: u64| {
                read[index].store(usize::try_from(bytes).unwrap_or(usize::MAX), Ordering::Relaxed);
                let all = read.iter().map(|bytes| bytes.load(Ordering::Relaxed) as u64).sum();
                (inference.on_bytes)(all);
                !inference.cancelled.load(Ordering::Relaxed)
            };
            let looked = look(inference, file, inference.options, &on_bytes);
            found.lock().unwrap_or_else(PoisonError::into_inner).insert(index, looked);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..inference.threads.clamp(1, files.len().max(1)) {
            scope.spawn(work);
        }
    });
    if inference.cancelled.load(Ordering::Relaxed) {
        let error = failed(ErrorKind::Unavailable, "the job was cancelled");
        return Err(error.with_retry(crate::engines::Retry::Never));
    }
    all_or_broken(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn look(
    inference: &Inference<'_>,
    file: &PinnedFile,
    options: &SniffOptions,
    on_bytes: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Looked, EngineError> {
    let source = (inference.open)(file)?;
    let broken = |error: FormatError| {
        let kind = match &error {
            FormatError::Read { .. } => ErrorKind::Unexpected,
            _ => ErrorKind::InvalidInput,
        };
        failed(kind, in_words(&error))
    };
    let Some(sniffed) = sniff(source.as_ref(), options).map_err(broken)? else { return Ok(None) };
    let rows = inference.sample.map(|sample| sample.rows).filter(|rows| *rows < u64::MAX);
    let inferred = infer(source.as_ref(), &sniffed, rows, on_bytes).map_err(broken)?;
    Ok(Some((sniffed, inferred)))
}

/// Errors of reading say why only in what is below them.
fn in_words(error: &FormatError) -> String {
    match error {
        FormatError::Read { source, .. } => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

/// Names every broken file; an error that is not of the content ends everything.
fn all_or_broken(
    found: BTreeMap<usize, Result<Looked, EngineError>>,
) -> Result<Vec<Looked>, EngineError> {
    let (mut looked, mut broken) = (Vec::with_capacity(found.len()), Vec::new());
    for result in found.into_values() {
        match result {
            Ok(one) => looked.push(one),
            Err(error) if error.kind == ErrorKind::InvalidInput => broken.push(error.message),
            Err(error) => return Err(error),
        }
    }
    let (count, of) = (broken.len(), broken.len() + looked.len());
    match count {
        0 => Ok(looked),
        1 => Err(failed(ErrorKind::InvalidInput, broken.remove(0))),
        _ => {
            broken.truncate(NAMED);
            let more =
                if count > NAMED { format!("; and {} more", count - NAMED) } else { String::new() };
            let message = format!("{count} of {of} files are broken: {}{more}", broken.join("; "));
            Err(failed(ErrorKind::InvalidInput, message))
        }
    }
}

/// A header that is seen in some files is looked for in the others: texts alone do not show one.
fn agree_on_headers(
    inference: &Inference<'_>,
    files: &[PinnedFile],
    looked: &mut [Looked],
) -> Result<(), EngineError> {
    let header = |one: &Looked| {
        one.as_ref().and_then(|(_, inferred)| inferred.format.csv.as_ref().map(|csv| csv.header))
    };
    if !looked.iter().any(|one| header(one) == Some(true)) {
        return Ok(());
    }
    let options = SniffOptions { header: Some(true), ..inference.options.clone() };
    for index in 0..looked.len() {
        if header(&looked[index]) != Some(false) {
            continue;
        }
        let again = look(inference, &files[index], &options, &|_| true)?;
        let names = |one: &Looked| -> Option<Vec<String>> {
            let (_, inferred) = one.as_ref()?;
            Some(inferred.schema.columns.iter().map(|column| column.name.clone()).collect())
        };
        let same = looked
            .iter()
            .filter(|one| header(one) == Some(true))
            .any(|one| names(one) == names(&again));
        if same {
            looked[index] = again;
        }
    }
    Ok(())
}

/// Says what was found in files (the first of all, in their order) amounts to.
pub(super) fn conclude(
    files: &[PinnedFile],
    looked: Vec<Looked>,
    partition_columns: Schema,
) -> Result<InferAnswer, EngineError> {
    if files.is_empty() {
        return Err(failed(ErrorKind::NotFound, "there are no files"));
    }
    let mut notes = Notes::default();
    let mut found: Vec<(&PinnedFile, Sniffed, InferredFile)> = Vec::new();
    for (file, one) in files.iter().zip(looked) {
        match one {
            None => notes.add(file, "is empty and was left out"),
            Some((sniffed, inferred)) => {
                sniffed.notes.iter().chain(&inferred.notes).for_each(|note| notes.add(file, note));
                found.push((file, sniffed, inferred));
            }
        }
    }
    let format = one_format(&found)?;
    let how = how_found(files, &found);
    let schemas: Vec<_> = found
        .iter()
        .map(|(file, _, inferred)| (file.path.to_string(), inferred.schema.clone()))
        .collect();
    let notes = notes.said();
    let total = files.len() as u64;
    Ok(match compare(&schemas, format.format) {
        Compared::Same(schema) => {
            check_keys(&schema, &partition_columns)?;
            InferAnswer::Same { format, schema, partition_columns, found: how, files: total, notes }
        }
        Compared::Conflict(conflict, indexes) => {
            let files = found.iter().map(|(file, ..)| (*file).clone()).zip(indexes).collect();
            InferAnswer::Conflict { format, conflict, partition_columns, found: how, files, notes }
        }
    })
}

/// A column of the files and a key of the path may not have one name.
fn check_keys(schema: &Schema, keys: &Schema) -> Result<(), EngineError> {
    let same = |key: &&crate::engines::schema::Column| {
        schema.columns.iter().any(|column| column.name.eq_ignore_ascii_case(&key.name))
    };
    match keys.columns.iter().find(same) {
        None => Ok(()),
        Some(key) => {
            let message =
                format!("`{}` is a column of the files and a key of their paths", key.name);
            Err(failed(ErrorKind::InvalidInput, message)
                .with_hint("rename the folders `key=value`, or the column"))
        }
    }
}

/// All files are read in one way.
fn one_format(found: &[(&PinnedFile, Sniffed, InferredFile)]) -> Result<FileFormat, EngineError> {
    let Some((first, _, inferred)) = found.first() else {
        return Err(failed(ErrorKind::NotFound, "none of the files has any content"));
    };
    let format = &inferred.format;
    for (file, _, other) in found {
        if other.format.format != format.format {
            let message = format!(
                "`{}` is {}, and `{}` is {}",
                first.path, format.format, file.path, other.format.format
            );
            return Err(failed(ErrorKind::InvalidInput, message)
                .with_hint("a table's files have one format: give a narrower location"));
        }
        if let Some(difference) = dialects_differ(format, &other.format) {
            let message = format!(
                "`{}` and `{}` are delimited text that is read in different ways: {difference}",
                first.path, file.path
            );
            return Err(failed(ErrorKind::InvalidInput, message)
                .with_hint("give a narrower location, or rewrite one of the files"));
        }
    }
    Ok(format.clone())
}

fn dialects_differ(left: &FileFormat, right: &FileFormat) -> Option<String> {
    let (left, right) = (left.csv.as_ref()?, right.csv.as_ref()?);
    if left.delimiter != right.delimiter {
        return Some(format!("delimiter {:?} and {:?}", left.delimiter, right.delimiter));
    }
    if left.header != right.header {
        let said = |header: bool| if header { "a header" } else { "no header" };
        return Some(format!("{} and {}", said(left.header), said(right.header)));
    }
    if left.quote != right.quote {
        return Some(format!("quote {:?} and {:?}", left.quote, right.quote));
    }
    (left.encoding != right.encoding)
        .then(|| format!("encoding {:?} and {:?}", left.encoding, right.encoding))
}

fn how_found(files: &[PinnedFile], found: &[(&PinnedFile, Sniffed, InferredFile)]) -> SchemaFound {
    let rows = found.iter().map(|(_, _, inferred)| inferred.rows).sum();
    let looked = found.len() as u64;
    let complete = found.iter().all(|(_, _, inferred)| inferred.complete);
    let left_out = files.iter().filter(|file| file.size_bytes > 0).count() > found.len();
    if complete && !left_out {
        let declared = found.iter().all(|(_, _, inferred)| inferred.declared);
        return if declared {
            SchemaFound::Footers { files: looked }
        } else {
            SchemaFound::AllRows { files: looked, rows }
        };
    }
    SchemaFound::Sampled {
        files: looked,
        rows,
        bytes: found.iter().map(|(_, _, inferred)| inferred.bytes).sum(),
        of_bytes: files.iter().map(|file| file.size_bytes).sum(),
        of_files: files.len() as u64,
    }
}

/// Notes of files: each said once, with the number of files it is true of.
#[derive(Default)]
struct Notes {
    notes: BTreeMap<String, (String, u64)>,
}

impl Notes {
    fn add(&mut self, file: &PinnedFile, note: &str) {
        let known = self.notes.entry(note.to_owned()).or_insert_with(|| (file.path.to_string(), 0));
        known.1 += 1;
    }

    fn said(self) -> Vec<String> {
        let all = self.notes.len();
        let said = |(note, (path, files)): (String, (String, u64))| match files {
            1 => format!("`{path}`: {note}"),
            files => format!("{files} files, such as `{path}`: {note}"),
        };
        let mut notes: Vec<String> = self.notes.into_iter().take(NOTES).map(said).collect();
        if all > NOTES {
            notes.push(format!("{} more notes are left out", all - NOTES));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;
    use crate::engines::schema::{Column, ColumnType};
    use crate::engines::table::{Compression, CsvDialect, Format, StoragePath, TextEncoding};

    fn file(path: &str, size_bytes: u64) -> PinnedFile {
        PinnedFile {
            path: StoragePath::new(path).expect("should be a path"),
            size_bytes,
            modified_ns: 0,
            identity: None,
            partition_values: Vec::new(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a file with content")]
    fn looked(format: Format, columns: &[(&str, DataType)], rows: u64) -> Looked {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            data_type: ColumnType(data_type.clone()),
            nullable: true,
            source_type: None,
        };
        let csv = (format == Format::Csv).then(|| CsvDialect {
            delimiter: ",".to_owned(),
            header: true,
            quote: '"',
            encoding: TextEncoding::Utf8,
            null_tokens: Vec::new(),
        });
        let format_of_file = FileFormat { format, csv };
        let sniffed = Sniffed {
            format: format_of_file.clone(),
            compression: Compression::None,
            notes: vec!["a header was detected".to_owned()],
        };
        let inferred = InferredFile {
            schema: Schema { columns: columns.iter().map(column).collect() },
            format: format_of_file,
            rows,
            bytes: 10,
            declared: format != Format::Csv,
            complete: true,
            notes: Vec::new(),
        };
        Some((sniffed, inferred))
    }

    fn refused(files: &[PinnedFile], found: Vec<Looked>) -> EngineError {
        conclude(files, found, Schema::default()).expect_err("should be refused")
    }

    #[test]
    fn files_that_agree_are_one_table() {
        let files = [file("a", 10), file("b", 10), file("c", 0)];
        let found = vec![
            looked(Format::Csv, &[("x", DataType::Int64)], 3),
            looked(Format::Csv, &[("x", DataType::Int64)], 4),
            None,
        ];
        let answer = conclude(&files, found, Schema::default()).expect("should agree");
        let InferAnswer::Same { found, files, notes, .. } = answer else {
            panic!("should be the same")
        };
        assert_eq!((found, files), (SchemaFound::AllRows { files: 2, rows: 7 }, 3));
        assert_eq!(
            notes,
            ["2 files, such as `a`: a header was detected", "`c`: is empty and was left out"]
        );
    }

    #[test]
    fn files_that_disagree_are_a_conflict_with_each_files_schema() {
        let files = [file("a", 10), file("b", 10), file("c", 10)];
        let found = vec![
            looked(Format::Parquet, &[("x", DataType::Utf8)], 3),
            looked(Format::Parquet, &[("x", DataType::Int64)], 4),
            looked(Format::Parquet, &[("x", DataType::Int64)], 4),
        ];
        let answer = conclude(&files, found, Schema::default()).expect("should be concluded");
        let InferAnswer::Conflict { files, conflict, found, .. } = answer else {
            panic!("should be a conflict")
        };
        let indexes: Vec<_> =
            files.iter().map(|(file, index)| (file.path.as_str(), *index)).collect();
        assert_eq!(indexes, [("a", 1), ("b", 0), ("c", 0)]);
        assert_eq!(conflict.schemas.len(), 2);
        assert_eq!(found, SchemaFound::Footers { files: 3 });
    }

    #[test]
    fn a_sample_says_what_it_is_a_sample_of() {
        let files = [file("a", 10), file("b", 20)];
        let found = vec![looked(Format::Csv, &[("x", DataType::Int64)], 3)];
        let answer = conclude(&files, found, Schema::default()).expect("should be concluded");
        let InferAnswer::Same { found, .. } = answer else { panic!("should be the same") };
        let expected =
            SchemaFound::Sampled { files: 1, rows: 3, bytes: 10, of_bytes: 30, of_files: 2 };
        assert_eq!(found, expected);
    }

    #[test]
    fn files_that_are_read_in_different_ways_are_named() {
        let files = [file("a", 10), file("b", 10)];
        let csv = || looked(Format::Csv, &[("x", DataType::Int64)], 3);
        let error = refused(&files, vec![csv(), looked(Format::Parquet, &[], 1)]);
        assert_eq!(error.message, "`a` is csv, and `b` is parquet");
        let mut other = csv();
        if let Some((_, InferredFile { format: FileFormat { csv: Some(csv), .. }, .. })) =
            &mut other
        {
            csv.delimiter = ";".to_owned();
        }
        let error = refused(&files, vec![csv(), other]);
        assert!(error.message.ends_with(r#"delimiter "," and ";""#), "{error}");
    }

    #[test]
    fn tables_without_content_are_not_found() {
        assert_eq!(refused(&[], Vec::new()).kind, ErrorKind::NotFound);
        assert_eq!(refused(&[file("a", 0)], vec![None]).kind, ErrorKind::NotFound);
    }

    #[test]
    fn every_broken_file_is_named() {
        let broken = |index: usize| {
            (index, Err(failed(ErrorKind::InvalidInput, format!("`{index}` is broken"))))
        };
        let error = all_or_broken((0..25).map(broken).collect()).expect_err("should be broken");
        assert!(error.message.starts_with("25 of 25 files are broken: `0` is broken; `1`"));
        assert!(error.message.ends_with("`19` is broken; and 5 more"), "{error}");
    }

    #[test]
    fn a_key_of_the_path_may_not_be_a_column_too() {
        let keys = Schema {
            columns: vec![Column {
                name: "X".to_owned(),
                data_type: ColumnType(DataType::Int64),
                nullable: false,
                source_type: None,
            }],
        };
        let found = vec![looked(Format::Csv, &[("x", DataType::Int64)], 3)];
        let error = conclude(&[file("X=1/a", 10)], found, keys).expect_err("should be refused");
        assert!(error.message.contains("a column of the files and a key"), "{error}");
    }
}
