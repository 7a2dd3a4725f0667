//! Counts effects in the files that runs leave, without asking Mason.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::orders::{Order, Sort};

/// A run that has ended, as the API server said.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) order: Order,
    pub(crate) uid: String,
    pub(crate) phase: String,
    pub(crate) reason: String,
    pub(crate) attempts: usize,
    /// What it said, for whoever reads a finding.
    #[expect(dead_code, reason = "it is shown with all of this")]
    pub(crate) message: String,
}

/// Returns everything that differs from what runs should have left below a root.
pub(crate) fn findings(root: &Path, ledger: &Path, ended: &[Ended]) -> Vec<String> {
    let generations = generations(&root.join("sales"));
    let ledger = std::fs::read_to_string(ledger).unwrap();
    let begun = |uid: &str| ledger.lines().filter(|line| line.starts_with(uid)).count();
    let mut findings = Vec::new();
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for run in ended {
        let order = &run.order;
        let made: Vec<_> =
            generations.iter().filter(|generation| generation.run_uid == run.uid).collect();
        let written = made.iter().filter(|made| made.table == order.target).count();
        let has_succeeded = run.phase == "Succeeded";
        let (wanted, found) = match order.sort {
            Sort::Append | Sort::Merge | Sort::Declare => (1, written),
            Sort::Replace => (usize::from(has_succeeded), written),
            Sort::Pod => (1, begun(&run.uid)),
            // Whether it had begun when it was stopped is a matter of time; twice it has not.
            Sort::PodCancelled | Sort::PodLate => (begun(&run.uid).min(1), begun(&run.uid)),
            Sort::Create => (1, usize::from(root.join(&order.target).is_dir())),
            _ => (0, made.len()),
        };
        if found != wanted || made.len() > 1 {
            findings.push(format!(
                "{}: {found} effects in the files, not {wanted}: {run:?}",
                order.name
            ));
        }
        match order.sort {
            Sort::Append => *rows.entry(&order.target).or_default() += 1,
            Sort::Replace if has_succeeded => drop(rows.insert(&order.target, 1)),
            Sort::Merge => drop(rows.insert(&order.target, 2)),
            _ => {}
        }
        let record = root.join(format!(".mason/changes/{}.json", run.uid));
        let changes = matches!(order.sort, Sort::Create | Sort::Declare);
        if record.exists() != changes {
            findings.push(format!("{}: its record of a change is {}", order.name, record.exists()));
        }
    }
    for (table, wanted) in rows {
        let newest = generations.iter().filter(|generation| generation.table == table);
        let newest = newest.max_by_key(|generation| generation.number);
        let found = newest.map_or(0, |newest| newest.rows);
        if found != wanted {
            findings.push(format!("{table} has {found} rows, not {wanted}"));
        }
    }
    let known: Vec<&str> = ended.iter().map(|run| run.uid.as_str()).collect();
    let strange = generations.iter().filter(|made| !known.contains(&made.run_uid.as_str()));
    findings.extend(strange.map(|made| format!("{} has a generation of nobody", made.table)));
    findings
}

/// One generation of one table.
struct Generation {
    table: String,
    number: u64,
    run_uid: String,
    rows: usize,
}

fn generations(database: &Path) -> Vec<Generation> {
    let mut found = Vec::new();
    for table in std::fs::read_dir(database).unwrap().flatten() {
        let manifests = std::fs::read_dir(table.path().join("_mason")).into_iter().flatten();
        for manifest in manifests.flatten().filter(|entry| is_manifest(&entry.path())) {
            let bytes = std::fs::read(manifest.path()).unwrap();
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            let rows = manifest["total"]["rows"].as_u64().unwrap();
            found.push(Generation {
                table: table.file_name().to_string_lossy().into_owned(),
                number: manifest["generation"].as_u64().unwrap(),
                run_uid: manifest["runUid"].as_str().unwrap().to_owned(),
                rows: usize::try_from(rows).unwrap(),
            });
        }
    }
    found
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}
