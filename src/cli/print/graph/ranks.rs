//! A list of layers, for a workflow that boxes cannot show.

use super::labels::{FINALLY, legend_text, marked, wrapped};
use super::layers::Layers;
use super::steps::{Step, Steps};

/// Returns the layers, one entry each, every step with what it waits for; broken between words where it is wider.
pub(super) fn list(steps: &Steps, layers: &Layers, width: usize) -> String {
    let mut members = vec![Vec::new(); layers.count];
    for (step, layer) in layers.of.iter().enumerate() {
        members[*layer].push(step);
    }
    let digits = layers.count.to_string().len();
    let mut text = String::new();
    for (at, layer) in members.iter().enumerate() {
        if layers.finally == Some(at) {
            text.extend([FINALLY, "\n"]);
        }
        let label = format!("{:>digits$}  ", at + 1);
        text += &wrapped(&label, &entries(steps, layer), width);
    }
    let mut notes = legend_text(steps, width);
    if layers.has_backward(steps) {
        let note = "a step waits for a step of its own or a later layer";
        let words: Vec<String> = note.split(' ').map(str::to_owned).collect();
        notes += &wrapped("", &words, width);
    }
    if !notes.is_empty() {
        text.extend(["\n", notes.as_str()]);
    }
    text
}

/// Returns the steps of a layer as parts of a line that are not broken: `a (sql),` `b (sql)` `after` `x;` `c (sql)`.
/// Neighbours that wait for the same steps share the words after them.
fn entries(steps: &Steps, layer: &[usize]) -> Vec<String> {
    let mut parts = Vec::new();
    for (at, step) in layer.iter().map(|step| &steps.0[*step]).enumerate() {
        let next = layer.get(at + 1).map(|next| &steps.0[*next]);
        let end = if next.is_some() { ";" } else { "" };
        if next.is_some_and(|next| next.dependencies == step.dependencies) {
            parts.push(format!("{},", words(step)));
        } else if step.dependencies.is_empty() {
            parts.push(format!("{}{end}", words(step)));
        } else {
            parts.push(words(step));
            parts.push("after".to_owned());
            let last = step.dependencies.len() - 1;
            let name = |(at, step): (usize, &usize)| {
                format!("{}{}", steps.0[*step].name, if at == last { end } else { "," })
            };
            parts.extend(step.dependencies.iter().enumerate().map(name));
        }
    }
    parts
}

/// Returns a step in words: `join ? (sql) Running`.
fn words(step: &Step) -> String {
    let mut text = marked(step);
    if !step.is_unknown {
        text.extend([format!(" ({})", step.operator)]);
    }
    if let Some(phase) = &step.phase {
        text.extend([" ", phase.as_str()]);
    }
    text
}
