use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{cast, concat_batches, sort};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::engines::job_spec::SummaryMethod;

fn options(method: SummaryMethod) -> SummaryOptions {
    SummaryOptions {
        columns: Vec::new(),
        method,
        quantiles: vec![0.0, 0.25, 0.5, 0.75, 1.0],
        top: 3,
        exact_memory_bytes: 64 << 20,
    }
}

fn batch(array: ArrayRef) -> RecordBatch {
    let field = Field::new("c", array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array])
        .expect("should be a batch")
}

fn summarize(batches: &[RecordBatch], method: SummaryMethod) -> ColumnSummary {
    let mut summarizer =
        Summarizer::new(&batches[0].schema(), options(method)).expect("should be made");
    for batch in batches {
        summarizer.update(batch).expect("should be taken up");
    }
    summary_of(summarizer)
}

fn summary_of(summarizer: Summarizer) -> ColumnSummary {
    summarizer.finish().expect("should finish").columns.remove(0).summary
}

fn one<T: ArrowPrimitiveType>(array: Option<&ArrayRef>) -> T::Native {
    array.expect("should be known").as_primitive::<T>().value(0)
}

#[test]
fn nulls_and_nans_are_counted_apart() {
    let array = Float64Array::from(vec![
        Some(1.0),
        None,
        Some(f64::NAN),
        Some(-0.0),
        Some(0.0),
        Some(f64::NEG_INFINITY),
    ]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!((summary.count, summary.nulls, summary.not_numbers), (4, 1, Some(1)));
    assert_eq!(summary.distinct, Some(Distinct { count: 3, standard_error: 0.0 }));
    assert!(one::<arrow::datatypes::Float64Type>(summary.min.as_ref()).is_infinite());
    assert!((one::<arrow::datatypes::Float64Type>(summary.max.as_ref()) - 1.0).abs() < 1e-12);
}

#[test]
fn quantiles_are_values_of_the_column_and_keep_its_type() {
    let array = Decimal128Array::from(vec![Some(150), Some(-275), None, Some(400)])
        .with_precision_and_scale(9, 2)
        .expect("should fit");
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    let quantiles = summary.quantiles.expect("should be known").values;
    assert_eq!(quantiles.data_type(), &DataType::Decimal128(9, 2));
    let quantiles = quantiles.as_primitive::<arrow::datatypes::Decimal128Type>().values().to_vec();
    assert_eq!(quantiles, vec![-275, -275, 150, 400, 400]);
    assert!((summary.mean.expect("should be known") - 0.916_666_666).abs() < 1e-6);
}

#[test]
fn dates_and_times_have_extremes_but_no_mean() {
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_000), None, Some(-3)]));
    let stamps =
        TimestampMicrosecondArray::from(vec![Some(5), Some(-7), None]).with_timezone("UTC");
    let times: ArrayRef = Arc::new(Time32SecondArray::from(vec![Some(5), Some(7), None]));
    for array in [dates, Arc::new(stamps) as ArrayRef, times] {
        let data_type = array.data_type().clone();
        let summary = summarize(&[batch(array)], SummaryMethod::Approximate);
        assert_eq!((summary.count, summary.nulls, summary.mean), (2, 1, None), "{data_type}");
        assert_eq!(summary.min.expect("should be known").data_type(), &data_type);
    }
}

#[test]
fn unsigned_numbers_beyond_the_signed_range_keep_their_order() {
    let array = UInt64Array::from(vec![u64::MAX, 1, 1 << 63]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!(one::<arrow::datatypes::UInt64Type>(summary.max.as_ref()), u64::MAX);
    assert_eq!(one::<arrow::datatypes::UInt64Type>(summary.min.as_ref()), 1);
}

#[test]
fn texts_are_compared_byte_by_byte() {
    let array = StringArray::from(vec![Some("b"), Some("B"), None, Some("ä"), Some("b"), Some("")]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!(summary.min.expect("should be known").as_string::<i32>().value(0), "");
    assert_eq!(summary.max.expect("should be known").as_string::<i32>().value(0), "ä");
    let top = summary.top.expect("should be known");
    assert_eq!(top.values.as_string::<i32>().value(0), "b");
    assert_eq!(top.counts, vec![2, 1, 1]);
    assert!(summary.quantiles.is_none() && summary.mean.is_none());
}

#[test]
fn booleans_count_what_is_true() {
    let array = BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!((summary.count, summary.nulls, summary.true_values), (3, 1, Some(2)));
    assert_eq!(summary.top.expect("should be known").counts, vec![2, 1]);
}

#[test]
fn nested_columns_are_counted_only() {
    let array = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1)]),
        None,
        Some(vec![]),
    ]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!((summary.count, summary.nulls), (2, 1));
    assert!(summary.min.is_none() && summary.distinct.is_none() && summary.top.is_none());
}

