//! The header of a `.npy` array: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }`.

/// Longer headers are those of structured arrays, which no model has.
const LONGEST: usize = 4096;
/// More dimensions than any array of ours.
const MOST_DIMENSIONS: usize = 8;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Type string, as in `<f8`.
    pub descr: String,
    /// Whether the first index runs fastest.
    pub fortran: bool,
    /// Length of each dimension; empty for a single number.
    pub shape: Vec<usize>,
    /// Where the data begin.
    pub data: usize,
}

impl Header {
    /// Parses the header at the beginning of a member. Errors are sentences without a place.
    pub fn parse(bytes: &[u8]) -> Result<Header, String> {
        let not_one = || "it is no .npy array".to_owned();
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(not_one)?;
        let cut = || "it ends within the header of the array".to_owned();
        let (version, rest) = rest.split_at_checked(2).ok_or_else(cut)?;
        let digits = match version[0] {
            1 => 2,
            2 | 3 => 4,
            v => return Err(format!("version {v} of the .npy format is not known")),
        };
        let (size, rest) = rest.split_at_checked(digits).ok_or_else(cut)?;
        let length = size
            .iter()
            .rev()
            .fold(0usize, |n, b| (n << 8) | usize::from(*b));
        if length > LONGEST {
            return Err(format!(
                "its header has {length} bytes; a plain array has a few dozen"
            ));
        }
        let text = rest.get(..length).ok_or_else(cut)?;
        let text = std::str::from_utf8(text).map_err(|_| "its header is not text".to_owned())?;
        let mut header = Parser(text.trim()).dictionary()?;
        header.data = 8 + digits + length;
        Ok(header)
    }

    /// Number of elements, when it can be counted.
    pub fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
    }

    /// A header of version 1.0 for an array in C or Fortran order, padded as numpy does.
    pub fn render(descr: &str, fortran: bool, shape: &[usize]) -> Vec<u8> {
        let list: Vec<String> = shape.iter().map(usize::to_string).collect();
        let tuple = match list.as_slice() {
            [one] => format!("({one},)"),
            many => format!("({})", many.join(", ")),
        };
        let order = if fortran { "True" } else { "False" };
        let mut text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {tuple}, }}");
        let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
        while text.len() + 1 < padded {
            text.push(' ');
        }
        text.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
        out
    }
}

/// What is left of the text.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn dictionary(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.string()?;
            self.expect(':')?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran = Some(self.logical()?),
                "shape" => shape = Some(self.tuple()?),
                other => return Err(format!("its header has an unknown key `{other}`")),
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.0.trim().is_empty() {
            return Err("its header has something after the dictionary".into());
        }
        let missing = |key: &str| format!("its header has no `{key}`");
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            data: 0,
        })
    }

    fn take(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) {
            Ok(())
        } else {
            let found: String = self.0.chars().take(12).collect();
            Err(format!(
                "its header is damaged: `{c}` is missing before `{found}`"
            ))
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.take('\'') {
            '\''
        } else {
            self.expect('"')?;
            '"'
        };
        let end = self
            .0
            .find(quote)
            .ok_or("its header has an open quotation")?;
        let text = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    fn descr(&mut self) -> Result<String, String> {
        if self.0.trim_start().starts_with('[') {
            return Err("it is a structured array, which no model has".into());
        }
        self.string().map(str::to_owned)
    }

    fn logical(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("its header has no True or False for `fortran_order`".into())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.0 = self.0.trim_start();
            let end = self
                .0
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(self.0.len());
            let length = self.0[..end]
                .parse()
                .map_err(|_| "its header has a dimension that is no length".to_owned())?;
            // Python 2 wrote long numbers as `3L`.
            self.0 = self.0[end..].trim_start_matches('L');
            shape.push(length);
            if shape.len() > MOST_DIMENSIONS {
                return Err("it has too many dimensions".into());
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}
