//! Writes batches into files under the job's token: `<location>/mason-job-<token>/[key=value/]part-00000.<ext>`.
//!
//! Rows of one partition keep their order. At most [`MOST_OPEN`] files are open at once; one that is
//! closed to make room is continued by a further part. Every file is hashed while it is written, and
//! synced, then its folder, before it may be committed.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use sha2::{Digest, Sha256};

use super::error::{Allowed, failed, from_datafusion, from_format, from_io, out_of_memory};
use super::tables::{allowed, column_index};
use crate::embedded::work::Work;
use crate::engines::files::NewFile;
use crate::engines::job_spec::FileSink;
use crate::engines::result::{Written, WrittenFile};
use crate::engines::schema::Schema;
use crate::engines::table::{Format, StoragePath};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::cell::Cell;
use crate::formats::encode::{Encoder, check_lines, encoder, held_bytes, read_back};
use crate::formats::error::FormatError;
use crate::lake::partitions::folder_name;

/// Most files that are open at once.
pub(super) const MOST_OPEN: usize = 64;

/// Most folders that partition keys may make.
pub(super) const MOST_PARTITIONS: usize = 10_000;

/// What open files may always hold in memory together.
const LEAST_HELD: u64 = 8 * 1024 * 1024;

const WRITING: &str = "write the files";

const BUFFER_BYTES: usize = 256 * 1024;

/// The values of a partition's keys; `None` is a null.
type Key = Vec<Option<String>>;

/// Writes the files of one job.
pub(super) struct FileWriter {
    work: Work,
    folder: StoragePath,
    format: Format,
    target_bytes: u64,
    most_open: usize,
    schema: SchemaRef,
    /// The columns that stay in the files.
    file_columns: Vec<usize>,
    file_schema: SchemaRef,
    /// Whether other engines read the files by lines.
    by_lines: bool,
    keys: Vec<usize>,
    converter: Option<RowConverter>,
    open: HashMap<String, Part>,
    next_part: BTreeMap<String, (u32, Key)>,
    used: u64,
    written_bytes: Arc<AtomicU64>,
    /// What is removed again unless the end is reached.
    created: Vec<StoragePath>,
    done: Vec<WrittenFile>,
}

/// A file that is being written.
struct Part {
    encoder: Box<dyn Encoder>,
    out: Arc<Mutex<HashedFile>>,
    path: StoragePath,
    rows: u64,
    used: u64,
}

fn nothing_to_write(keys: &[usize]) -> EngineError {
    if keys.is_empty() {
        let message = "the rows have no columns, and a file needs one";
        return failed(ErrorKind::InvalidInput, WRITING, message)
            .with_hint("what was read holds no value at all, such as an empty array of JSON");
    }
    let message = "every column is a partition key, and none is left for the files";
    failed(ErrorKind::InvalidInput, WRITING, message)
}

impl FileWriter {
    /// Prepares to write; nothing is created before the first rows or the end.
    pub(super) fn new(
        sink: &FileSink,
        work: &Work,
        schema: &SchemaRef,
    ) -> Result<Self, EngineError> {
        let wrong = |error: crate::engines::table::PathError| {
            failed(ErrorKind::InvalidInput, WRITING, error.to_string())
        };
        let folder = sink.staging(&work.token).map_err(wrong)?;
        let keys = sink
            .partition_by
            .iter()
            .map(|key| column_index(schema, key))
            .collect::<Result<Vec<_>, _>>()?;
        let file_columns: Vec<usize> =
            (0..schema.fields().len()).filter(|at| !keys.contains(at)).collect();
        if file_columns.is_empty() {
            return Err(nothing_to_write(&keys));
        }
        let file_schema = project(schema, &file_columns)?;
        let most_open = most_open(sink.format, &file_schema, work)?;
        Ok(Self {
            work: work.clone(),
            folder,
            format: sink.format,
            target_bytes: sink.target_file_size_bytes.max(1),
            most_open,
            converter: converter(schema, &keys)?,
            schema: Arc::clone(schema),
            file_columns,
            file_schema,
            // Those of a catalogue take each line of delimited text for a row.
            by_lines: sink.register.is_some() && sink.format == Format::Csv,
            keys,
            open: HashMap::new(),
            next_part: BTreeMap::new(),
            used: 0,
            written_bytes: Arc::new(AtomicU64::new(0)),
            created: Vec::new(),
            done: Vec::new(),
        })
    }