#[test]
fn dictionaries_are_summarised_as_their_values() {
    let array: DictionaryArray<Int32Type> =
        vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Approximate);
    assert_eq!((summary.count, summary.nulls), (3, 1));
    assert_eq!(summary.distinct, Some(Distinct { count: 2, standard_error: 0.0 }));
}

#[test]
fn a_column_of_no_rows_has_no_values() {
    let empty = Int64Array::from(Vec::<i64>::new());
    let summary = summarize(&[batch(Arc::new(empty))], SummaryMethod::Approximate);
    assert_eq!((summary.count, summary.nulls), (0, 0));
    assert!(summary.min.is_none() && summary.mean.is_none());
    assert_eq!(summary.quantiles.expect("should be there").values.len(), 0);
}

#[test]
fn unknown_columns_and_quantiles_are_refused() {
    let schema = batch(Arc::new(Int64Array::from(vec![1]))).schema();
    let unknown =
        SummaryOptions { columns: vec!["d".to_owned()], ..options(SummaryMethod::Approximate) };
    let error = Summarizer::new(&schema, unknown).expect_err("should be refused");
    assert_eq!(error.to_string(), "there is no column `d`; there are `c`");
    let outside = SummaryOptions { quantiles: vec![1.5], ..options(SummaryMethod::Approximate) };
    assert!(Summarizer::new(&schema, outside).is_err());
}

#[test]
fn a_million_distinct_values_stay_within_the_stated_errors() {
    let values = |part: i64| {
        batch(Arc::new(Int64Array::from_iter_values(
            (0..8192).map(move |row| (part * 8192 + row) * 7919 % 1_000_003),
        )))
    };
    let batches: Vec<_> = (0..120).map(values).collect();
    let summary = summarize(&batches, SummaryMethod::Approximate);
    let exact = summarize(&batches, SummaryMethod::Exact);
    let (distinct, truth) = (summary.distinct.expect("known"), exact.distinct.expect("known"));
    let off = (distinct.count.abs_diff(truth.count)) as f64 / truth.count as f64;
    assert!(off < 4.0 * distinct.standard_error, "{off}");
    let found = summary.quantiles.expect("should be known");
    for (index, quantile) in [0.0, 0.25, 0.5, 0.75, 1.0].iter().enumerate() {
        let value = found.values.as_primitive::<arrow::datatypes::Int64Type>().value(index);
        let rank = value as f64 / 1_000_003.0;
        assert!((rank - quantile).abs() < 2.0 * found.rank_error + 0.001, "{quantile}: {value}");
    }
    assert_eq!(summary.mean, exact.mean);
}

/// The naive figures of a column of small numbers.
fn naive(values: &[Option<i64>]) -> (u64, BTreeMap<i64, u64>) {
    let mut counts = BTreeMap::new();
    for value in values.iter().flatten() {
        *counts.entry(*value).or_insert(0) += 1;
    }
    (values.iter().filter(|value| value.is_none()).count() as u64, counts)
}

