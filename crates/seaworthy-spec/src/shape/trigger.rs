//! The table of `triggers:`.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{Choice, Kind, Shape, may, must};

const ENDINGS: Kind = Kind::Word(&["verified", "unverified", "failed", "unknown", "unproven", "ended"]);
const SIGNALS: Kind =
    Kind::Word(&["missed", "late", "long", "drill-overdue", "artifact-gone", "node-silent", "paused-long"]);

pub static TRIGGER: Choice = Choice {
    title: "a trigger",
    shapes: &[
        Shape {
            private: true,
            ..Shape::new(
                "trigger-webhook",
                "a webhook",
                &[
                    must("webhook", Kind::Name, "Called by POST at /hook/NAME."),
                    must("secret", Kind::Secret, "Name of the secret that signs the calls."),
                    may("style", Kind::Word(&["seaworthy", "github"]), "How they are signed. Default seaworthy."),
                ],
            )
        },
        Shape::new(
            "trigger-process",
            "a trigger by another process",
            &[
                must("process", Kind::Name, "A run of this process has ended."),
                may("when", Kind::Many { of: &ENDINGS, max: 6 }, "How it must have ended. Default verified."),
            ],
        ),
        Shape::new(
            "trigger-signal",
            "a trigger by a signal",
            &[
                must("signal", Kind::Many { of: &SIGNALS, max: 7 }, "The watcher has raised one of these."),
                may("of", Kind::Name, "Of this process only."),
            ],
        ),
        Shape::new(
            "trigger-file",
            "a trigger by a file",
            &[
                must("file", Kind::Text, "A path; its last part may hold `*` and `?`. Relative to the site's folder."),
                may("settled", Kind::Span, "How long the file must not have changed. Default 10s."),
            ],
        ),
    ],
};
