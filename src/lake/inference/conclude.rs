//! What was found in a table's files amounts to one table, or to a conflict. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::failed;
use super::notes::Notes;
use super::shape::{Found, Looked, Shape};
use super::why::why_text;
use crate::engines::bad_rows::Bad;
use crate::engines::counted::counted;
use crate::engines::nearest::nearest;
use crate::engines::partitions::PartitionsRead;
use crate::engines::reading::Reading;
use crate::engines::result::InferAnswer;
use crate::engines::schema::{Schema, SchemaFound};
use crate::engines::table::{
    ConflictingTable, FileFormat, PinnedFile, Table, TableKind, TableLookup, TableName,
    TextEncoding,
};
use crate::engines::{EngineError, ErrorKind};
use crate::formats::compare::{Compared, compare};
use crate::lake::partitions;

/// What the files of a table amount to.
#[derive(Debug)]
pub(crate) struct Concluded {
    format: FileFormat,
    /// The one schema, or how they disagree with each file's index into the conflict's schemas.
    compared: Compared,
    partition_columns: Schema,
    found: SchemaFound,
    /// The files that were looked at and have content.
    files: Vec<PinnedFile>,
    /// How many files there are in all.
    total: u64,
    rows: Option<u64>,
    /// What is null or left out because it is bad.
    bad: Bad,
    notes: Vec<String>,
    why_text: BTreeMap<String, String>,
}

/// Says what was found in files (the first of all, in their order) amounts to. `bad` is what is bad in
/// files that are left out.
///
/// # Errors
/// `NotFound` when there is no file; `InvalidInput` when none has any content, when they are read in
/// several ways, or when a type is stated of a column that none has.
pub(super) fn conclude(
    files: &[PinnedFile],
    looked: &[Looked],
    keys: &[String],
    reading: &Reading,
    mut bad: Bad,
) -> Result<Concluded, EngineError> {
    if files.is_empty() {
        return Err(failed(ErrorKind::NotFound, "there are no files"));
    }
    let mut notes = Notes::default();
    let found: Vec<Found<'_>> = files
        .iter()
        .zip(looked)
        .filter_map(|(file, one)| {
            if one.is_none() {
                notes.add(file, "no content, left out");
            }
            Some((file, one.as_ref()?))
        })
        .collect();
    for (file, one) in &found {
        for note in &one.shape.notes {
            notes.add(file, note);
        }
        bad.merge(&one.bad);
    }
    let format = one_format(reading, files, &found)?;
    check_stated_types(&format, &found, keys)?;
    let schemas = Schemas::of(&found, keys);
    let pairs = found.iter().zip(&schemas.of_file);
    let pairs: Vec<_> =
        pairs.map(|((file, _), index)| (file.path.as_str(), &schemas.distinct[*index])).collect();
    let compared = compare(&pairs, format.format);
    let why_text = match &compared {
        Compared::Same(schema) => why_text(schema, &found),
        Compared::Conflict(..) => BTreeMap::new(),
    };
    let mut notes = notes.said();
    notes.extend(schemas.shadowed.iter().map(|column| {
        format!("`{column}` is taken from the path, the files' own column is not read")
    }));
    Ok(Concluded {
        format,
        compared,
        partition_columns: partitions::columns(keys, files),
        found: how_found(files, looked, &found),
        total: files.len() as u64,
        rows: found.iter().map(|(_, one)| one.rows).sum(),
        bad,
        files: found.into_iter().map(|(file, _)| file.clone()).collect(),
        notes,
        why_text,
    })
}

/// The distinct schemas of files, without columns that their paths give.
struct Schemas {
    distinct: Vec<Schema>,
    /// The index of each file's schema.
    of_file: Vec<usize>,
    /// The columns that are taken from the path instead.
    shadowed: Vec<String>,
}

