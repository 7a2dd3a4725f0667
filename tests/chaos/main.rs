//! Controllers and workers killed at named points and at random, on a real API server that is killed
//! too; every effect is counted outside Mason. `docs/exactly-once.md` says what it shows.
//!
//! `MASON_CHAOS_KILLS` says how many kills (50), `MASON_CHAOS_SEED` draws the same mix again. From 1,000
//! kills on, it goes on until each point was hit 20 times, up to twice as many kills.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads its settings, tells what it did, and stops where it fails"
)]

mod audit;
#[path = "../cluster/connect.rs"]
mod connect;
mod controllers;
mod draw;
mod files;
mod kubelet;
mod orders;
mod plane;
mod points;
mod rounds;
#[path = "../cluster/started.rs"]
mod started;

use std::time::Instant;

use draw::Draw;
use rounds::Rounds;

/// From how many kills on each point has to be hit.
const FULL: usize = 1_000;
/// How often then.
const HITS: usize = 20;

#[tokio::test]
async fn every_run_takes_effect_once_whoever_is_killed() {
    let kills = setting("MASON_CHAOS_KILLS").unwrap_or(50);
    let seed = setting("MASON_CHAOS_SEED").unwrap_or(u64::from(std::process::id()));
    println!("chaos: seed {seed}, {kills} kills");
    let began = Instant::now();
    let kills = usize::try_from(kills).unwrap();
    let mut rounds = Rounds::begin(Draw(seed)).await;
    let hits = if kills >= FULL { HITS } else { 0 };
    rounds.kill(kills, hits).await;
    rounds.settle().await;
    let counts = rounds.counts();
    println!("{counts}\nchaos: took {} s", began.elapsed().as_secs());
    let mut findings = rounds.findings();
    let rare = counts.points.iter().filter(|(_, found)| *found < hits);
    findings.extend(rare.map(|(point, found)| format!("{point} was hit {found} times only")));
    if findings.is_empty() {
        return;
    }
    let left = rounds.keep();
    let shown = findings.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    panic!("seed {seed}: {} findings; see {}:\n{shown}", findings.len(), left.display());
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}
