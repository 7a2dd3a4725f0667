//! Batches of files whose schemas differ, to one schema.
//!
//! Columns are matched by exact name. A column whose types have a lossless common type gets it;
//! for others the rule decides. What was converted, what did not fit and what was absent is counted.
//!
//! Where types come from values (delimited text, JSON, `MessagePack`) a column of text is one with at
//! least one value that has no other type. So numbers of several types become `Float64` if that has
//! each of them, the rule `text` takes every value as it is written, and the rule `null` takes the
//! type of the files that have one, unless most are text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::cast::{CastReport, Place};
use super::convert::{Converted, check_convertible, convert};
use super::error::OperationError;
use super::paths::ValuePath;
use crate::engines::job_spec::{BadRows, MergeRule};
use crate::formats::compare::lossless_common_of;

/// One of the schemas that are merged.
#[derive(Debug, Clone)]
pub struct MergeSource {
    /// Its columns.
    pub schema: SchemaRef,
    /// How many files have it.
    pub files: u64,
    /// The path of one of them.
    pub example: String,
}

/// A batch's place among the files that are merged.
#[derive(Debug, Clone, Copy)]
pub struct FilePart<'a> {
    /// The index of its schema.
    pub source: usize,
    /// The path of its file.
    pub path: &'a str,
    /// How many rows of the file come before it.
    pub rows_before: u64,
}

/// How schemas are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeOptions {
    /// What happens to a column whose types have no lossless common type.
    pub on_conflict: MergeRule,
    /// New columns: name to path.
    pub extract_paths: BTreeMap<String, String>,
    /// Whether types come from values, so that text holds every one of them as it is written.
    pub text_format: bool,
}

/// Brings batches of several schemas to one.
#[derive(Debug, Clone)]
pub struct MergePlan {
    schema: SchemaRef,
    sources: Vec<SchemaRef>,
    extracts: BTreeMap<String, ValuePath>,
    on_conflict: MergeRule,
    /// The columns whose types differ.
    changes: BTreeSet<String>,
    read_as: BTreeMap<String, DataType>,
}

/// What is known of a column before its common type is chosen.
#[derive(Debug, Clone, Default)]
struct Candidate {
    name: String,
    /// Each type with the number of files that have it, in the order they were met, and one of them.
    types: Vec<(DataType, u64, String)>,
    sources: usize,
    nullable: bool,
}