impl Schemas {
    fn of(found: &[Found<'_>], keys: &[String]) -> Self {
        let mut schemas = Self { distinct: Vec::new(), of_file: Vec::new(), shadowed: Vec::new() };
        let mut known: HashMap<*const Shape, usize> = HashMap::new();
        for (_, one) in found {
            let add = || {
                schemas.distinct.push(one.shape.schema.clone());
                schemas.distinct.len() - 1
            };
            schemas.of_file.push(*known.entry(Arc::as_ptr(&one.shape)).or_insert_with(add));
        }
        let of_path = |name: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        for schema in &mut schemas.distinct {
            for column in schema.columns.extract_if(.., |column| of_path(&column.name)) {
                if !schemas.shadowed.contains(&column.name) {
                    schemas.shadowed.push(column.name);
                }
            }
        }
        schemas
    }
}

/// Returns the one way in which all files are read. Each file has its own encoding, unless all are
/// UTF-8: a table in which one is not may get others.
fn one_format(
    reading: &Reading,
    files: &[PinnedFile],
    found: &[Found<'_>],
) -> Result<FileFormat, EngineError> {
    let mut dialects = found.iter().filter_map(|(_, one)| one.shape.format.csv.as_ref());
    let all_utf8 = dialects.all(|csv| csv.encoding == TextEncoding::Utf8);
    let encoding = reading.encoding.or((!all_utf8).then_some(TextEncoding::PerFile));
    let mut ways: HashMap<FileFormat, (u64, &PinnedFile)> = HashMap::new();
    for (file, one) in found {
        let mut format = one.shape.format.clone();
        if let (Some(csv), Some(encoding)) = (&mut format.csv, encoding) {
            csv.encoding = encoding;
        }
        ways.entry(format).or_insert((0, *file)).0 += 1;
    }
    let mut ways: Vec<_> = ways.into_iter().collect();
    match ways.as_slice() {
        [] => return Err(without_content(files)),
        [(format, _)] => return Ok(format.clone()),
        _ => {}
    }
    ways.sort_by(|(_, (left, first)), (_, (right, second))| {
        right.cmp(left).then_with(|| first.path.cmp(&second.path))
    });
    let each = ways.iter().map(|(format, (files, example))| {
        let files = counted(*files, "file");
        format!("{} ({files}, such as `{}`)", in_words(format), example.path)
    });
    let message =
        format!("the files are read in several ways: {}", each.collect::<Vec<_>>().join("; "));
    Err(failed(ErrorKind::InvalidInput, message).with_hint(
        "put the files of each format into a folder of their own; state what was detected wrongly, \
         such as read_headers or delimiter",
    ))
}

fn without_content(files: &[PinnedFile]) -> EngineError {
    let message = match files {
        [one] => format!("`{}` has no content", one.path),
        [first, ..] => {
            format!("none of the {} files has any content, such as `{}`", files.len(), first.path)
        }
        [] => "there is no file".to_owned(),
    };
    failed(ErrorKind::InvalidInput, message).with_hint("write its rows first, or remove it")
}

/// Refuses types of columns that no file has, all of them at once.
fn check_stated_types(
    format: &FileFormat,
    found: &[Found<'_>],
    keys: &[String],
) -> Result<(), EngineError> {
    let mut columns: BTreeSet<&str> = BTreeSet::new();
    let mut shapes: HashSet<*const Shape> = HashSet::new();
    for (_, one) in found.iter().filter(|(_, one)| shapes.insert(Arc::as_ptr(&one.shape))) {
        columns.extend(one.shape.schema.columns.iter().map(|column| column.name.as_str()));
    }
    let near = |wanted: &str| {
        let near = nearest(wanted, columns.iter().copied());
        near.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
    };
    let problem = |wanted: &String| {
        if keys.contains(wanted) {
            return Some(format!(
                "`{wanted}` comes from the path, whose values have their own type"
            ));
        }
        let is_known = columns.contains(wanted.as_str());
        (!is_known).then(|| format!("there is no column `{wanted}`{}", near(wanted)))
    };
    let problems: Vec<String> = format.types.keys().filter_map(problem).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = columns.iter().take(20).map(|name| format!("`{name}`")).collect();
    let message = format!("parameter `types`: {}", problems.join("; "));
    Err(failed(ErrorKind::InvalidInput, message)
        .with_hint(format!("the columns are {}", known.join(", "))))
}

fn in_words(format: &FileFormat) -> String {
    let Some(csv) = &format.csv else { return format.format.to_string() };
    let mut words = vec![format!("{} with delimiter {:?}", format.format, csv.delimiter)];
    if csv.quote != Some('"') {
        words.push(csv.quote.map_or("no quote".to_owned(), |quote| format!("quote {quote:?}")));
    }
    words.extend(csv.escape.map(|escape| format!("escape {escape:?}")));
    words.extend(csv.comment.as_ref().map(|comment| format!("comment {comment:?}")));
    if csv.skip_rows > 0 {
        words.push(format!("skip_rows {}", csv.skip_rows));
    }
    words.push(if csv.header { "a header" } else { "no header" }.to_owned());
    words.join(", ")
}

fn how_found(files: &[PinnedFile], looked: &[Looked], found: &[Found<'_>]) -> SchemaFound {
    let rows = found.iter().filter_map(|(_, one)| one.rows).sum();
    let count = found.len() as u64;
    if looked.len() < files.len() || found.iter().any(|(_, one)| !one.complete) {
        return SchemaFound::Sampled {
            files: count,
            rows,
            bytes: found.iter().map(|(_, one)| one.bytes).sum(),
            of_bytes: files.iter().map(|file| file.size_bytes).sum(),
            of_files: files.len() as u64,
        };
    }
    if found.iter().all(|(_, one)| one.shape.declared) {
        return SchemaFound::Footers { files: count };
    }
    SchemaFound::AllRows { files: count, rows }
}

impl Concluded {
    /// Returns the same with other partition columns.
    pub(super) fn with_partition_columns(self, partition_columns: Schema) -> Self {
        Self { partition_columns, ..self }
    }

    /// Returns what is said of what is null or left out because it is bad.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.bad.warnings()
    }

    /// Returns the answer of an inference's job.
    pub(crate) fn into_answer(self) -> InferAnswer {
        let Self { format, compared, partition_columns, found, files, total, notes, .. } = self;
        match compared {
            Compared::Same(schema) => InferAnswer::Same {
                format,
                schema,
                partition_columns,
                found,
                files: total,
                notes,
                why_text: self.why_text,
            },
            Compared::Conflict(conflict, of_file) => InferAnswer::Conflict {
                format,
                conflict,
                partition_columns,
                found,
                files: files.into_iter().zip(of_file).collect(),
                notes,
            },
        }
    }

    /// Returns the undeclared table.
    pub(crate) fn into_lookup(self, name: TableName, location: String) -> TableLookup {
        let Self { format, compared, partition_columns, found, files, rows, bad, notes, .. } = self;
        let keys: Vec<String> =
            partition_columns.columns.iter().map(|key| key.name.clone()).collect();
        let partitions =
            partitions::count(files.iter().map(|file| file.partition_values.as_slice()));
        match compared {
            Compared::Same(schema) => TableLookup::Table(Box::new(Table {
                name,
                kind: TableKind::Discovered,
                locations: vec![location],
                format,
                found,
                schema: Schema {
                    columns: schema.columns.into_iter().chain(partition_columns.columns).collect(),
                },
                version: None,
                files,
                rows,
                bad,
                notes,
                partitions: (!keys.is_empty()).then(|| PartitionsRead::all(partitions)),
                partition_keys: keys,
                unregistered: 0,
                why_text: self.why_text,
            })),
            Compared::Conflict(conflict, of_file) => {
                TableLookup::Conflicting(Box::new(ConflictingTable {
                    name,
                    locations: vec![location],
                    format,
                    conflict: *conflict,
                    files: files.into_iter().zip(of_file).collect(),
                    partition_keys: keys,
                    found,
                    bad,
                    notes,
                }))
            }
        }
    }
}
