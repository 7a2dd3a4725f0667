//! Generated statements, run by Mason and beside it by DuckDB and SQLite on the same rows.
//!
//! A statement is a tree that is spelled for each engine (`statement`), made from a seed and its number
//! (`generator`), over small tables made from the seed (`tables`). A difference between the answers fails the
//! test unless `differences` lists it with its reason. `MASON_SQL_SEED` and `MASON_SQL_COUNT` ask for other
//! statements and more of them, `MASON_SQL_ONLY` for one number.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_in_result,
    reason = "a test reads its seed from the environment, and stops where it fails"
)]

mod aggregates;
mod compare;
mod conditions;
mod differences;
mod expressions;
mod forms;
mod generator;
mod judge;
mod kinds;
mod mason;
#[path = "../python/peer.rs"]
mod peer;
mod peers;
mod queries;
mod rows;
mod shrink;
mod statement;
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use generator::statement as generate;
use judge::{Found, Judged, World};
use peers::Peers;
use statement::Engine;
use tokio::runtime::Runtime;

/// The statements of `make test` are the same in every run, so that a failure is of the change at hand.
const SEED: u64 = 20_261_129;
const COUNT: u64 = 500;
/// How many statements are asked of the same tables.
const OF_A_WORLD: u64 = 100;
/// Of a hundred statements, how many each peer must answer together with Mason at least.
const LEAST: [(Engine, u64); 2] = [(Engine::DuckDb, 80), (Engine::Sqlite, 15)];
/// Differences that are made smaller and shown in full, unless `MASON_SQL_SHOWN` says otherwise.
const SHOWN: u64 = 10;

fn number_of(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// What came of all statements.
#[derive(Default)]
struct Report {
    /// How many statements each peer was asked, and to how many both it and Mason answered with rows.
    asked: BTreeMap<Engine, (u64, u64)>,
    /// How often each reason was needed.
    reasons: BTreeMap<&'static str, u64>,
    unknown: Vec<(u64, Found)>,
}

#[test]
fn generated_statements_answer_as_in_duckdb_and_sqlite() {
    let count = number_of("MASON_SQL_COUNT").unwrap_or(COUNT);
    let only = number_of("MASON_SQL_ONLY");
    let run = Run {
        seed: number_of("MASON_SQL_SEED").unwrap_or(SEED),
        numbers: only.map_or(0..count, |only| only..only + 1),
        shown: usize::try_from(number_of("MASON_SQL_SHOWN").unwrap_or(SHOWN)).expect("should fit"),
        peers: Peers::start(),
        runtime: runtime(),
        next_world: AtomicU64::new(only.unwrap_or_default() / OF_A_WORLD),
        report: Mutex::default(),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| run.judge_worlds());
        scope.spawn(|| run.judge_worlds());
    });
    run.conclude();
}

#[test]
fn every_listed_difference_is_still_one() {
    let (peers, runtime) = (Peers::start(), runtime());
    let world = World::new(SEED, 0, &peers, &runtime);
    let docs = include_str!("../../docs/sql.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut problems = Vec::new();
    for known in differences::KNOWN {
        let judged = world.judge(&known.example.statement());
        if !judged.found.iter().any(|found| known.is(found)) {
            problems.push(format!("no longer so, remove it: {}", known.reason));
        }
        if !docs.contains(known.documented) {
            let words = known.documented;
            problems.push(format!("docs/sql.md does not say {words:?}: {}", known.reason));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("should build")
}

/// All statements of a test.
struct Run {
    seed: u64,
    numbers: Range<u64>,
    /// How many differences are made smaller and shown in full.
    shown: usize,
    peers: Peers,
    runtime: Runtime,
    next_world: AtomicU64,
    report: Mutex<Report>,
}

impl Run {
    fn judge_worlds(&self) {
        loop {
            let world = self.next_world.fetch_add(1, Ordering::Relaxed);
            let of_world = world * OF_A_WORLD..(world + 1) * OF_A_WORLD;
            if of_world.start >= self.numbers.end {
                return;
            }
            let world = World::new(self.seed, world, &self.peers, &self.runtime);
            for number in of_world.filter(|number| self.numbers.contains(number)) {
                self.judge(number, &world);
            }
        }
    }

    fn judge(&self, number: u64, world: &World<'_>) {
        let statement = generate(self.seed, number, &world.tables);
        for found in self.unknown(world.judge(&statement)) {
            let found = if self.report().unknown.len() < self.shown {
                smaller(&statement, found, world)
            } else {
                found
            };
            self.report().unknown.push((number, found));
        }
    }

    /// Counts what was asked, and returns the differences that have no reason.
    fn unknown(&self, judged: Judged) -> Vec<Found> {
        let mut report = self.report();
        for (engine, both) in judged.asked {
            let (asked, answered) = report.asked.entry(engine).or_default();
            *asked += 1;
            *answered += u64::from(both);
        }
        let mut unknown = Vec::new();
        for found in judged.found {
            match differences::reason(&found) {
                Some(reason) => *report.reasons.entry(reason).or_default() += 1,
                None => unknown.push(found),
            }
        }
        unknown
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().expect("should not be poisoned")
    }

    fn conclude(&self) {
        let report = self.report();
        let text = report.text(self.seed, self.shown);
        let found = report.unknown.len();
        assert!(found == 0, "{found} differences without a reason\n{text}");
        let count = self.numbers.end - self.numbers.start;
        if count > 1 {
            for (engine, least) in LEAST {
                let (_, answered) = report.asked.get(&engine).copied().unwrap_or_default();
                let enough = answered * 100 >= count * least;
                assert!(enough, "{engine:?} judged too few statements\n{text}");
            }
        }
        #[expect(clippy::print_stdout, reason = "what was compared, with `--nocapture`")]
        {
            println!("{text}");
        }
    }
}

/// Returns a smaller statement that differs in the same way.
fn smaller(statement: &generator::Statement, found: Found, world: &World<'_>) -> Found {
    let alike = |statement: &generator::Statement| {
        let judged = world.judge(statement);
        let is_alike = |other: &Found| found.is_like(other) && differences::reason(other).is_none();
        judged.found.into_iter().find(is_alike)
    };
    let smallest = shrink::shrunk(statement, |statement| alike(statement).is_some());
    alike(&smallest).unwrap_or(found)
}

impl Report {
    fn text(&self, seed: u64, shown: usize) -> String {
        let mut text = String::new();
        for (engine, (asked, answered)) in &self.asked {
            let _ =
                writeln!(text, "{engine:?}: {asked} statements asked, {answered} answered by both");
        }
        for (reason, times) in &self.reasons {
            let _ = writeln!(text, "{times} times: {reason}");
        }
        for (number, found) in self.unknown.iter().take(shown) {
            let _ = writeln!(text, "\nMASON_SQL_SEED={seed} MASON_SQL_ONLY={number}\n{found}");
        }
        for (number, found) in self.unknown.iter().skip(shown) {
            let _ =
                writeln!(text, "MASON_SQL_SEED={seed} MASON_SQL_ONLY={number} {}", found.short());
        }
        text
    }
}
