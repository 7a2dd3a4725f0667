//! An SVG that stands alone: no scripts, no other files, colours for light and dark pages.
//!
//! # Source
//! <https://www.w3.org/TR/SVG2/>, <https://www.w3.org/TR/svg-aam-1.0/>

use super::dot::colour;
use super::labels::{FINALLY, legend};
use super::layout::{Divider, Frame, Layout, Wire};
use super::steps::{Step, Steps};

/// Pixels of a cell, and around the picture.
const COLUMN: usize = 8;
const ROW: usize = 16;
const MARGIN: usize = 12;

const STYLE: &str = "<style>.mg{color:#1f2328;font:13px ui-monospace,Menlo,Consolas,monospace}\
@media(prefers-color-scheme:dark){.mg{color:#e6edf3}}\
.mg text{fill:currentColor;text-anchor:middle}\
.mg .n{text-anchor:start}\
.mg .i{font-weight:600}\
.mg rect{fill:currentColor;fill-opacity:.05;stroke:currentColor;stroke-width:1.5}\
.mg .d rect,.mg .r,.mg .f{stroke-dasharray:4 3}\
.mg .w{fill:none;stroke:currentColor;stroke-opacity:.6}\
.mg .h{fill:currentColor;fill-opacity:.7}</style>\n";

/// Returns the picture of steps at the places of a layout.
pub(super) fn svg(steps: &Steps, layout: &Layout) -> String {
    let notes: Vec<String> =
        legend(steps).iter().map(|(mark, meaning)| format!("{mark}  {meaning}")).collect();
    let notes_width = notes.iter().map(String::len).max().unwrap_or(0);
    // The last column has room for the loop of a step that waits for itself.
    let width = (layout.width + 2).max(notes_width) * COLUMN + 2 * MARGIN;
    let legend_height = if notes.is_empty() { 0 } else { (notes.len() + 1) * ROW };
    let height = layout.height * ROW + legend_height + 2 * MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mg\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"-{MARGIN} -{MARGIN} {width} {height}\">\n\
         <title>Workflow of {} steps</title>\n",
        steps.0.iter().filter(|step| !step.is_unknown).count()
    );
    text += STYLE;
    if let Some(between) = layout.divider {
        text += &divider(between, layout.width);
    }
    for wire in &layout.wires {
        text += &line(wire, layout);
    }
    for (at, (step, frame)) in steps.0.iter().zip(&layout.boxes).enumerate() {
        text += &node(steps, step, frame, step.dependencies.contains(&at));
    }
    for (at, note) in notes.iter().enumerate() {
        let y = (layout.height + 1 + at) * ROW + ROW / 2;
        text.extend([format!("<text class=\"n\" x=\"0\" y=\"{y}\">{}</text>\n", escaped(note))]);
    }
    text += "</svg>\n";
    text
}

/// Returns the dashed line above the finally steps, broken by its word.
fn divider(divider: Divider, width: usize) -> String {
    let y = divider.row * ROW + ROW / 2;
    let (left, word) = ((divider.word - 1) * COLUMN, divider.word * COLUMN);
    let after = (divider.word + FINALLY.len() + 1) * COLUMN;
    let right = after.max(width * COLUMN);
    format!(
        "<path class=\"w f\" d=\"M0 {y}H{left}M{after} {y}H{right}\"/>\n\
         <text class=\"n\" x=\"{word}\" y=\"{}\">{FINALLY}</text>\n",
        y + 4
    )
}

