//! Boxes and lines in Unicode characters.
//!
//! Lines of one net join; a line that crosses another is broken where the other runs on: `─│─`.

use std::collections::BTreeMap;

use super::labels::{FINALLY, legend_text};
use super::layout::{Divider, Frame, Layout, Wire};
use super::steps::Steps;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Returns the picture, with a legend of the marks that occur.
pub(super) fn boxes(steps: &Steps, layout: &Layout, width: usize) -> String {
    let mut canvas = Canvas(vec![vec![' '; layout.width]; layout.height]);
    if let Some(between) = layout.divider {
        canvas.0[between.row] = divider(between, layout.width.max(20.min(width)));
    }
    for frame in &layout.boxes {
        canvas.frame(frame);
    }
    let mut crossed = BTreeMap::new();
    for wire in &layout.wires {
        canvas.wire(wire, &mut crossed);
    }
    let mut text = String::new();
    for row in canvas.0 {
        let line: String = row.into_iter().collect();
        text.extend([line.trim_end(), "\n"]);
    }
    let notes = legend_text(steps, width);
    if !notes.is_empty() {
        text.extend(["\n", notes.as_str()]);
    }
    text
}

/// Returns the row above the finally steps.
fn divider(divider: Divider, width: usize) -> Vec<char> {
    let mut row = vec!['╌'; divider.word - 1];
    row.extend(format!(" {FINALLY} ").chars());
    row.resize(width.max(row.len()), '╌');
    row
}

/// The characters by row and column.
#[derive(Debug)]
struct Canvas(Vec<Vec<char>>);

impl Canvas {
    fn put(&mut self, (column, row): (usize, usize), character: char) {
        if let Some(cell) = self.0.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = character;
        }
    }

    fn frame(&mut self, frame: &Frame) {
        let (right, bottom) = (frame.left + frame.width - 1, frame.top + frame.height - 1);
        for column in frame.left..=right {
            self.put((column, frame.top), '─');
            self.put((column, bottom), '─');
        }
        for row in frame.top..=bottom {
            self.put((frame.left, row), '│');
            self.put((right, row), '│');
        }
        self.put((frame.left, frame.top), '┌');
        self.put((right, frame.top), '┐');
        self.put((frame.left, bottom), '└');
        self.put((right, bottom), '┘');
        for (at, line) in frame.lines.iter().enumerate() {
            let left = frame.left + (frame.width - line.len()) / 2;
            for (column, character) in line.chars().enumerate() {
                self.put((left + column, frame.top + 1 + at), character);
            }
        }
    }

    /// Draws a wire; `drawn` has the cells of those before it, and gets those of this one.
    fn wire(&mut self, wire: &Wire, drawn: &mut BTreeMap<(usize, usize), u8>) {
        for (cell, mask) in masks(wire) {
            let is_vertical = |mask: u8| mask == UP | DOWN;
            let before = drawn.insert(cell, mask);
            let character = match before {
                Some(other) if is_vertical(mask) || is_vertical(other) => '│',
                _ => glyph(mask),
            };
            self.put(cell, character);
        }
        self.put(wire.start, '┬');
        for end in &wire.ends {
            self.put(*end, '▼');
        }
    }
}

/// Returns the directions in which a wire leaves each of its cells.
fn masks(wire: &Wire) -> BTreeMap<(usize, usize), u8> {
    let mut masks = BTreeMap::new();
    let mut add = |cell: (usize, usize), mask: u8| *masks.entry(cell).or_insert(0) |= mask;
    for [from, to] in &wire.parts {
        for row in from.1..to.1 {
            add((from.0, row), DOWN);
            add((from.0, row + 1), UP);
        }
        for column in from.0..to.0 {
            add((column, from.1), RIGHT);
            add((column + 1, from.1), LEFT);
        }
    }
    masks
}

fn glyph(mask: u8) -> char {
    const VERTICAL: u8 = UP | DOWN;
    const HORIZONTAL: u8 = LEFT | RIGHT;
    match (mask & VERTICAL, mask & HORIZONTAL) {
        (UP, LEFT) => '┘',
        (UP, RIGHT) => '└',
        (UP, HORIZONTAL) => '┴',
        (DOWN, LEFT) => '┐',
        (DOWN, RIGHT) => '┌',
        (DOWN, HORIZONTAL) => '┬',
        (VERTICAL, LEFT) => '┤',
        (VERTICAL, RIGHT) => '├',
        (VERTICAL, HORIZONTAL) => '┼',
        (0, _) => '─',
        _ => '│',
    }
}
