//! What is drawn, and in which form.

use super::labels::Shape;
use super::layers::Layers;
use super::layout::Layout;
use super::steps::Steps;
use super::{dot, mermaid, ranks, svg, text};

/// Most steps that text shows as boxes; more are listed by layer.
const MOST_BOXES: usize = 100;

/// The steps of a workflow, or of a run of it with where each stands.
#[derive(Debug, Clone)]
pub(crate) struct Drawing<'a> {
    /// The steps in the order of the workflow.
    pub(crate) nodes: Vec<DrawnStep<'a>>,
}

/// One step of a drawing.
#[derive(Debug, Clone)]
pub(crate) struct DrawnStep<'a> {
    /// The id of the step; where two steps share one, a dependency means the first.
    pub(crate) id: &'a str,
    /// The operator that the step calls.
    pub(crate) operator: &'a str,
    /// The ids of the steps that this one waits for; an unknown one is drawn and marked.
    pub(crate) dependencies: &'a [String],
    /// Whether the step runs after all others, whatever became of them.
    pub(crate) finally: bool,
    /// Whether the step runs only when a condition holds.
    pub(crate) conditional: bool,
    /// Where the step stands in a run, as the word that is shown: `Pending`, `Running`, `Succeeded`, `Failed`,
    /// `Cancelled`, `Skipped` or `Unknown`. None for a workflow that is not a run.
    pub(crate) phase: Option<&'a str>,
}

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Boxes and lines in Unicode characters, or a list of layers where boxes do not fit.
    Text,
    /// The language of Graphviz.
    Dot,
    /// A Mermaid flowchart.
    Mermaid,
    /// A picture that stands alone, without scripts, readable on light and dark pages.
    Svg,
}

/// Returns the picture of a drawing, ending with a line feed.
///
/// `width` is the number of columns that text may use; the other forms ignore it. Text is boxes when at most 100 steps
/// fit, and otherwise a list with one entry for each layer, which is complete too. Only a name longer than the width
/// makes a line that is wider.
#[must_use]
pub(crate) fn draw(drawing: &Drawing<'_>, form: Form, width: usize) -> String {
    let steps = Steps::of(drawing);
    match form {
        Form::Dot => dot::dot(&steps),
        Form::Mermaid => mermaid::mermaid(&steps),
        Form::Svg => {
            let layers = Layers::of(&steps);
            svg::svg(&steps, &Layout::of(&steps, &layers, Shape::Narrow))
        }
        Form::Text => as_text(&steps, width),
    }
}

fn as_text(steps: &Steps, width: usize) -> String {
    if steps.0.is_empty() {
        return "no steps\n".to_owned();
    }
    let layers = Layers::of(steps);
    if steps.0.len() <= MOST_BOXES && !layers.has_backward(steps) {
        for shape in [Shape::Wide, Shape::Narrow] {
            let layout = Layout::of(steps, &layers, shape);
            if layout.width <= width && layout.is_clear {
                return text::boxes(steps, &layout, width);
            }
        }
    }
    ranks::list(steps, &layers, width)
}
