//! Notes of files: each is told once, with the number of files it is true of.

use std::collections::BTreeMap;

use crate::engines::counted::counted;
use crate::engines::table::PinnedFile;

/// Notes that are kept.
const NOTES: usize = 50;

/// Notes of files.
#[derive(Default)]
pub(super) struct Notes<'a> {
    notes: BTreeMap<&'a str, (&'a PinnedFile, u64)>,
}

impl<'a> Notes<'a> {
    pub(super) fn add(&mut self, file: &'a PinnedFile, note: &'a str) {
        self.notes.entry(note).or_insert((file, 0)).1 += 1;
    }

    pub(super) fn said(self) -> Vec<String> {
        let all = self.notes.len();
        let said = |(note, (file, files)): (&str, (&PinnedFile, u64))| match files {
            1 => format!("`{}`: {note}", file.path),
            files => format!("{files} files, such as `{}`: {note}", file.path),
        };
        let mut notes: Vec<String> = self.notes.into_iter().take(NOTES).map(said).collect();
        if all > NOTES {
            notes.push(format!("not shown: {}", counted(all - NOTES, "more note")));
        }
        notes
    }
}
