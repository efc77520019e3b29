//! The `Properties` key: which columns there are, and what each of them is for us.

use std::fmt;

/// The type letter of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Real,
    Integer,
    Text,
    Logical,
}

/// What a column is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Species,
    Number,
    Position,
    Mass,
    Momentum,
    Velocity,
    /// Kept in the frame's columns.
    Other,
}

/// One entry of `Properties`: name, type, number of columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Property {
    pub name: String,
    pub kind: Kind,
    pub width: usize,
    pub role: Role,
}

/// What a frame without `Properties` has.
pub(super) const DEFAULT: &str = "species:S:1:pos:R:3";

/// More entries than this are refused; names are compared with each other.
const MAX_COLUMNS: usize = 1000;

impl Kind {
    pub fn letter(self) -> char {
        match self {
            Kind::Real => 'R',
            Kind::Integer => 'I',
            Kind::Text => 'S',
            Kind::Logical => 'L',
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.kind.letter(), self.width)
    }
}

impl Role {
    /// The role a name stands for, and the shape a column of that role must have.
    fn of(name: &str) -> (Role, &'static [Kind], usize) {
        const NUMBERS: &[Kind] = &[Kind::Real, Kind::Integer];
        match name {
            "species" | "symbols" => (Role::Species, &[Kind::Text, Kind::Integer], 1),
            "Z" | "numbers" => (Role::Number, &[Kind::Integer], 1),
            "pos" | "positions" => (Role::Position, NUMBERS, 3),
            "masses" | "mass" => (Role::Mass, NUMBERS, 1),
            "momenta" => (Role::Momentum, NUMBERS, 3),
            "velo" | "vel" | "velocity" | "velocities" => (Role::Velocity, NUMBERS, 3),
            _ => (Role::Other, &[], 0),
        }
    }
}

/// True when a column of that name would be taken for a part of the system by the reader.
pub(super) fn is_reserved(name: &str) -> bool {
    Role::of(name).0 != Role::Other
}

/// The columns of a `Properties` value. Errors are sentences without a place.
pub(super) fn parse(text: &str) -> Result<Vec<Property>, String> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    if !parts.len().is_multiple_of(3) {
        return Err(format!(
            "Properties has {} parts between colons, but needs name:type:columns for each column",
            parts.len()
        ));
    }
    if parts.len() > 3 * MAX_COLUMNS {
        return Err(format!(
            "Properties names {} columns; {MAX_COLUMNS} are allowed",
            parts.len() / 3
        ));
    }
    let mut properties: Vec<Property> = Vec::with_capacity(parts.len() / 3);
    for part in parts.chunks_exact(3) {
        let name = part[0].trim();
        let kind = match part[1].trim() {
            "R" | "r" => Kind::Real,
            "I" | "i" => Kind::Integer,
            "S" | "s" => Kind::Text,
            "L" | "l" => Kind::Logical,
            other => {
                return Err(format!(
                    "`{other}` of column `{name}` in Properties is not a type (R, I, S or L)"
                ));
            }
        };
        let width = match part[2].trim().parse::<usize>() {
            Ok(n) if n > 0 => n,
            _ => {
                return Err(format!(
                    "`{}` of `{name}` in Properties is not a number of columns",
                    part[2]
                ));
            }
        };
        let (role, kinds, needed) = Role::of(name);
        if role != Role::Other && !(kinds.contains(&kind) && width == needed) {
            let letter = kinds[0].letter();
            return Err(format!(
                "column `{}:{}:{width}` in Properties must be `{name}:{letter}:{needed}`",
                name, part[1]
            ));
        }
        if name.is_empty() {
            return Err("a column in Properties has no name".into());
        }
        if let Some(twin) = properties
            .iter()
            .find(|p| p.name == name || (p.role == role && !matches!(role, Role::Other)))
        {
            return Err(format!(
                "Properties has both `{}` and `{name}`: give one of them",
                twin.name
            ));
        }
        properties.push(Property {
            name: name.to_owned(),
            kind,
            width,
            role,
        });
    }
    let has = |role: Role| properties.iter().any(|p| p.role == role);
    if !has(Role::Position) {
        return Err("Properties has no positions (`pos:R:3`)".into());
    }
    if !has(Role::Species) && !has(Role::Number) {
        return Err(
            "Properties has neither symbols (`species:S:1`) nor atomic numbers (`Z:I:1`)".into(),
        );
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_and_other_columns() {
        let p = parse("id:I:1:pos:R:3:forces:R:3:Z:I:1:fixed:L:1").unwrap();
        let roles: Vec<Role> = p.iter().map(|p| p.role).collect();
        assert_eq!(
            roles,
            [
                Role::Other,
                Role::Position,
                Role::Other,
                Role::Number,
                Role::Other
            ]
        );
        assert_eq!(p[2].to_string(), "forces:R:3");
        assert!(parse(DEFAULT).is_ok());
    }

    #[test]
    fn flaws_are_named() {
        for (text, word) in [
            ("species:S:1:pos:R", "5 parts"),
            ("", "1 parts"),
            ("species:S:1", "no positions"),
            ("pos:R:3", "neither symbols"),
            ("species:S:1:pos:R:2", "`pos:R:3`"),
            ("species:R:1:pos:R:3", "`species:S:1`"),
            ("species:S:1:pos:R:3:a:Q:1", "`Q`"),
            ("species:S:1:pos:R:3:a:R:0", "`0`"),
            (
                "species:S:1:pos:R:3:a:R:99999999999999999999999",
                "not a number of columns",
            ),
            ("species:S:1:pos:R:3:a:R:1:a:R:1", "both"),
            ("species:S:1:pos:R:3:velo:R:3:vel:R:3", "both"),
            ("species:S:1:pos:R:3::R:3", "no name"),
        ] {
            let e = parse(text).unwrap_err();
            assert!(e.contains(word), "{text}: {e}");
        }
    }
}
