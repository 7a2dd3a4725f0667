//! Where a JSON value ends: the reader of `serde_json` decides, and numbers keep their text.

use serde::de::IgnoredAny;

/// Returns where the value ends that the bytes begin with; `None` when they end within it.
pub(crate) fn value_end(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        None => Ok(None),
        Some(Ok(_)) => Ok(Some(values.byte_offset())),
        Some(Err(error)) if error.is_eof() => Ok(None),
        Some(Err(error)) => Err(error.to_string()),
    }
}

/// Steps through the text of one array or object.
pub(crate) struct Parts<'a> {
    rest: &'a str,
    begun: bool,
}

impl<'a> Parts<'a> {
    /// Takes a text that begins with `[` or `{`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.get(1..).unwrap_or_default(), begun: false }
    }

    /// Returns whether a further part comes, or the array or object ends with this byte.
    pub(crate) fn more(&mut self, end: u8) -> Result<bool, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let begun = std::mem::replace(&mut self.begun, true);
        match self.rest.as_bytes().first() {
            Some(byte) if *byte == end => {
                self.rest = &self.rest[1..];
                Ok(false)
            }
            Some(b',') if begun => {
                self.rest = &self.rest[1..];
                Ok(true)
            }
            Some(_) if !begun => Ok(true),
            Some(_) => Err("expected `,` or the end of the array or object".to_owned()),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// Returns the next value's text.
    pub(crate) fn value(&mut self) -> Result<&'a str, String> {
        let end = value_end(self.rest.as_bytes())?.ok_or("it ends too early")?;
        let (value, rest) = self.rest.split_at_checked(end).ok_or("it is not UTF-8")?;
        self.rest = rest;
        Ok(value.trim())
    }

    /// Skips the colon after a key.
    pub(crate) fn colon(&mut self) -> Result<(), String> {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest = rest.strip_prefix(':').ok_or("expected `:` after a key")?;
        Ok(())
    }
}
