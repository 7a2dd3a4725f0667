//! Bounds of a condition's text, checked before the parser sees it, and what the parser of `cel` 0.13 reads wrongly:
//! `!!x` as `!x`, `--x` as `-x`, and an escaped quote of the other kind with its backslash.

/// Bytes of a text, at most.
const MOST_BYTES: usize = 2 * 1024;
/// Brackets that are open at once, at most.
const DEEPEST: usize = 16;
/// Words, numbers, texts and signs, at most: brackets and commas come on top of the nodes.
const MOST_TOKENS: usize = 600;

/// Returns everything that is wrong with a text as a text.
pub(super) fn check(text: &str) -> Vec<String> {
    if text.len() > MOST_BYTES {
        return vec![format!("has {} bytes, at most {MOST_BYTES}", text.len())];
    }
    if text.trim().is_empty() {
        return vec!["is empty".to_owned()];
    }
    let mut scanner = Scanner::default();
    scanner.scan(text);
    if scanner.tokens > MOST_TOKENS {
        scanner.tell(format!("has {} words and signs, at most {MOST_TOKENS}", scanner.tokens));
    }
    scanner.problems
}

#[derive(Default)]
struct Scanner {
    problems: Vec<String>,
    tokens: usize,
    depth: usize,
    /// The sign before, if nothing but space lies between.
    sign: Option<char>,
}

impl Scanner {
    fn tell(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn scan(&mut self, text: &str) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let length = match next {
                '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                ' ' | '\t' | '\r' | '\n' => 1,
                '\'' | '"' => self.quoted(rest, next, false),
                'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => self.word(rest),
                _ => {
                    self.sign(next);
                    next.len_utf8()
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// Takes a name or a number, and the text behind it if it is the `r` of one.
    fn word(&mut self, rest: &str) -> usize {
        let end = rest.find(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
        let end = end.unwrap_or(rest.len());
        let behind = rest[end..].chars().next().filter(|one| matches!(one, '\'' | '"'));
        self.sign = None;
        match behind {
            Some(quote) if matches!(&rest[..end], "r" | "R") => {
                end + self.quoted(&rest[end..], quote, true)
            }
            _ => {
                self.tokens += 1;
                end
            }
        }
    }

    fn sign(&mut self, sign: char) {
        self.tokens += 1;
        if !sign.is_ascii_graphic() {
            self.tell(format!("{sign:?} can stand only within quotes"));
        }
        match sign {
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            '!' | '-' if self.sign == Some(sign) => {
                self.tell(format!(
                    "`{sign}` twice in a row needs brackets, as in `{sign}({sign}x)`"
                ));
            }
            _ => {}
        }
        if self.depth > DEEPEST {
            self.tell(format!("has brackets that are nested deeper than {DEEPEST}"));
        }
        self.sign = Some(sign);
    }

    /// Takes a text in quotes, which it begins with; returns its length in bytes.
    fn quoted(&mut self, rest: &str, quote: char, is_raw: bool) -> usize {
        self.tokens += 1;
        self.sign = None;
        if rest.starts_with("'''") || rest.starts_with("\"\"\"") {
            self.tell("a text in three quotes cannot be used".to_owned());
        }
        let mut characters = rest.char_indices().skip(1).peekable();
        while let Some((at, one)) = characters.next() {
            if one == quote {
                return at + 1;
            }
            let next = characters.peek().map(|(_, next)| *next).filter(|_| one == '\\');
            if is_raw && next == Some(quote) {
                self.tell("a backslash cannot stand before the end of a raw text".to_owned());
            } else if !is_raw && one == '\\' {
                if next.is_some_and(|next| next != quote && matches!(next, '\'' | '"')) {
                    self.tell("a quote of the other kind needs no backslash".to_owned());
                }
                characters.next();
            }
        }
        rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parser_would_read_wrongly_is_refused() {
        let twice = "`!` twice in a row needs brackets, as in `!(!x)`";
        assert_eq!(check("!!true"), [twice]);
        assert_eq!(check("! !true"), [twice]);
        assert_eq!(check("!(!true) && a != !b"), Vec::<String>::new());
        assert_eq!(check("1 - -1 == 2"), ["`-` twice in a row needs brackets, as in `-(-x)`"]);
        assert_eq!(check("'\\\"' == \"'\""), ["a quote of the other kind needs no backslash"]);
        assert_eq!(check("'''a''' == 'a'"), ["a text in three quotes cannot be used"]);
        let raw = "a backslash cannot stand before the end of a raw text";
        assert_eq!(check("r'a\\' == 'a'"), [raw]);
        assert_eq!(check("r'\\d' == '\\'!!' // !!"), Vec::<String>::new());
    }

    #[test]
    fn a_text_is_bounded() {
        assert_eq!(check(" \n"), ["is empty"]);
        assert_eq!(check(&"a".repeat(2049)), ["has 2049 bytes, at most 2048"]);
        assert_eq!(check(&"+1".repeat(301)), ["has 602 words and signs, at most 600"]);
        assert_eq!(check(&"(".repeat(17)), ["has brackets that are nested deeper than 16"]);
        assert_eq!(check("é == 'é'"), ["'é' can stand only within quotes"]);
        assert_eq!(check("a\u{0}"), ["'\\0' can stand only within quotes"]);
    }
}
