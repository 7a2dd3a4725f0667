//! The language of Graphviz.
//!
//! # Source
//! <https://graphviz.org/doc/info/lang.html>

use std::collections::BTreeSet;

use super::labels::{FINALLY, Shape, lines};
use super::steps::{Step, Steps};

/// Returns the steps as a directed graph, finally steps in a cluster.
pub(super) fn dot(steps: &Steps) -> String {
    let ids = ids(steps);
    let mut text = "digraph workflow {\n".to_owned();
    text += "  node [shape=box, style=rounded, fontname=\"monospace\"];\n";
    for (id, step) in ids.iter().zip(&steps.0).filter(|(_, step)| !step.finally) {
        text += &node(id, step, "  ");
    }
    if steps.0.iter().any(|step| step.finally) {
        text.extend(["  subgraph cluster_finally {\n    label=\"", FINALLY, "\";\n"]);
        text += "    style=dashed;\n";
        for (id, step) in ids.iter().zip(&steps.0).filter(|(_, step)| step.finally) {
            text += &node(id, step, "    ");
        }
        text += "  }\n";
    }
    for (from, to) in steps.edges() {
        text.extend([format!("  {} -> {};\n", quoted(&ids[from]), quoted(&ids[to]))]);
    }
    text += "}\n";
    text
}

/// Returns an id for each step: its name, with its place behind it where an earlier step has that name, as the language
/// makes nodes of one id the same.
fn ids(steps: &Steps) -> Vec<String> {
    let names: BTreeSet<&str> = steps.0.iter().map(|step| step.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(steps.0.len());
    for (at, step) in steps.0.iter().enumerate() {
        let mut id = step.name.clone();
        if !seen.insert(step.name.as_str()) {
            id.extend([format!(" #{at}")]);
            while names.contains(id.as_str()) {
                id.push('#');
            }
        }
        ids.push(id);
    }
    ids
}

fn node(id: &str, step: &Step, indent: &str) -> String {
    // A label may have entities of HTML.
    let line = |line: &String| escaped(&line.replace('&', "&amp;"));
    let label: Vec<String> = lines(step, Shape::Narrow).iter().map(line).collect();
    let mut text = format!("{indent}{} [label=\"{}\"", quoted(id), label.join("\\n"));
    if step.conditional || step.is_unknown {
        text += ", style=\"rounded,dashed\"";
    }
    if let Some(phase) = &step.phase {
        text.extend([format!(", class=\"{}\", color=\"{}\"", escaped(phase), colour(phase))]);
    }
    text += "];\n";
    text
}

/// Returns the colour of a phase, dark enough for white and light enough for black paper.
pub(super) fn colour(phase: &str) -> &'static str {
    match phase {
        "Running" => "#2f81f7",
        "Succeeded" => "#2da44e",
        "Failed" => "#e5534b",
        "Cancelled" => "#a371f7",
        "Unknown" => "#bf8700",
        _ => "#848d97",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
