//! Apache ORC.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use orc_rust::reader::ChunkReader;
use orc_rust::schema::DataType;
use orc_rust::{ArrowReaderBuilder, projection::ProjectionMask};

use super::bytes::SourceReader;
use super::declared::declared;
use super::decoding::{Batches, DecodeOptions};
use super::error::FormatError;
use super::orc_zone::{Clock, is_known, writer_zones};
use super::projection;
use crate::engines::files::ByteSource;
use crate::engines::schema::Schema;

/// A source as ORC's reader wants it.
struct Chunks<S>(S);

impl<S: ByteSource + Clone> ChunkReader for Chunks<S> {
    type T = SourceReader<S>;

    fn len(&self) -> u64 {
        self.0.size()
    }

    fn get_read(&self, offset_from_start: u64) -> io::Result<Self::T> {
        Ok(SourceReader::new(self.0.clone(), offset_from_start))
    }

    fn get_bytes(&self, offset_from_start: u64, length: u64) -> io::Result<bytes::Bytes> {
        // Lengths come from the file: a broken one must not reserve memory.
        if offset_from_start.saturating_add(length) > self.0.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut buffer = vec![0; length];
        if self.0.read_at(&mut buffer, offset_from_start)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(buffer.into())
    }
}

fn broken(path: &str, message: String) -> FormatError {
    FormatError::Broken { path: path.to_owned(), format: "orc".to_owned(), message }
}

/// A file that can be read: its decimals are stated, and its time zones are known.
struct Opened<S> {
    builder: ArrowReaderBuilder<Chunks<S>>,
    zones: BTreeSet<String>,
}

fn open<S: ByteSource + Clone>(source: S) -> Result<Opened<S>, FormatError> {
    let path = source.path().to_owned();
    let builder = ArrowReaderBuilder::try_new(Chunks(source.clone()))
        .map_err(|error| broken(&path, error.to_string()))?;
    for column in builder.file_metadata().root_data_type().children() {
        if let Some(problem) = wrong_decimal(column.data_type()) {
            return Err(broken(&path, format!("column `{}`: {problem}", column.name())));
        }
    }
    let zones = writer_zones(&Chunks(source), builder.file_metadata()).map_err(|source| {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => broken(&path, "it ends within a stripe".to_owned()),
            io::ErrorKind::InvalidData => broken(&path, source.to_string()),
            _ => FormatError::Read { path: path.clone(), source },
        }
    })?;
    if let Some(zone) = zones.iter().find(|zone| !is_known(zone)) {
        let message = format!("its times are of the time zone `{zone}`, which is not known");
        return Err(broken(&path, format!("{message}; write it with those of UTC")));
    }
    Ok(Opened { builder, zones })
}

/// Returns why the decimals of a type cannot be read: their digits would be cut.
fn wrong_decimal(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Decimal { precision: 0, .. } => Some(
            "a decimal of Hive 0.11 does not say how many digits it has; write it anew with a \
             precision and a scale"
                .to_owned(),
        ),
        DataType::Decimal { precision, .. } if *precision > 38 => {
            Some(format!("a decimal has {precision} digits, and 38 are the most"))
        }
        DataType::Decimal { precision, scale, .. } if scale > precision => {
            Some(format!("a decimal of {precision} digits has {scale} after the point"))
        }
        DataType::Struct { children, .. } => {
            children.iter().find_map(|child| wrong_decimal(child.data_type()))
        }
        DataType::List { child, .. } => wrong_decimal(child),
        DataType::Map { key, value, .. } => wrong_decimal(key).or_else(|| wrong_decimal(value)),
        DataType::Union { variants, .. } => variants.iter().find_map(wrong_decimal),
        _ => None,
    }
}

/// Schema and number of rows from the footer.
pub(crate) fn footer(source: &dyn ByteSource) -> Result<(Schema, u64), FormatError> {
    let Opened { builder, .. } = open(source)?;
    let rows = builder.file_metadata().number_of_rows();
    Ok((declared(source.path(), "orc", &builder.schema())?, rows))
}

/// Opens a file.
pub(crate) fn decode(
    source: Arc<dyn ByteSource>,
    options: &DecodeOptions,
) -> Result<Batches, FormatError> {
    let path = source.path().to_owned();
    let Opened { builder, zones } = open(source)?;
    let clock = Clock::of(&zones);
    let names: Vec<&str> =
        options.schema.fields().iter().map(|field| field.name().as_str()).collect();
    options.take_unknown_of(&path, &builder.schema());
    let mask = ProjectionMask::named_roots(builder.file_metadata().root_data_type(), &names);
    let reader = builder.with_projection(mask).with_batch_size(options.batch_rows.max(1)).build();
    let reader = reader.map(move |batch| batch.and_then(|batch| clock.correct(batch)));
    Ok(projection::conform(Box::new(reader), path, "orc", options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_that_would_lose_digits_are_refused() {
        for (precision, scale, problem) in [
            (38, 38, None),
            (0, 0, Some("a decimal of Hive 0.11 does not say how many digits it has")),
            (77, 0, Some("a decimal has 77 digits, and 38 are the most")),
            (4, 7, Some("a decimal of 4 digits has 7 after the point")),
        ] {
            let decimal = DataType::Decimal { column_index: 2, precision, scale };
            let list = DataType::List { column_index: 1, child: Box::new(decimal) };
            let found = wrong_decimal(&list);
            assert_eq!(found.is_some(), problem.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().starts_with(problem.unwrap_or_default()));
        }
    }
}