    /// Writes rows, each into the file of its partition.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        for (key, rows) in self.groups(batch)? {
            let rows = rows.project(&self.file_columns).map_err(|error| self.arrow(error))?;
            self.write_part(&key, &rows)?;
        }
        Ok(())
    }

    fn arrow(&self, error: datafusion::arrow::error::ArrowError) -> EngineError {
        from_datafusion(WRITING, self.allowed(), error.into())
    }

    fn allowed(&self) -> Allowed {
        allowed(&self.work)
    }

    /// The rows of each partition, in the order of their first row.
    fn groups(&mut self, batch: &RecordBatch) -> Result<Vec<(Key, RecordBatch)>, EngineError> {
        let allowed = self.allowed();
        let wrong = |error: datafusion::arrow::error::ArrowError| {
            from_datafusion(WRITING, allowed, error.into())
        };
        let Some(converter) = &mut self.converter else {
            return Ok(vec![(Vec::new(), batch.clone())]);
        };
        let columns: Vec<ArrayRef> =
            self.keys.iter().map(|key| Arc::clone(batch.column(*key))).collect();
        let rows = converter.convert_columns(&columns).map_err(wrong)?;
        let mut found: HashMap<&[u8], usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let group = *found.entry(row.data()).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        let mut parts = Vec::with_capacity(groups.len());
        for group in groups {
            let first = group.first().map_or(0, |row| usize::try_from(*row).unwrap_or(0));
            let key = columns
                .iter()
                .zip(&self.keys)
                .map(|(column, key)| text_of(self.schema.field(*key).name(), column, first))
                .collect::<Result<Vec<_>, _>>()?;
            let taken = take_record_batch(batch, &UInt32Array::from(group)).map_err(wrong)?;
            parts.push((key, taken));
        }
        Ok(parts)
    }

    fn write_part(
        &mut self,
        key: &[Option<String>],
        rows: &RecordBatch,
    ) -> Result<(), EngineError> {
        let folder = self.key_folder(key)?;
        if !self.open.contains_key(&folder) {
            self.make_room()?;
            let part = self.begin(&folder, key)?;
            self.open.insert(folder.clone(), part);
        }
        self.used += 1;
        let (used, target, allowed) = (self.used, self.target_bytes, self.allowed());
        let Some(part) = self.open.get_mut(&folder) else {
            return Err(failed(ErrorKind::Unexpected, WRITING, "an open file is not there"));
        };
        part.used = used;
        let checked = if self.by_lines { check_lines(rows) } else { Ok(()) };
        checked
            .and_then(|()| part.encoder.write(rows))
            .map_err(|error| failed_encoder(&part.out, &part.path, allowed, error))?;
        part.rows += u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
        if part.encoder.bytes_written() >= target {
            self.end(&folder)?;
        }
        self.bound_memory()
    }

    /// Ends the file that holds most in memory while all of them hold too much.
    fn bound_memory(&mut self) -> Result<(), EngineError> {
        let most = (self.work.memory_limit_bytes / 8).max(LEAST_HELD);
        loop {
            let held =
                |part: &Part| part.encoder.bytes_written().saturating_sub(lock(&part.out).bytes);
            let total: u64 = self.open.values().map(held).sum();
            if self.open.len() < 2 || total <= most {
                return Ok(());
            }
            let largest = self.open.iter().max_by_key(|(_, part)| held(part));
            let Some(folder) = largest.map(|(folder, _)| folder.clone()) else { return Ok(()) };
            self.end(&folder)?;
        }
    }

    /// The folder of a partition below the token's, empty without partition keys.
    fn key_folder(&self, key: &[Option<String>]) -> Result<String, EngineError> {
        let mut folder = String::new();
        for (value, column) in key.iter().zip(&self.keys) {
            let name = self.schema.field(*column).name();
            let part = folder_name(name, value.as_deref());
            if part.len() > 255 {
                let message = format!(
                    "a value of the partition key `{name}` is too long for a folder's name"
                );
                return Err(failed(ErrorKind::InvalidInput, WRITING, message)
                    .with_hint("partition by a column with few short values"));
            }
            folder.push_str(&part);
            folder.push('/');
        }
        Ok(folder)
    }

    fn make_room(&mut self) -> Result<(), EngineError> {
        while self.open.len() >= self.most_open {
            let oldest = self.open.iter().min_by_key(|(_, part)| part.used);
            let Some(oldest) = oldest.map(|(folder, _)| folder.clone()) else { return Ok(()) };
            self.end(&oldest)?;
        }
        Ok(())
    }

    fn begin(&mut self, folder: &str, key: &[Option<String>]) -> Result<Part, EngineError> {
        if !self.next_part.contains_key(folder) && self.next_part.len() >= MOST_PARTITIONS {
            let message = format!("the partition keys have more than {MOST_PARTITIONS} values");
            return Err(failed(ErrorKind::InvalidInput, WRITING, message)
                .with_hint("partition by columns with few values"));
        }
        let (number, _) =
            self.next_part.entry(folder.to_owned()).or_insert_with(|| (0, key.to_vec()));
        let name = format!("{folder}part-{number:05}.{}", self.format.as_str());
        *number += 1;
        let path = self
            .folder
            .join(&name)
            .map_err(|error| failed(ErrorKind::InvalidInput, WRITING, error.to_string()))?;
        let file = self.work.files.create(&path)?;
        self.created.push(path.clone());
        let out = Arc::new(Mutex::new(HashedFile {
            file,
            hash: Sha256::new(),
            buffer: Vec::with_capacity(BUFFER_BYTES),
            bytes: 0,
            written_bytes: Arc::clone(&self.written_bytes),
            limit_bytes: self.work.disk_limit_bytes,
            failure: None,
        }));
        let writer = Box::new(SharedFile(Arc::clone(&out)));
        let encoder = encoder(self.format, Arc::clone(&self.file_schema), writer)
            .map_err(|error| from_format(WRITING, self.allowed(), error))?;
        Ok(Part { encoder, out, path, rows: 0, used: 0 })
    }

    fn end(&mut self, folder: &str) -> Result<(), EngineError> {
        let allowed = self.allowed();
        let Some(part) = self.open.remove(folder) else { return Ok(()) };
        part.encoder
            .finish()
            .map_err(|error| failed_encoder(&part.out, &part.path, allowed, error))?;
        let (sha256, size_bytes) = lock(&part.out)
            .seal()
            .map_err(|error| from_io(WRITING, allowed, part.path.as_str(), &error))?;
        let partition_values =
            self.next_part.get(folder).map(|(_, key)| key.clone()).unwrap_or_default();
        self.done.push(WrittenFile {
            path: part.path,
            size_bytes,
            sha256,
            rows: part.rows,
            partition_values,
        });
        Ok(())
    }

    /// Ends every file and returns them by path; a job without rows leaves one file without rows.
    pub(super) fn finish(mut self) -> Result<Written, EngineError> {
        self.close()?;
        let mut files = std::mem::take(&mut self.done);
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let partition_columns = Schema::from_arrow(project(&self.schema, &self.keys)?.as_ref());
        self.created.clear();
        let schema = Schema::from_arrow(&read_back(self.format, &self.file_schema));
        Ok(Written { files, schema, partition_columns })
    }

    fn close(&mut self) -> Result<(), EngineError> {
        if self.created.is_empty() && self.keys.is_empty() {
            let part = self.begin("", &[])?;
            self.open.insert(String::new(), part);
        }
        let mut folders: Vec<String> = self.open.keys().cloned().collect();
        folders.sort_unstable();
        for folder in folders {
            self.end(&folder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl FileWriter {
    /// Returns how many files are open.
    pub(super) fn open_files(&self) -> usize {
        self.open.len()
    }

    /// Returns how many files may be open at once.
    pub(super) fn most_open(&self) -> usize {
        self.most_open
    }

    /// Counts folders that were not made.
    pub(super) fn pretend_folders(&mut self, folders: usize) {
        let names = (0..folders).map(|folder| (format!("pretended={folder}/"), (0, Key::new())));
        self.next_part.extend(names);
    }
}

impl Drop for FileWriter {
    /// Removes what was written, unless the end was reached. What cannot be removed is never committed,
    /// and collected later.
    fn drop(&mut self) {
        self.open.clear();
        for path in &self.created {
            if let Err(error) = self.work.files.remove(path) {
                tracing::warn!(%path, %error, "failed to remove an abandoned file");
            }
        }
    }
}

fn project(schema: &ArrowSchema, columns: &[usize]) -> Result<SchemaRef, EngineError> {
    schema
        .project(columns)
        .map(Arc::new)
        .map_err(|error| failed(ErrorKind::Unexpected, WRITING, error.to_string()))
}

/// How many files may be open at once, so that what each holds per column fits into memory.
fn most_open(format: Format, schema: &ArrowSchema, work: &Work) -> Result<usize, EngineError> {
    let each = held_bytes(format, schema);
    if each > work.memory_limit_bytes {
        let columns = schema.fields().len();
        let detail = format!(
            "to write {columns} columns as {format} takes some {} MiB",
            each / (1024 * 1024)
        );
        return Err(out_of_memory(WRITING, allowed(work), &detail));
    }
    let fit = usize::try_from(work.memory_limit_bytes / each.max(1)).unwrap_or(usize::MAX);
    Ok(fit.clamp(1, MOST_OPEN))
}

fn converter(schema: &ArrowSchema, keys: &[usize]) -> Result<Option<RowConverter>, EngineError> {
    if keys.is_empty() {
        return Ok(None);
    }
    for key in keys {
        let field = schema.field(*key);
        if field.data_type().is_nested() || field.data_type().is_binary() {
            let message = format!(
                "the column `{}` of type {} cannot be a partition key",
                field.name(),
                field.data_type()
            );
            return Err(failed(ErrorKind::InvalidInput, WRITING, message)
                .with_hint("partition by text, numbers, dates or booleans"));
        }
    }
    let sorts = keys.iter().map(|key| SortField::new(schema.field(*key).data_type().clone()));
    RowConverter::new(sorts.collect())
        .map(Some)
        .map_err(|error| failed(ErrorKind::InvalidInput, WRITING, error.to_string()))
}

/// Returns what a folder says of a value; one that no calendar has is refused.
fn text_of(name: &str, column: &ArrayRef, row: usize) -> Result<Option<String>, EngineError> {
    if column.is_null(row) {
        return Ok(None);
    }
    let options = FormatOptions::new().with_display_error(false);
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options);
    let text = formatter.and_then(|formatter| formatter.value(row).try_to_string());
    text.map(Some).map_err(|_| {
        let mut value = String::new();
        Cell::of(column.as_ref(), row).write_text(&mut value);
        let message = format!("the partition key `{name}` has `{value}`, which names no folder");
        failed(ErrorKind::InvalidInput, WRITING, message)
            .with_hint("cast it to text, or leave out rows with such a value")
    })
}

/// Translates the error of an encoder, with the kind the file below it failed with.
fn failed_encoder(
    out: &Mutex<HashedFile>,
    path: &StoragePath,
    allowed: Allowed,
    error: FormatError,
) -> EngineError {
    let failure = lock(out).failure;
    match (failure, error) {
        (Some(kind), FormatError::Write { source, .. }) => {
            from_io(WRITING, allowed, path.as_str(), &io::Error::new(kind, source.to_string()))
        }
        (_, error) => from_format(WRITING, allowed, error),
    }
}

fn lock(out: &Mutex<HashedFile>) -> MutexGuard<'_, HashedFile> {
    out.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is hashed and counted against the job's disk limit while it is written.
struct HashedFile {
    file: Box<dyn NewFile>,
    hash: Sha256,
    buffer: Vec<u8>,
    bytes: u64,
    written_bytes: Arc<AtomicU64>,
    limit_bytes: u64,
    /// Why it could not be written: encoders do not keep the kind.
    failure: Option<io::ErrorKind>,
}

impl HashedFile {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let total = self.written_bytes.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        if total > self.limit_bytes {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("the files of the job have more than {} bytes", self.limit_bytes),
            ));
        }
        self.bytes = self.bytes.saturating_add(size);
        self.hash.update(bytes);
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.file.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        if bytes.len() >= BUFFER_BYTES {
            return self.file.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what is left, makes it durable, and returns checksum and size.
    fn seal(&mut self) -> io::Result<(String, u64)> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.file.seal()?;
        Ok((hex::encode(self.hash.finalize_reset()), self.bytes))
    }
}

/// What an encoder writes to.
struct SharedFile(Arc<Mutex<HashedFile>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = lock(&self.0);
        match file.put(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                file.failure = Some(error.kind());
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
