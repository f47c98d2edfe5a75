//! The table of steps.
//!
//! This module must not know how a file is read nor what is built from it.

use seaworthy_model::matrix::ELEMENTS_MAX;

use super::{
    COMMAND, Choice, Field, Kind, Shape,
    input::{LIMITS, OUTPUTS},
    may, must,
    process::{ARTIFACTS_MAX, ENV, PARALLEL_MAX, SECRETS, SHELL, STEPS_MAX},
};

const ID: Field = may("id", Kind::Name, "Unique in its list. Default step-1, step-2 …");
const NEEDS: Field =
    may("needs", Kind::Many { of: &Kind::Name, max: STEPS_MAX }, "Ids of steps that must be done before.");
pub(super) const STEP_TIMEOUT: Field =
    may("timeout", Kind::Span, "The step is stopped after this long. Default: none.");
const EFFECT: Field = may(
    "effect",
    Kind::Word(&["read", "idempotent", "once"]),
    "What may be assumed about repeating it. Default idempotent; once is never repeated blindly.",
);

const PROCEDURE: Field = may("procedure", Kind::Path, "Markdown file to follow, relative to the site's folder.");
const ROUTE: Field = may("route", Kind::Name, "Who is told. Default: the route of `tell`.");
const ANSWER_WITHIN: Field = may("within", Kind::Span, "Without an answer after this long it has failed. Default 24h.");
const WHEN: Field =
    may("when", Kind::Expect, "The condition under which it is done, over `inputs.NAME` and `steps.ID.outputs.NAME`.");
const DESPITE: Field =
    may("despite", Kind::Word(&["skipped"]), "Done although a step that it needs was skipped. Default: skipped too.");
const MATRIX: Field = may(
    "matrix",
    OVER_OR_MATRIX,
    "It is done once for each element of a list: a list here, `inputs.NAME`, or `steps.ID.outputs.NAME`. Its command sees $ELEMENT.",
);

/// The list alone, or more to say about it.
const OVER_OR_MATRIX: Kind = Kind::Either(&[Kind::Text, ELEMENTS, Kind::Object(&MATRIX_SHAPE)]);
const ELEMENTS: Kind = Kind::List { of: &Kind::Text, max: ELEMENTS_MAX };

static MATRIX_SHAPE: Shape = Shape::new(
    "matrix",
    "a matrix",
    &[
        must(
            "over",
            Kind::Either(&[Kind::Text, ELEMENTS]),
            "The list: itself, `inputs.NAME`, or `steps.ID.outputs.NAME`.",
        ),
        may(
            "parallel",
            Kind::Whole { min: 1, max: PARALLEL_MAX },
            "Elements under way at the same time. Default: as many steps as the process allows.",
        ),
        may(
            "after_failure",
            Kind::Word(&["go-on", "stop"]),
            "Whether the others have their turn when one failed. Default go-on.",
        ),
    ],
);

const LIMITS_OF_STEP: Field = may("limits", Kind::Object(&LIMITS), "What its processes may use.");

pub static STEP: Choice = Choice {
    title: "a step",
    shapes: &[
        Shape::new(
            "step-run",
            "a step",
            &[
                must("run", COMMAND, "A text for `sh -c`, or a list: program and arguments without a shell."),
                ID,
                NEEDS,
                STEP_TIMEOUT,
                EFFECT,
                may(
                    "makes",
                    Kind::Many { of: &Kind::Path, max: ARTIFACTS_MAX },
                    "Artifacts that it makes, relative to WORKDIR. With `matrix:` their names hold {element}.",
                ),
                may("env", ENV, "Environment of this step, in addition."),
                may("secrets", SECRETS, "Secrets that only this step gets."),
                may("shell", SHELL, "Program and first arguments that get the text. Default [sh, -c]."),
                MATRIX,
                WHEN,
                DESPITE,
                may("outputs", OUTPUTS, "Values that it hands on: it writes lines `name=value` to the file $OUTPUTS."),
                LIMITS_OF_STEP,
            ],
        ),
        Shape::new(
            "step-human",
            "a step that a person does",
            &[
                must("human", Kind::Text, "Instructions for the person."),
                ID,
                NEEDS,
                WHEN,
                DESPITE,
                PROCEDURE,
                ROUTE,
                ANSWER_WITHIN,
                may(
                    "evidence",
                    Kind::Word(&["none", "text", "link", "file"]),
                    "What the sign-off must bring along. Default text.",
                ),
            ],
        ),
        Shape::new(
            "step-approve",
            "a step that another person agrees to",
            &[
                must(
                    "approve",
                    Kind::Text,
                    "What is to be agreed to, by another person than the one who asked for the run.",
                ),
                ID,
                NEEDS,
                WHEN,
                DESPITE,
                PROCEDURE,
                ROUTE,
                ANSWER_WITHIN,
            ],
        ),
        Shape::new(
            "step-noop",
            "a noop step",
            &[
                must("noop", Kind::True, "Does nothing, durably. For measuring the engine."),
                ID,
                NEEDS,
                MATRIX,
                WHEN,
                DESPITE,
            ],
        ),
    ],
};
