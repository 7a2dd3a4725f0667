use proptest::prelude::*;

use super::*;

fn seen(cells: &[&str]) -> Seen {
    let mut seen = Seen::default();
    for cell in cells {
        seen.value(cell.as_bytes());
    }
    seen
}

#[test]
fn types_follow_the_table_of_rules() {
    let timestamp = |unit, utc: bool| DataType::Timestamp(unit, utc.then(|| "UTC".into()));
    for (cells, data_type) in [
        (&[][..], DataType::Null),
        (&["true", "false"], DataType::Boolean),
        (&["True", "False"], DataType::Boolean),
        (&["TRUE", "FALSE"], DataType::Boolean),
        (&["True", "false"], DataType::Utf8),
        (&["yes", "no"], DataType::Utf8),
        (&["1", "0"], DataType::Int64),
        (&["1", "007"], DataType::Utf8),
        (&["+4312345", "1"], DataType::Utf8),
        (&["1e5", "2"], DataType::Float64),
        (&["1", "-0"], DataType::Float64),
        (&["9007199254740993", "0.5"], DataType::Utf8),
        (&["9007199254740992", "0.5"], DataType::Float64),
        (&["9223372036854775808", "1"], DataType::Utf8),
        (&["12345678901234567890"], DataType::Utf8),
        (&["1.50", "20.00"], DataType::Decimal128(18, 2)),
        (&["1.50", "1234567890123456789.00"], DataType::Decimal128(38, 2)),
        (&["1.5", "1.25", "10"], DataType::Float64),
        (&["10", "10.5"], DataType::Float64),
        (&["1.50", "1.5"], DataType::Float64),
        (&["10.0", "0.75", "1e-05", ".5", "1."], DataType::Float64),
        (&["48.053808600000004", "0.5"], DataType::Float64),
        (&["0.12345678901234567890", "0.5"], DataType::Utf8),
        (&["1.50", "-0.00"], DataType::Float64),
        (&["1.5", "NaN"], DataType::Float64),
        (&["1", "nan", "-inf"], DataType::Float64),
        (&["NaN"], DataType::Utf8),
        (&["1.5", "NULL"], DataType::Utf8),
        (&["2020-02-29", "1999-12-31"], DataType::Date32),
        (&["2020-02-30"], DataType::Utf8),
        (&["03/04/2020"], DataType::Utf8),
        (&["2020-01-01T00:00:00Z"], timestamp(TimeUnit::Microsecond, true)),
        (&["2020-01-01 00:00:00.123"], timestamp(TimeUnit::Microsecond, false)),
        (&["2020-01-01T00:00:00.123456789"], timestamp(TimeUnit::Nanosecond, false)),
        (&["9999-01-01T00:00:00.123456789"], DataType::Utf8),
        (&["2020-01-01T00:00:00", "2020-01-01 00:00:00"], DataType::Utf8),
        (&["2020-01-01T00:00:00", "2020-01-01T00:00:00Z"], DataType::Utf8),
        (
            &["2020-01-01 00:00:00+02:00", "2020-01-01 00:00:00.5+0100", "2020-01-01 00:00:00Z"],
            timestamp(TimeUnit::Microsecond, true),
        ),
        (
            &["2020-01-01T00:00:00", "2020-01-01T00:00:00.1234567"],
            timestamp(TimeUnit::Nanosecond, false),
        ),
        (&["9999-01-01T00:00:00", "2020-01-01T00:00:00.1234567"], DataType::Utf8),
        (&["2020-01-01", "2020-01-01T00:00:00"], DataType::Utf8),
        (&["12:30:00", "23:59:59"], DataType::Time64(TimeUnit::Microsecond)),
        (&["12:30:00", "23:59:59.5"], DataType::Time64(TimeUnit::Microsecond)),
        (&["1", "x"], DataType::Utf8),
        (&["1", "true"], DataType::Utf8),
        (&[""], DataType::Utf8),
        (&[" 1"], DataType::Utf8),
    ] {
        assert_eq!(seen(cells).data_type(), data_type, "{cells:?}");
    }
}

