//! What operators answer and write, compared value by value with another engine on the same files.
//!
//! The cases are data: `tests/cases/<namespace>/<command>/<case>.yaml`, as `case.rs` describes them,
//! because every other engine has to give the same. Each case runs the built `mason` in a folder of
//! its own; expected rows are asked of DuckDB. `MASON_TEST_PYTHON` names a Python that has it.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_in_result,
    reason = "a test reads where its Python is, and stops where it fails"
)]

mod athena_runs;
mod case;
mod catalogue;
mod compare;
mod duckdb;
mod example;
mod files;
mod glue_runs;
mod objects;
mod partition_runs;
#[path = "../python/peer.rs"]
mod peer;
mod runner;
mod s3;
mod s3_runs;
#[path = "../python/s3.rs"]
mod server;
#[path = "../trino/mod.rs"]
mod trino;
mod world;

use std::path::PathBuf;

use rstest::rstest;

use runner::On;

#[rstest]
fn operator_gives_the_values_of_another_engine(#[files("tests/cases/**/*.yaml")] path: PathBuf) {
    let case = case::read(&path);
    let problems = runner::run(&case, On::Disk);
    assert!(problems.is_empty(), "{}:\n{}", path.display(), problems.join("\n"));
}

#[rstest]
fn operator_gives_the_same_over_objects_in_memory(#[files("tests/cases/**/*.yaml")] path: PathBuf) {
    let case = case::read(&path);
    let problems = runner::run(&case, On::Objects);
    assert!(problems.is_empty(), "{}:\n{}", path.display(), problems.join("\n"));
}

#[rstest]
fn operator_gives_the_same_over_a_server_of_s3(#[files("tests/cases/**/*.yaml")] path: PathBuf) {
    let case = case::read(&path);
    let problems = runner::run(&case, On::Server);
    assert!(problems.is_empty(), "{}:\n{}", path.display(), problems.join("\n"));
}

#[test]
fn every_operator_has_a_case() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let missing: Vec<&str> = mason::operators::all()
        .iter()
        .map(|operator| operator.name())
        .filter(|name| {
            let cases = folder.join(name.replace('.', "/"));
            cases.read_dir().map_or(true, |mut entries| entries.next().is_none())
        })
        .collect();
    assert!(missing.is_empty(), "no case in tests/cases for {missing:?}");
}
