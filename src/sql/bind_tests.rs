//! Values take the place of placeholders and stay values, whatever characters they have.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;
use sqlparser::ast::{Expr, Value, visit_expressions_mut};

use super::*;

fn bound(
    sql: &str,
    bindings: &[(&str, Binding)],
) -> Result<(String, Vec<String>), Vec<SqlProblem>> {
    let bindings: BTreeMap<String, Binding> =
        bindings.iter().map(|(name, binding)| ((*name).to_owned(), binding.clone())).collect();
    let scope = Scope { bindings: Some(&bindings), ..Scope::default() };
    let analysed = analyse(sql, scope)?;
    let tables = analysed.tables().iter().map(ToString::to_string).collect();
    Ok((analysed.into_statement(&Spellings::default()).to_string(), tables))
}

#[rstest]
#[case(Binding::Text("it's".to_owned()), "'it''s'")]
#[case(Binding::Integer(-5), "(-5)")]
#[case(Binding::Number(1.5), "1.5e0")]
#[case(Binding::Boolean(true), "true")]
#[case(Binding::Null, "NULL")]
#[case(Binding::Timestamp("2026-01-31T12:00:00Z".parse().unwrap()), "TIMESTAMPTZ '2026-01-31T12:00:00Z'")]
#[case(Binding::Microseconds(1_500), "INTERVAL '1500 microseconds'")]
#[case(Binding::List(vec!["a".to_owned(), "b".to_owned()]), "ARRAY['a', 'b']")]
fn a_value_becomes_a_literal(#[case] value: Binding, #[case] expected: &str) {
    let (statement, _) = bound("select $v as v", &[("v", value)]).expect("should be bound");
    assert_eq!(statement, format!("SELECT {expected} AS v"));
}

#[test]
fn a_list_is_spread_in_an_in_and_an_empty_one_has_nothing() {
    let list = |texts: &[&str]| Binding::List(texts.iter().map(|&text| text.to_owned()).collect());
    let sql = "select 1 as n where 'x' in ($v)";
    let (statement, _) = bound(sql, &[("v", list(&["a", "b"]))]).expect("should be bound");
    assert_eq!(statement, "SELECT 1 AS n WHERE 'x' IN ('a', 'b')");
    let (statement, _) = bound(sql, &[("v", list(&[]))]).expect("should be bound");
    assert_eq!(statement, "SELECT 1 AS n WHERE 'x' IN (NULL)");
}

#[test]
fn an_identifier_is_quoted_and_named_as_a_table() {
    let name = Binding::Identifier("or\"ders; drop table x".to_owned());
    let (statement, tables) =
        bound("select * from sales.$t", &[("t", name)]).expect("should be bound");
    assert_eq!(tables, ["sales.or\"ders; drop table x"]);
    assert_eq!(statement, "SELECT * FROM \"sales\".\"or\"\"ders; drop table x\"");
}

#[test]
fn placeholders_in_texts_and_comments_are_left_alone() {
    let sql = "select '$v' as a, $v as b -- $v";
    let (statement, _) = bound(sql, &[("v", Binding::Integer(7))]).expect("should be bound");
    assert_eq!(statement, "SELECT '$v' AS a, 7 AS b");
}

#[test]
fn a_placeholder_without_a_value_is_refused() {
    let problems = bound("select $v, $w", &[("v", Binding::Integer(1))]).expect_err("should fail");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("`$w` has no value"), "{problems:?}");
}

proptest! {
    /// What a text says never changes what is read, and arrives as it is. The tree is what is run: its
    /// text is not, and would say `\\'` wrongly.
    #[test]
    fn no_text_changes_the_statement(text in any::<String>()) {
        let bindings = BTreeMap::from([("v".to_owned(), Binding::Text(text.clone()))]);
        let scope = Scope { bindings: Some(&bindings), ..Scope::default() };
        let analysed = analyse("select * from sales.orders where city = $v", scope).unwrap();
        prop_assert_eq!(analysed.tables().len(), 1);
        let mut statement = analysed.into_statement(&Spellings::default());
        let mut texts = Vec::new();
        let _ = visit_expressions_mut(&mut statement, |expr: &mut Expr| {
            if let Expr::Value(value) = expr {
                texts.push(value.value.clone());
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
        prop_assert_eq!(texts, [Value::SingleQuotedString(text)]);
    }

    /// An identifier is one name, whatever it says.
    #[test]
    fn no_identifier_names_anything_else(name in "[^/\u{0}-\u{1f}]{1,40}") {
        let binding = Binding::Identifier(name.clone());
        let (_, tables) = bound("select 1 as n from sales.$v", &[("v", binding)]).unwrap();
        prop_assert_eq!(tables, [format!("sales.{name}")]);
    }
}
