//! Keeps a library that panics over the bytes of a file from taking more with it than that file.
//!
//! Readers of files are written for whole files, and some of them panic over damaged ones. What reads a
//! file, or decodes what was read, is called through [`catch`] or [`guarded`], so that a panic becomes
//! an error that names the file. Nothing else may rest on this: a panic of our own is a bug.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::error::FormatError;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Most characters of a panic's message that are passed on.
const MOST: usize = 300;

/// Calls `work` and returns the message of its panic as an error.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    keep_quiet();
    let before = CATCHING.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    ended.map_err(|payload| words(&*payload))
}

/// Calls what reads a file, and returns a panic as the error of a broken file.
///
/// # Errors
/// Those of `read`; `Broken` when it panics.
pub(crate) fn guarded<T>(
    path: &str,
    format: &str,
    read: impl FnOnce() -> Result<T, FormatError>,
) -> Result<T, FormatError> {
    catch(read).unwrap_or_else(|message| Err(broke_off(path, format, &message)))
}

/// Makes the error of a file over which its reader panicked.
pub(crate) fn broke_off(path: &str, format: &str, message: &str) -> FormatError {
    FormatError::broken(path, format, format!("the reader broke off: {message}"))
}

/// A panic that is caught is told by its error, not on the standard error.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if CATCHING.get() {
                tracing::debug!(panic = %info, "a reader broke off");
            } else {
                before(info);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it did not say why");
    let line = message.lines().next().unwrap_or_default();
    line.chars().take(MOST).collect()
}

/// An iterator whose panics are errors, after which it ends.
pub(crate) struct Guarded<I> {
    inner: Option<I>,
    path: String,
    format: &'static str,
}

impl<I> Guarded<I> {
    pub(crate) fn new(inner: I, path: String, format: &'static str) -> Self {
        Self { inner: Some(inner), path, format }
    }
}

impl<T, I: Iterator<Item = Result<T, FormatError>>> Iterator for Guarded<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let inner = self.inner.as_mut()?;
        match catch(|| inner.next()) {
            Ok(next) => next,
            Err(message) => {
                self.inner = None;
                Some(Err(broke_off(&self.path, self.format, &message)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_error_of_the_file_and_ends_its_rows() {
        let rows = (0..3).map(|row| if row == 1 { panic!("bit width {row}") } else { Ok(row) });
        let mut rows = Guarded::new(rows, "t/a.parquet".to_owned(), "parquet");
        assert!(matches!(rows.next(), Some(Ok(0))));
        let error = rows.next().expect("should be told").expect_err("should be an error");
        let expected =
            "`t/a.parquet` is not readable as parquet: the reader broke off: bit width 1";
        assert_eq!(error.to_string(), expected);
        assert!(rows.next().is_none());
    }

    #[test]
    fn what_is_no_panic_comes_through() {
        let read: Result<u8, FormatError> = guarded("a", "csv", || Ok(7));
        assert_eq!(read.ok(), Some(7));
    }
}