const CELLS: [&str; 24] = [
    "1",
    "-0",
    "007",
    "1.5",
    "1.50",
    "1e5",
    "9007199254740993",
    "0.30000000000000004",
    "0.300000000000000044",
    "NaN",
    "true",
    "True",
    "2020-01-01",
    "2020-01-01T00:00:00",
    "2020-01-01T00:00:00+02:00",
    "2020-01-01 00:00:00",
    "12:00:00",
    "12:00:00.5",
    "x",
    "9223372036854775808",
    "9999-01-01T00:00:00",
    "2020-01-01T00:00:00.123456789",
    "9999-01-01T00:00:00.123456789",
    "123456789012345678901234567890.12345678",
];

fn cells(picks: &[usize]) -> Vec<&'static str> {
    picks.iter().map(|pick| CELLS[*pick]).collect()
}

proptest! {
    #[test]
    fn parts_in_any_order_give_the_same_type(
        picks in proptest::collection::vec(0_usize..CELLS.len(), 0..6),
        cut in 0_usize..6,
    ) {
        let cells = cells(&picks);
        let cut = cut.min(cells.len());
        let (left, right) = (seen(&cells[..cut]), seen(&cells[cut..]));
        let whole = seen(&cells);
        for (mut first, second) in [(left.clone(), &right), (right.clone(), &left)] {
            first.merge(second);
            prop_assert_eq!(first.data_type(), whole.data_type(), "{:?}", cells);
        }
    }

    #[test]
    fn parts_tell_the_same_of_a_column_as_the_whole(
        picks in proptest::collection::vec(0_usize..=CELLS.len(), 0..12),
        kind in 0_usize..CELLS.len(),
        cuts in proptest::collection::vec(0_usize..12, 2),
    ) {
        // Most cells are alike, so that there is something to tell; the last pick is a null.
        let picks = picks.iter().flat_map(|pick| [kind, *pick, kind]);
        let cells: Vec<Option<&str>> = picks.map(|pick| CELLS.get(pick).copied()).collect();
        let seen = |cells: &[Option<&str>]| {
            let mut seen = Seen::default();
            for cell in cells {
                match cell {
                    Some(cell) => seen.value(cell.as_bytes()),
                    None => seen.null(),
                }
            }
            seen
        };
        let mut parts = Seen::default();
        let mut rest = cells.as_slice();
        for cut in cuts {
            let (part, next) = rest.split_at(cut.min(rest.len()));
            parts.merge(&seen(part));
            rest = next;
        }
        parts.merge(&seen(rest));
        let whole = seen(&cells);
        prop_assert_eq!(parts.data_type(), whole.data_type(), "{:?}", &cells);
        prop_assert_eq!(parts.nearly("c"), whole.nearly("c"), "{:?}", &cells);
    }

    #[test]
    fn floats_in_every_usual_form_are_typed_and_keep_their_bits(
        values in proptest::collection::vec(any::<u64>().prop_map(f64::from_bits), 1..20),
        forms in proptest::collection::vec(0_usize..5, 20),
        zeros in 0_usize..4,
    ) {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        prop_assume!(!values.is_empty());
        let form = |(value, form): (&f64, &usize)| match form {
            0 => format!("{value:e}"),
            1 => format!("{value:.16e}"),
            2 => format!("{value:?}"),
            3 => serde_json::to_string(value).unwrap_or_default(),
            _ => {
                let text = value.to_string();
                // Digits without a point are whole numbers, and identifiers beyond 2^53.
                let point = if text.contains('.') { "" } else { ".0" };
                format!("{text}{point}{}", "0".repeat(zeros))
            }
        };
        let mut cells: Vec<String> = values.iter().zip(&forms).map(form).collect();
        // All cells with as many digits after the point would be decimals.
        cells.push("1e0".to_owned());
        let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
        prop_assert_eq!(seen(&texts).data_type(), DataType::Float64, "{:?}", texts);
        for (cell, value) in texts.iter().zip(&values) {
            let read = super::cells::float64(cell.as_bytes());
            prop_assert_eq!(read.map(f64::to_bits), Some(value.to_bits()), "{}", cell);
        }
    }

    #[test]
    fn identifiers_and_longer_digits_stay_text(
        id in prop_oneof![
            "0[0-9]{1,18}", "\\+[1-9][0-9]{0,18}", "[1-9][0-9]{19,30}",
            "90071992547409(9[3-9]|[9][4-9][0-9])[1-9]", "0\\.[1-9]{17}[0-9]{1,8}[1-9]",
        ],
        numbers in proptest::collection::vec(-1e6..1e6_f64, 1..5),
        at in 0_usize..5,
    ) {
        let mut cells: Vec<String> = numbers.iter().map(|value| format!("{value:?}")).collect();
        cells.insert(at.min(cells.len()), id);
        let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
        prop_assert_eq!(seen(&texts).data_type(), DataType::Utf8, "{:?}", texts);
    }
}

