//! The grammar of the comment line: `key=value key="quoted value" key={1 2 3} key=[1, 2, 3] key`.

/// A key with its value, both without quotes; no value for a key that stands alone.
#[derive(Debug, PartialEq)]
pub(super) struct Pair {
    pub key: String,
    pub value: Option<String>,
}

/// What is wrong with a comment line, and at which character (from 1).
#[derive(Debug, PartialEq)]
pub(super) struct Flaw {
    pub column: usize,
    pub reason: String,
}

/// Splits a comment line into its pairs.
pub(super) fn parse_pairs(text: &str) -> Result<Vec<Pair>, Flaw> {
    let mut scanner = Scanner { text, at: 0 };
    let mut pairs = Vec::new();
    loop {
        scanner.skip_blanks();
        if scanner.peek().is_none() {
            return Ok(pairs);
        }
        let start = scanner.at;
        let key = scanner.word(true)?;
        scanner.skip_blanks();
        let value = if scanner.peek() == Some('=') {
            scanner.at += 1;
            if key.is_empty() {
                return Err(scanner.flaw(start, "there is a value without a key"));
            }
            // ASE writes an empty value as nothing: `a= b=1` is two keys, while `a = 1` is one.
            let blank = scanner.peek().is_none_or(char::is_whitespace);
            scanner.skip_blanks();
            if blank && scanner.key_follows() {
                Some(String::new())
            } else {
                Some(scanner.word(false)?)
            }
        } else {
            None
        };
        if !key.is_empty() {
            pairs.push(Pair { key, value });
        }
    }
}

/// Appends a key or value with quotes and escapes where it needs them.
pub(super) fn append_quoted(text: &str, out: &mut String) {
    let special = |c: char| c.is_whitespace() || "\"'{}[]=\\,".contains(c);
    if !text.is_empty() && !text.contains(special) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// True when a bare key with its equals sign comes next.
    fn key_follows(&self) -> bool {
        let word = self.text[self.at..]
            .split(char::is_whitespace)
            .next()
            .unwrap_or("");
        let key = word.split_once('=').map_or("", |(key, _)| key);
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    }

    fn flaw(&self, at: usize, reason: impl Into<String>) -> Flaw {
        Flaw {
            column: self.text[..at].chars().count() + 1,
            reason: reason.into(),
        }
    }

    /// A key or a value. Quotes count only at its beginning, so that "don't" in a free comment is a word.
    fn word(&mut self, is_key: bool) -> Result<String, Flaw> {
        let start = self.at;
        let word = match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.next();
                self.quoted(quote)
                    .ok_or_else(|| self.flaw(start, format!("the quote {quote} is not closed")))?
            }
            Some(open @ ('{' | '[')) => {
                self.next();
                let close = if open == '{' { '}' } else { ']' };
                self.bracketed(open, close)
                    .ok_or_else(|| self.flaw(start, format!("the bracket {open} is not closed")))?
            }
            _ => return Ok(self.bare(is_key)),
        };
        match self.peek() {
            Some(c) if !(c.is_whitespace() || is_key && c == '=') => Err(self.flaw(
                self.at,
                "a blank is missing after the closing quote or bracket",
            )),
            _ => Ok(word),
        }
    }

    fn bare(&mut self, is_key: bool) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || (is_key && c == '=') {
                break;
            }
            self.next();
            // An escaped character stands for itself; a backslash at the end is one.
            word.push(if c == '\\' {
                self.next().unwrap_or(c)
            } else {
                c
            });
        }
        word
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut word = String::new();
        loop {
            match self.next()? {
                '\\' => word.push(self.next()?),
                c if c == quote => return Some(word),
                c => word.push(c),
            }
        }
    }

    /// The inside of brackets; nested ones are kept together with the outer pair, so that their shape is not lost.
    fn bracketed(&mut self, open: char, close: char) -> Option<String> {
        let mut word = String::new();
        let (mut depth, mut nested) = (1usize, false);
        loop {
            match self.next()? {
                '\\' => word.push(self.next()?),
                c if c == open => {
                    depth += 1;
                    nested = true;
                    word.push(c);
                }
                c if c == close => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(if nested {
                            format!("{open}{word}{close}")
                        } else {
                            word
                        });
                    }
                    word.push(c);
                }
                c => word.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, Option<String>)> {
        parse_pairs(text)
            .unwrap()
            .into_iter()
            .map(|p| (p.key, p.value))
            .collect()
    }

    #[test]
    fn all_ways_to_write_a_value() {
        let text = r#"a=1 b="two words" c='it is' d={1 2 3} e=[4, 5] flag f = 6 "odd key"=7 g=x=y h="say \"hi\"" i=[[1,2],[3]] j="" k=a\ b l= m=1 n="#;
        let expected = [
            ("a", Some("1")),
            ("b", Some("two words")),
            ("c", Some("it is")),
            ("d", Some("1 2 3")),
            ("e", Some("4, 5")),
            ("flag", None),
            ("f", Some("6")),
            ("odd key", Some("7")),
            ("g", Some("x=y")),
            ("h", Some("say \"hi\"")),
            ("i", Some("[[1,2],[3]]")),
            ("j", Some("")),
            ("k", Some("a b")),
            ("l", Some("")),
            ("m", Some("1")),
            ("n", Some("")),
        ];
        let found = pairs(text);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((key, value), (k, v)) in found.iter().zip(expected) {
            assert_eq!((key.as_str(), value.as_deref()), (k, v));
        }
    }

    #[test]
    fn free_text_is_keys() {
        let found = pairs("  we don't know; E=5 ");
        assert_eq!(found.len(), 4);
        assert_eq!(found[1], ("don't".to_owned(), None));
        assert!(pairs("").is_empty());
    }

    #[test]
    fn flaws_have_a_column() {
        for (text, column) in [
            ("a=\"x", 3),
            ("ä={1 2", 3),
            ("a=[[1]", 3),
            ("a=\"x\"y", 6),
            ("=5", 1),
            ("\"k", 1),
            ("a=\"\\", 3),
        ] {
            assert_eq!(parse_pairs(text).unwrap_err().column, column, "{text}");
        }
    }

    #[test]
    fn quoting_reads_back() {
        for text in [
            "plain",
            "",
            "two words",
            "q\"q",
            "b\\",
            "a=b",
            "{x}",
            "it's",
            "ü",
            "\"",
            "x,y",
        ] {
            let mut line = String::from("k=");
            append_quoted(text, &mut line);
            assert_eq!(
                pairs(&line),
                [("k".to_owned(), Some(text.to_owned()))],
                "{line}"
            );
        }
    }
}