proptest! {
    #[test]
    fn parts_merged_in_any_split_equal_the_naive_figures(
        values in prop::collection::vec(prop::option::of(-40..40_i64), 1..400),
        cut in 0..400_usize,
        exact in any::<bool>(),
    ) {
        let cut = cut.min(values.len());
        let method = if exact { SummaryMethod::Exact } else { SummaryMethod::Approximate };
        let parts = [&values[..cut], &values[cut..]].map(|part| batch(Arc::new(Int64Array::from(part.to_vec()))));
        let mut left = Summarizer::new(&parts[0].schema(), options(method)).expect("should be made");
        let mut right = Summarizer::new(&parts[0].schema(), options(method)).expect("should be made");
        left.update(&parts[0]).expect("should be taken up");
        right.update(&parts[1]).expect("should be taken up");
        left.merge(&right);
        let summary = summary_of(left);
        let (nulls, counts) = naive(&values);
        prop_assert_eq!(summary.nulls, nulls);
        prop_assert_eq!(summary.count, values.len() as u64 - nulls);
        prop_assert_eq!(summary.distinct.map(|distinct| distinct.count), Some(counts.len() as u64));
        let mut frequent: Vec<u64> = counts.values().copied().collect();
        frequent.sort_unstable_by(|left, right| right.cmp(left));
        frequent.truncate(3);
        prop_assert_eq!(summary.top.expect("should be known").counts, frequent);
        let mut sorted: Vec<i64> = values.iter().flatten().copied().collect();
        sorted.sort_unstable();
        let quantiles = summary.quantiles.expect("should be known").values;
        let found = quantiles.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec();
        let expected: Vec<i64> = [0.0, 0.25, 0.5, 0.75, 1.0]
            .iter()
            .filter_map(|quantile| {
                let rank = ((quantile * sorted.len() as f64).ceil() as usize).max(1);
                sorted.get(rank - 1).copied()
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn many_texts_merged_stay_within_the_stated_errors(seed in 0..1000_u64) {
        let text = |row: u64| format!("{}", (row * 7919 + seed) % 20_000);
        let parts: Vec<_> = (0..4_u64)
            .map(|part| {
                let rows = (part * 8000..(part + 1) * 8000).map(text);
                let often = std::iter::repeat_n("often".to_owned(), 900);
                batch(Arc::new(StringArray::from_iter_values(rows.chain(often))))
            })
            .collect();
        let mut whole = Summarizer::new(&parts[0].schema(), options(SummaryMethod::Approximate)).expect("should be made");
        for part in &parts {
            let mut one = Summarizer::new(&part.schema(), options(SummaryMethod::Approximate)).expect("should be made");
            one.update(part).expect("should be taken up");
            whole.merge(&one);
        }
        let summary = summary_of(whole);
        let distinct = summary.distinct.expect("should be known");
        prop_assert!((distinct.count as f64 - 20_001.0).abs() < 5.0 * 0.0082 * 20_001.0, "{:?}", distinct);
        let top = summary.top.expect("should be known");
        prop_assert_eq!(top.values.as_string::<i32>().value(0), "often");
        prop_assert!(top.counts[0] <= 3600 && 3600 <= top.counts[0] + top.undercount);
    }
}

/// Columns of every kind made of the same small numbers, so that many are equal.
fn columns_of_every_kind(numbers: &[Option<i64>]) -> RecordBatch {
    let ints = Int64Array::from(numbers.to_vec());
    let floats = ints.iter().map(|value| {
        value.map(|value| match value {
            0 => -0.0,
            1 => 0.0,
            2 => f64::NAN,
            3 => -f64::NAN,
            4 => f64::NEG_INFINITY,
            other => other as f64 / 4.0,
        })
    });
    let text = |value: i64| match value % 3 {
        0 => format!("{value}"),
        1 => format!("{}{value}", "ä".repeat(200)),
        _ => format!("{}{}", "🦀".repeat(257 + value.unsigned_abs() as usize % 2), value / 4),
    };
    let texts = ints.iter().map(|value| value.map(text)).collect::<StringArray>();
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        ints.iter().map(|value| value.map(i64::to_be_bytes)),
        8,
    );
    let as_type = |data_type: DataType| cast(&ints, &data_type).expect("should fit");
    let columns: Vec<ArrayRef> = vec![
        as_type(DataType::Int8),
        as_type(DataType::Float16),
        as_type(DataType::Decimal64(9, 2)),
        as_type(DataType::Decimal128(20, 3)),
        as_type(DataType::Decimal256(50, 4)),
        as_type(DataType::Timestamp(TimeUnit::Millisecond, Some("+02:00".into()))),
        as_type(DataType::Duration(TimeUnit::Second)),
        as_type(DataType::Boolean),
        Arc::new(floats.collect::<Float64Array>()),
        cast(&texts, &DataType::Binary).expect("should be bytes"),
        cast(&texts, &DataType::Utf8View).expect("should be a view"),
        cast(&texts, &DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()))
            .expect("should be a dictionary"),
        Arc::new(texts),
        Arc::new(fixed.expect("should be of one size")),
        Arc::new(ints),
    ];
    let named =
        columns.into_iter().enumerate().map(|(at, column)| (format!("c{at}"), column, true));
    RecordBatch::try_from_iter_with_nullable(named).expect("should be a batch")
}

/// The statistics of parts, of which columns that are left over come back sorted and in pieces.
fn exact(parts: &[RecordBatch], exact_memory_bytes: usize) -> (Vec<String>, Value) {
    let options = SummaryOptions { exact_memory_bytes, ..options(SummaryMethod::Exact) };
    let summarizer = |part: &RecordBatch| {
        let mut one = Summarizer::new(&part.schema(), options.clone()).expect("should be made");
        one.update(part).expect("should be taken up");
        one
    };
    let mut whole = summarizer(&parts[0]);
    parts[1..].iter().for_each(|part| whole.merge(&summarizer(part)));
    let mut statistics = whole.finish().expect("should finish");
    let all = concat_batches(&parts[0].schema(), parts).expect("should be one");
    let mut left = Vec::new();
    for column in statistics.left_over() {
        left.push(column.name().to_owned());
        let values = all.column_by_name(column.name()).expect("should be there");
        let sorted = sort(values, None).expect("should be sorted");
        for begin in (0..sorted.len()).step_by(7) {
            let piece = sorted.slice(begin, 7.min(sorted.len() - begin));
            column.update_sorted(&piece).expect("should be sorted");
        }
        column.end_sorted().expect("should be all");
    }
    (left, statistics.answer().expect("should be whole"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn columns_that_do_not_fit_get_the_same_answer_from_their_sorted_values(
        numbers in prop::collection::vec(prop::option::weighted(0.9, -20..60_i64), 1..120),
        cut in 0..120_usize,
    ) {
        let (left, right) = numbers.split_at(cut.min(numbers.len()));
        let parts = [columns_of_every_kind(left), columns_of_every_kind(right)];
        let (none, fits) = exact(&parts, 64 << 20);
        let (all, again) = exact(&parts, 0);
        prop_assert!(none.is_empty());
        prop_assert!(all.len() == 14 || numbers.iter().all(|value| value.is_none_or(|v| v == 2 || v == 3)));
        prop_assert_eq!(fits, again);
    }
}

#[test]
fn only_the_largest_columns_are_left_over() {
    let few: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40_000).map(|n| n % 10)));
    let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..40_000));
    let rows = RecordBatch::try_from_iter([("few", few), ("many", many)]).expect("a batch");
    let (left, answer) = exact(&[rows.slice(0, 20_000), rows.slice(20_000, 20_000)], 400_000);
    assert_eq!(left, ["many"]);
    assert_eq!(answer["columns"][0]["distinct"]["count"], 10);
    assert_eq!(answer["columns"][1]["distinct"]["count"], 40_000);
    let top = [0, 1, 2].map(|value| serde_json::json!({"value": value, "count": 1}));
    assert_eq!(answer["columns"][1]["top"]["values"], serde_json::json!(top));
}

#[test]
fn nothing_is_answered_while_a_column_is_left_over() {
    let values = batch(Arc::new(Int64Array::from_iter_values(0..100)));
    let options = SummaryOptions { exact_memory_bytes: 0, ..options(SummaryMethod::Exact) };
    let mut summarizer = Summarizer::new(&values.schema(), options).expect("should be made");
    summarizer.update(&values).expect("should be taken up");
    let mut statistics = summarizer.finish().expect("should finish");
    statistics.answer().expect_err("should not be known");
    let column = statistics.left_over().next().expect("should be left over");
    column.update_sorted(values.slice(0, 99).column(0)).expect("should be sorted");
    column.end_sorted().expect_err("should lack a value");
}

#[test]
fn time_units_survive() {
    let array = TimestampNanosecondArray::from(vec![1, 2, 3]);
    let summary = summarize(&[batch(Arc::new(array))], SummaryMethod::Exact);
    let expected = DataType::Timestamp(TimeUnit::Nanosecond, None);
    assert_eq!(summary.quantiles.expect("should be known").values.data_type(), &expected);
}
