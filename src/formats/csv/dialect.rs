//! Finds how a text is delimited from its beginning: what most of its first records agree on.
//!
//! First lines that are no records of the table are never taken for one: they state a delimiter, are
//! comments, or are a problem that says how to leave them out.

use super::header::{self, Header};
use super::sample::{Beginning, Row, Sample, tokens};
use crate::engines::reading::{DELIMITER_DETECTED, Mark};

/// Delimiters of one character that are looked for.
const SINGLE: [&str; 4] = [",", "\t", ";", "|"];

/// Delimiters of several characters that are looked for.
const SEVERAL: [&str; 3] = ["~|~", "||", "::"];

/// How comments begin that are looked for; `#` alone only where not all of them begin with `##`.
const COMMENTS: [&str; 5] = ["##", "#", "//", "--", "%"];

/// What is stated of a text; the rest is found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stated<'a> {
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) quote: Option<&'a Mark<char>>,
    pub(crate) escape: Option<&'a Mark<char>>,
    pub(crate) comment: Option<&'a Mark<String>>,
    pub(crate) skip_rows: u64,
    /// Whether commas stand in numbers, and so separate no cells.
    pub(crate) decimal_comma: bool,
    /// The delimiter that the name of the file states.
    pub(crate) by_name: Option<&'a str>,
}

impl<'a> Stated<'a> {
    /// Returns the quote that is stated, or the usual one.
    fn quote(&self) -> Option<char> {
        self.quote.map_or(Some('"'), |quote| quote.as_option().copied())
    }

    fn escape(&self) -> Option<char> {
        self.escape.and_then(Mark::as_option).copied()
    }

    fn comment(&self) -> Option<&'a str> {
        self.comment.and_then(Mark::as_option).map(String::as_str)
    }
}

/// How a text is delimited.
#[derive(Debug, Clone)]
pub(crate) struct FoundDialect {
    pub(crate) delimiter: String,
    pub(crate) quote: Option<char>,
    pub(crate) escape: Option<char>,
    pub(crate) comment: Option<String>,
    pub(crate) skip_rows: u64,
    /// Cells of every record, if all have the same number.
    pub(crate) cells: Option<usize>,
    pub(crate) rows: Vec<Row>,
    /// Why it cannot be read as a table.
    pub(crate) problem: Option<String>,
    /// What was found without being stated.
    pub(crate) notes: Vec<String>,
}

/// One way to split a text.
struct Way<'a> {
    delimiter: &'a str,
    quote: Option<u8>,
    escape: Option<u8>,
    sample: Sample,
    /// How far from the usual quoting it is.
    rank: usize,
}

/// A text and what is known of it while it is looked at.
struct Look<'a> {
    beginning: Beginning<'a>,
    stated: Stated<'a>,
    /// Lines left out before it.
    skipped: u64,
    notes: Vec<String>,
}

/// Returns how a text is delimited.
pub(crate) fn find(beginning: Beginning<'_>, stated: Stated<'_>) -> FoundDialect {
    let mut stated = stated;
    let mut beginning = beginning.without_lines(stated.skip_rows);
    let mut look = Look { beginning, stated, skipped: stated.skip_rows, notes: Vec::new() };
    if let Some(delimiter) = stated_by_line(beginning.text) {
        look.notes.push(format!("the first line states the delimiter {delimiter:?}"));
        stated.delimiter = stated.delimiter.or(Some(delimiter));
        beginning = beginning.without_lines(1);
        look = Look { beginning, stated, skipped: look.skipped + 1, ..look };
    }
    let comment = stated.comment();
    let ways = look.ways(comment);
    if let Some(found) = look.several_characters(&ways) {
        return look.found(&found, comment, None);
    }
    if let Some(way) = look.alike(&ways) {
        return look.found(way, comment, None);
    }
    if let Some((prefix, way)) = look.commented() {
        look.notes.push(format!("comment: detected {prefix:?}"));
        return look.found(&way, Some(prefix), None);
    }
    if let Some((way, count)) = mostly_alike(&ways) {
        let problem = look.odd_first_lines(way, count);
        return look.found(way, comment, problem);
    }
    let first = ways.iter().position(|way| !way.sample.rows.is_empty()).unwrap_or_default();
    match ways.get(first) {
        Some(way) => {
            let has_one_column = stated.delimiter.is_none() && way.sample.same_count() == Some(1);
            if has_one_column && stated.decimal_comma && look.commas_split_alike(comment) {
                let problem = "its commas may separate cells or be the point of numbers; state the \
                               delimiter";
                return look.found(way, comment, Some(problem.to_owned()));
            }
            if has_one_column {
                look.notes.push("delimiter: none found, so there is one column".to_owned());
            }
            look.found(way, comment, None)
        }
        None => look.unreadable(),
    }
}

