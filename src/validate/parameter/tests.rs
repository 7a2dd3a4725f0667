use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn parameter(kind: ParameterType) -> Parameter {
    let kind = serde_json::to_value(kind).expect("should be JSON");
    let parameter = json!({"name": "p", "type": kind});
    serde_json::from_value(parameter).expect("should be a parameter")
}

fn accepted(kind: ParameterType, given: &Value) -> Result<Value, String> {
    let refusals = accept(&parameter(kind), given).map_err(|mut refusals| refusals.remove(0));
    refusals.map_err(|refusal| refusal.message)
}

use ParameterType::{
    Boolean, Duration, Identifier, Integer, Json, List, Number as Decimal, Path, Sql,
    String as Text, Timestamp,
};

#[rstest]
#[case(Text, json!("x: 'y', z"), json!("x: 'y', z"))]
#[case(Text, json!("5"), json!("5"))]
#[case(Text, json!(""), json!(""))]
#[case(Integer, json!(5), json!(5))]
#[case(Integer, json!("5"), json!(5))]
#[case(Integer, json!("-9223372036854775808"), json!(i64::MIN))]
#[case(Integer, json!(1e3), json!(1000))]
#[case(Decimal, json!(0.5), json!(0.5))]
#[case(Decimal, json!("1e3"), json!(1000.0))]
#[case(Decimal, json!("7"), json!(7))]
#[case(Decimal, json!("18446744073709551615"), json!(u64::MAX))]
#[case(Decimal, json!("1e30"), json!(1e30))]
#[case(Boolean, json!(true), json!(true))]
#[case(Boolean, json!("false"), json!(false))]
#[case(Identifier, json!("Straße \"x\""), json!("Straße \"x\""))]
#[case(Identifier, json!("a..b"), json!("a..b"))]
#[case(Identifier, json!("é".repeat(255)), json!("é".repeat(255)))]
#[case(Path, json!("a/b/"), json!("a/b"))]
#[case(Path, json!("sales/*/day=2026-??-*.parquet"), json!("sales/*/day=2026-??-*.parquet"))]
#[case(Path, json!("a/**/*.{csv,json}"), json!("a/**/*.{csv,json}"))]
#[case(Sql, json!("select 1"), json!("select 1"))]
#[case(Timestamp, json!("2026-01-31T12:00:00Z"), json!("2026-01-31T12:00:00Z"))]
#[case(Timestamp, json!("2026-01-31T12:00:00.5+02:00"), json!("2026-01-31T12:00:00.5+02:00"))]
#[case(Duration, json!("1h30m"), json!("1h30m"))]
#[case(List, json!(["a", "b,c"]), json!(["a", "b,c"]))]
#[case(List, json!("a, b,c"), json!(["a", "b", "c"]))]
#[case(List, json!("[\"a,b\", \"c\"]"), json!(["a,b", "c"]))]
#[case(List, json!(""), json!([]))]
#[case(List, json!([0, 0.25, 1]), json!(["0", "0.25", "1"]))]
#[case(Json, json!({"a": [1]}), json!({"a": [1]}))]
#[case(Json, json!("{\"a\": [1]}"), json!({"a": [1]}))]
#[case(Json, json!("\"text\""), json!("text"))]
#[case(Json, Value::Null, Value::Null)]
fn values_that_say_one_thing_are_accepted(
    #[case] kind: ParameterType,
    #[case] given: Value,
    #[case] expect: Value,
) {
    assert_eq!(accepted(kind, &given), Ok(expect));
}

