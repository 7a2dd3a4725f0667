//! A header that is seen in some files is looked for in the others: texts alone do not show one. What
//! no file shows is refused.

use std::collections::HashSet;
use std::sync::Arc;

use super::shape::{FoundFile, Looked, Shape};
use super::{Inference, failed, look};
use crate::engines::reading::Reading;
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};

/// Returns what was found, where a file without a seen header is read with one if its first record
/// then names the columns of a file that has one.
///
/// # Errors
/// As [`look::at_files`]; `InvalidInput` when it cannot be told whether files have a header.
pub(super) fn agreed(
    inference: &Inference<'_>,
    files: &[PinnedFile],
    looked: Vec<Looked>,
) -> Result<Vec<Looked>, EngineError> {
    let mut looked = with_names_of_others(inference, files, looked)?;
    let surely = |looked: &[Looked], is: bool| {
        looked.iter().flatten().any(|one| one.shape.unsure.is_none() && header(one) == Some(is))
    };
    if surely(&looked, false) && !surely(&looked, true) {
        for one in looked.iter_mut().flatten().filter(|one| one.shape.unsure.is_some()) {
            settle(one, "header: none, as in the other files");
        }
    }
    let unsure = files.iter().zip(&looked).filter_map(|(file, one)| {
        let why = one.as_ref()?.shape.unsure.as_ref()?;
        Some(format!("`{}`: {why}", file.path))
    });
    match look::in_words(unsure.collect(), "files may have a header or none") {
        None => Ok(looked),
        Some(message) => Err(failed(ErrorKind::InvalidInput, message)
            .with_hint("give read_headers=true or read_headers=false")),
    }
}

/// Keeps what was found, as the other files show it.
fn settle(found: &mut FoundFile, note: &str) {
    let mut shape = Shape::clone(&found.shape);
    shape.unsure = None;
    shape.notes.push(note.to_owned());
    found.shape = Arc::new(shape);
}

fn with_names_of_others(
    inference: &Inference<'_>,
    files: &[PinnedFile],
    mut looked: Vec<Looked>,
) -> Result<Vec<Looked>, EngineError> {
    let named: HashSet<Vec<String>> = looked.iter().flatten().filter_map(names).collect();
    let unnamed: Vec<usize> = (0..looked.len())
        .filter(|index| looked[*index].as_ref().and_then(header) == Some(false))
        .collect();
    if named.is_empty() || unnamed.is_empty() {
        return Ok(looked);
    }
    let reading = Reading { header: Some(true), ..inference.reading.clone() };
    let inference = Inference { reading: &reading, on_bytes: &|_| {}, ..*inference };
    let again: Vec<PinnedFile> = unnamed.iter().map(|index| files[*index].clone()).collect();
    let outcomes = look::at_files(&inference, &again, &again)?;
    for (index, outcome) in unnamed.into_iter().zip(outcomes) {
        // A file that cannot be read with a header has none.
        if let Ok(Some(mut found)) = outcome
            && names(&found).is_some_and(|names| named.contains(&names))
        {
            settle(&mut found, "header: as in the other files");
            looked[index] = Some(found);
        }
    }
    Ok(looked)
}

/// Whether delimited text was read with a header.
fn header(found: &FoundFile) -> Option<bool> {
    found.shape.format.csv.as_ref().map(|csv| csv.header)
}

/// Returns the names in a file's header.
fn names(found: &FoundFile) -> Option<Vec<String>> {
    let columns = || found.shape.schema.columns.iter().map(|column| column.name.clone());
    (header(found) == Some(true)).then(|| columns().collect())
}
