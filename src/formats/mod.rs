//! Bytes to Arrow and back, with no client: sniff, infer, compare schemas, decode, encode.
//!
//! Everything is synchronous and streams: a caller runs it on a thread of its own. Inference and
//! execution read with the same parser and the same rules. May import models of `engines` only.

pub mod bytes;
pub(crate) mod canonical;
pub mod cell;
pub mod compare;
pub mod decode;
pub mod decoding;
pub mod encode;
pub mod endings;
pub mod error;
pub(crate) mod guard;
pub mod infer;
pub mod json_rows;
pub mod kinds;
pub(crate) mod parquet_trust;
pub mod sniff;

mod arrow_early;
mod arrow_ipc;
mod avro;
mod avro_blocks;
mod batches;
mod blocks;
mod compression;
mod csv;
mod declared;
pub(crate) mod exact_float;
mod fit;
mod json;
mod msgpack;
mod nested;
mod orc;
mod orc_zone;
mod parquet;
mod pipeline;
mod projection;
#[cfg(test)]
mod tests;
mod text_detection;
mod text_encoding;
