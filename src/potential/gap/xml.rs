//! A pull reader for XML that knows its line: tags with attributes, text, ends.

use super::arguments::shorten;
use super::numbers::{logical, number};
use crate::error::{Error, Result};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;
use std::path::Path;

/// Reads one document from front to back.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    path: &'a Path,
    counted: usize,
    line: usize,
    depth: usize,
    begun: bool,
}

/// What comes next in a document.
pub(super) enum Node<'a> {
    /// The start of an element; an empty element is a start followed by an end.
    Start(Tag<'a>),
    /// Text, possibly one piece of several.
    Text(Cow<'a, str>),
    /// The end of the innermost open element.
    End,
}

/// The start of an element; attributes are read when asked for.
pub(super) struct Tag<'a> {
    start: BytesStart<'a>,
    /// Line (1-based) on which it starts.
    pub line: usize,
}

/// The attributes of one element, with messages that know the place.
pub(super) struct Attributes {
    list: Vec<(String, String)>,
    place: String,
    tag: String,
}

impl Tag<'_> {
    /// The name of the element.
    pub fn name(&self) -> &str {
        self.start.name().0
    }
}

impl<'a> Xml<'a> {
    /// A reader of a document; the path is for messages.
    pub fn new(text: &'a str, path: &'a Path) -> Xml<'a> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Xml {
            reader,
            text,
            path,
            counted: 0,
            line: 1,
            depth: 0,
            begun: false,
        }
    }

    /// `model.xml:12` for a line.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// An error at a line.
    pub fn error(&self, line: usize, reason: impl Into<String>) -> Error {
        Error::line(self.path, line, reason)
    }

    /// The line of the next event.
    pub fn line(&mut self) -> usize {
        let position = usize::try_from(self.reader.buffer_position())
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        let passed = self
            .text
            .as_bytes()
            .get(self.counted..position)
            .unwrap_or_default();
        self.line += passed.iter().filter(|&&b| b == b'\n').count();
        self.counted = position;
        self.line
    }

    /// The next node, or `None` at the end of the document.
    pub fn next(&mut self) -> Result<Option<Node<'a>>> {
        loop {
            let line = self.line();
            let event = self.reader.read_event().map_err(|e| {
                self.error(line, format!("this is not well-formed XML: {e}"))
                    .advise("the file may be damaged; get a fresh copy")
            })?;
            return Ok(Some(match event {
                Event::Start(start) => {
                    if self.begun && self.depth == 0 {
                        return Err(self
                            .error(line, "a second root element follows the first")
                            .advise("one file holds one model"));
                    }
                    self.begun = true;
                    self.depth += 1;
                    Node::Start(Tag { start, line })
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End
                }
                Event::Text(text) => Node::Text(text.into_inner()),
                Event::CData(text) => Node::Text(text.into_inner()),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c.to_string()),
                        Ok(None) => resolve_predefined_entity(&reference).map(str::to_owned),
                        Err(_) => None,
                    };
                    match resolved {
                        Some(text) => Node::Text(Cow::Owned(text)),
                        None => {
                            return Err(self.error(
                                line,
                                format!("unknown entity `&{};`", shorten(&reference)),
                            ));
                        }
                    }
                }
                Event::Eof if self.depth > 0 => {
                    let advice = "the file is cut off; get a complete copy";
                    return Err(self
                        .error(line, "the file ends inside an element")
                        .advise(advice));
                }
                Event::Eof => return Ok(None),
                Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::Empty(_) => continue,
            }));
        }
    }

    /// The next node of an element whose start has been read: `None` at its end. Never returns an `End`.
    pub fn child(&mut self) -> Result<Option<Node<'a>>> {
        match self.next()? {
            Some(Node::End) | None => Ok(None),
            node => Ok(node),
        }
    }

    /// Passes over the rest of an element whose start has been read.
    pub fn skip(&mut self) -> Result<()> {
        let mut open = 1usize;
        while open > 0 {
            match self.next()? {
                Some(Node::Start(_)) => open += 1,
                Some(Node::End) | None => open -= 1,
                Some(Node::Text(_)) => {}
            }
        }
        Ok(())
    }

    /// The text of an element whose start has been read; it must hold nothing but text.
    pub fn text_of(&mut self, tag: &Tag<'_>) -> Result<String> {
        let mut all = String::new();
        while let Some(node) = self.child()? {
            match node {
                Node::Text(text) => all.push_str(&text),
                Node::Start(inner) => {
                    let reason = format!(
                        "<{}> does not belong inside <{}>",
                        shorten(inner.name()),
                        tag.name()
                    );
                    return Err(self.error(inner.line, reason));
                }
                Node::End => {}
            }
        }
        Ok(all)
    }

    /// The attributes of an element.
    pub fn attributes(&self, tag: &Tag<'_>) -> Result<Attributes> {
        let mut list = Vec::new();
        for attribute in tag.start.attributes() {
            let attribute = attribute.map_err(|e| {
                self.error(
                    tag.line,
                    format!("cannot read the attributes of <{}>: {e}", tag.name()),
                )
            })?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| {
                    self.error(
                        tag.line,
                        format!("cannot read the attribute `{}`: {e}", attribute.key.0),
                    )
                })?;
            list.push((attribute.key.0.to_owned(), value.into_owned()));
        }
        Ok(Attributes {
            list,
            place: self.place(tag.line),
            tag: tag.name().to_owned(),
        })
    }
}

