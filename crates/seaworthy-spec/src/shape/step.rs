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

/// Most statements of a step, and values for them.
const STATEMENTS_MAX: usize = 100;

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
            "step-http",
            "a step by HTTP",
            &[
                must(
                    "http",
                    Kind::Text,
                    "The URL that is asked. $NAME of the environment is replaced, in headers and body too.",
                ),
                ID,
                NEEDS,
                may(
                    "method",
                    Kind::Word(&["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]),
                    "Default GET.",
                ),
                may(
                    "headers",
                    Kind::Map { key: &Kind::Text, of: &Kind::Value, max: 50 },
                    "Headers of the request. Idempotency-Key is sent always, the same for all attempts.",
                ),
                may("body", Kind::Value, "Body of the request."),
                may(
                    "status",
                    Kind::Many { of: &Kind::Whole { min: 100, max: 599 }, max: 50 },
                    "Answers that mean that it is done. Default 200 to 299.",
                ),
                may(
                    "redirects",
                    Kind::Whole { min: 0, max: 20 },
                    "Redirects that are followed, of a method that only reads. Default 5.",
                ),
                may("timeout", Kind::Span, "The longest wait for the answer. Default 1m."),
                may(
                    "effect",
                    Kind::Word(&["read", "idempotent", "once"]),
                    "Default by method: read for GET, HEAD and OPTIONS, idempotent for PUT and DELETE, once for POST and PATCH.",
                ),
                may("env", ENV, "Environment of this step, in addition."),
                may("secrets", SECRETS, "Secrets that only this step gets."),
                WHEN,
                DESPITE,
                MATRIX,
                may(
                    "outputs",
                    OUTPUTS,
                    "Values that it hands on: `status`, and fields of an answer that is a JSON object.",
                ),
            ],
        ),
        Shape::new(
            "step-sql",
            "a step by SQL",
            &[
                must(
                    "sql",
                    Kind::Many { of: &Kind::Text, max: STATEMENTS_MAX },
                    "A statement, or a list that is carried out in one transaction.",
                ),
                must("url", Kind::Text, "postgresql://… or sqlite:PATH; $NAME of the environment is replaced."),
                ID,
                NEEDS,
                may(
                    "params",
                    Kind::Many { of: &Kind::Value, max: STATEMENTS_MAX },
                    "What $1, $2 … stand for; $NAME of the environment is replaced.",
                ),
                may(
                    "alone",
                    Kind::True,
                    "Not in a transaction, for a single statement that cannot be in one (VACUUM).",
                ),
                may("timeout", Kind::Span, "The longest time for all of it. Default 1h."),
                may(
                    "effect",
                    Kind::Word(&["read", "idempotent", "once"]),
                    "What may be assumed about repeating it. Default once.",
                ),
                may("env", ENV, "Environment of this step, in addition."),
                may("secrets", SECRETS, "Secrets that only this step gets."),
                WHEN,
                DESPITE,
                MATRIX,
                may("outputs", OUTPUTS, "Values that it hands on: `rows`, and columns of the first row."),
            ],
        ),
        Shape::new(
            "step-process",
            "a step that runs another process",
            &[
                must(
                    "process",
                    Kind::Name,
                    "The process; its verdict is the step's outcome, and only verified counts.",
                ),
                ID,
                NEEDS,
                may(
                    "inputs",
                    Kind::Map { key: &Kind::Name, of: &Kind::Value, max: STATEMENTS_MAX },
                    "What the run is given; $NAME of the environment is replaced, but no secret.",
                ),
                may("timeout", Kind::Span, "Its run is cancelled after this long. Default: none."),
                may(
                    "effect",
                    Kind::Word(&["read", "idempotent", "once"]),
                    "What may be assumed about another run of it. Default once.",
                ),
                may("env", ENV, "Environment of this step, in addition."),
                MATRIX,
                WHEN,
                DESPITE,
                may(
                    "outputs",
                    OUTPUTS,
                    "Values that steps of its run hand on and that this one hands on too, by name.",
                ),
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
