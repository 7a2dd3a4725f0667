//! Parquet files beside the same rows in files without statistics, and files whose footers say
//! something else than their rows.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::data_type::{ByteArray, Int64Type, Int96, Int96Type};
use ::parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::statistics::{Statistics, ValueStatistics};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Float64Type};
use bytes::Bytes;
use datafusion::common::Column as ColumnName;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{Expr, lit};
use serde_json::{Value, json};

use super::session::{Budget, session};
use super::tables::Tables;
use super::tests::{Lake, batch, ints, job, parquet_input, query, texts};
use crate::engines::ErrorKind;
use crate::engines::job_spec::{AnswerLimits, BadRows, Input, Operation};
use crate::engines::reading::Reading;
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::{FileFormat, Format};
use crate::formats::infer::infer;
use crate::formats::sniff::sniff;

/// Every row group, page and Bloom filter holds a few rows only.
fn written(batch: &RecordBatch, rows_of_group: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows_of_group))
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(1)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_enabled(true)
        .set_bloom_filter_max_ndv(16)
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("should begin");
    writer.write(batch).expect("should write");
    writer.into_inner().expect("should end")
}

/// The same pages under another footer.
fn with_footer(content: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&Bytes::copy_from_slice(content))
        .expect("should have a footer");
    let end = content.len() - 8;
    let length = u32::from_le_bytes(content[end..end + 4].try_into().expect("should be four"));
    let mut whole = content[..end - length as usize].to_vec();
    ParquetMetaDataWriter::new(&mut whole, &change(metadata)).finish().expect("should write");
    whole
}

/// The first column of each row group with other statistics, and nothing else to skip pages by.
fn with_first_statistics(metadata: ParquetMetaData, statistics: &Statistics) -> ParquetMetaData {
    let column = |column: &ColumnChunkMetaData| {
        let column = column.clone().into_builder().set_statistics(statistics.clone());
        column
            .set_column_index_offset(None)
            .set_column_index_length(None)
            .set_bloom_filter_offset(None)
            .set_bloom_filter_length(None)
            .build()
            .expect("should be a column")
    };
    let mut builder = metadata.into_builder();
    let mut row_groups = builder.take_row_groups();
    for group in &mut row_groups {
        let first = &mut group.columns_mut()[0];
        *first = column(first);
    }
    builder.set_row_groups(row_groups).build()
}

fn arrow_content(batch: &RecordBatch) -> Vec<u8> {
    let mut writer =
        arrow::ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).expect("should begin");
    writer.write(batch).expect("should write");
    writer.into_inner().expect("should end")
}

/// Returns the inputs `shop.p` of Parquet and `shop.a` of Arrow with the same rows.
fn both(lake: &Lake, rows: &RecordBatch) -> Vec<Input> {
    let parquet = lake.file("shop/p/1.parquet", &written(rows, 4));
    let arrow = lake.file("shop/a/1.arrow", &arrow_content(rows));
    let mut without = parquet_input("shop.a", rows, vec![arrow]);
    without.format = FileFormat::of(Format::Arrow);
    vec![parquet_input("shop.p", rows, vec![parquet]), without]
}

fn all_rows(lake: &Lake, inputs: &[Input], sql: &str) -> Result<Value, String> {
    let mut spec = job(inputs.to_vec(), query(sql));
    spec.limits = AnswerLimits { rows: 100_000, bytes: 16 << 20 };
    lake.run(&spec).map(|executed| executed.answer).map_err(|error| error.to_string())
}

/// Floats that statistics get wrong, and some that they get right.
const FLOATS: [f64; 9] =
    [f64::NAN, -f64::NAN, -0.0, 0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 3.0];

/// How the floats of a table are drawn.
#[derive(Debug, Clone, Copy)]
enum Draw {
    /// Of each row group all but one value are equal, and that one is a NaN.
    OneNan,
    /// Zeros of both signs.
    Zeros,
    /// Anything but zeros with a sign, and nulls.
    Unsigned,
    /// Anything, and nulls.
    Any,
}