impl Attributes {
    /// An error about this element.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        Error::input(self.place.clone(), reason)
    }

    /// The text of an attribute.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.list.iter().find(|a| a.0 == key).map(|a| a.1.as_str())
    }

    /// The text of an attribute that must be there.
    pub fn required(&self, key: &str) -> Result<&str> {
        self.text(key).ok_or_else(|| {
            self.error(format!(
                "<{}> lacks the attribute `{key}`",
                shorten(&self.tag)
            ))
        })
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.convert(key, number, "a finite number")
    }

    /// A finite number that must be there.
    pub fn required_number(&self, key: &str) -> Result<f64> {
        self.required(key)?;
        Ok(self.number(key)?.unwrap_or_default())
    }

    /// A count that must be there.
    pub fn required_count(&self, key: &str) -> Result<usize> {
        self.required(key)?;
        Ok(self.count(key)?.unwrap_or_default())
    }

    /// A count.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        self.convert(key, |t| t.trim().parse().ok(), "a whole number")
    }

    /// A logical.
    pub fn logical(&self, key: &str) -> Result<Option<bool>> {
        self.convert(key, logical, "T or F")
    }

    fn convert<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Option<T>,
        what: &str,
    ) -> Result<Option<T>> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        match read(text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.error(format!(
                "`{key}=\"{}\"`: the value must be {what}",
                shorten(text)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(text: &str) -> Result<Vec<String>> {
        let mut xml = Xml::new(text, Path::new("m.xml"));
        let mut seen = Vec::new();
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(tag) => {
                    let attributes = xml.attributes(&tag)?;
                    seen.push(format!("{}@{} {:?}", tag.name(), tag.line, attributes.list));
                }
                Node::Text(t) if !t.trim().is_empty() => seen.push(t.trim().to_owned()),
                _ => {}
            }
        }
        Ok(seen)
    }

    #[test]
    fn tags_know_their_lines() {
        let seen = drain("<?xml version=\"1.0\"?>\n<!-- a\nb -->\n<a x='1' y=\"&lt;2\">\n  t &amp; u\n  <b/><![CDATA[<raw>]]>\n</a>\n").unwrap();
        assert_eq!(seen[0], "a@4 [(\"x\", \"1\"), (\"y\", \"<2\")]");
        assert_eq!(seen[1..4], ["t", "&", "u"]);
        assert_eq!(seen[4], "b@6 []");
        assert_eq!(seen[5], "<raw>");
    }

    #[test]
    fn broken_documents_are_refused_with_a_line() {
        for (text, line) in [
            ("<a>\n<b>\n</a>", 3),
            ("<a>\n<b", 2),
            ("<a>\n\n", 3),
            ("<a>\n&nope;</a>", 2),
            ("<a/>\n<b/>", 2),
            ("<a x=1/>", 1),
            ("<a\n x='1' x='2'/>", 1),
            ("</a>", 1),
        ] {
            let message = drain(text).unwrap_err().to_string();
            assert!(
                message.contains(&format!("m.xml:{line}: ")),
                "{text:?}: {message}"
            );
        }
    }
}
