//! Writes Arrow batches as the bytes of one file.

mod columnar;
mod csv;
mod encoder;
mod json;
mod storable;
mod xlsx;

pub use encoder::{Encoder, encoder, held_bytes};
