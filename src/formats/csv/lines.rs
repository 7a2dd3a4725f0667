//! Leaves out lines at the beginning of a text, whatever stands in them.

use std::io::{self, Read};

use crate::formats::text_encoding::fill;

const CHUNK: usize = 64 * 1024;

/// Returns the text behind its first `count` lines; how many lines there are when there are fewer.
/// Lines end with LF, CRLF or CR; empty ones count.
pub(super) fn skip<'a>(
    mut reader: Box<dyn Read + Send + 'a>,
    count: u64,
) -> io::Result<Result<Box<dyn Read + Send + 'a>, u64>> {
    let mut chunk = vec![0; CHUNK];
    let (mut lines, mut after_return, mut within) = (0, false, false);
    loop {
        chunk.resize(CHUNK, 0);
        let filled = fill(&mut reader, &mut chunk)?;
        chunk.truncate(filled);
        let mut at = 0;
        while at < chunk.len() {
            if std::mem::take(&mut after_return) && chunk[at] == b'\n' {
                at += 1;
                continue;
            }
            if lines == count {
                let rest = io::Cursor::new(chunk.split_off(at));
                return Ok(Ok(Box::new(rest.chain(reader))));
            }
            let Some(end) = memchr::memchr2(b'\r', b'\n', &chunk[at..]) else {
                within = true;
                break;
            };
            after_return = chunk[at + end] == b'\r';
            (at, lines, within) = (at + end + 1, lines + 1, false);
        }
        if chunk.len() < CHUNK {
            let there = lines + u64::from(within);
            return Ok(if there < count { Err(there) } else { Ok(Box::new(io::empty())) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(text: &str, count: u64) -> Result<String, u64> {
        let reader = Box::new(io::Cursor::new(text.to_owned().into_bytes()));
        skip(reader, count).expect("should be read").map(|mut reader| {
            let mut rest = String::new();
            reader.read_to_string(&mut rest).expect("should be read");
            rest
        })
    }

    #[test]
    fn lines_of_every_end_are_left_out() {
        for (text, count, expected) in [
            ("a\nb\nc", 1, Ok("b\nc")),
            ("a\r\nb\r\nc", 2, Ok("c")),
            ("a\rb\rc", 2, Ok("c")),
            ("\n\nc", 2, Ok("c")),
            ("a\r\n\r\nc", 2, Ok("c")),
            ("a\nb", 2, Ok("")),
            ("a\nb\n", 2, Ok("")),
            ("\"a\nb\"\nc", 1, Ok("b\"\nc")),
            ("a\nb", 3, Err(2)),
            ("a\nb\n", 3, Err(2)),
        ] {
            assert_eq!(rest(text, count), expected.map(str::to_owned), "{text:?} {count}");
        }
    }

    #[test]
    fn lines_and_their_ends_may_lie_across_chunks() {
        for length in [CHUNK - 1, CHUNK, CHUNK + 1] {
            let line = "x".repeat(length - 1);
            assert_eq!(rest(&format!("{line}\r\nb"), 1), Ok("b".to_owned()), "{length}");
            assert_eq!(rest(&format!("{line}\n\nb"), 1), Ok("\nb".to_owned()), "{length}");
        }
    }
}
