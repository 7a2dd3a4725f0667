//! What a person sees on a terminal of 80 columns.

use crate::{Called, Mason};

/// Calls the binary on a terminal of 80 columns, whose output comes without escapes and without what was drawn over
/// on the same line.
fn on_a_terminal(mason: &Mason, args: &[&str]) -> Called {
    let called = drawn(mason, args);
    let lines = called.out.lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next());
    Called { out: lines.flatten().collect::<Vec<_>>().join("\n"), ..called }
}

/// Calls the binary on a terminal of 80 columns, whose output comes without escapes.
fn drawn(mason: &Mason, args: &[&str]) -> Called {
    let program = env!("CARGO_BIN_EXE_mason");
    let quoted = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
    let words: Vec<String> = [program].iter().chain(args).map(quoted).collect();
    let script = format!("stty rows 24 cols 80; exec {}", words.join(" "));
    let like = mason.command::<&str>([]);
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command", &script, "/dev/null"]);
    command.current_dir(mason.path("")).env_clear().env("TERM", "xterm");
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let called = mason.finish(&mut command, "");
    Called { out: without_escapes(&called.out), ..called }
}

/// Returns a text without colours and movements.
fn without_escapes(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        if one == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            shown.push(one);
        }
    }
    shown
}

#[test]
fn the_progress_of_a_run_with_a_long_name_fits() {
    let mason = Mason::with_data();
    let (name, sql) =
        ("a-long-name-".repeat(8) + "x", "select count(*) from generate_series(1, 40000000)");
    let query = format!("query_string={sql}");
    let table = ["-p", "database_name=sales", "-p", &query];
    let call = [&["run", "table/query", "--config", "local", "--name", &name], &table[..]].concat();
    let called = drawn(&mason, &call);
    assert_eq!(called.code, 0, "{called:?}");
    // What is drawn over is looked at too.
    let drawn = called.out.split(['\r', '\n']).filter(|line| line.contains("a-long-name-a-long"));
    let bars: Vec<&str> = drawn.filter(|line| !line.contains(&name)).collect();
    assert!(!bars.is_empty(), "{}", called.out);
    let wide: Vec<&&str> = bars.iter().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&&str>::new());
    assert!(bars.iter().any(|line| line.contains("… Running")), "{bars:?}");
}

#[test]
fn no_table_and_no_progress_is_wider_than_a_terminal_of_80_columns() {
    let mason = Mason::new();
    let names: Vec<String> = (0..12).map(|n| format!("a_column_with_a_long_name_{n}")).collect();
    let cells: Vec<String> = (0..12).map(|n| format!("a rather long text in column {n}")).collect();
    let text = format!("{}\n{}\n", names.join(","), cells.join(","));
    mason.write("data/sales/wide.csv", &text);
    assert_eq!(mason.call(["init", "--root", "data"]).code, 0);
    let query = "query_string=select * from wide";
    let table = ["-p", "database_name=sales", "-p", "table_name=wide"];
    let with = ["--config", "local"];
    let of_the_table = |operator| [&["run", operator][..], &with, &table].concat();
    let path = ["-p", "database_name=sales", "-p", "storage_path=sales/wide.csv"];
    let verbs = [
        [
            &["run", "table/query", "-p", "database_name=sales", "-p", query, "--name", "wide"],
            &with[..],
        ]
        .concat(),
        of_the_table("table/get"),
        of_the_table("table/summarize"),
        [&["run", "table/infer", "-p", "table_name=declared"][..], &with, &path].concat(),
        vec!["describe", "run", "wide"],
        vec!["explain", "table/query"],
        vec!["doctor"],
    ];
    for call in verbs {
        let called = on_a_terminal(&mason, &call);
        assert_eq!(called.code, 0, "{call:?}: {called:?}");
        assert!(called.out.lines().count() > 1, "{call:?}: {called:?}");
        let is_drawn = |line: &&str| line.contains(['│', '─', '┆', '╌', '█', '░', '━', '╸']);
        let too_wide = |line: &&str| line.chars().count() > 80 && is_drawn(line);
        let wide: Vec<&str> = called.out.lines().filter(too_wide).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{call:?}:\n{}", called.out);
    }
}