struct Drawn {
    state: u64,
    draw: Draw,
}

impl Drawn {
    fn next(&mut self) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.state >> 33).expect("should fit")
    }

    fn float(&mut self, row: usize) -> Option<f64> {
        let drawn = self.next();
        match self.draw {
            Draw::OneNan => Some(if row % 4 == 2 { f64::NAN } else { 1.5 }),
            Draw::Zeros => Some(if drawn.is_multiple_of(2) { 0.0 } else { -0.0 }),
            Draw::Unsigned => Self::any(drawn).map(|float| if float == 0.0 { 0.0 } else { float }),
            Draw::Any => Self::any(drawn),
        }
    }

    fn any(drawn: usize) -> Option<f64> {
        FLOATS.get(drawn % (FLOATS.len() + 2)).copied()
    }

    fn floats(&mut self, rows: usize) -> Vec<Option<f64>> {
        (0..rows).map(|row| self.float(row)).collect()
    }
}

fn drawn(draw: Draw, seed: u64) -> RecordBatch {
    const ROWS: usize = 24;
    let mut floats = Drawn { state: seed, draw };
    let ids: ArrayRef = Arc::new((0..24).map(Some).collect::<Int64Array>());
    let narrow = |values: Vec<Option<f64>>| -> ArrayRef {
        let column = Float64Array::from(values);
        arrow::compute::cast(&column, &DataType::Float32).expect("should cast")
    };
    let half = |values: Vec<Option<f64>>| -> ArrayRef {
        let column = Float64Array::from(values);
        arrow::compute::cast(&column, &DataType::Float16).expect("should cast")
    };
    let inner: ArrayRef = Arc::new(Float64Array::from(floats.floats(ROWS)));
    let field = Arc::new(Field::new("x", DataType::Float64, true));
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(field, inner)]));
    let lists = (0..ROWS).map(|_| Some(floats.floats(3)));
    let lists: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists.collect::<Vec<_>>()));
    let numbers = (0..24).map(|row: i64| (row % 5 != 0).then_some(row / 3));
    let letters =
        (0..24_u8).map(|row| (row % 7 != 0).then(|| char::from(b'a' + row / 4).to_string()));
    batch(vec![
        ("id", ids),
        ("f", Arc::new(Float64Array::from(floats.floats(ROWS)))),
        ("g", narrow(floats.floats(ROWS))),
        ("h", half(floats.floats(ROWS))),
        ("s", nested),
        ("l", lists),
        ("n", Arc::new(numbers.collect::<Int64Array>())),
        ("t", Arc::new(letters.collect::<StringArray>())),
    ])
}

/// Every way to filter a column by a value, as one statement.
fn filters(column: &str, value: &str, other: &str) -> String {
    let conditions = [
        format!("{column} = {value}"),
        format!("{column} <> {value}"),
        format!("{column} < {value}"),
        format!("{column} <= {value}"),
        format!("{column} > {value}"),
        format!("{column} >= {value}"),
        format!("{column} in ({value}, {other})"),
        format!("{column} not in ({value}, {other})"),
        format!("{column} between {value} and {other}"),
        format!("{column} not between {other} and {value}"),
        format!("{column} is null"),
        format!("{column} is not null"),
        format!("{column} is distinct from {value}"),
        format!("not ({column} > {value})"),
    ];
    let select = |(at, condition): (usize, &String)| {
        format!("select {at} as condition, id from TABLE where {condition}")
    };
    let all: Vec<String> = conditions.iter().enumerate().map(select).collect();
    format!("select * from ({}) as q order by condition, id", all.join(" union all "))
}

