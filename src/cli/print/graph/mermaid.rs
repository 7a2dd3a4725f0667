//! A Mermaid flowchart.
//!
//! # Source
//! <https://mermaid.js.org/syntax/flowchart.html>

use std::collections::BTreeSet;

use super::dot::colour;
use super::labels::{FINALLY, Shape, lines};
use super::steps::{Step, Steps};

/// Returns the steps as a flowchart, finally steps in a subgraph. Steps are `s0`, `s1` and so on in the order of the
/// workflow, as an id may be a word of the language.
pub(super) fn mermaid(steps: &Steps) -> String {
    let mut text = "flowchart TB\n".to_owned();
    for (at, step) in steps.0.iter().enumerate().filter(|(_, step)| !step.finally) {
        text += &node(at, step, "  ");
    }
    if steps.0.iter().any(|step| step.finally) {
        text.extend(["  subgraph finally [\"", FINALLY, "\"]\n"]);
        for (at, step) in steps.0.iter().enumerate().filter(|(_, step)| step.finally) {
            text += &node(at, step, "    ");
        }
        text += "  end\n";
    }
    for (from, to) in steps.edges() {
        text.extend([format!("  s{from} --> s{to}\n")]);
    }
    text += &classes(steps);
    text
}

fn node(at: usize, step: &Step, indent: &str) -> String {
    let label: Vec<String> = lines(step, Shape::Narrow).iter().map(|line| escaped(line)).collect();
    format!("{indent}s{at}[\"{}\"]\n", label.join("<br/>"))
}

fn classes(steps: &Steps) -> String {
    let is_word = |phase: &&str| phase.chars().all(|c| c.is_ascii_alphanumeric());
    let phases = steps.0.iter().filter_map(|step| step.phase.as_deref());
    let phases: BTreeSet<&str> = phases.filter(is_word).filter(|phase| !phase.is_empty()).collect();
    let mut text = String::new();
    for phase in phases {
        let style = format!("stroke:{},stroke-width:2px", colour(phase));
        text += &class(steps, &format!("phase{phase}"), &style, |step| {
            step.phase.as_deref() == Some(phase)
        });
    }
    text +=
        &class(steps, "dashed", "stroke-dasharray:4 3", |step| step.conditional || step.is_unknown);
    text
}

fn class(steps: &Steps, name: &str, style: &str, has: impl Fn(&Step) -> bool) -> String {
    let members = steps.0.iter().enumerate().filter(|(_, step)| has(step));
    let members: Vec<String> = members.map(|(at, _)| format!("s{at}")).collect();
    if members.is_empty() {
        return String::new();
    }
    format!("  classDef {name} {style}\n  class {} {name}\n", members.join(","))
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' => {
                shown.extend([format!("#{};", u32::from(character))]);
            }
            _ => shown.push(character),
        }
    }
    shown
}
