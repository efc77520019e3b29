//! An array of numbers, logicals or strings.

use super::header::Header;

/// An array with its elements in C order (the last index runs fastest), whatever the order in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each dimension; empty for a single value.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Data,
    /// Type string in the file, as in `<f8`.
    pub descr: String,
}

/// Elements of an [`Array`].
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `f`: numbers.
    Real(Vec<f64>),
    /// `i`, `u`: whole numbers.
    Integer(Vec<i64>),
    /// `b`: true or false.
    Logical(Vec<bool>),
    /// `U`, `S`: strings, without the zeros that pad them.
    Text(Vec<String>),
    /// `O`: pickled Python objects, which are not read.
    Object,
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::Real(v) => v.len(),
            Data::Integer(v) => v.len(),
            Data::Logical(v) => v.len(),
            Data::Text(v) => v.len(),
            Data::Object => 0,
        }
    }
}

impl Array {
    /// Parses a `.npy` member. Errors are sentences without a place.
    pub fn parse(bytes: &[u8]) -> Result<Array, String> {
        let header = Header::parse(bytes)?;
        let body = bytes.get(header.data..).unwrap_or_default();
        let (order, kind, width) = split(&header.descr)?;
        if kind == 'O' {
            return Ok(Array {
                shape: header.shape,
                data: Data::Object,
                descr: header.descr,
            });
        }
        let bytes_each = if kind == 'U' {
            width.checked_mul(4)
        } else {
            Some(width)
        };
        let elements = header.elements();
        let needed = elements
            .zip(bytes_each)
            .and_then(|(n, w)| n.checked_mul(w))
            .ok_or("its shape is beyond what can be counted")?;
        if needed != body.len() {
            return Err(format!(
                "its shape {:?} of `{}` needs {needed} bytes, and {} are there",
                header.shape,
                header.descr,
                body.len()
            ));
        }
        let elements = elements.unwrap_or(0);
        let big = order == '>';
        let unknown = || format!("its type `{}` is not one that models have", header.descr);
        let data = match (kind, width) {
            ('f', 8) => Data::Real(words(body, big, f64::from_le_bytes)),
            ('f', 4) => Data::Real(words(body, big, |b| f64::from(f32::from_le_bytes(b)))),
            ('i', 8) => Data::Integer(words(body, big, i64::from_le_bytes)),
            ('i', 4) => Data::Integer(words(body, big, |b| i64::from(i32::from_le_bytes(b)))),
            ('i', 2) => Data::Integer(words(body, big, |b| i64::from(i16::from_le_bytes(b)))),
            ('i', 1) => Data::Integer(words(body, big, |b| i64::from(i8::from_le_bytes(b)))),
            ('u', 8) => {
                let raw = words(body, big, u64::from_le_bytes);
                let signed = raw.into_iter().map(i64::try_from).collect::<Result<_, _>>();
                Data::Integer(signed.map_err(|_| "it has a number beyond 2^63")?)
            }
            ('u', 4) => Data::Integer(words(body, big, |b| i64::from(u32::from_le_bytes(b)))),
            ('u', 2) => Data::Integer(words(body, big, |b| i64::from(u16::from_le_bytes(b)))),
            ('u', 1) => Data::Integer(words(body, big, |b| i64::from(u8::from_le_bytes(b)))),
            ('b', 1) => Data::Logical(body.iter().map(|b| *b != 0).collect()),
            ('U' | 'S', 0) => Data::Text(vec![String::new(); elements.min(1)]),
            ('U', w) => Data::Text(
                body.chunks_exact(4 * w)
                    .map(|s| wide(s, big))
                    .collect::<Result<_, _>>()?,
            ),
            ('S', w) => Data::Text(body.chunks_exact(w).map(narrow).collect()),
            _ => return Err(unknown()),
        };
        if data.len() != elements {
            return Err(unknown());
        }
        Ok(Array {
            data: if header.fortran {
                transposed(data, &header.shape)
            } else {
                data
            },
            shape: header.shape,
            descr: header.descr,
        })
    }

    /// Numbers of the given shape.
    pub fn real(shape: &[usize], data: Vec<f64>) -> Array {
        Array::new(shape, Data::Real(data), "<f8")
    }

    /// Whole numbers of the given shape.
    pub fn integer(shape: &[usize], data: Vec<i64>) -> Array {
        Array::new(shape, Data::Integer(data), "<i8")
    }

    /// Bytes (`u1`) of the given shape, as atomic numbers are kept.
    pub fn bytes(shape: &[usize], data: &[u8]) -> Array {
        let data = data.iter().map(|b| i64::from(*b)).collect();
        Array::new(shape, Data::Integer(data), "|u1")
    }

    /// True or false.
    pub fn logical(value: bool) -> Array {
        Array::new(&[], Data::Logical(vec![value]), "|b1")
    }

    /// A string as numpy's unicode.
    pub fn text(value: &str) -> Array {
        let width = value.chars().count().max(1);
        Array::new(
            &[],
            Data::Text(vec![value.to_owned()]),
            &format!("<U{width}"),
        )
    }