fn aggregates(column: &str) -> Vec<String> {
    vec![
        format!("select min({column}) as x from TABLE"),
        format!("select max({column}) as x from TABLE"),
        format!("select count({column}) as x from TABLE"),
        format!("select min({column}) as a, max({column}) as b, count({column}) as c from TABLE"),
        format!("select count(distinct {column}) as x from TABLE"),
    ]
}

fn orders(column: &str) -> Vec<String> {
    vec![
        format!("select id, {column} as x from TABLE order by {column}, id limit 3"),
        format!("select id, {column} as x from TABLE order by {column} desc, id limit 3"),
        format!("select {column} as x from TABLE order by {column} limit 5"),
    ]
}

fn assert_same(lake: &Lake, inputs: &[Input], sql: &str) {
    let parquet = all_rows(lake, inputs, &sql.replace("TABLE", "p"));
    let arrow = all_rows(lake, inputs, &sql.replace("TABLE", "a"));
    assert!(arrow.is_ok(), "{sql}: {arrow:?}");
    assert_eq!(parquet, arrow, "{sql}");
}

#[test]
fn parquet_answers_as_the_same_rows_without_statistics() {
    let nan = "cast('NaN' as double)";
    let values = [(nan, "1.5"), ("1.5", nan), ("0.0", "-0.0"), ("-0.0", "3.0"), ("2.0", "4.0")];
    let draws = [Draw::OneNan, Draw::Zeros, Draw::Unsigned, Draw::Any];
    for (seed, draw) in (1..).zip(draws) {
        let lake = Lake::new();
        let inputs = both(&lake, &drawn(draw, seed));
        assert_same(&lake, &inputs, "select * from TABLE order by id");
        for column in ["f", "g", "h", "s['x']"] {
            for (value, other) in values {
                assert_same(&lake, &inputs, &filters(column, value, other));
            }
        }
        assert_same(&lake, &inputs, &filters("n", "3", "5"));
        assert_same(&lake, &inputs, &filters("t", "'b'", "'d'"));
        for column in ["f", "g", "s['x']", "n", "t"] {
            for sql in aggregates(column) {
                assert_same(&lake, &inputs, &sql);
            }
            // Zeros of both signs are ordered in another way when there are several batches.
            let ordered =
                if matches!(draw, Draw::Zeros | Draw::Any) { vec![] } else { orders(column) };
            for sql in ordered {
                assert_same(&lake, &inputs, &sql);
            }
        }
        assert_same(&lake, &inputs, "select id from TABLE where array_has(l, 1.5) order by id");
        assert_same(
            &lake,
            &inputs,
            "select x.id, y.id as other from TABLE as x join TABLE as y on x.f = y.f \
             order by x.id, y.id",
        );
    }
}

/// How many rows the scan of a statement gives, before its filter.
fn scanned(lake: &Lake, input: &Input, column: &str, value: &Expr) -> usize {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> usize {
        let below: usize = plan.children().into_iter().map(of).sum();
        let own = plan.metrics().and_then(|metrics| metrics.output_rows());
        if plan.children().is_empty() { own.expect("should be counted") } else { below }
    }
    let budget = Budget::of(lake.work.memory_limit_bytes, 1);
    let context = session(&budget, &lake.path(""), 1 << 30).expect("should be a session");
    let spec = job(vec![input.clone()], query("select 1"));
    let tables = Tables::new(&spec, &lake.work, &context).expect("should be tables");
    let provider = tables.provider(0, false).expect("should be a table");
    let condition = Expr::Column(ColumnName::new_unqualified(column)).eq(value.clone());
    let runtime = tokio::runtime::Runtime::new().expect("should build");
    runtime.block_on(async {
        let frame = context.read_table(provider).and_then(|table| table.filter(condition));
        let plan = frame.expect("should be valid").create_physical_plan().await;
        let plan = plan.expect("should be planned");
        collect(Arc::clone(&plan), context.task_ctx()).await.expect("should run");
        of(&plan)
    })
}

