//! The table of a process file. Each limit is named here, next to the list that it bounds.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{
    COMMAND, Choice, Field, Kind, Shape,
    input::{INPUTS, LIMITS},
    may, must,
    step::{STEP, STEP_TIMEOUT},
};

/// Most steps of one list.
pub const STEPS_MAX: usize = 1_000;
/// Most checks of one `verify`.
pub const CHECKS_MAX: usize = 200;
/// Most rungs of one ladder.
pub const RUNGS_MAX: usize = 20;
/// Most tries of one `retry` rung.
pub const RETRIES_MAX: u32 = 20;
/// Most variables of one `env`, and most names of one `secrets`.
pub const VARIABLES_MAX: usize = 500;
/// Most artifacts that one step makes.
pub const ARTIFACTS_MAX: usize = 100;
/// Most steps of one run that may be under way at the same time; the node's own bound is `ACTING_MAX`.
pub const PARALLEL_MAX: u32 = 64;
/// Most runs that wait for one live run.
pub const QUEUE_MAX: u32 = 100;
/// Most expressions of one schedule.
pub const EXPRESSIONS_MAX: usize = 20;
/// Most calendars of one `except` or `only`.
pub const CALENDARS_MAX: usize = 20;
/// Most triggers of one process.
pub const TRIGGERS_MAX: usize = 50;
/// Most locks of one process.
pub const LOCKS_MAX: usize = 20;
/// Most runs that keep their artifacts.
pub const KEEP_MAX: u32 = 10_000;

pub(super) const ENV: Kind = Kind::Map { key: &Kind::Variable, of: &Kind::Value, max: VARIABLES_MAX };
pub(super) const SECRETS: Kind = Kind::Many { of: &Kind::Variable, max: VARIABLES_MAX };
pub(super) const SHELL: Kind = Kind::List { of: &Kind::Text, max: 20 };
const STEPS: Kind = Kind::List { of: &Kind::OneOf(&STEP), max: STEPS_MAX };
const CHECKS: Kind = Kind::List { of: &Kind::OneOf(&CHECK), max: CHECKS_MAX };

pub static PROCESS: Shape = Shape::new(
    "process",
    "a process",
    &[
        must("process", Kind::Name, "Name of the process, unique in the site."),
        may("about", Kind::Text, "What it is for, in a sentence."),
        may("service", Kind::Name, "The service that it belongs to. A service exists by being named."),
        may("team", Kind::Name, "The team that answers for it, from the site file."),
        may("tier", Kind::Word(&["A", "B", "C"]), "How critical it is; A is most. Default C."),
        may("schedule", Kind::OneOf(&super::schedule::SCHEDULE), "When it is due."),
        may("env", ENV, "Environment of every command."),
        may("secrets", SECRETS, "Names of secrets that every command gets; the site file says where each comes from."),
        may("steps", STEPS, "What is done."),
        may("verify", CHECKS, "How someone other than the actor looks at the result. Without it: unproven."),
        may("heal", Kind::List { of: &Kind::OneOf(&RUNG), max: RUNGS_MAX }, "What is tried when verification says no."),
        may("watch", Kind::Object(&WATCH), "Limits that the watcher keeps."),
        may("tell", Kind::Object(&TELL), "Who is told about what."),
        may("drill", Kind::Object(&DRILL), "How it is rehearsed."),
        may(
            "pinged",
            Kind::True,
            "Something outside starts it and tells us, by `seaworthy exec` or a ping; the schedule says when it is expected.",
        ),
        may("observed", Kind::Text, "Somebody else runs it: who, and where that stands. It is never run from here."),
        may("inputs", INPUTS, "What a run of it is asked for. Recorded, so never a secret."),
        may(
            "parallel",
            Kind::Whole { min: 1, max: PARALLEL_MAX },
            "Steps that may be under way at the same time; 1 is one after the other. Default 4 where a step says `needs`, else 1.",
        ),
        may("limits", Kind::Object(&LIMITS), "What the processes of one command may use."),
        may("timeout", Kind::Span, "A run is stopped after this long, verification and healing included."),
        may(
            "triggers",
            Kind::List { of: &Kind::OneOf(&super::trigger::TRIGGER), max: TRIGGERS_MAX },
            "What starts it besides its schedule and people.",
        ),
        may("lock", Kind::Name, "A named lock: two runs with a common one never act at the same time on this site."),
        may("locks", Kind::Many { of: &Kind::Name, max: LOCKS_MAX }, "Several locks, taken all at once."),
        may("lock_wait", Kind::Span, "How long a run waits for its locks before it is cancelled. Default 6h."),
        may(
            "keep",
            Kind::Either(&[Kind::Whole { min: 1, max: KEEP_MAX }, Kind::Object(&super::keep::KEEP)]),
            "How many runs keep their artifacts (default 7), or how long what is kept.",
        ),
    ],
);

const CHECK_NAME: Field = may("name", Kind::Text, "How the check is called in the history.");
const OF: Field = may(
    "of",
    Kind::Name,
    "The step that it is about; after a crash only its own checks say whether a `once` step happened.",
);
const fn expect(about: &'static str) -> Field {
    must("expect", Kind::Expect, about)
}
const CHECK_TIMEOUT: Field = may("timeout", Kind::Span, "Limit of one look. Default 5m; of http 30s.");
const CHECK_SHELL: Field = may("shell", SHELL, "Program and first arguments that get the text. Default [sh, -c].");

