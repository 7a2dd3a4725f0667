//! JSON arrays and JSON lines, by the documented encoding; whole numbers are written as numbers.

use std::io::Write;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;

use super::encoder::{Counted, Encoder, write_error};
use crate::engines::table::Format;
use crate::formats::error::FormatError;
use crate::formats::json_rows::{Form, rows};

/// Writes JSON.
pub(super) struct JsonEncoder {
    format: Format,
    out: Counted,
    begun: bool,
}

impl JsonEncoder {
    pub(super) fn new(format: Format, mut out: Counted) -> Result<Self, FormatError> {
        if format == Format::Json {
            out.write_all(b"[").map_err(|error| write_error(format, error))?;
        }
        Ok(Self { format, out, begun: false })
    }
}

impl Encoder for JsonEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let mut text = Vec::new();
        for row in rows(batch, Form::File) {
            if self.format == Format::Json {
                text.extend_from_slice(if self.begun { b",\n" } else { b"\n" });
            }
            self.begun = true;
            serde_json::to_writer(&mut text, &row)
                .map_err(|error| write_error(self.format, error))?;
            if self.format == Format::Jsonl {
                text.push(b'\n');
            }
        }
        self.out.write_all(&text).map_err(|error| write_error(self.format, error))
    }

    fn bytes_written(&self) -> u64 {
        self.out.count().load(Ordering::Relaxed)
    }

    fn finish(mut self: Box<Self>) -> Result<u64, FormatError> {
        if self.format == Format::Json {
            let end = self.out.write_all(b"\n]\n");
            end.map_err(|error| write_error(self.format, error))?;
        }
        self.out.flush().map_err(|error| write_error(self.format, error))?;
        Ok(self.bytes_written())
    }
}
