//! The table of `pack.yaml`, the header of a folder of ready process files.
//!
//! This module must not know which packs there are.

use super::{Kind, Shape, may, must};

/// Most questions of one pack.
pub const ASKS_MAX: usize = 30;
/// Most programs that one pack needs, and most things that it says it cannot prove.
pub const LINES_MAX: usize = 20;

pub static PACK: Shape = Shape::new(
    "pack",
    "a pack",
    &[
        must("pack", Kind::Name, "Name of the pack, that of its folder."),
        must("about", Kind::Text, "What it does, in a sentence."),
        may("needs", Kind::Many { of: &Kind::Text, max: LINES_MAX }, "Programs that must be installed."),
        may("cannot", Kind::Many { of: &Kind::Text, max: LINES_MAX }, "What it cannot prove."),
        may("asks", Kind::Map { key: &Kind::Name, of: &Kind::Object(&ASK), max: ASKS_MAX }, "What it asks for."),
    ],
);

static ASK: Shape = Shape::new(
    "ask",
    "a question of a pack",
    &[
        must("about", Kind::Text, "What is asked for."),
        must("default", Kind::Value, "What is taken if nobody answers. May be empty."),
    ],
);