#[rstest]
#[case(Text, json!(5), "must be a text, but is the number 5")]
#[case(Text, json!(true), "must be a text, but is true")]
#[case(Text, json!(["a"]), "must be a text, but is the list [\"a\"]")]
#[case(Text, Value::Null, "has no value")]
#[case(Integer, json!("5.5"), "must be a whole number within 64 bits, but is the text \"5.5\"")]
#[case(Integer, json!(5.5), "must be a whole number within 64 bits, but is the number 5.5")]
#[case(Integer, json!(u64::MAX), "must be a whole number within 64 bits")]
#[case(Integer, json!(1e300), "must be a whole number within 64 bits")]
#[case(Integer, json!(" 5"), "must be a whole number within 64 bits")]
#[case(Integer, json!(true), "must be a whole number within 64 bits")]
#[case(Decimal, json!(1.5e19), "must be a number within 64 bits, but is the number 1.5e+19")]
#[case(Decimal, json!("18446744073709551616"), "must be a number within 64 bits")]
#[case(Json, json!({"a": 1.5e19}), "`a` must be a number within 64 bits")]
#[case(Json, json!("[18446744073709551616]"), "has the number 18446744073709551616")]
#[case(Decimal, json!("NaN"), "must be a finite number")]
#[case(Decimal, json!("inf"), "must be a finite number")]
#[case(Decimal, json!("1e999"), "must be a finite number")]
#[case(Boolean, json!("yes"), "must be true or false, but is the text \"yes\"")]
#[case(Boolean, json!(1), "must be true or false, but is the number 1")]
#[case(Identifier, json!(""), "must not be empty")]
#[case(Identifier, json!(".."), "must not be `..`")]
#[case(Identifier, json!("a/b"), "must not have a `/`")]
#[case(Identifier, json!("a\0b"), "must not have control characters")]
#[case(Identifier, json!("x".repeat(10_000)), "must have at most 255 characters, but has 10000")]
#[case(Identifier, json!(7), "must be a name, but is the number 7")]
#[case(Path, json!("../etc"), "is not a path below the root: it has a `.` or `..` part")]
#[case(Path, json!("/etc/passwd"), "is not a path below the root: it is absolute")]
#[case(Path, json!("a/../../b"), "is not a path below the root")]
#[case(Path, json!("*/../b"), "is not a path below the root")]
#[case(Path, json!("s3://bucket/x"), "has the scheme `s3`")]
#[case(Path, json!("a/[b"), "is not a pattern of paths")]
#[case(Path, json!(""), "is not a path below the root: it is empty")]
#[case(Sql, json!("  \n"), "must not be empty")]
#[case(Sql, json!("selec 1"), "syntax error")]
#[case(Timestamp, json!("2026-01-31"), "\"2026-01-31\" is not an instant")]
#[case(Timestamp, json!("yesterday"), "\"yesterday\" is not an instant")]
#[case(Duration, json!("5 minutes"), "\"5 minutes\" is not a length of time")]
#[case(Duration, json!(5), "must be a length of time, but is the number 5")]
#[case(List, json!("a,,b"), "has an empty item")]
#[case(List, json!(["a", 1.0]), "must be a list of texts, but one item is the number 1.0")]
#[case(List, json!(["a", true]), "must be a list of texts, but one item is true")]
#[case(List, json!("[1, "), "is not a list in JSON")]
#[case(List, json!({"a": 1}), "must be a list, but is the map")]
#[case(Json, json!("{a: 1}"), "is not JSON")]
fn other_values_are_refused_in_words(
    #[case] kind: ParameterType,
    #[case] given: Value,
    #[case] message: &str,
) {
    let refused = accepted(kind, &given).expect_err("should be refused");
    assert!(refused.starts_with(message), "{refused}");
}

#[test]
fn enum_pattern_and_range_are_all_checked() {
    let mut number = parameter(Integer);
    (number.minimum, number.maximum) = (Some(1.0), Some(10.0));
    assert_eq!(accept(&number, &json!(10)), Ok(json!(10)));
    assert_eq!(
        accept(&number, &json!("0")).expect_err("low")[0].message,
        "0 is below the minimum 1"
    );
    assert_eq!(
        accept(&number, &json!(11)).expect_err("high")[0].message,
        "11 is above the maximum 10"
    );
    let mut text = parameter(Text);
    text.allowed = vec!["error".into(), "replace".into()];
    text.pattern = Some("e|r.*".into());
    let refusals = accept(&text, &json!("errors")).expect_err("should be refused");
    let messages: Vec<&str> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
    assert_eq!(
        messages,
        ["\"errors\" is none of `error`, `replace`", "\"errors\" does not match `e|r.*`"]
    );
    assert_eq!(refusals[0].hint.as_deref(), Some("did you mean `error`?"));
    text.pattern = None;
    assert_eq!(accept(&text, &json!("replace")), Ok(json!("replace")));
    let mut list = parameter(List);
    list.pattern = Some("[a-z]+".into());
    let refusals = accept(&list, &json!("a,B,C")).expect_err("should be refused");
    assert_eq!(refusals.len(), 2, "every item is checked");
}

#[test]
fn a_pattern_stands_for_the_whole_text() {
    let expression = whole_pattern("a|b").expect("should be a pattern");
    assert!(expression.is_match("a") && expression.is_match("b"));
    assert!(!expression.is_match("ab") && !expression.is_match("xa"));
    assert!(whole_pattern("a)|(b").is_err(), "a bracket does not end the group");
}

proptest! {
    #[test]
    fn what_was_accepted_is_accepted_again_unchanged(text in "\\PC{0,40}") {
        for kind in [Text, Identifier, Path, Sql, Timestamp, Duration, Integer, Decimal, Boolean, List] {
            if let Ok(value) = accepted(kind, &json!(text)) {
                prop_assert_eq!(accepted(kind, &value), Ok(value.clone()), "{:?}", kind);
            }
        }
    }

    #[test]
    fn an_accepted_path_never_leaves_the_root(text in "[a./*{},\\[\\]]{0,20}") {
        if let Ok(Value::String(path)) = accepted(Path, &json!(text)) {
            prop_assert!(!path.starts_with('/'));
            prop_assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        }
    }
}
