//! Pictures of a workflow: its steps and what each waits for, as text, DOT, Mermaid or SVG.
//!
//! A drawing becomes `Steps` (names made safe, dependencies resolved), then `Layers` (what can start
//! when), then a `Layout` on a grid of character cells that the text and the SVG share. DOT and
//! Mermaid lay out by themselves. The same input gives the same bytes. Nothing here reads a store,
//! validates a workflow or fails: a cycle and an unknown dependency are drawn as they stand.

mod columns;
mod dot;
mod drawing;
mod labels;
mod layers;
mod layout;
mod mermaid;
mod order;
mod ranks;
mod steps;
mod svg;
mod text;
mod wires;

pub(crate) use drawing::{Drawing, DrawnStep, Form, draw};

#[cfg(test)]
mod tests;
