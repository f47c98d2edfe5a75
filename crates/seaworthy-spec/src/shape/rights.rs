//! The table of rights: roles, people, and what teams are given.
//!
//! This module must not know what a right allows.

use seaworthy_model::access::Action;

use super::{Kind, Shape, may, must, site::NAMES_MAX};

/// Most roles of a person or a team, and most services of one of them.
const GRANTS_MAX: usize = 100;

pub const ROLES: Kind = Kind::Map {
    key: &Kind::Name,
    of: &Kind::Many { of: &Kind::Word(Action::WORDS), max: Action::WORDS.len() },
    max: NAMES_MAX,
};

pub const PEOPLE: Kind = Kind::Map { key: &Kind::Text, of: &Kind::Object(&PERSON), max: NAMES_MAX };

pub const GRANTS: Kind = Kind::Many { of: &Kind::Either(&[Kind::Name, Kind::Object(&GRANT)]), max: GRANTS_MAX };

static PERSON: Shape = Shape::new(
    "person",
    "a person",
    &[must("roles", GRANTS, "Names of roles, or roles for some services or tiers alone.")],
);

static GRANT: Shape = Shape::new(
    "grant",
    "a role that is given",
    &[
        must("role", Kind::Name, "owner, operator, author, viewer, or one of `roles:`."),
        may("services", Kind::Many { of: &Kind::Name, max: GRANTS_MAX }, "Only for processes of these."),
        may("tiers", Kind::Many { of: &Kind::Word(&["A", "B", "C"]), max: 3 }, "Only for processes of these."),
    ],
);
