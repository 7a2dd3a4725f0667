//! The evaluation of a condition: values in, a boolean or an error in words out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use cel::{Context, ExecutionError, Value};
use serde_json::Value as Json;

use super::super::scope::{AbsentKind, Scope};
use super::functions;
use super::macros::LONGEST_LIST;
use super::parse::{Condition, Variable, with_stack};

/// Bytes of a text, at most.
const LONGEST_TEXT: usize = 4 * 1024;
/// Values that a condition is given, with all within them, at most; 64 bytes of a text count as one more.
const MOST_VALUES: usize = 20_000;

impl Condition {
    /// Returns whether the condition holds.
    ///
    /// Only what it names is read: texts to 4 KiB, lists and objects to 1,000 items, 20,000 values in all, where
    /// 64 bytes of a text count as one more. A path without value is an error only where its value decides. `null`
    /// is a value, also to `has()`. Numbers are compared by their value, whatever their kind; arithmetic wants two
    /// of one kind.
    ///
    /// # Errors
    /// In words: a path without value, a truncated or pruned result, values that do not fit an operator, division by
    /// zero, overflow, a value beyond the bounds, a result that is no boolean. An error is never `false`.
    pub fn evaluate(&self, scope: &Scope) -> Result<bool, String> {
        let mut context = Context::empty();
        functions::add_to(&mut context, &self.patterns);
        let mut absent = BTreeMap::new();
        let mut left = MOST_VALUES;
        for (name, variable) in &self.variables {
            match look_up(variable, scope) {
                Ok(json) => {
                    let value = given(&json, &mut left).ok_or_else(|| too_large(name))?;
                    context.add_variable_from_value(name.as_str(), value);
                }
                Err(why) => {
                    absent.insert(name.as_str(), why);
                }
            }
        }
        match with_stack(|| Value::resolve(&self.tree, &context)) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("gave a value of type {}, not a boolean", other.type_of())),
            Err(error) => Err(in_words(&error, &absent)),
        }
    }
}

/// Returns what an identifier of the tree stands for, or why it stands for nothing.
fn look_up<'a>(variable: &Variable, scope: &'a Scope) -> Result<Cow<'a, Json>, String> {
    match variable {
        Variable::Value(path) => scope.look_up(path).map_err(|absent| absent.message),
        Variable::Has(path) => match scope.look_up(path) {
            Ok(_) => Ok(Cow::Owned(Json::Bool(true))),
            Err(absent) if absent.kind == AbsentKind::Missing => Ok(Cow::Owned(Json::Bool(false))),
            Err(absent) => Err(absent.message),
        },
        Variable::RunPhase => {
            let phase = scope.run_phase.as_deref().map(|phase| Cow::Owned(Json::from(phase)));
            phase.ok_or_else(|| "the run has no phase yet".to_owned())
        }
    }
}

fn too_large(name: &str) -> String {
    format!(
        "`{name}` is too large for a condition: texts to {LONGEST_TEXT} bytes, lists and objects to \
         {LONGEST_LIST} items, {MOST_VALUES} values in all"
    )
}

/// Returns a value as CEL has it; `None` beyond the bounds. Integers that fit are signed.
fn given(json: &Json, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1 + json.as_str().map_or(0, str::len) / 64)?;
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(boolean) => Value::Bool(*boolean),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::Int(number),
            (None, Some(number), _) => Value::UInt(number),
            (None, None, number) => Value::Float(number?),
        },
        Json::String(text) if text.len() <= LONGEST_TEXT => Value::from(text.as_str()),
        Json::Array(items) if items.len() <= LONGEST_LIST => {
            let items = items.iter().map(|item| given(item, left));
            Value::List(items.collect::<Option<Vec<_>>>()?.into())
        }
        Json::Object(fields) if fields.len() <= LONGEST_LIST => {
            let fields =
                fields.iter().map(|(name, field)| Some((name.clone(), given(field, left)?)));
            Value::from(fields.collect::<Option<HashMap<String, Value>>>()?)
        }
        Json::String(_) | Json::Array(_) | Json::Object(_) => return None,
    })
}

