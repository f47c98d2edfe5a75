//! The table of values that a run is given.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{Kind, Shape, may, must};

/// Most inputs of one process.
pub const INPUTS_MAX: usize = 100;
/// Most words of one choice.
pub const CHOICES_MAX: usize = 100;

/// What a value may be.
pub const FORMS: [&str; 8] = ["text", "whole", "number", "bool", "choice", "duration", "size", "list"];

/// By name; the word alone says the form, too.
pub const INPUTS: Kind = Kind::Map { key: &Kind::Variable, of: &INPUT, max: INPUTS_MAX };

const INPUT: Kind = Kind::Either(&[Kind::Word(&FORMS), Kind::Object(&INPUT_SHAPE)]);

static INPUT_SHAPE: Shape = Shape::new(
    "input",
    "an input",
    &[
        must("type", Kind::Word(&FORMS), "What it may be."),
        may("about", Kind::Text, "What it is for, in a sentence."),
        may("default", DEFAULT, "What it is if nobody gives it. Without one it must be given."),
        may("pattern", Kind::Text, "Of a text: a regular expression that describes all of it."),
        may("min", Kind::Text, "Of a number, duration or size: the smallest."),
        may("max", Kind::Text, "Of a number, duration or size: the largest."),
        may("of", Kind::Many { of: &Kind::Text, max: CHOICES_MAX }, "Of a choice: its words."),
    ],
);

/// Most outputs of one step.
pub const OUTPUTS_MAX: usize = 50;

/// By name; the word alone says the form, too.
pub const OUTPUTS: Kind = Kind::Map { key: &Kind::Variable, of: &OUTPUT, max: OUTPUTS_MAX };

const OUTPUT: Kind = Kind::Either(&[Kind::Word(&FORMS), Kind::Object(&OUTPUT_SHAPE)]);

static OUTPUT_SHAPE: Shape = Shape::new(
    "output",
    "an output",
    &[
        must("type", Kind::Word(&FORMS), "What it may be."),
        may("pattern", Kind::Text, "Of a text: a regular expression that describes all of it."),
        may("min", Kind::Text, "Of a number, duration or size: the smallest."),
        may("max", Kind::Text, "Of a number, duration or size: the largest."),
        may("of", Kind::Many { of: &Kind::Text, max: CHOICES_MAX }, "Of a choice: its words."),
    ],
);

pub static LIMITS: Shape = Shape {
    some_of: &["memory", "cpu_time", "open_files", "file_size", "processes"],
    ..Shape::new(
        "limits",
        "limits",
        &[
            may("memory", Kind::Size, "Memory, such as 512MiB."),
            may("cpu_time", Kind::Span, "Time on a processor."),
            may("open_files", Kind::Whole { min: 3, max: 1_000_000 }, "Open files of one process."),
            may("file_size", Kind::Size, "Size of one file that is written."),
            may("processes", Kind::Whole { min: 1, max: 1_000_000 }, "Processes and threads."),
        ],
    )
};

/// One value; of a list several.
const DEFAULT: Kind = Kind::Either(&[Kind::Value, Kind::List { of: &Kind::Value, max: CHOICES_MAX }]);