impl MergePlan {
    /// Plans the merge of schemas, the first of them deciding the order of columns.
    ///
    /// # Errors
    /// `InvalidInput`, naming every column without a lossless common type when the rule is to fail,
    /// and every path that leads nowhere or whose name is taken.
    pub fn new(sources: &[MergeSource], options: &MergeOptions) -> Result<Self, OperationError> {
        let extracts = extracts(sources, &options.extract_paths)?;
        let candidates = candidates(sources, &extracts);
        let (mut fields, mut problems) = (Vec::new(), Vec::new());
        let mut read_as = BTreeMap::new();
        let begins_path = |name: &str| extracts.values().any(|path| path.column == name);
        for candidate in &candidates {
            match candidate.choose(options) {
                Some(Chosen { data_type, as_written }) => {
                    let own = !extracts.contains_key(&candidate.name);
                    if as_written && own && !begins_path(&candidate.name) {
                        read_as.insert(candidate.name.clone(), data_type.clone());
                    }
                    fields.push(candidate.field(data_type, sources.len()));
                }
                None => problems.push(candidate.in_words()),
            }
        }
        if !problems.is_empty() {
            return Err(OperationError::InvalidInput(format!(
                "no lossless common type for {}; choose on_conflict `text` or `null`",
                problems.join("; ")
            )));
        }
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            sources: sources.iter().map(|source| Arc::clone(&source.schema)).collect(),
            extracts,
            on_conflict: options.on_conflict,
            changes: candidates
                .iter()
                .filter(|candidate| candidate.types.len() > 1)
                .map(|candidate| candidate.name.clone())
                .collect(),
            read_as,
        })
    }

    /// Returns the common schema.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns the columns whose values are wanted as they are written, with the type in which they
    /// are read so.
    #[must_use]
    pub fn read_as(&self) -> &BTreeMap<String, DataType> {
        &self.read_as
    }

    /// Brings a batch to the common schema; its columns stand in the order of its file's schema.
    ///
    /// # Errors
    /// Whatever Arrow says; not foreseen.
    pub fn apply(
        &self,
        part: FilePart<'_>,
        batch: &RecordBatch,
        report: &mut CastReport,
    ) -> Result<RecordBatch, OperationError> {
        let place = Place { file: Some(part.path), rows_before: part.rows_before };
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let found = self.find(part.source, field.name(), batch)?;
            if self.changes.contains(field.name()) && found.is_some() {
                let from = self.type_in(part.source, field.name());
                if let Some(from) = &from {
                    report.record_source(field.name(), from, field.data_type());
                }
            }
            columns.push(placed(field, found, batch.num_rows(), place, report)?);
        }
        RecordBatch::try_new(self.schema(), columns).map_err(OperationError::arrow("merge a batch"))
    }

    /// Says whether what did not fit is a failure: values without a common type may be null only
    /// when the rule says so.
    ///
    /// # Errors
    /// `InvalidInput` as [`CastReport::verdict`].
    pub fn verdict(&self, report: &CastReport, bad_rows: BadRows) -> Result<(), OperationError> {
        if self.on_conflict == MergeRule::Null { Ok(()) } else { report.verdict(bad_rows) }
    }

    /// Returns the type that a column has in the files of a schema.
    fn type_in(&self, source: usize, name: &str) -> Option<DataType> {
        let schema = &self.sources[source];
        let of =
            |name: &str| schema.field_with_name(name).ok().map(|field| field.data_type().clone());
        match self.extracts.get(name) {
            Some(path) => path.leaf(&of(&path.column)?),
            None => of(name),
        }
    }

    /// Returns a column of a batch, its own or extracted, with the rows that could not be read.
    fn find(
        &self,
        source: usize,
        name: &str,
        batch: &RecordBatch,
    ) -> Result<Option<Converted>, OperationError> {
        let schema = &self.sources[source];
        let own = |name: &str| schema.index_of(name).ok().map(|index| batch.column(index));
        let Some(path) = self.extracts.get(name) else {
            let whole =
                |array: &ArrayRef| Converted { array: Arc::clone(array), misfits: Vec::new() };
            return Ok(own(name).map(whole));
        };
        let Some(column) = own(&path.column) else { return Ok(None) };
        if path.leaf(column.data_type()).is_none() {
            return Ok(None);
        }
        path.extract(column).map(Some).map_err(OperationError::arrow("extract a path"))
    }
}

/// Converts a column to its common type, or fills it with nulls where it is absent.
fn placed(
    field: &Field,
    found: Option<Converted>,
    rows: usize,
    place: Place<'_>,
    report: &mut CastReport,
) -> Result<ArrayRef, OperationError> {
    let to = field.data_type();
    let Some(found) = found else {
        report.record_absent(field.name(), to, rows as u64);
        return Ok(new_null_array(to, rows));
    };
    if found.array.data_type() == to && found.misfits.is_empty() {
        return Ok(found.array);
    }
    let mut converted = if check_convertible(found.array.data_type(), to).is_ok() {
        convert(&found.array, to)?
    } else {
        let misfits = (0..rows).filter(|row| found.array.is_valid(*row)).collect();
        Converted { array: new_null_array(to, rows), misfits }
    };
    converted.misfits.extend(found.misfits);
    converted.misfits.sort_unstable();
    report.record(field.name(), &found.array, &converted, place);
    Ok(converted.array)
}