#[test]
fn filters_leave_out_rows_by_whole_numbers_and_texts_but_not_by_floats() {
    let lake = Lake::new();
    let inputs = both(&lake, &drawn(Draw::Unsigned, 7));
    assert!(scanned(&lake, &inputs[0], "n", &lit(3_i64)) <= 8);
    assert!(scanned(&lake, &inputs[0], "t", &lit("c")) <= 8);
    assert_eq!(scanned(&lake, &inputs[0], "f", &lit(1e300)), 24);
    assert_eq!(scanned(&lake, &inputs[0], "g", &lit(1e30_f32)), 24);
}

#[test]
fn a_float_that_is_the_same_but_for_nan_is_no_constant() {
    let lake = Lake::new();
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN, 1.5]));
    let rows = batch(vec![("i", ints(&[Some(1), Some(2), Some(3)])), ("x", values)]);
    let file = lake.parquet("shop/p/1.parquet", &rows);
    let inputs = vec![parquet_input("shop.p", &rows, vec![file])];
    let read = all_rows(&lake, &inputs, "select x from p order by i");
    assert_eq!(read, Ok(json!([{"x": 1.5}, {"x": "NaN"}, {"x": 1.5}])));
    let spec = job(inputs, Operation::Deduplicate { keys: vec!["x".into()], order_by: vec![] });
    assert_eq!(lake.rows(&spec).as_array().map(Vec::len), Some(2));
}

#[test]
fn values_come_from_the_rows_whatever_the_footer_says() {
    let lake = Lake::new();
    let rows = batch(vec![("n", ints(&[Some(1), Some(2), None])), ("m", ints(&[Some(4); 3]))]);
    let content = with_footer(&written(&rows, 8), |metadata| {
        let seven = Statistics::int64(Some(7), Some(7), Some(1), Some(0), false);
        with_first_statistics(metadata, &seven)
    });
    let inputs =
        vec![parquet_input("shop.p", &rows, vec![lake.file("shop/p/1.parquet", &content)])];
    let read = |sql: &str| all_rows(&lake, &inputs, sql);
    assert_eq!(read("select n from p order by n"), Ok(json!([{"n": 1}, {"n": 2}, {"n": null}])));
    assert_eq!(read("select min(n) as a, max(n) as b from p"), Ok(json!([{"a": 1, "b": 2}])));
    assert_eq!(read("select count(n) as c from p"), Ok(json!([{"c": 2}])));
    let distinct = "select count(distinct n) as c, count(distinct m) as d from p";
    assert_eq!(read(distinct), Ok(json!([{"c": 2, "d": 1}])));
    assert_eq!(read("select count(*) as c from p"), Ok(json!([{"c": 3}])));
}

#[test]
fn the_bound_of_one_extreme_leaves_the_rows_of_another() {
    let lake = Lake::new();
    let rows = |file: i32| {
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values([1.0, f64::from(file)]));
        let numbers = [200 - file, 100 - file].map(|number| Some(i64::from(number)));
        batch(vec![("i", ints(&numbers)), ("x", values)])
    };
    let files = (0..40).map(|file| lake.parquet(&format!("shop/p/{file:02}.parquet"), &rows(file)));
    let inputs = vec![parquet_input("shop.p", &rows(0), files.collect())];
    let read = |sql: &str| all_rows(&lake, &inputs, sql);
    let expected = Ok(json!([{"i": 200, "x": 39.0}]));
    assert_eq!(read("select max(i) as i, max(x) as x from p"), expected);
    let expected = Ok(json!([{"i": 200, "m": 61}]));
    assert_eq!(read("select max(i) as i, 100 + min(i + 0 - 100) as m from p"), expected);
}