static CHECK: Choice = Choice {
    title: "a check",
    shapes: &[
        Shape::new(
            "check-artifact",
            "a check of an artifact",
            &[
                must("artifact", Kind::Path, "An artifact that a step makes. Seen: size, age, sha256."),
                expect("The condition over what was seen, such as `size > 1KiB && age < 1h`."),
                CHECK_NAME,
                OF,
                CHECK_TIMEOUT,
            ],
        ),
        Shape::new(
            "check-command",
            "a check by command",
            &[
                must("command", COMMAND, "A command that looks. Seen: exit, stdout, stderr, duration."),
                expect("The condition over what was seen, such as `exit == 0`."),
                CHECK_NAME,
                OF,
                CHECK_TIMEOUT,
                CHECK_SHELL,
            ],
        ),
        Shape::new(
            "check-sql",
            "a check by SQL",
            &[
                must("sql", Kind::Text, "A query. Seen: rows, and value (the first field of the first row)."),
                must("url", Kind::Text, "postgresql://… or sqlite:PATH; $NAME is replaced."),
                expect("The condition over what was seen, such as `value > 0`."),
                CHECK_NAME,
                OF,
                CHECK_TIMEOUT,
            ],
        ),
        Shape::new(
            "check-http",
            "a check by HTTP",
            &[
                must("http", Kind::Text, "A URL. Seen: status, body, duration."),
                may("method", Kind::Word(&["GET", "HEAD", "POST", "PUT", "OPTIONS"]), "Default GET."),
                may("headers", Kind::Map { key: &Kind::Text, of: &Kind::Value, max: 50 }, "Headers of the request."),
                may("body", Kind::Value, "Body of the request."),
                expect("The condition over what was seen, such as `status == 200`."),
                CHECK_NAME,
                OF,
                CHECK_TIMEOUT,
            ],
        ),
        Shape::new(
            "check-duration",
            "a check of the duration",
            &[must("duration", Kind::Object(&DURATION), "How long the run took. Too fast is also wrong."), CHECK_NAME],
        ),
    ],
};

static DURATION: Shape = Shape {
    some_of: &["at_least", "at_most"],
    ..Shape::new(
        "duration",
        "a duration",
        &[
            may("at_least", Kind::Bound, "A length of time, or `20% of usual`."),
            may("at_most", Kind::Bound, "A length of time, or `300% of usual`."),
        ],
    )
};

static RUNG: Choice = Choice {
    title: "a rung",
    shapes: &[
        Shape::new(
            "rung-retry",
            "a rung that tries again",
            &[must("retry", Kind::Object(&RETRY), "Runs again from the step that makes the failed artifact.")],
        ),
        Shape::new(
            "rung-run",
            "a rung that acts",
            &[
                must("run", COMMAND, "A command; then verification looks again."),
                STEP_TIMEOUT,
                may("shell", SHELL, "Program and first arguments that get the text. Default [sh, -c]."),
            ],
        ),
        Shape::new("rung-tell", "a rung that tells", &[must("tell", Kind::Name, "A route of the site file.")]),
    ],
};

static RETRY: Shape = Shape::new(
    "retry",
    "a retry",
    &[
        must("times", Kind::Whole { min: 1, max: RETRIES_MAX }, "How often it is tried again."),
        may("backoff", Kind::Backoff, "Shortest and longest wait before a try. Default 1s..1m."),
    ],
);

static WATCH: Shape = Shape {
    some_of: &["start_within", "finish_within"],
    ..Shape::new(
        "watch",
        "the watch",
        &[
            may("start_within", Kind::Span, "A run starts at most this long after it was due."),
            may("finish_within", Kind::Span, "A run ends at most this long after it started."),
        ],
    )
};

const OCCASION: Kind = Kind::Word(&["failed", "unverified", "unknown", "missed", "late", "long", "healed"]);

static TELL: Shape = Shape::new(
    "tell",
    "the telling",
    &[
        must("route", Kind::Name, "A route of the site file."),
        may(
            "when",
            Kind::Many { of: &OCCASION, max: 7 },
            "What is worth a message. Default failed, missed, unverified, unknown.",
        ),
        may("procedure", Kind::Path, "Markdown file with the steps to follow, relative to the site's folder."),
    ],
);

static DRILL: Shape = Shape {
    some_of: &["restore", "people"],
    ..Shape::new(
        "drill",
        "a drill",
        &[
            may("restore", Kind::Object(&RESTORE), "Machines rehearse: the newest verified artifact is restored."),
            may("people", Kind::Object(&PEOPLE), "People rehearse: somebody follows the procedure."),
        ],
    )
};

static RESTORE: Shape = Shape::new(
    "restore-drill",
    "a restore drill",
    &[
        must("steps", STEPS, "What restores, into a place named $SCRATCH."),
        must("verify", CHECKS, "How the restored data is looked at."),
        may("after", STEPS, "Clean-up, run even after failure."),
        may("every", Kind::Span, "How often."),
        may("recovery_time", Kind::Span, "Objective; measured on every drill."),
    ],
);

static PEOPLE: Shape = Shape::new(
    "people-drill",
    "a people drill",
    &[
        must("every", Kind::Span, "How often."),
        must("follow", Kind::Path, "Markdown file with the steps to follow, relative to the site's folder."),
        may("by", Kind::Text, "Who. Default someone-else: not who did it last."),
    ],
);