    /// A string of bytes, as fingerprints are kept.
    pub fn byte_text(value: &str) -> Array {
        let width = value.len().max(1);
        Array::new(
            &[],
            Data::Text(vec![value.to_owned()]),
            &format!("|S{width}"),
        )
    }

    fn new(shape: &[usize], data: Data, descr: &str) -> Array {
        Array {
            shape: shape.to_vec(),
            data,
            descr: descr.to_owned(),
        }
    }

    /// The array as a `.npy` member; in Fortran order where `fortran` says so. Strings are written as `descr` says.
    pub fn render(&self, fortran: bool) -> Vec<u8> {
        let mut out = Header::render(&self.descr, fortran, &self.shape);
        let data = if fortran {
            let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
            &transposed(self.data.clone(), &reversed)
        } else {
            &self.data
        };
        match data {
            Data::Real(v) => v.iter().for_each(|x| out.extend(x.to_le_bytes())),
            Data::Integer(v) if self.descr == "|u1" => out.extend(v.iter().map(|x| *x as u8)),
            Data::Integer(v) => v.iter().for_each(|x| out.extend(x.to_le_bytes())),
            Data::Logical(v) => out.extend(v.iter().map(|b| u8::from(*b))),
            Data::Text(v) => {
                let (_, kind, width) = split(&self.descr).unwrap_or(('|', 'S', 0));
                for text in v {
                    let start = out.len();
                    let bytes = if kind == 'U' { 4 * width } else { width };
                    if kind == 'U' {
                        text.chars()
                            .for_each(|c| out.extend(u32::from(c).to_le_bytes()));
                    } else {
                        out.extend(text.as_bytes());
                    }
                    out.resize(start + bytes, 0);
                }
            }
            Data::Object => {}
        }
        out
    }

    /// All elements as numbers, in C order, when they are numbers.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::Real(v) => Some(v.clone()),
            Data::Integer(v) => Some(v.iter().map(|i| *i as f64).collect()),
            Data::Logical(_) | Data::Text(_) | Data::Object => None,
        }
    }

    /// All elements as whole numbers, when they are.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integer(v) => Some(v),
            _ => None,
        }
    }

    /// The only element as a number.
    pub fn number(&self) -> Option<f64> {
        self.numbers().and_then(|v| match v[..] {
            [x] => Some(x),
            _ => None,
        })
    }

    /// The only element as a string.
    pub fn string(&self) -> Option<&str> {
        match &self.data {
            Data::Text(v) => match v.as_slice() {
                [text] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Byte order, kind and width of a type string.
fn split(descr: &str) -> Result<(char, char, usize), String> {
    let bad = || format!("its type `{descr}` is not one that models have");
    let mut letters = descr.chars();
    let order = letters.next().ok_or_else(bad)?;
    let kind = letters.next().ok_or_else(bad)?;
    let width = letters.as_str();
    if !matches!(order, '<' | '>' | '|' | '=') {
        return Err(bad());
    }
    if kind == 'O' {
        return Ok((order, kind, 0));
    }
    Ok((order, kind, width.parse().map_err(|_| bad())?))
}

fn words<const N: usize, T>(body: &[u8], big: bool, read: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = body.as_chunks::<N>();
    chunks
        .iter()
        .map(|c| {
            let mut c = *c;
            if big {
                c.reverse();
            }
            read(c)
        })
        .collect()
}

fn wide(bytes: &[u8], big: bool) -> Result<String, String> {
    let letters = words(bytes, big, u32::from_le_bytes);
    let used = letters.iter().rposition(|c| *c != 0).map_or(0, |k| k + 1);
    letters[..used]
        .iter()
        .map(|c| char::from_u32(*c).ok_or_else(|| "it has a letter that is none".to_owned()))
        .collect()
}

fn narrow(bytes: &[u8]) -> String {
    let used = bytes.iter().rposition(|c| *c != 0).map_or(0, |k| k + 1);
    String::from_utf8_lossy(&bytes[..used]).into_owned()
}

/// From Fortran order to C order.
fn transposed(data: Data, shape: &[usize]) -> Data {
    fn turn<T: Clone>(v: Vec<T>, shape: &[usize]) -> Vec<T> {
        // The element with indices (i, j, ...) lies at i + j n_i + ...
        let mut index = vec![0usize; shape.len()];
        let mut strides = vec![1usize; shape.len()];
        for k in 1..shape.len() {
            strides[k] = strides[k - 1] * shape[k - 1];
        }
        let mut out = Vec::with_capacity(v.len());
        for _ in 0..v.len() {
            let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            out.push(v[at].clone());
            for k in (0..shape.len()).rev() {
                index[k] += 1;
                if index[k] < shape[k] {
                    break;
                }
                index[k] = 0;
            }
        }
        out
    }
    if shape.len() < 2 {
        return data;
    }
    match data {
        Data::Real(v) => Data::Real(turn(v, shape)),
        Data::Integer(v) => Data::Integer(turn(v, shape)),
        Data::Logical(v) => Data::Logical(turn(v, shape)),
        Data::Text(v) => Data::Text(turn(v, shape)),
        Data::Object => Data::Object,
    }
}
