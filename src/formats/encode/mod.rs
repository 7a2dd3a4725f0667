//! Writes Arrow batches as the bytes of one file.

mod columnar;
mod csv;
mod encoder;
mod json;
mod lines;
mod read_back;
mod storable;
mod xlsx;

pub use encoder::{Encoder, encoder, held_bytes};
pub use lines::check_lines;
pub use read_back::read_back;
