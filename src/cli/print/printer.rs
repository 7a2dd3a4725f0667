//! Writing to standard output and standard error: results to the one, everything else to the other.
//!
//! A reader that goes away (`mason get | head`) is no error. Text that comes from data is shown with
//! its control characters escaped, so that a file cannot steer a terminal.

use std::io::{self, Write};
use std::sync::Arc;

use owo_colors::{OwoColorize, Style as Paint};
use serde_json::Value;

use crate::cli::failure::{Failure, hints_of, messages_of};
use crate::cli::settings::Style;

/// Writes what a verb has to say.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    style: Style,
    /// The options of every verb that this call was given, for the commands that it shows.
    options: Arc<str>,
}

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    Plain,
    /// A heading.
    Heading,
    /// Something went well.
    Good,
    /// Something to look at.
    Warning,
    /// Something went wrong.
    Bad,
    /// Less important.
    Quiet,
}

impl Printer {
    /// Makes a printer.
    #[must_use]
    pub(crate) fn new(style: Style) -> Self {
        Self { style, options: Arc::default() }
    }

    /// Returns a printer whose hints show commands with the options that this call was given, so that they can be
    /// called as they are.
    #[must_use]
    pub(crate) fn repeating(self, options: &str) -> Self {
        Self { options: options.into(), ..self }
    }

    /// Returns the beginning of a command that is shown: `mason`, with the options of this call.
    #[must_use]
    pub(crate) fn mason(&self) -> String {
        format!("mason{}", self.options)
    }

    /// Returns how the streams are written to.
    #[must_use]
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Writes a line, or several, to standard output.
    ///
    /// # Errors
    /// When standard output cannot be written to, a full disk for example.
    #[expect(clippy::unused_self, reason = "only the holder of the printer writes")]
    pub(crate) fn out(&self, text: &str) -> io::Result<()> {
        let mut stream = io::stdout().lock();
        let written = stream.write_all(text.as_bytes()).and_then(|()| {
            if !text.ends_with('\n') {
                stream.write_all(b"\n")?;
            }
            stream.flush()
        });
        forgive_closed_pipe(written)
    }

    /// Writes a JSON document to standard output, never coloured.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub(crate) fn json(&self, document: &Value) -> io::Result<()> {
        self.out(&format!("{document:#}"))
    }

    /// Writes YAML documents to standard output, never coloured, separated by `---`.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub(crate) fn yaml(&self, documents: &[Value]) -> io::Result<()> {
        let mut texts = Vec::with_capacity(documents.len());
        for document in documents {
            texts.push(serde_saphyr::to_string(document).map_err(io::Error::other)?);
        }
        self.out(&texts.join("---\n"))
    }

    /// Writes a line, or several, to standard error. A failure of that cannot be reported.
    #[expect(clippy::unused_self, reason = "only the holder of the printer writes")]
    pub(crate) fn note(&self, text: &str) {
        let mut stream = io::stderr().lock();
        drop(writeln!(stream, "{}", text.trim_end_matches('\n')));
    }

    /// Writes a warning to standard error.
    pub(crate) fn warn(&self, text: &str) {
        let word = self.paint_error("warning:", Tone::Warning);
        self.note(&format!("{word} {}", visible(text)));
    }

    /// Writes an error to standard error: its chain once, every problem, and the hints.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut lines = Vec::new();
        let word = self.paint_error("error:", Tone::Bad);
        let mut messages = messages_of(error).into_iter();
        lines.push(format!("{word} {}", visible(&messages.next().unwrap_or_default())));
        let caused = self.paint_error("caused by:", Tone::Quiet);
        lines.extend(messages.map(|message| format!("  {caused} {}", visible(&message))));
        if let Some(Failure::Invalid { findings, .. }) = error.downcast_ref() {
            for finding in findings {
                let place = self.paint_error(&visible(&finding.place), Tone::Heading);
                lines.push(format!("  {place}: {}", visible(&finding.message)));
                let hint =
                    |hint: &String| format!("    {}", self.hint(hint).replace('\n', "\n    "));
                lines.extend(finding.hint.iter().map(hint));
            }
        }
        lines.extend(hints_of(error).iter().map(|hint| self.hint(hint)));
        self.note(&lines.join("\n"));
    }

    /// Returns a hint as it is shown on standard error.
    #[must_use]
    pub(crate) fn hint(&self, text: &str) -> String {
        let text = folded(&visible(&self.as_called(text)));
        format!("{} {text}", self.paint_error("hint:", Tone::Good))
    }

    /// Returns a text whose commands have the options of this call. `crds` takes none of them.
    fn as_called(&self, text: &str) -> String {
        let once = if self.options.contains(" --cluster") {
            text.replace(" --cluster`", "`")
        } else {
            text.to_owned()
        };
        let mason = self.mason();
        let shown = once.replace("`mason ", &format!("`{mason} "));
        shown.replace(&format!("`{mason} crds"), "`mason crds")
    }

    /// Returns text coloured for standard output, if that is coloured.
    #[must_use]
    pub(crate) fn paint(&self, text: &str, tone: Tone) -> String {
        if self.style.colour_out { painted(text, tone) } else { text.to_owned() }
    }

    /// Returns text coloured for standard error, if that is coloured.
    #[must_use]
    pub(crate) fn paint_error(&self, text: &str, tone: Tone) -> String {
        if self.style.colour_error { painted(text, tone) } else { text.to_owned() }
    }
}

