//! Time zones of ORC files.
//!
//! A timestamp of ORC is a time on the writer's clock, stored as the instant at which that clock showed
//! it: each stripe says in which zone. The reader turns instants back into times, with a table of
//! zones that ends with the year 2099. Here zones that it does not know are refused by name, and later
//! times are turned by the rules of their zone.
//!
//! # Source
//! <https://orc.apache.org/specification/ORCv1/>

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch, TimestampNanosecondArray, make_array};
use arrow::datatypes::{DataType, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use orc_rust::compression::Decompressor;
use orc_rust::reader::ChunkReader;
use orc_rust::reader::metadata::FileMetadata;

/// The beginning of 2100, in nanoseconds since 1970: the reader's table ends before.
const TABLE_END: i64 = 4_102_444_800_000_000_000;

/// The field of a stripe's footer that names the zone.
const WRITER_TIMEZONE: u64 = 3;

/// Returns the zones of all stripes.
pub(super) fn writer_zones<R: ChunkReader>(
    reader: &R,
    metadata: &FileMetadata,
) -> io::Result<BTreeSet<String>> {
    let mut zones = BTreeSet::new();
    for stripe in metadata.stripe_metadatas() {
        let bytes = reader.get_bytes(stripe.footer_offset(), stripe.footer_length())?;
        let mut footer = Vec::new();
        let mut reader = Decompressor::new(bytes, metadata.compression(), Vec::new());
        reader.read_to_end(&mut footer).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the footer of a stripe: {error}"))
        })?;
        zones.extend(text_field(&footer, WRITER_TIMEZONE));
    }
    Ok(zones)
}

/// Returns a text of a message of protocol buffers.
///
/// # Source
/// <https://protobuf.dev/programming-guides/encoding/>
fn text_field(mut message: &[u8], wanted: u64) -> Option<String> {
    let mut found = None;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let value = match tag & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => split(&mut message, 8)?,
            2 => {
                let length = varint(&mut message)?;
                split(&mut message, usize::try_from(length).ok()?)?
            }
            5 => split(&mut message, 4)?,
            _ => return None,
        };
        if tag >> 3 == wanted {
            found = String::from_utf8(value.to_vec()).ok();
        }
    }
    found
}

fn split<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(value)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *split(message, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Returns whether the reader knows a zone: it breaks off where it does not.
pub(super) fn is_known(zone: &str) -> bool {
    let is_offset = zone.starts_with(['+', '-']);
    !is_offset && zone.parse::<arrow::array::timezone::Tz>().is_ok()
}

/// What is known of the clocks of a file's writer.
pub(super) enum Clock {
    /// It runs as UTC does.
    Utc,
    /// It follows the rules of a zone.
    Zone(TimeZone),
    /// Its rules are not known, or those of several zones.
    Unknown(String),
}

impl Clock {
    /// Returns the clock of a file whose stripes are of these zones.
    pub(super) fn of(zones: &BTreeSet<String>) -> Self {
        let mut others = zones.iter().filter(|zone| !is_utc(zone));
        match (others.next(), others.next(), zones.len()) {
            (None, ..) => Self::Utc,
            (Some(zone), None, 1) => TimeZone::get(zone)
                .map_or_else(|_| Self::Unknown(format!("the time zone `{zone}`")), Self::Zone),
            _ => Self::Unknown("several time zones".to_owned()),
        }
    }

    /// Returns a batch of the reader with the times that its table of zones lacks put right.
    ///
    /// # Errors
    /// When there is one in a column, and the rules of its zone are not known.
    pub(super) fn correct(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if matches!(self, Self::Utc) || !batch.columns().iter().any(has_late_times) {
            return Ok(batch);
        }
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
            let wrong =
                |words| ArrowError::ParseError(format!("column `{}` {words}", field.name()));
            Ok(make_array(self.correct_data(column.to_data()).map_err(wrong)?))
        });
        RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, ArrowError>>()?)
    }

    fn correct_data(&self, data: ArrayData) -> Result<ArrayData, String> {
        if data.data_type() == &DataType::Timestamp(TimeUnit::Nanosecond, None) {
            let times = TimestampNanosecondArray::from(data);
            let correct = |time| self.correct_time(time);
            let times = times.try_unary::<_, TimestampNanosecondType, String>(correct)?;
            return Ok(times.into_data());
        }
        if data.child_data().is_empty() {
            return Ok(data);
        }
        let below = data.child_data().iter().map(|child| self.correct_data(child.clone()));
        let below = below.collect::<Result<Vec<_>, _>>()?;
        data.into_builder().child_data(below).build().map_err(|error| error.to_string())
    }

    /// The reader's clock goes on with the offset that its zone has at the end of its table.
    fn correct_time(&self, time: i64) -> Result<i64, String> {
        let zone = match self {
            Self::Zone(zone) if time >= TABLE_END => zone,
            Self::Unknown(zone) if time >= TABLE_END => {
                return Err(format!(
                    "has a time after the year 2099 of {zone}, whose rules are not known"
                ));
            }
            _ => return Ok(time),
        };
        let last = offset_at(zone, TABLE_END - 43_200_000_000_000)?;
        let instant = time.checked_sub(last).ok_or("has a time that no clock shows")?;
        let offset = offset_at(zone, instant)?;
        instant.checked_add(offset).ok_or_else(|| "has a time that no clock shows".to_owned())
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "GMT" | "Etc/UTC" | "Etc/GMT" | "UCT" | "Zulu")
}

/// Returns a zone's offset at an instant, in nanoseconds.
fn offset_at(zone: &TimeZone, instant: i64) -> Result<i64, String> {
    let instant = Timestamp::from_nanosecond(instant.into()).map_err(|error| error.to_string())?;
    Ok(i64::from(zone.to_offset(instant).seconds()) * 1_000_000_000)
}

/// Whether an array has a time, at any depth, that the reader's table of zones may lack.
fn has_late_times(array: &ArrayRef) -> bool {
    let mut below = vec![array.to_data()];
    while let Some(data) = below.pop() {
        if data.data_type() == &DataType::Timestamp(TimeUnit::Nanosecond, None) {
            let times = TimestampNanosecondArray::from(data);
            if times.iter().flatten().any(|time| time >= TABLE_END) {
                return true;
            }
        } else {
            below.extend(data.child_data().iter().cloned());
        }
    }
    false
}

#[cfg(test)]
#[path = "orc_zone_tests.rs"]
mod tests;