/// Says what went wrong, without the values: they may be long.
fn in_words(error: &ExecutionError, absent: &BTreeMap<&str, String>) -> String {
    match error {
        ExecutionError::UndeclaredReference(name) => {
            absent.get(name.as_str()).map_or_else(|| format!("`{name}` is not known"), Clone::clone)
        }
        ExecutionError::NoSuchKey(key) => format!("there is no field `{key}`"),
        ExecutionError::IndexOutOfBounds(_) => "an index is beyond the end of its list".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a number is divided by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is too large for 64 bits".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => format!(
            "`{operator}` does not take values of types {} and {}",
            left.type_of(),
            right.type_of()
        ),
        ExecutionError::UnexpectedType { .. }
        | ExecutionError::NoSuchOverload
        | ExecutionError::ValuesNotComparable(..) => {
            "an operator has values of types that do not go together".to_owned()
        }
        ExecutionError::FunctionError { function, message } if function.is_empty() => {
            message.clone()
        }
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        _ => "a value cannot be used where it stands".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::scope::StepOutcome;
    use super::*;

    fn scope() -> Scope {
        let step = |phase: &str, result: Option<Json>| StepOutcome {
            phase: phase.to_owned(),
            reason: "Done".to_owned(),
            attempts: 1,
            rows: result.as_ref().map(|_| 0),
            result,
            ..StepOutcome::default()
        };
        let result = json!({
            "ok": true, "n": 3, "none": null, "name": "orders", "list": [1, 2.0, 3],
            "items": [{"id": 1, "tags": ["x"]}, {"id": 2, "tags": []}],
        });
        let steps = [
            ("a", step("Succeeded", Some(result))),
            ("f", step("Failed", None)),
            ("t", StepOutcome { truncated: true, ..step("Succeeded", Some(json!({"n": 1}))) }),
            ("p", StepOutcome { pruned: true, ..step("Succeeded", None) }),
        ];
        let parameters = json!({
            "limit": 10, "one": 1.0, "half": 0.5, "least": i64::MIN, "most": u64::MAX, "zero": 0,
            "text": "h\u{e9}llo", "many": vec![1; 1001], "thousand": vec![1; 1000], "yes": true, "none": null,
        });
        let Json::Object(parameters) = parameters else { panic!("should be an object") };
        Scope {
            parameters: parameters.into_iter().collect(),
            steps: steps.map(|(id, step)| (id.to_owned(), step)).into(),
            run_phase: Some("Failed".to_owned()),
            planned_at: None,
            item: Some(json!({"n": 3})),
        }
    }

    fn evaluate(text: &str) -> Result<bool, String> {
        let condition = Condition::parse(text, true);
        condition.unwrap_or_else(|problems| panic!("{text}: {problems:?}")).evaluate(&scope())
    }

    fn assert_all(expected: bool, texts: &[&str]) {
        for text in texts {
            assert_eq!(evaluate(text), Ok(expected), "{text}");
        }
    }

    fn assert_errors(cases: &[(&str, &str)]) {
        for (text, message) in cases {
            assert_eq!(evaluate(text), Err((*message).to_owned()), "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value_whatever_their_kind() {
        assert_all(
            true,
            &[
                "steps.a.rows == 0",
                "item.n == 3 && !has(schedule.plannedAt)",
                "steps.a.rows < 1",
                "parameters.limit > 0.5",
                "parameters.limit == 10.0",
                "parameters.one == 1",
                "1 == 1.0",
                "1u == 1",
                "1 in [1.0]",
                "2 in steps.a.result.list",
                "parameters.most > 0",
                "parameters.most > 0.5",
                "parameters.most != -1",
                "uint(1) == parameters.one",
                "steps.a.result.list == [1, 2, 3]",
                "{'a': 1} == {'a': 1.0}",
                "parameters.half * 2.0 == 1",
                "double(parameters.limit) * parameters.half == 5",
                "int(2.9) == 2",
                "int('3') == 3",
                "-parameters.limit < 0",
                "-(-1) == 1",
                "1 != 2",
                "7 / 2 == 3 && 7 % 2 == 1",
            ],
        );
        assert_all(false, &["1 == 2", "1 == '1'", "steps.a.result.n == '3'", "3 in ['3']"]);
    }

    #[test]
    fn operators_and_functions_answer() {
        assert_all(
            true,
            &[
                "steps.a.phase == 'Succeeded' && steps.f.phase != 'Succeeded'",
                "run.phase == 'Failed'",
                "size(parameters.text) == 5",
                "parameters.text.startsWith('h') && parameters.text.endsWith('lo')",
                "parameters.text.contains('\u{e9}')",
                "parameters.text.matches('^h.l+o$')",
                "'a1'.matches(r'\\d')",
                "string(3) == '3' && string(true) == 'true'",
                "steps.a.result.items[1].id == 2",
                "steps.a.result.items[steps.a.attempts].id == 2",
                "'name' in steps.a.result",
                "steps.a.result['name'] == 'orders'",
                "steps.a.result.none == null",
                "parameters.yes",
                "parameters.limit > 5 ? true : parameters.nothing",
                "steps.a.result.ok",
            ],
        );
    }

    #[test]
    fn comprehensions_answer() {
        assert_all(
            true,
            &[
                "steps.a.result.items.all(x, x.id > 0)",
                "steps.a.result.items.exists(x, x.id == 2)",
                "steps.a.result.items.exists_one(x, 'x' in x.tags)",
                "size(steps.a.result.items.filter(x, x.id > 1)) == 1",
                "steps.a.result.items.filter(x, x.id > 0).size() == 2",
                "[1, 2].all(x, [3].exists(y, y > x))",
                "steps.a.result.items.exists(x, [0, 2].exists(t, t == x.id))",
                "[].all(x, x > 0)",
                "{'b': 1, 'a': 2}.all(k, k in ['a', 'b'])",
                "steps.a.result.items.all(x, has(x.id) && !has(x.id.y.z))",
            ],
        );
        assert_all(
            false,
            &["[1, 2].all(x, x > 1)", "[].exists(x, x > 0)", "[1, 1].exists_one(x, x == 1)"],
        );
    }

    #[test]
    fn what_is_absent_is_told_by_has_and_is_an_error_where_it_decides() {
        assert_all(
            true,
            &[
                "steps.f.phase == 'Failed' || steps.f.result.n > 3",
                "steps.f.result.n > 3 || true",
                "!has(steps.f.result) && !has(steps.f.rows) && !has(steps.f.result.x.y)",
                "has(steps.a.result.n) && has(steps.a.result.none) && has(parameters.limit) && has(run.phase)",
                "!has(parameters.nothing) && !has(steps.a.result.n.x)",
                "steps.t.truncated || steps.t.result.n == 1",
            ],
        );
        assert_errors(&[
            ("steps.f.result.n > 3", "step `f` Failed and has no result"),
            ("steps.f.rows == 0", "step `f` Failed and has no rows"),
            ("steps.f.result.n > 3 && true", "step `f` Failed and has no result"),
            ("[1].all(x, steps.f.result.n > x)", "step `f` Failed and has no result"),
            ("parameters.nothing", "parameter `nothing` has no value"),
            ("steps.t.result.n == 1", "the result of step `t` is truncated"),
            ("has(steps.t.result.n)", "the result of step `t` is truncated"),
            ("has(steps.p.result)", "the result of step `p` is not kept any more"),
            ("steps.x.rows == 1", "step `x` has no outcome here"),
            ("steps.a.result.items.all(x, x.y == 1)", "there is no field `y`"),
        ]);
    }

    #[test]
    fn a_field_of_what_is_no_object_is_an_error_and_not_false() {
        let fit = "an operator has values of types that do not go together";
        assert_errors(&[
            ("steps.a.result.name.x", "`steps.a.result.name` is a text and has no field `x`"),
            ("steps.a.result.list.all(x, x.y)", fit),
            ("steps.a.result.items.all(x, x.tags.y)", fit),
            ("steps.a.result.name < 3", fit),
            ("has(steps.a.result.n).x", fit),
            ("parameters.limit", "gave a value of type int, not a boolean"),
            ("steps.a.result.name || false", fit),
            ("parameters.limit.contains('x')", "`contains`: does not take a value of type int"),
            ("1 in steps.a.result.name", "`in`: does not take a value of type string"),
            ("size(parameters.limit) > 1", "`size`: does not take a value of type int"),
            (
                "parameters.text.all(x, x == 1)",
                "all, exists, exists_one and filter take a list or an object, not a value of type string",
            ),
        ]);
    }

    #[test]
    fn what_panics_in_the_crate_is_an_error() {
        let overflow = "a number is too large for 64 bits";
        assert_errors(&[
            ("-parameters.least > 0", overflow),
            ("-(-9223372036854775807 - 1) > 0", overflow),
            ("parameters.least - 1 < 0", overflow),
            ("9223372036854775807 + 1 > 0", overflow),
            ("parameters.least * -1 > 0", overflow),
            ("parameters.least / -1 > 0", overflow),
            ("parameters.least % -1 == 0", overflow),
            ("0u - 1u > 0u", overflow),
            ("1 / parameters.zero == 0", "a number is divided by zero"),
            ("1 % parameters.zero == 0", "a number is divided by zero"),
            ("[1][-1] == 1", "an index is beyond the end of its list"),
            (
                "steps.a.result.list[parameters.least] == 1",
                "an index is beyond the end of its list",
            ),
            ("steps.a.result.list[parameters.most] == 1", "an index is beyond the end of its list"),
            ("{'a': 1}[parameters.none] == 1", "a value cannot be used where it stands"),
            ("int(double('NaN')) == 0", "`int`: the value is no integer of 64 bits"),
            ("uint(-1) == 0u", "`uint`: the value is no integer of 64 bits without sign"),
            ("int(parameters.most) == 0", "`int`: the value is no integer of 64 bits"),
        ]);
        assert_all(
            false,
            &["double('NaN') == double('NaN')", "parameters.text.contains('') == false"],
        );
    }

    #[test]
    fn what_is_beyond_the_bounds_is_an_error() {
        let large = "`parameters.many` is too large for a condition: texts to 4096 bytes, lists and objects to 1000 \
                     items, 20000 values in all";
        assert_eq!(evaluate("size(parameters.many) > 0"), Err(large.to_owned()));
        let looks = "parameters.thousand.all(x, [1,1,1,1,1].all(y, size(parameters.thousand) > 0))";
        let message = "the condition looks at too many values";
        assert_eq!(evaluate(looks), Err(message.to_owned()));
        assert_eq!(
            evaluate("parameters.thousand.all(x, x in parameters.thousand)"),
            Err(message.to_owned())
        );
        assert_eq!(evaluate("parameters.thousand.all(x, x == 1)"), Ok(true));
    }

    #[test]
    fn the_deepest_trees_are_evaluated() {
        let sum = format!("1{} == 120", "+1".repeat(119));
        let brackets = format!("{}1{} == 1", "(".repeat(16), ")".repeat(16));
        let indexes = format!("{}1{}{} == 1", "[".repeat(16), "]".repeat(16), "[0]".repeat(16));
        assert_all(true, &[&sum, &brackets, &indexes]);
        let longest = ["1+", "!(", "[", "a.", "x?y:", "-(", "{'a':", "(("]
            .map(|part| part.repeat(2048 / part.len()));
        for text in &longest {
            assert!(Condition::parse(text, false).is_err());
        }
    }

    /// Texts of the tokens that matter, mostly not well formed.
    fn tokens() -> impl Strategy<Value = String> {
        let tokens: &'static [&'static str] = &[
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ".",
            "?",
            ":",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "==",
            "!=",
            "<",
            ">=",
            "&&",
            "||",
            " in ",
            "parameters",
            "steps",
            "run",
            ".a",
            ".result",
            ".rows",
            ".least",
            ".most",
            ".text",
            "x",
            "[0]",
            "0",
            "1",
            "-1",
            "1.5",
            "2u",
            "9223372036854775807",
            "0xff",
            "'a'",
            "\"b\"",
            "r'c'",
            "b'd'",
            "'\\x41'",
            "'\\",
            "true",
            "null",
            "has(",
            "size(",
            ".all(x,",
            ".exists(x,",
            ".filter(x,",
            ".map(x,",
            ".matches('a')",
            ".contains(",
            "int(",
            "double(",
            "//",
            "\n",
            "\u{e9}",
            "@",
            "`",
            "T{",
            "1e999",
            "\u{0}",
        ];
        prop::collection::vec(prop::sample::select(tokens), 0..24).prop_map(|parts| parts.concat())
    }

    /// Texts of well-formed expressions.
    fn expressions() -> impl Strategy<Value = String> {
        let leaves: &'static [&'static str] = &[
            "parameters.least",
            "parameters.most",
            "parameters.half",
            "parameters.zero",
            "parameters.text",
            "parameters.none",
            "steps.a.result.list",
            "steps.a.result.items",
            "steps.a.result",
            "steps.f.rows",
            "-1",
            "0",
            "1.5",
            "2u",
            "'a'",
            "true",
            "null",
            "[1, 'a']",
            "{'a': 1}",
        ];
        prop::sample::select(leaves).prop_map(str::to_owned).prop_recursive(4, 24, 2, |inner| {
            let operators: &'static [&'static str] =
                &["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"];
            let calls: &'static [&'static str] =
                &["size(", "int(", "double(", "string(", "uint(", "!(", "-("];
            let binary = (inner.clone(), prop::sample::select(operators), inner.clone());
            let unary = (prop::sample::select(calls), inner.clone());
            let index = (inner.clone(), inner.clone());
            let fold = prop::sample::select(vec!["all", "exists", "exists_one"]);
            let fold = (inner.clone(), fold, inner);
            prop_oneof![
                binary.prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
                unary.prop_map(|(call, inner)| format!("{call}{inner})")),
                index.prop_map(|(list, index)| format!("({list})[{index}]")),
                fold.prop_map(|(list, fold, one)| format!("({list}).{fold}(x, x == {one})")),
            ]
        })
    }

    fn cases() -> u32 {
        option_env!("CONDITION_CASES").and_then(|cases| cases.parse().ok()).unwrap_or(256)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases()))]

        #[test]
        fn no_text_makes_a_panic(text in tokens()) {
            let _ = Condition::parse(&text, true).map(|condition| condition.evaluate(&scope()));
        }

        #[test]
        fn no_evaluation_makes_a_panic(one in expressions(), other in expressions()) {
            for text in [format!("{one} == {other}"), format!("({one}) ? {other} : true")] {
                let _ = Condition::parse(&text, true).map(|condition| condition.evaluate(&scope()));
            }
        }

        #[test]
        fn any_characters_make_no_panic(text in "\\PC{0,30}") {
            let _ = Condition::parse(&text, false);
        }
    }
}