/// Returns a step: its title with all that it waits for, its box and its label.
fn node(steps: &Steps, step: &Step, frame: &Frame, waits_for_itself: bool) -> String {
    let (x, y) = (frame.left * COLUMN, frame.top * ROW);
    let (width, height) = (frame.width * COLUMN, frame.height * ROW);
    let class = if step.conditional || step.is_unknown { " class=\"d\"" } else { "" };
    let mut text = format!("<g{class}><title>{}</title>", escaped(&title(steps, step)));
    let stroke = step.phase.as_deref().map(|phase| format!(" style=\"stroke:{}\"", colour(phase)));
    let stroke = stroke.unwrap_or_default();
    text.extend([format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"{stroke}/>"
    )]);
    let middle = x + width / 2;
    let first = y + (height - frame.lines.len() * ROW) / 2 + 12;
    for (at, line) in frame.lines.iter().enumerate() {
        let class = if at == 0 { " class=\"i\"" } else { "" };
        let y = first + at * ROW;
        text.extend([format!("<text{class} x=\"{middle}\" y=\"{y}\">{}</text>", escaped(line))]);
    }
    if waits_for_itself {
        let (right, y) = (x + width, y + height / 2 - 8);
        text.extend([format!("<path class=\"w r\" d=\"M{right} {y}c18 0 18 16 0 16\"/>")]);
    }
    text += "</g>\n";
    text
}

/// Returns a step in words: `join (sql), Running, after left, right`.
fn title(steps: &Steps, step: &Step) -> String {
    let mut text = step.name.clone();
    if step.is_unknown {
        text += ", unknown step";
    } else {
        text.extend([format!(" ({})", step.operator)]);
    }
    if let Some(phase) = &step.phase {
        text.extend([", ", phase.as_str()]);
    }
    for (occurs, words) in [(step.conditional, ", conditional"), (step.finally, ", finally")] {
        text += if occurs { words } else { "" };
    }
    let names: Vec<&str> = step.dependencies.iter().map(|at| steps.0[*at].name.as_str()).collect();
    if !names.is_empty() {
        text.extend([", after ", names.join(", ").as_str()]);
    }
    text
}

/// Returns the lines that leave a step, with their arrows.
fn line(wire: &Wire, layout: &Layout) -> String {
    let x = |column: usize| column * COLUMN + COLUMN / 2;
    let y = |row: usize| row * ROW + ROW / 2;
    // A line ends below the tip of its arrow, so that the tip stays sharp.
    let (at_start, at_end) = if wire.is_backward { (6, 0) } else { (0, 6) };
    let is_end = |cell: &(usize, usize)| wire.ends.contains(cell);
    let mut lines = String::new();
    for [from, to] in &wire.parts {
        let is_start = *from == wire.start;
        let begin = if is_start { (from.1 + 1) * ROW + at_start } else { y(from.1) };
        lines.extend([format!("M{} {begin}", x(from.0))]);
        if from.1 == to.1 {
            lines.extend([format!("H{}", x(to.0))]);
        } else {
            lines.extend([format!(
                "V{}",
                if is_end(to) { (to.1 + 1) * ROW - at_end } else { y(to.1) }
            )]);
        }
    }
    let mut heads = String::new();
    if wire.is_backward {
        let frame = &layout.boxes[wire.step];
        let tip = (frame.top + frame.height) * ROW;
        heads.extend([format!("M{} {tip}l-4 7h8z", x(wire.start.0))]);
    } else {
        for (column, row) in &wire.ends {
            heads.extend([format!("M{} {}l-4-7h8z", x(*column), (row + 1) * ROW)]);
        }
    }
    for (column, row) in joints(wire) {
        heads.extend([format!("M{} {}a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", x(column) - 3, y(row))]);
    }
    let class = if wire.is_backward { "w r" } else { "w" };
    format!("<path class=\"{class}\" d=\"{lines}\"/><path class=\"h\" d=\"{heads}\"/>\n")
}

/// Returns where two parts of one wire cross: without a dot they would look like two wires.
fn joints(wire: &Wire) -> Vec<(usize, usize)> {
    let is_level = |part: &&[(usize, usize); 2]| part[0].1 == part[1].1;
    let mut joints = Vec::new();
    for level in wire.parts.iter().filter(is_level) {
        let (column, row) = (level[0].0 + 1..level[1].0, level[0].1);
        let crossing = wire
            .parts
            .iter()
            .filter(|part| column.contains(&part[0].0) && part[0].1 < row && row < part[1].1);
        joints.extend(crossing.map(|part| (part[0].0, row)));
    }
    joints
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