#[test]
fn what_a_filter_may_leave_is_counted() {
    let lake = Lake::new();
    let rows = batch(vec![("x", ints(&[Some(5), Some(6)])), ("y", ints(&[Some(6), Some(7)]))]);
    let file = lake.parquet("shop/p/1.parquet", &rows);
    let inputs = vec![parquet_input("shop.p", &rows, vec![file])];
    let sql = "select count(distinct x) as a, count(distinct y) as b from p where x = 5 and y = 7";
    assert_eq!(all_rows(&lake, &inputs, sql), Ok(json!([{"a": 0, "b": 0}])));
}

#[test]
fn partition_keys_are_counted_by_the_rows_that_have_them() {
    let lake = Lake::new();
    let rows = batch(vec![("n", ints(&[Some(1), Some(2)]))]);
    let none = rows.slice(0, 0);
    let files = [("b", Some("b"), &rows), ("null", None, &rows), ("a", Some("a"), &none)];
    let files = files.map(|(folder, value, rows)| {
        let mut file = lake.parquet(&format!("shop/p/k={folder}/1.parquet"), rows);
        file.file.partition_values = vec![value.map(str::to_owned)];
        file
    });
    let mut input = parquet_input("shop.p", &rows, files.to_vec());
    input.partition_columns = Schema {
        columns: vec![Column {
            name: "k".into(),
            data_type: ColumnType(DataType::Utf8),
            nullable: true,
            source_type: None,
        }],
    };
    let sql = "select count(k) as c, count(*) as n, min(k) as a, max(k) as z from p";
    let counted = all_rows(&lake, &[input.clone()], sql);
    assert_eq!(counted, Ok(json!([{"c": 2, "n": 4, "a": "b", "z": "b"}])));
    let counted = all_rows(&lake, &[input], "select count(k) as c from p");
    assert_eq!(counted, Ok(json!([{"c": 2}])));
}

#[test]
fn texts_are_not_left_out_by_the_order_of_old_writers() {
    let lake = Lake::new();
    let rows = batch(vec![("t", texts(&[Some("a"), Some("é"), Some("z")]))]);
    let content = with_footer(&written(&rows, 8), |metadata| {
        // As signed bytes `é` is the smallest.
        let (least, most) = (ByteArray::from("é"), ByteArray::from("z"));
        let old = ValueStatistics::new(Some(least), Some(most), None, Some(0), true);
        with_first_statistics(metadata, &Statistics::ByteArray(old))
    });
    let inputs =
        vec![parquet_input("shop.p", &rows, vec![lake.file("shop/p/1.parquet", &content)])];
    let read = all_rows(&lake, &inputs, "select t from p where t = 'a'");
    assert_eq!(read, Ok(json!([{"t": "a"}])));
}

#[test]
fn a_row_group_with_other_rows_than_its_columns_is_refused_by_name() {
    let lake = Lake::new();
    let rows = batch(vec![("n", ints(&[Some(1), Some(2), None]))]);
    let content = with_footer(&written(&rows, 8), |metadata| {
        let mut builder = metadata.into_builder();
        let groups = builder.take_row_groups().into_iter();
        let five = groups.map(|group| group.into_builder().set_num_rows(5).build());
        builder.set_row_groups(five.collect::<Result<_, _>>().expect("should be groups")).build()
    });
    let file = lake.file("shop/p/1.parquet", &content);
    let input = parquet_input("shop.p", &rows, vec![file]);
    let operations = [
        query("select count(*) as c from p"),
        query("select n from p"),
        query("select n from p where n > 1"),
        Operation::Preview { rows: 2 },
    ];
    for operation in operations {
        let error = lake.run(&job(vec![input.clone()], operation)).expect_err("should be refused");
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{error}");
        for words in ["shop/p/1.parquet", "states 5 rows", "`n`", "3 values"] {
            assert!(error.message.contains(words), "{error}");
        }
    }
}

/// `seconds` of the day and some nanoseconds.
fn int96(julian_day: u32, seconds: u64) -> Int96 {
    let nanoseconds = seconds * 1_000_000_000 + 123_456_789;
    let mut value = Int96::new();
    let low = u32::try_from(nanoseconds & u64::from(u32::MAX)).expect("should fit");
    value.set_data(low, u32::try_from(nanoseconds >> 32).expect("should fit"), julian_day);
    value
}

