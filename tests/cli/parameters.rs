//! `-p NAME=VALUE` through the whole program: what is typed is what the run holds.

use serde_json::Value;

use crate::{Called, Mason};

/// Plans a query, which holds its parameters as they were given, and returns them.
fn planned(mason: &Mason, query: &str) -> Value {
    let parameter = format!("query_string={query}");
    let called = mason.call([
        "run",
        "table/query",
        "--config",
        "local",
        "--dry-run",
        "-o",
        "json",
        "-p",
        "database_name=sales",
        "-p",
        &parameter,
    ]);
    assert_eq!(called.code, 0, "{query:?}: {called:?}");
    let run: Value = serde_json::from_str(&called.out).unwrap();
    run["spec"]["parameters"]["query_string"].clone()
}

#[test]
fn any_character_of_a_value_survives() {
    let mason = Mason::with_data();
    for query in [
        "select city, country from cities where city = 'a:b'",
        "select '=', 'a=b' from cities",
        "select 'a, b',\n  \"city\"\nfrom cities -- c:d",
        "select 'ünï 漢字 🙂' from cities",
        "select '@' from cities",
        "select 'it''s', '\\', '$HOME', '`x`' from cities",
    ] {
        assert_eq!(planned(&mason, query), query);
    }
}

#[test]
fn a_value_comes_from_a_file_and_two_at_signs_are_one() {
    let mason = Mason::with_data();
    mason.write("q.sql", "select city\nfrom cities\nwhere country = 'AT'\n");
    assert_eq!(planned(&mason, "@q.sql"), "select city\nfrom cities\nwhere country = 'AT'\n");
    let called = run(&mason, &["-p", "query_string=@@x"]);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(called.err.contains("found: @x"), "{}", called.err);
}

fn run(mason: &Mason, more: &[&str]) -> Called {
    let args = ["run", "table/query", "--config", "local", "-p", "database_name=sales"];
    mason.call(args.iter().chain(more))
}

#[test]
fn every_problem_of_the_parameters_comes_at_once_and_nothing_is_stored() {
    let mason = Mason::with_data();
    let called =
        run(&mason, &["-p", "limit", "-p", "=1", "-p", "a=1", "-p", "a=2", "-p", "f=@none"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r"
    error: nothing was run: 4 problems
      -p limit: there is no `=`
        hint: write -p NAME=VALUE, for example -p limit=10
      -p =1: there is no name before the `=`
        hint: write -p NAME=VALUE
      -p a: the parameter is given twice
        hint: leave one of the two out; lists are one text with commas
      -p f=@none: the file `none` cannot be read: No such file or directory (os error 2)
        hint: a value that begins with `@` names a file; write `@@` for the character itself
    ");
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "");
}

#[test]
fn every_problem_of_the_run_comes_at_once_and_nothing_is_stored() {
    let mason = Mason::with_data();
    let called = mason.call([
        "run",
        "table/query",
        "--config",
        "locl",
        "-p",
        "databse_name=sales",
        "-p",
        "limit=many",
    ]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r#"
    error: nothing was run: 4 problems
      spec.parameters.databse_name: `table/query` has no such parameter
        hint: did you mean `database_name`?
      spec.parameters.query_string: is required
        hint: One query, for example `select city, sum(amount) from sales group by city`. Tables are `table` or `database.table`.
      spec.parameters.limit: must be a whole number within 64 bits, but is the text "many"
      spec.configRef.name: there is no config `locl` in namespace `default`
        hint: did you mean `local`?
    "#);
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "");
}

#[test]
fn an_unknown_operator_is_refused_with_what_was_meant() {
    let mason = Mason::with_data();
    let called = mason.call(["run", "table/qery", "--config", "local"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("table/query"), "{}", called.err);
}

#[test]
fn a_run_without_config_is_told_which_there_are() {
    let mason = Mason::with_data();
    let called = mason.call(["run", "table/list", "-p", "database_name=sales"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r"
    error: no config is named
    hint: add --config with one of: local
    ");
}
