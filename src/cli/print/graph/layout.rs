//! The place of every box and line on a grid of character cells, for the text and the SVG.

use super::columns::columns;
use super::labels::{FINALLY, Shape, lines};
use super::layers::Layers;
use super::order::{Item, Order};
use super::steps::{Step, Steps};
use super::wires::{Places, Run, runs};

/// The places of a drawing, from the top left cell (0, 0).
#[derive(Debug)]
pub(super) struct Layout {
    /// The box of each step.
    pub(super) boxes: Vec<Frame>,
    pub(super) wires: Vec<Wire>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// What stands between the finally steps and all others.
    pub(super) divider: Option<Divider>,
    /// Whether no two lines lie on one another.
    pub(super) is_clear: bool,
}

/// The row between the finally steps and all others, with the word `finally` where no line passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divider {
    pub(super) row: usize,
    /// The column of the first letter; the ones beside the word are free too.
    pub(super) word: usize,
}

/// The box of a step, borders included.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) lines: Vec<String>,
}

/// The lines that leave one step: straight parts, and where they end.
#[derive(Debug)]
pub(super) struct Wire {
    /// The step that it leaves.
    pub(super) step: usize,
    /// Whether the arrow is at the step instead of the ends.
    pub(super) is_backward: bool,
    /// The cell of the border where it begins.
    pub(super) start: (usize, usize),
    /// Parts from one cell to another, to the right or downwards, both cells included.
    pub(super) parts: Vec<[(usize, usize); 2]>,
    /// The cells above the boxes where it ends.
    pub(super) ends: Vec<(usize, usize)>,
}

impl Layout {
    /// Returns the places of steps with labels of this shape.
    pub(super) fn of(steps: &Steps, layers: &Layers, shape: Shape) -> Self {
        let order = Order::of(steps, layers);
        let labels: Vec<Vec<String>> = steps.0.iter().map(|step| lines(step, shape)).collect();
        let height = labels.iter().map(Vec::len).max().unwrap_or(1) + 2;
        let half = |item: &Item| match item {
            Item::Bend(_) => 0,
            Item::Step(step) => half_width(&steps.0[*step], &labels[*step]),
        };
        let halves: Vec<i64> = order.items.iter().map(half).collect();
        let mut places = Places { middle: columns(&order, &halves), halves };
        let mut is_clear = true;
        let mut gaps = Vec::new();
        for gap in 0..layers.count {
            let (runs, clear) = runs(&order, gap, &mut places);
            is_clear &= clear;
            gaps.push(runs);
        }
        align(&mut places, &mut gaps);
        Grid::of(layers, &gaps, height).layout(&order, (&places, &gaps), (steps, labels), is_clear)
    }
}

/// Returns what a box takes to either side of its middle: room for its label and for all lines that end there.
fn half_width(step: &Step, label: &[String]) -> i64 {
    i64::try_from(box_width(step, label) / 2).unwrap_or(i64::MAX / 4)
}

fn box_width(step: &Step, label: &[String]) -> usize {
    let longest = label.iter().map(String::len).max().unwrap_or(0);
    (longest + 4).max(2 * step.dependencies.len() + 5).max(9)
}

/// Moves everything so that the leftmost column is 0.
fn align(places: &mut Places, gaps: &mut [Vec<Run>]) {
    let edges = places.middle.iter().zip(&places.halves).map(|(middle, half)| middle - half);
    let first = edges.min().unwrap_or(0);
    for middle in &mut places.middle {
        *middle -= first;
    }
    for run in gaps.iter_mut().flatten() {
        run.top -= first;
        for end in &mut run.ends {
            end.0 -= first;
        }
    }
}

fn cell(column: i64) -> usize {
    usize::try_from(column).unwrap_or(0)
}

/// The rows of the layers.
#[derive(Debug)]
struct Grid {
    /// The first row of each layer, and the one after the last.
    tops: Vec<usize>,
    /// The rows of a box.
    height: usize,
    divider: Option<usize>,
}

impl Grid {
    fn of(layers: &Layers, gaps: &[Vec<Run>], height: usize) -> Self {
        let mut grid = Self { tops: vec![0], height, divider: None };
        let mut row = 0;
        for (layer, runs) in gaps.iter().enumerate() {
            row += height;
            if layer + 1 == gaps.len() {
                break;
            }
            row += runs.iter().filter_map(|run| run.track).max().map_or(1, |track| track + 1);
            if layers.finally == Some(layer + 1) {
                grid.divider = Some(row);
                row += 1;
            }
            // The row of the arrows.
            row += 1;
            grid.tops.push(row);
        }
        grid.tops.push(row);
        grid
    }

