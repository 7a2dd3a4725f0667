//! The words of a step: its lines in a box, its marks, and what the marks mean.

use super::steps::{Step, Steps};

/// How the label of a step is broken into lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `id (operator)` on one line.
    Wide,
    /// The id and the operator on a line each.
    Narrow,
}

/// The word above the finally steps.
pub(super) const FINALLY: &str = "finally";

const CONDITIONAL_MARK: &str = "?";
const FINALLY_MARK: &str = "*";
const UNKNOWN_MARK: &str = "!";

/// Returns text in visible ASCII characters, everything else escaped, so that each takes one column.
pub(super) fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character == ' ' || character.is_ascii_graphic() {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Returns the name of a step with its marks: `notify ?*`.
pub(super) fn marked(step: &Step) -> String {
    let marks = [
        (step.conditional, CONDITIONAL_MARK),
        (step.finally, FINALLY_MARK),
        (step.is_unknown, UNKNOWN_MARK),
    ];
    let marks: String = marks.iter().filter(|(occurs, _)| *occurs).map(|(_, mark)| *mark).collect();
    if marks.is_empty() { step.name.clone() } else { format!("{} {marks}", step.name) }
}

/// Returns the lines of a step's label, without empty ones at the end: at most two wide, three narrow.
pub(super) fn lines(step: &Step, shape: Shape) -> Vec<String> {
    let operator = format!("({})", step.operator);
    let mut lines = match shape {
        _ if step.is_unknown => vec![marked(step)],
        Shape::Wide => vec![format!("{} {operator}", marked(step))],
        Shape::Narrow => vec![marked(step), operator],
    };
    lines.extend(step.phase.clone());
    lines
}

/// Returns each mark that occurs, with its meaning.
pub(super) fn legend(steps: &Steps) -> Vec<(&'static str, &'static str)> {
    let any = |has: fn(&Step) -> bool| steps.0.iter().any(has);
    let meanings = [
        (any(|step| step.conditional), CONDITIONAL_MARK, "runs only when its condition holds"),
        (
            any(|step| step.finally),
            FINALLY_MARK,
            "runs after all other steps, whether they succeed or fail",
        ),
        (
            any(|step| step.is_unknown),
            UNKNOWN_MARK,
            "a dependency that is not a step of this workflow",
        ),
    ];
    let occurring = meanings.into_iter().filter(|(occurs, _, _)| *occurs);
    occurring.map(|(_, mark, meaning)| (mark, meaning)).collect()
}

/// Returns the legend, each mark on lines of its own; nothing if there is none.
pub(super) fn legend_text(steps: &Steps, width: usize) -> String {
    let line = |(mark, meaning): (&str, &str)| {
        let words: Vec<String> = meaning.split(' ').map(str::to_owned).collect();
        wrapped(&format!("{mark}  "), &words, width)
    };
    legend(steps).into_iter().map(line).collect()
}

/// Returns parts on lines of at most `width` columns after a label; the lines after the first are indented as far.
pub(super) fn wrapped(label: &str, parts: &[String], width: usize) -> String {
    let indent = " ".repeat(label.len());
    let mut text = label.to_owned();
    let mut column = label.len();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 && column + 1 + part.len() > width {
            text.extend(["\n", indent.as_str()]);
            column = indent.len();
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text += part;
        column += part.len();
    }
    text.push('\n');
    text
}