/// Returns the delimiter that a first line `sep=;` states, as Excel writes and reads it.
fn stated_by_line(text: &str) -> Option<&str> {
    let line = text.split(['\r', '\n']).next()?;
    let line = line.strip_prefix('"').map_or(line, |inner| inner.trim_end_matches('"'));
    let delimiter = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep="))?;
    let delimiter = line.strip_prefix(delimiter)?;
    let mut characters = delimiter.chars();
    let sign = characters.next().filter(|one| !one.is_alphanumeric() && *one != '"')?;
    // Excel itself writes more cells behind it when the line passes through it again.
    characters.all(|other| other == sign).then(|| &delimiter[..sign.len_utf8()])
}

impl<'a> Look<'a> {
    /// Returns every way to split the text, that of the name first.
    fn ways(&self, comment: Option<&str>) -> Vec<Way<'a>> {
        if let Some(delimiter) = self.stated.delimiter {
            return self.way(delimiter, comment).into_iter().collect();
        }
        let preferred = self.stated.by_name;
        let is_other = |single: &&str| {
            Some(*single) != preferred && !(self.stated.decimal_comma && *single == ",")
        };
        let others = SINGLE.iter().copied().filter(is_other);
        let order = preferred.into_iter().chain(others);
        order.filter_map(|delimiter| self.way(delimiter, comment)).collect()
    }

    /// Whether commas would split all records into several cells.
    fn commas_split_alike(&self, comment: Option<&str>) -> bool {
        let way = self.way(",", comment);
        way.and_then(|way| way.sample.same_count()).is_some_and(|count| count > 1)
    }

    /// Splits the text with the quoting under which every quoted cell ends where its quote does.
    fn way(&self, delimiter: &'a str, comment: Option<&str>) -> Option<Way<'a>> {
        let split = |rank, quote: Option<char>, escape: Option<char>| {
            let byte =
                |mark: Option<char>| mark.and_then(|mark| u8::try_from(u32::from(mark)).ok());
            let (quote, escape) =
                (byte(quote), byte(escape).filter(|one| Some(*one) != byte(quote)));
            let mut tokens = tokens(delimiter, quote, escape)?;
            tokens.comment = comment.map(|comment| comment.as_bytes().to_vec());
            let sample = Sample::new(self.beginning, delimiter, &tokens)?;
            Some(Way { delimiter, quote, escape, sample, rank })
        };
        let quote = self.stated.quote();
        let usual = split(0, quote, self.stated.escape())?;
        if usual.sample.is_well_quoted() {
            return Some(usual);
        }
        if self.stated.escape.is_none()
            && let Some(quote) = quote
            && self.beginning.text.contains(&format!("\\{quote}"))
            && let Some(escaped) = split(1, Some(quote), Some('\\'))
            && escaped.sample.is_well_quoted()
        {
            return Some(escaped);
        }
        if self.stated.quote.is_none()
            && self.stated.escape().is_none()
            && usual.sample.stray > 0
            && usual.sample.enclosed == 0
            && let Some(unquoted) = split(2, None, None)
            && unquoted.sample.same_count().is_some_and(|count| count > 1)
        {
            return Some(unquoted);
        }
        Some(Way { rank: 3, ..usual })
    }

    /// Returns the way that splits all records alike: that of the name, else the one with the most
    /// cells; of equals the first.
    fn alike<'w>(&self, ways: &'w [Way<'a>]) -> Option<&'w Way<'a>> {
        let least = if self.stated.delimiter.is_some() { 1 } else { 2 };
        let count = |way: &Way<'_>| way.sample.same_count().filter(|count| *count >= least);
        let rank = ways.iter().filter(|way| count(way).is_some()).map(|way| way.rank).min()?;
        let alike = || ways.iter().filter(|way| way.rank == rank && count(way).is_some());
        let named = alike().find(|way| self.stated.by_name == Some(way.delimiter));
        // `max_by_key` takes the last of equals: reversed, the first in order wins.
        named.or_else(|| alike().rev().max_by_key(|way| count(way)))
    }

    /// Returns a delimiter of several characters if it explains every place where its characters
    /// occur.
    fn several_characters(&self, tried: &[Way<'a>]) -> Option<Way<'a>> {
        if self.stated.delimiter.is_some() {
            return None;
        }
        for delimiter in SEVERAL {
            if !self.beginning.text.contains(delimiter) {
                continue;
            }
            let way = self.way(delimiter, self.stated.comment())?;
            let Some(count) = way.sample.same_count().filter(|count| *count > 1) else { continue };
            let explained = tried.iter().all(|single| {
                let within = delimiter.matches(single.delimiter).count();
                match single.sample.same_count() {
                    Some(cells) if within > 0 => cells == (count - 1) * within + 1,
                    Some(cells) => cells == 1,
                    None => within == 0,
                }
            });
            if explained {
                return Some(way);
            }
        }
        None
    }

    /// Returns how comments begin if the first line is one, and all other lines are split alike.
    fn commented(&self) -> Option<(&'static str, Way<'a>)> {
        if self.stated.comment.is_some() {
            return None;
        }
        let text = self.beginning.text.trim_start_matches(['\r', '\n']);
        let prefixes = COMMENTS.iter().filter(|prefix| text.starts_with(**prefix));
        prefixes.copied().find_map(|prefix| {
            let mut ways = self.ways(Some(prefix));
            let delimiter = self.alike(&ways)?.delimiter;
            let way = ways.extract_if(.., |way| way.delimiter == delimiter).next()?;
            (way.rank < 3 && !self.may_be_names(prefix, &way)).then_some((prefix, way))
        })
    }

    /// Whether the last comment above the first record may hold the names of its cells.
    fn may_be_names(&self, prefix: &str, way: &Way<'_>) -> bool {
        if header::find(&way.sample.rows) == Header::Found {
            return false;
        }
        let all = self.way(way.delimiter, None);
        let rows = all.map(|all| all.sample.rows).unwrap_or_default();
        let comments = rows.iter().take_while(|row| row.begins.starts_with(prefix.as_bytes()));
        comments.last().is_some_and(|row| row.cells.len() > 1)
    }

    /// Returns what is wrong with the lines before the first record that is like most.
    fn odd_first_lines(&self, way: &Way<'_>, count: usize) -> Option<String> {
        let rows = &way.sample.rows;
        let usual = rows.iter().position(|row| row.cells.len() == count).filter(|at| *at > 0)?;
        let (first, last) = (rows[0].line + self.skipped, rows[usual].line + self.skipped - 1);
        let (lines, have, them) = if first == last {
            (format!("line {first}"), "has", "it")
        } else {
            (format!("lines {first} to {last}"), "have", "them")
        };
        Some(format!(
            "{lines} {have} not the {count} cells that most records have with the delimiter {:?}; \
             leave {them} out with skip_rows={last}, or with comment and how such lines begin; or \
             state another delimiter",
            way.delimiter
        ))
    }

    fn found(
        mut self,
        way: &Way<'_>,
        comment: Option<&str>,
        problem: Option<String>,
    ) -> FoundDialect {
        let mut notes = Vec::new();
        if self.stated.delimiter.is_none() && way.delimiter != "," {
            notes.push(format!("{DELIMITER_DETECTED}{:?}", way.delimiter));
        }
        match way.rank {
            1 => notes.push("escape: detected \"\\\\\"".to_owned()),
            2 => notes.push("quote: detected none, as quotes do not enclose cells".to_owned()),
            _ => {}
        }
        notes.append(&mut self.notes);
        FoundDialect {
            delimiter: way.delimiter.to_owned(),
            quote: way.quote.map(char::from),
            escape: way.escape.map(char::from),
            comment: comment.map(str::to_owned),
            skip_rows: self.skipped,
            cells: way.sample.same_count(),
            rows: way.sample.rows.clone(),
            problem,
            notes,
        }
    }

    /// Returns what is stated of a text that cannot be split so; reading it says why.
    fn unreadable(self) -> FoundDialect {
        FoundDialect {
            delimiter: self.stated.delimiter.unwrap_or(",").to_owned(),
            quote: self.stated.quote(),
            escape: self.stated.escape(),
            comment: self.stated.comment().map(str::to_owned),
            skip_rows: self.skipped,
            cells: None,
            rows: Vec::new(),
            problem: None,
            notes: self.notes,
        }
    }
}

/// Returns the way that splits most records alike, or the last ones, and their number of cells.
fn mostly_alike<'w, 'a>(ways: &'w [Way<'a>]) -> Option<(&'w Way<'a>, usize)> {
    let likely = ways.iter().filter_map(|way| {
        let (count, records) = way.sample.usual_count()?;
        let last = way.sample.rows.iter().rev();
        let at_end = last.take_while(|row| row.cells.len() == count).count();
        let most = records > 1 && (records * 2 >= way.sample.rows.len() || at_end > 1);
        most.then_some((way, count, records))
    });
    let likely: Vec<_> = likely.collect();
    let best = likely.iter().rev().max_by_key(|(way, _, records)| (4 - way.rank, *records));
    best.map(|(way, count, _)| (*way, *count))
}

impl FoundDialect {
    /// Returns whether the first record holds the names.
    pub(crate) fn header(&self) -> Header {
        let found = header::find(&self.rows);
        let Some(first) = self.rows.first().filter(|_| self.comment.is_none()) else {
            return found;
        };
        let prefix = COMMENTS.iter().find(|prefix| first.begins.starts_with(prefix.as_bytes()));
        let Some(prefix) = prefix else { return found };
        // A comment that happens to have as many cells as the records below it.
        let below = self.rows.iter().filter(|row| !row.begins.starts_with(prefix.as_bytes()));
        let below: Vec<Row> = below.cloned().collect();
        let another = header::has_names(&below)
            || (self.cells == Some(1) && header::find(&below) != Header::Missing);
        if another && !below.is_empty() {
            return Header::Unsure(format!(
                "line {} begins with {prefix:?} and may be a comment or hold the names; state \
                 comment (or that it is none), or read_headers",
                first.line + self.skip_rows
            ));
        }
        found
    }
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