    fn layout(
        &self,
        order: &Order,
        (places, gaps): (&Places, &[Vec<Run>]),
        (steps, labels): (&Steps, Vec<Vec<String>>),
        is_clear: bool,
    ) -> Layout {
        let mut layer_of = vec![0; order.items.len()];
        for (layer, row) in order.rows.iter().enumerate() {
            for item in row {
                layer_of[*item] = layer;
            }
        }
        let frame = |(step, lines): (usize, Vec<String>)| Frame {
            left: cell(places.middle[step] - places.halves[step]),
            top: self.tops[layer_of[step]],
            width: box_width(&steps.0[step], &lines),
            height: self.height,
            lines,
        };
        let boxes: Vec<Frame> = labels.into_iter().enumerate().map(frame).collect();
        let wires = self.wires(order, gaps);
        let divider = self.divider.map(|row| Divider { row, word: free_word(&wires, row) });
        let parts = wires.iter().flat_map(|wire| &wire.parts).map(|part| part[1].0 + 1);
        let word = divider.map(|divider| divider.word + FINALLY.len() + 3);
        let width =
            boxes.iter().map(|frame| frame.left + frame.width).chain(parts).chain(word).max();
        Layout {
            wires,
            width: width.unwrap_or(0),
            height: self.tops.last().copied().unwrap_or(0),
            divider,
            is_clear,
            boxes,
        }
    }

    fn wires(&self, order: &Order, gaps: &[Vec<Run>]) -> Vec<Wire> {
        let wire = |net: &super::order::Net| Wire {
            step: net.step,
            is_backward: net.is_backward,
            start: (0, 0),
            parts: Vec::new(),
            ends: Vec::new(),
        };
        let mut wires: Vec<Wire> = order.nets.iter().map(wire).collect();
        for (gap, run) in
            gaps.iter().enumerate().flat_map(|(gap, runs)| runs.iter().map(move |run| (gap, run)))
        {
            self.add_run(gap, run, &mut wires[run.net]);
        }
        for wire in &mut wires {
            wire.parts = joined(std::mem::take(&mut wire.parts));
        }
        wires
    }

    /// Adds the lines of a net in one gap to its wire.
    fn add_run(&self, gap: usize, run: &Run, wire: &mut Wire) {
        let border = self.tops[gap] + self.height - 1;
        let top = cell(run.top);
        if wire.parts.is_empty() {
            wire.start = (top, border);
        }
        let turn = run.track.map_or(border, |track| border + 1 + track);
        if turn > border {
            wire.parts.push([(top, border), (top, turn)]);
            let columns = run.ends.iter().map(|(column, _)| cell(*column)).chain([top]);
            let (first, last) =
                (columns.clone().min().unwrap_or(top), columns.max().unwrap_or(top));
            wire.parts.push([(first, turn), (last, turn)]);
        }
        for (column, item) in &run.ends {
            let column = cell(*column);
            let below = self.tops[gap + 1];
            let end = match item {
                Item::Step(_) => below - 1,
                Item::Bend(_) => below + self.height - 1,
            };
            wire.parts.push([(column, turn), (column, end)]);
            if let Item::Step(_) = item {
                wire.ends.push((column, end));
            }
        }
    }
}

/// Returns the first column of a row, after two, at which no wire passes the word `finally`.
fn free_word(wires: &[Wire], row: usize) -> usize {
    let is_passing = |part: &&[(usize, usize); 2]| (part[0].1..=part[1].1).contains(&row);
    let mut passing: Vec<usize> = wires
        .iter()
        .flat_map(|wire| wire.parts.iter().filter(is_passing))
        .map(|part| part[0].0)
        .collect();
    passing.sort_unstable();
    passing.into_iter().fold(3, |word, column| {
        if column + 1 < word || column > word + FINALLY.len() { word } else { column + 2 }
    })
}

/// Returns the parts with those in one column that touch made one.
fn joined(mut parts: Vec<[(usize, usize); 2]>) -> Vec<[(usize, usize); 2]> {
    parts.sort_unstable_by_key(|[from, to]| {
        (from.1 == to.1 && from.0 != to.0, from.0, from.1, to.1)
    });
    let mut joined: Vec<[(usize, usize); 2]> = Vec::new();
    for part in parts {
        let is_vertical = part[0].0 == part[1].0;
        match joined.last_mut() {
            Some(last)
                if is_vertical
                    && last[0].0 == last[1].0
                    && last[0].0 == part[0].0
                    && part[0].1 <= last[1].1 =>
            {
                last[1].1 = last[1].1.max(part[1].1);
            }
            _ => joined.push(part),
        }
    }
    joined
}