/// A table as old Spark and Hive write them, with INT96 alone, in a struct, in a list and in a map.
fn old_timestamps() -> Vec<u8> {
    const SCHEMA: &str = "message old {
        optional int64 id;
        optional int96 at;
        optional group s { optional int96 at; optional int64 n; }
        optional group l (LIST) { repeated group bag { optional int96 array_element; } }
        optional group m (MAP) { repeated group key_value { required int96 key; optional int96 value; } }
    }";
    let schema = Arc::new(parse_message_type(SCHEMA).expect("should be a schema"));
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("should begin");
    let mut group = writer.next_row_group().expect("should begin");
    // 9999-12-31 and 2024-01-01.
    let days = [int96(5_373_484, 3_723), int96(2_460_311, 0)];
    for (column, level) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 2), (6, 3)] {
        let mut chunk = group.next_column().expect("should begin").expect("should be a column");
        let levels = [level; 2];
        let repeated = (column >= 4).then_some(&[0_i16; 2][..]);
        if column == 0 || column == 3 {
            let ids = chunk.typed::<Int64Type>().write_batch(&[1, 2], Some(&levels), repeated);
            ids.expect("should write");
        } else {
            let days = chunk.typed::<Int96Type>().write_batch(&days, Some(&levels), repeated);
            days.expect("should write");
        }
        chunk.close().expect("should end");
    }
    group.close().expect("should end");
    writer.into_inner().expect("should end")
}

#[test]
fn old_timestamps_are_read_in_microseconds_however_deep() {
    let lake = Lake::new();
    let file = lake.file("shop/p/1.parquet", &old_timestamps());
    let source = lake.root.read(&file.file).expect("should open");
    let sniffed = sniff(&*source, &Reading::default()).expect("known").expect("content");
    let inferred =
        infer(&*source, &sniffed, None, BadRows::Fail, &|_| true).expect("should infer").schema;
    let word = |name: &str| inferred.column(name).and_then(|column| column.source_type.clone());
    assert_eq!((word("at"), word("id")), (Some("INT96".to_owned()), None));
    let input = Input {
        schemas: vec![inferred],
        ..parquet_input("shop.p", &batch(vec![("id", ints(&[]))]), vec![file])
    };
    let (far, near) = ("9999-12-31T01:02:03.123456", "2024-01-01T00:00:00.123456");
    let row = |id: i64, at: &str| {
        json!({"id": id, "at": at, "s": {"at": at, "n": id}, "l": [at],
               "m": [{"key": at, "value": at}]})
    };
    let expected = json!([row(1, far), row(2, near)]);
    let read = all_rows(&lake, std::slice::from_ref(&input), "select * from p order by id");
    assert_eq!(read, Ok(expected.clone()));
    let preview = job(vec![input.clone()], Operation::Preview { rows: 5 });
    assert_eq!(lake.rows(&preview), expected);
    let mut decoded = job(vec![input.clone()], query("select * from p order by id"));
    decoded.bad_rows = BadRows::Reject;
    decoded.limits.bytes = 1 << 20;
    assert_eq!(lake.rows(&decoded), expected);
    for sql in [
        "select id from p where at > timestamp '2025-01-01 00:00:00'",
        "select id from p where s['at'] > timestamp '2025-01-01 00:00:00'",
        "select id from p where at = cast('9999-12-31 01:02:03.123456' as timestamp(6))",
    ] {
        assert_eq!(
            all_rows(&lake, std::slice::from_ref(&input), sql),
            Ok(json!([{"id": 1}])),
            "{sql}"
        );
    }
    let greatest = all_rows(&lake, &[input], "select max(at) as at from p");
    assert_eq!(greatest, Ok(json!([{"at": far}])));
}