fn why(cells: &[&str]) -> Option<String> {
    let nearly = seen(cells).nearly("c")?;
    Some(format!(
        "row {}: {}; {} of {} {}",
        nearly.row, nearly.value, nearly.fits, nearly.values, nearly.kind
    ))
}

#[test]
fn what_kept_a_column_from_a_type_is_told() {
    for (cells, expected) in [
        (&["1", "n/a", "2.5"][..], Some(r#"row 2: "n/a" is no number; 2 of 3 numbers"#)),
        (&["x", "1"], Some(r#"row 1: "x" is no number; 1 of 2 numbers"#)),
        (&["x", "1", "y"], None),
        (&["1", "007"], Some(r#"row 2: "007" begins with a zero; 1 of 2 numbers"#)),
        (&["1", "+5"], Some(r#"row 2: "+5" begins with a plus sign; 1 of 2 numbers"#)),
        (&["1", " 5"], Some(r#"row 2: " 5" has white space around it; 1 of 2 numbers"#)),
        (&["1", "1,5"], Some(r#"row 2: "1,5" has a comma; 1 of 2 numbers"#)),
        (
            &["0.5", "9007199254740993"],
            Some(
                r#"row 2: "9007199254740993" has more digits than a Float64 keeps; 2 of 2 numbers"#,
            ),
        ),
        (
            &["12345678901234567890"],
            Some(
                r#"row 1: "12345678901234567890" has more digits than 64 bits keep; 1 of 1 numbers"#,
            ),
        ),
        (
            &["true", "True"],
            Some(r#"row 2: "True" is spelled in another way than the first; 2 of 2 booleans"#),
        ),
        (&["true", "yes"], Some(r#"row 2: "yes" is no boolean; 1 of 2 booleans"#)),
        (&["2020-01-01", "2020-02-30"], Some(r#"row 2: "2020-02-30" is no date; 1 of 2 dates"#)),
        (
            &["2020-01-01T00:00:00", "2020-01-01 00:00:00"],
            Some(
                r#"row 2: "2020-01-01 00:00:00" is written in another form than the first; 2 of 2 timestamps"#,
            ),
        ),
        (
            &["2020-01-01T00:00:00.1234567", "9999-01-01T00:00:00"],
            Some(
                r#"row 2: "9999-01-01T00:00:00" is outside of the years of nanoseconds; 2 of 2 timestamps"#,
            ),
        ),
        (&["12:00:00", "24:00:00"], Some(r#"row 2: "24:00:00" is no time; 1 of 2 times"#)),
        (&["a", "b"], None),
        (&["NaN"], None),
        (&["1", "2"], None),
    ] {
        assert_eq!(why(cells).as_deref(), expected, "{cells:?}");
    }
    let long = why(&["1", &"x\n".repeat(50)]).expect("should be told");
    assert!(long.starts_with(r#"row 2: "x\nx\n"#), "{long}");
    assert!(long.contains(r#"x\n…" is no number"#), "{long}");
}