/// The width that long hints are folded at, with what stands before them.
const WIDTH: usize = 80;
/// What stands before a hint and below it: the indentation of a finding, and the word.
const BEFORE_HINT: usize = 4 + "hint: ".len();
/// Hints of up to two lines stay one line, which can be searched for and copied.
const LONG: usize = 2 * (WIDTH - BEFORE_HINT);

/// Returns a long hint in lines that fit; what stands in backticks is not broken.
fn folded(text: &str) -> String {
    if text.chars().count() <= LONG {
        return text.to_owned();
    }
    let (mut lines, mut line, mut within) = (Vec::new(), String::new(), false);
    for word in text.split(' ') {
        let length = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > WIDTH - BEFORE_HINT && !within {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        within ^= word.matches('`').count() % 2 == 1;
    }
    lines.push(line);
    lines.join("\n      ")
}

/// Returns text with its control characters escaped, so that it cannot steer a terminal. Line breaks
/// and tabs stay.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    escape(text, |character| matches!(character, '\n' | '\t'))
}

/// Returns text on one line, with every control character escaped.
#[must_use]
pub(crate) fn visible_on_one_line(text: &str) -> String {
    escape(text, |_| false)
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> String {
    // Bidirectional overrides reorder what is shown, which hides text as control characters do.
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(|c: char| steers(c) && !stays(c)) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) && !stays(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn painted(text: &str, tone: Tone) -> String {
    let paint = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Heading => Paint::new().bold(),
        Tone::Good => Paint::new().green(),
        Tone::Warning => Paint::new().yellow(),
        Tone::Bad => Paint::new().red().bold(),
        Tone::Quiet => Paint::new().dimmed(),
    };
    text.style(paint).to_string()
}

fn forgive_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_hints_are_folded_at_80_columns_between_words() {
        let types = crate::engines::type_words::type_of("x").expect_err("should be no type");
        let hint = folded(types.hint().unwrap_or_default());
        assert!(hint.contains('\n'), "{hint}");
        let lines = hint.lines().enumerate();
        for (at, line) in lines {
            let before = if at == 0 { BEFORE_HINT } else { 4 };
            assert!(line.chars().count() + before <= WIDTH, "{line}");
        }
        let whole = hint.replace("\n      ", " ");
        assert_eq!(Some(whole.as_str()), types.hint());
        let command = format!("run `{} end` then", "a ".repeat(80));
        assert_eq!(folded(&command).lines().count(), 2, "commands are not broken");
        assert_eq!(folded("did you mean `a`?"), "did you mean `a`?");
    }

    #[test]
    fn data_cannot_steer_a_terminal() {
        assert_eq!(visible("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert_eq!(visible_on_one_line("a\tb\nc\u{7}"), "a\\tb\\nc\\u{7}");
        assert_eq!(visible_on_one_line("é ü 漢"), "é ü 漢");
        assert_eq!(visible_on_one_line("a\u{202e}b"), "a\\u{202e}b");
    }
}
