//! Finds the schema of one file.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::size_of_buffer;
use super::csv::infer::Looking;
use super::error::FormatError;
use super::guard::guarded;
use super::kinds::NearlyTyped;
use super::sniff::Sniffed;
use super::{arrow_ipc, avro, csv, json, msgpack, orc, parquet, text_encoding};
use crate::engines::bad_rows::{Bad, BadRows};
use crate::engines::files::ByteSource;
use crate::engines::schema::Schema;
use crate::engines::table::{FileFormat, Format};

/// The schema of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredFile {
    /// Its columns. A column without any value is `Null`; comparing schemas settles it.
    pub schema: Schema,
    /// How it is read: as it was sniffed, but in Latin-1 when a byte that is not UTF-8 came late.
    pub format: FileFormat,
    /// How many rows were looked at, without those that are left out; for Parquet, ORC and Avro, how many the file states; none for
    /// Arrow, whose header does not say.
    pub rows: Option<u64>,
    /// How many bytes were read (of the file as it is stored).
    pub bytes: u64,
    /// Whether the schema comes from a footer or header that declares it.
    pub declared: bool,
    /// Whether everything was looked at.
    pub complete: bool,
    /// What is null or left out because it is bad.
    pub bad: Bad,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Columns of text at least half of whose values are of another kind.
    pub nearly: Vec<NearlyTyped>,
}

/// Called with the bytes read so far; returns false to stop the inference.
pub type OnBytes<'a> = &'a (dyn Fn(u64) -> bool + Sync);

/// Infers the schema of a file from its footer, or from every row, or from the first `rows`. A row
/// that is bad is an error, is left out or null as `bad_rows` says.
///
/// # Errors
/// `Broken` when the file cannot be read as what it was sniffed as; `Read`, also when stopped.
pub fn infer(
    source: &dyn ByteSource,
    sniffed: &Sniffed,
    rows: Option<u64>,
    bad_rows: BadRows,
    on_bytes: OnBytes<'_>,
) -> Result<InferredFile, FormatError> {
    let (path, word) = (source.path(), sniffed.format.format.as_str());
    guarded(path, word, || look(source, sniffed, (rows, bad_rows), on_bytes))
}

fn look(
    source: &dyn ByteSource,
    sniffed: &Sniffed,
    (rows, bad_rows): (Option<u64>, BadRows),
    on_bytes: OnBytes<'_>,
) -> Result<InferredFile, FormatError> {
    let watched = Watched { source, on_bytes, read: AtomicU64::new(0) };
    let format = sniffed.format.format;
    let mut file = InferredFile {
        schema: Schema::default(),
        format: sniffed.format.clone(),
        rows: None,
        bytes: 0,
        declared: true,
        complete: true,
        bad: Bad::default(),
        notes: Vec::new(),
        nearly: Vec::new(),
    };
    match format {
        Format::Parquet => {
            let footer = parquet::footer(&watched)?;
            file.notes.extend(footer.note);
            file.state((footer.schema, footer.rows));
        }
        Format::Orc => file.state(orc::footer(&watched)?),
        Format::Avro => file.state(avro::header(&watched)?),
        Format::Arrow => file.schema = arrow_ipc::header(&watched)?,
        Format::Json | Format::Jsonl => {
            file.take(json::infer(&watched, &sniffed.format, rows, bad_rows)?);
        }
        Format::Msgpack => file.take(msgpack::infer(&watched, &sniffed.format, rows, bad_rows)?),
        Format::Csv => {
            let types = &sniffed.format.types;
            let encoding_is_stated = sniffed.encoding_is_stated;
            let looking = Looking { types, rows, bad_rows, encoding_is_stated };
            infer_csv(&watched, &mut file, looking)?;
        }
        Format::Xlsx => {
            return Err(FormatError::Unrecognised {
                path: source.path().to_owned(),
                message: "Excel workbooks are written, but not read".to_owned(),
            });
        }
    }
    file.bytes = watched.read.load(Ordering::Relaxed).min(source.size());
    Ok(file)
}

fn infer_csv(
    source: &dyn ByteSource,
    file: &mut InferredFile,
    looking: Looking<'_>,
) -> Result<(), FormatError> {
    let Some(dialect) = &mut file.format.csv else {
        return Err(FormatError::Unrecognised {
            path: source.path().to_owned(),
            message: "its dialect is not stated".to_owned(),
        });
    };
    let found = csv::infer::infer(source, dialect, looking)?;
    file.notes.extend_from_slice(&found.notes);
    if found.encoding != dialect.encoding {
        dialect.encoding = found.encoding;
        file.notes.extend(text_encoding::note(found.encoding));
    }
    let csv::infer::Found { schema, rows, complete, bad, nearly, .. } = found;
    file.take(json::Found { schema, rows, complete, bad, nearly });
    Ok(())
}

impl InferredFile {
    /// Takes what the file states of itself.
    fn state(&mut self, (schema, rows): (Schema, u64)) {
        (self.schema, self.rows) = (schema, Some(rows));
    }

    /// Takes what was seen in its rows.
    fn take(&mut self, found: json::Found) {
        (self.schema, self.rows) = (found.schema, Some(found.rows));
        (self.complete, self.declared) = (found.complete, false);
        self.nearly = found.nearly;
        self.bad = found.bad;
    }
}

/// A source that counts what is read of it and may be stopped.
struct Watched<'a> {
    source: &'a dyn ByteSource,
    on_bytes: OnBytes<'a>,
    read: AtomicU64,
}

impl ByteSource for Watched<'_> {
    fn path(&self) -> &str {
        self.source.path()
    }

    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.source.read_at(buffer, offset)?;
        let added = size_of_buffer(count);
        let read = self.read.fetch_add(added, Ordering::Relaxed) + added;
        if (self.on_bytes)(read) {
            return Ok(count);
        }
        Err(io::Error::other("the inference was stopped"))
    }
}
