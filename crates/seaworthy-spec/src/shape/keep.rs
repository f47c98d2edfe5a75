//! The table of what is kept for how long, in process files and in the site file.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{Field, Kind, Shape, may, process::KEEP_MAX};

const RUNS: Field = may(
    "runs",
    Kind::Whole { min: 1, max: seaworthy_model::retain::WHOLE_MAX },
    "So many newest runs keep outputs, bodies and snapshots whatever their age. Default 20.",
);
const OUTPUTS: Field = may("outputs", Kind::Span, "Age at which kept output goes. Default 90d.");
const BODIES: Field = may("bodies", Kind::Span, "Age at which bodies of a run's entries go. Without it they never do.");
const SNAPSHOTS: Field = may("snapshots", Kind::Span, "Age at which snapshots of the host go. Default 90d.");

pub static KEEP: Shape = Shape {
    some_of: &["runs", "artifacts", "outputs", "bodies", "snapshots"],
    ..Shape::new(
        "keep",
        "what is kept",
        &[
            RUNS,
            may(
                "artifacts",
                Kind::CountOrSpan { max: KEEP_MAX },
                "How many runs keep their artifacts, or how long. Default 7.",
            ),
            OUTPUTS,
            BODIES,
            SNAPSHOTS,
        ],
    )
};

/// What the site says for all of its processes.
pub static RETENTION: Shape = Shape::new(
    "retention",
    "what a site keeps",
    &[
        RUNS,
        may("artifacts", Kind::Span, "Age at which artifacts go. Without it each process's number counts."),
        OUTPUTS,
        BODIES,
        SNAPSHOTS,
        may("at_most", Kind::Size, "Largest size of artifacts, outputs and journal together."),
    ],
);