fn extracts(
    sources: &[MergeSource],
    wanted: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, ValuePath>, OperationError> {
    let fields = sources.iter().flat_map(|source| source.schema.fields().iter().map(Arc::clone));
    let all = Schema::new(fields.collect::<Vec<_>>());
    let (mut paths, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, text) in wanted {
        match extract(sources, &all, name, text) {
            Ok(path) => {
                paths.insert(name.clone(), path);
            }
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    if problems.is_empty() {
        Ok(paths)
    } else {
        Err(OperationError::InvalidInput(problems.join("; ")))
    }
}

fn extract(
    sources: &[MergeSource],
    all: &Schema,
    name: &str,
    text: &str,
) -> Result<ValuePath, OperationError> {
    if all.index_of(name).is_ok() {
        let message = format!("`{name}` cannot be made from `{text}`: there is such a column");
        return Err(OperationError::InvalidInput(message));
    }
    let path = ValuePath::parse(text, all)?;
    let leads_somewhere = sources.iter().any(|source| {
        let field = source.schema.field_with_name(&path.column);
        field.is_ok_and(|field| path.leaf(field.data_type()).is_some())
    });
    if leads_somewhere {
        return Ok(path);
    }
    let message = format!("path `{text}` leads to nothing in any file");
    Err(OperationError::InvalidInput(message))
}

fn candidates(sources: &[MergeSource], extracts: &BTreeMap<String, ValuePath>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for source in sources {
        for field in source.schema.fields() {
            let found = (field.data_type().clone(), source.files, source.example.clone());
            add(&mut candidates, field.name(), found, field.is_nullable());
        }
    }
    for (name, path) in extracts {
        for source in sources {
            let field = source.schema.field_with_name(&path.column).ok();
            if let Some(leaf) = field.and_then(|field| path.leaf(field.data_type())) {
                add(&mut candidates, name, (leaf, source.files, source.example.clone()), true);
            }
        }
    }
    candidates
}

fn add(
    candidates: &mut Vec<Candidate>,
    name: &str,
    found: (DataType, u64, String),
    nullable: bool,
) {
    let position = candidates.iter().position(|candidate| candidate.name == name);
    let position = position.unwrap_or_else(|| {
        candidates.push(Candidate { name: name.to_owned(), ..Candidate::default() });
        candidates.len() - 1
    });
    let candidate = &mut candidates[position];
    candidate.sources += 1;
    candidate.nullable |= nullable;
    match candidate.types.iter_mut().find(|(data_type, ..)| *data_type == found.0) {
        Some((_, files, _)) => *files += found.1,
        None => candidate.types.push(found),
    }
}

/// The type of a column.
struct Chosen {
    data_type: DataType,
    /// Whether its values are wanted as they are written.
    as_written: bool,
}

impl Candidate {
    /// Returns the type, or `None` when there is no common one and the rule is to fail.
    fn choose(&self, options: &MergeOptions) -> Option<Chosen> {
        let all: Vec<&DataType> = self.types.iter().map(|(data_type, ..)| data_type).collect();
        let plain = |data_type| Some(Chosen { data_type, as_written: false });
        if let Some(common) = common(&all, options.text_format) {
            return plain(common);
        }
        match options.on_conflict {
            MergeRule::Fail => None,
            MergeRule::Text if options.text_format => lossless_common_of(all, true)
                .map(|data_type| Chosen { data_type, as_written: true }),
            MergeRule::Text => plain(DataType::Utf8),
            MergeRule::Null if options.text_format => {
                self.common_of_typed().or_else(|| self.most_frequent()).and_then(plain)
            }
            MergeRule::Null => self.most_frequent().and_then(plain),
        }
    }

    /// Returns the common type of all types but text, unless more files have text.
    fn common_of_typed(&self) -> Option<DataType> {
        let (texts, typed): (Vec<_>, Vec<_>) =
            self.types.iter().partition(|(data_type, ..)| *data_type == DataType::Utf8);
        let files =
            |of: &[&(DataType, u64, String)]| of.iter().map(|(_, files, _)| files).sum::<u64>();
        if files(&typed) < files(&texts) {
            return None;
        }
        let others: Vec<&DataType> = typed.iter().map(|(data_type, ..)| data_type).collect();
        common(&others, true)
    }

    /// The first met, of several that are as frequent.
    fn most_frequent(&self) -> Option<DataType> {
        let most = self.types.iter().map(|(_, files, _)| *files).max()?;
        let first = self.types.iter().find(|(_, files, _)| *files == most);
        first.map(|(data_type, ..)| data_type.clone())
    }

    fn field(&self, data_type: DataType, sources: usize) -> Field {
        let nullable = self.nullable || self.sources < sources || self.types.len() > 1;
        Field::new(&self.name, data_type, nullable)
    }

    fn in_words(&self) -> String {
        let one = |(data_type, files, example): &(DataType, u64, String)| match files {
            1 => format!("{data_type} in `{example}`"),
            _ => format!("{data_type} in {files} files, such as `{example}`"),
        };
        let types: Vec<_> = self.types.iter().map(one).collect();
        format!("column `{}` ({})", self.name, types.join("; "))
    }
}

/// Returns the type that holds every value of all of these, if there is one. Numbers whose types come
/// from values are floats where their types alone have nothing in common: each value is then tried.
fn common(types: &[&DataType], from_values: bool) -> Option<DataType> {
    let is_number = |data_type: &&DataType| {
        matches!(data_type, DataType::Int64 | DataType::Float64 | DataType::Decimal128(..))
    };
    let floats = || {
        let all = from_values && !types.is_empty() && types.iter().all(is_number);
        all.then_some(DataType::Float64)
    };
    lossless_common_of(types.iter().copied(), false).or_else(floats)
}

#[cfg(test)]
mod tests {
    use arrow::array::*;
    use arrow::compute::cast;

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("should be a batch")
    }

    fn options(on_conflict: MergeRule) -> MergeOptions {
        MergeOptions { on_conflict, extract_paths: BTreeMap::new(), text_format: false }
    }

    fn plan(batches: &[RecordBatch], options: &MergeOptions) -> Result<MergePlan, OperationError> {
        let source = |batch: &RecordBatch| MergeSource {
            schema: batch.schema(),
            files: 1,
            example: "one.csv".to_owned(),
        };
        MergePlan::new(&batches.iter().map(source).collect::<Vec<_>>(), options)
    }

    fn cell(array: &ArrayRef, row: usize) -> String {
        let text = cast(array, &DataType::Utf8).expect("should print");
        let text = text.as_string::<i32>();
        if text.is_null(row) { "null".to_owned() } else { text.value(row).to_owned() }
    }

    fn merged(batches: &[RecordBatch], options: &MergeOptions) -> (Vec<String>, CastReport) {
        let plan = plan(batches, options).expect("should be planned");
        let mut report = CastReport::default();
        let mut rows = Vec::new();
        for (source, batch) in batches.iter().enumerate() {
            let path = format!("{source}.csv");
            let part = FilePart { source, path: &path, rows_before: 0 };
            let merged = plan.apply(part, batch, &mut report).expect("should be merged");
            assert_eq!(merged.schema(), plan.schema());
            for row in 0..merged.num_rows() {
                rows.push(
                    merged
                        .columns()
                        .iter()
                        .map(|array| cell(array, row))
                        .collect::<Vec<_>>()
                        .join(","),
                );
            }
        }
        (rows, report)
    }

    fn integers(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn columns_are_united_by_name_and_absent_ones_are_null() {
        let batches = [
            batch(vec![("a", integers(&[1])), ("b", texts(&["x"]))]),
            batch(vec![("B", texts(&["y"])), ("a", Arc::new(Int32Array::from(vec![2])))]),
        ];
        let (rows, report) = merged(&batches, &options(MergeRule::Fail));
        assert_eq!(rows, ["1,x,null", "2,null,y"]);
        let a = &report.columns["a"];
        assert_eq!((a.from.as_str(), a.to.as_str()), ("Int64 | Int32", "Int64"));
        assert_eq!((a.rows, a.nulled), (1, 0));
        assert_eq!((report.columns["b"].from.as_str(), report.columns["b"].absent), ("absent", 1));
    }

    #[test]
    fn types_without_a_lossless_common_one_follow_the_rule() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 2.0]));
        let batches = [batch(vec![("a", integers(&[(1 << 53) + 1]))]), batch(vec![("a", floats)])];
        let error = plan(&batches, &options(MergeRule::Fail)).expect_err("should be refused");
        let error = error.to_string();
        assert!(error.contains("column `a` (Int64 in `one.csv`; Float64 in `one.csv`)"), "{error}");
        let (rows, _) = merged(&batches, &options(MergeRule::Text));
        assert_eq!(rows, ["9007199254740993", "1.5", "2"]);
        let (rows, report) = merged(&batches, &options(MergeRule::Null));
        assert_eq!(rows, ["9007199254740993", "null", "2"]);
        let column = &report.columns["a"];
        assert_eq!((column.nulled, column.examples[0].row), (1, 1));
        assert_eq!(column.examples[0].value, "1.5");
        assert_eq!(column.nulled_in, BTreeMap::from([("1.csv".to_owned(), 1)]));
    }

    #[test]
    fn the_most_frequent_type_stays_when_others_become_null() {
        let batches = [batch(vec![("a", integers(&[7]))]), batch(vec![("a", texts(&["x"]))])];
        let sources = [
            MergeSource { schema: batches[0].schema(), files: 1, example: "a".to_owned() },
            MergeSource { schema: batches[1].schema(), files: 3, example: "b".to_owned() },
        ];
        let plan = MergePlan::new(&sources, &options(MergeRule::Null)).expect("should be planned");
        assert_eq!(plan.schema().field(0).data_type(), &DataType::Utf8);
    }

    fn from_values(on_conflict: MergeRule) -> MergeOptions {
        MergeOptions { text_format: true, ..options(on_conflict) }
    }

    fn amounts() -> [RecordBatch; 3] {
        let decimals = Decimal128Array::from(vec![150]).with_precision_and_scale(18, 2);
        [
            batch(vec![("a", Arc::new(decimals.expect("should be decimals")))]),
            batch(vec![("a", texts(&["n/a", "2.25", "0.125"]))]),
            batch(vec![("a", integers(&[7]))]),
        ]
    }

    #[test]
    fn text_beside_numbers_is_a_conflict_where_types_come_from_values() {
        let error = plan(&amounts(), &from_values(MergeRule::Fail)).expect_err("should be refused");
        let expected =
            "column `a` (Decimal128(18, 2) in `one.csv`; Utf8 in `one.csv`; Int64 in `one.csv`)";
        assert!(error.to_string().contains(expected), "{error}");
        let (rows, report) = merged(&amounts(), &from_values(MergeRule::Null));
        assert_eq!(rows, ["1.50", "null", "2.25", "null", "7.00"]);
        let column = &report.columns["a"];
        assert_eq!(column.from, "Decimal128(18, 2) | Utf8 | Int64");
        assert_eq!(column.nulled_in, BTreeMap::from([("1.csv".to_owned(), 2)]));
        let places: Vec<_> =
            column.examples.iter().map(|one| (one.row, one.value.as_str())).collect();
        assert_eq!(places, [(1, "n/a"), (3, "0.125")]);
    }

    #[test]
    fn text_that_is_wanted_is_read_as_it_is_written() {
        let plan = plan(&amounts(), &from_values(MergeRule::Text)).expect("should be planned");
        assert_eq!(plan.read_as(), &BTreeMap::from([("a".to_owned(), DataType::Utf8)]));
        let mut report = CastReport::default();
        let part = FilePart { source: 0, path: "a.csv", rows_before: 0 };
        let written = batch(vec![("a", texts(&["1.50"]))]);
        plan.apply(part, &written, &mut report).expect("should be merged");
        assert_eq!(report.columns["a"].from, "Decimal128(18, 2)");
    }

    #[test]
    fn numbers_that_come_from_values_are_floats_if_those_have_each_of_them() {
        let floats = || batch(vec![("a", Arc::new(Float64Array::from(vec![0.25])) as ArrayRef)]);
        let small = [batch(vec![("a", integers(&[7]))]), floats()];
        let (rows, report) = merged(&small, &from_values(MergeRule::Fail));
        assert_eq!((rows, report.nulled()), (vec!["7.0".to_owned(), "0.25".to_owned()], 0));
        let large = [batch(vec![("a", integers(&[(1 << 53) + 1]))]), floats()];
        let (_, report) = merged(&large, &from_values(MergeRule::Fail));
        let plan = plan(&large, &from_values(MergeRule::Fail)).expect("should be planned");
        let error = plan.verdict(&report, BadRows::Fail).expect_err("should fail").to_string();
        assert!(error.contains(r#""9007199254740993" in row 1 of `0.csv`"#), "{error}");
    }

    #[test]
    fn a_column_that_is_text_in_most_files_stays_text() {
        let batches = [
            batch(vec![("a", texts(&["Wien"]))]),
            batch(vec![("a", texts(&["Graz"]))]),
            batch(vec![("a", integers(&[7]))]),
        ];
        let (rows, _) = merged(&batches, &from_values(MergeRule::Null));
        assert_eq!(rows, ["Wien", "Graz", "7"]);
    }

    #[test]
    fn paths_become_columns() {
        let batches = [
            batch(vec![("doc", texts(&[r#"{"a": {"b": 1}}"#, "no json"]))]),
            batch(vec![("other", integers(&[1]))]),
        ];
        let extract_paths = BTreeMap::from([("ab".to_owned(), "doc.a.b".to_owned())]);
        let options = MergeOptions { extract_paths, ..options(MergeRule::Fail) };
        let (rows, report) = merged(&batches, &options);
        assert_eq!(rows, [r#"{"a": {"b": 1}},null,1"#, "no json,null,null", "null,1,null"]);
        assert_eq!((report.columns["ab"].nulled, report.columns["ab"].absent), (1, 1));
        assert!(
            plan(&batches, &options).expect("planned").verdict(&report, BadRows::Fail).is_err()
        );
    }

    #[test]
    fn every_wrong_path_is_named() {
        let batches = [batch(vec![("a", integers(&[1]))])];
        let extract_paths = BTreeMap::from([
            ("a".to_owned(), "a".to_owned()),
            ("x".to_owned(), "a.b".to_owned()),
            ("y".to_owned(), "c.d".to_owned()),
        ]);
        let options = MergeOptions { extract_paths, ..options(MergeRule::Fail) };
        let error = plan(&batches, &options).expect_err("should be refused").to_string();
        for part in ["there is such a column", "leads to nothing", "begins with no column"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
