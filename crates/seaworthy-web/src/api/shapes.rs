//! What answers look like. A test holds every answer against these.
//!
//! This module must not know how an answer is made.

use seaworthy_model::access::Action;

use super::declare::{Field, Kind, Shape, may, must, null};

/// Items of a list.
pub const MANY: usize = 100_000;
/// Characters of a text that we write.
const LONG: usize = 1_000_000;

pub const TEXT: Kind = Kind::Text(LONG);
const COUNT: Kind = Kind::Whole { min: 0, max: i64::MAX as u64 };
const STATES: Kind = Kind::Word(&[
    "verified",
    "healed",
    "failed",
    "no",
    "unknown",
    "unproven",
    "cancelled",
    "live",
    "troubled",
    "never",
    "warn",
    "held",
    "skipped",
]);
const EXECUTED: Kind = Kind::Word(&["ok", "failed", "cancelled", "unknown"]);
const VERIFIED: Kind = Kind::Word(&["yes", "no", "unknown", "unproven"]);
const KINDS: Kind = Kind::Word(&["run", "drill"]);
pub const ACTIONS: Kind = Kind::List(&Kind::Word(Action::WORDS), Action::WORDS.len());
pub const NAMES: Kind = Kind::List(&TEXT, MANY);

pub static STARTED: Shape = Shape {
    name: "Started",
    fields: &[must("run_id", Kind::Id("run"), ""), must("digest", TEXT, "Of the definition it runs with.")],
};

pub static DONE: Shape = Shape { name: "Done", fields: &[must("detail", TEXT, "What was done, in words.")] };

/// What a process and a line of the list have in common.
macro_rules! line {
    ($($more:expr),* $(,)?) => {
        &[
            must("process", TEXT, ""),
            null("service", TEXT, ""),
            must("tier", Kind::Word(&["A", "B", "C"]), ""),
            must("state", STATES, ""),
            must("word", TEXT, "The state for people."),
            null("last_run_id", Kind::Id("run"), ""),
            null("last_ended_at", Kind::Time, ""),
            null("last_verified_at", Kind::Time, ""),
            null("last_proven_at", Kind::Time, "When a drill restored it last."),
            null("paused", Kind::Object(&PAUSED_LINE), ""),
            null("next_at", Kind::Time, ""),
            must("missing", NAMES, "Facets that its file lacks."),
            null("observed", TEXT, "Who runs it instead of this site."),
            must("pinged", Kind::Flag, ""),
            must("signals", COUNT, "How many are open."),
            must("digest", TEXT, ""),
            must("file", TEXT, ""),
            $($more),*
        ]
    };
}

static PAUSED_LINE: Shape = Shape {
    name: "PausedProcess",
    fields: &[
        must("process", TEXT, ""),
        must("since", Kind::Time, ""),
        must("until", Kind::Time, ""),
        must("reason", TEXT, ""),
        must("extended", COUNT, "How often."),
    ],
};

static TWICE: Shape = Shape { name: "Twice", fields: &[must("process", TEXT, ""), must("by", Kind::Any, "Who else.")] };

pub static LINE: Shape = Shape { name: "ProcessLine", fields: line!() };

pub static PROCESSES: Shape =
    Shape { name: "Processes", fields: &[must("processes", Kind::List(&Kind::Object(&LINE), MANY), "")] };

pub static PROCESS: Shape = Shape {
    name: "Process",
    fields: line!(
        must("runs", ENDED_LIST, "The newest."),
        must("drills", ENDED_LIST, "The newest."),
        must("definition", Kind::Any, "As it is in force."),
    ),
};

static PAUSED: Shape = Shape {
    name: "Pause",
    fields: &[must("since", Kind::Time, ""), must("until", Kind::Time, ""), must("reason", TEXT, "")],
};

static DUE: Shape = Shape {
    name: "Due",
    fields: &[
        must("at", Kind::Time, ""),
        must("local", TEXT, "In the zone of the schedule."),
        null("skipped", TEXT, "What will keep it from running."),
    ],
};

pub static SCHEDULE: Shape = Shape {
    name: "Schedule",
    fields: &[
        must("process", TEXT, ""),
        null("pause", Kind::Object(&PAUSED), ""),
        must("next", Kind::List(&Kind::Object(&DUE), MANY), ""),
    ],
};

static ARTIFACT: Shape =
    Shape { name: "Artifact", fields: &[must("name", TEXT, ""), must("bytes", COUNT, ""), null("sha256", TEXT, "")] };

const ARTIFACTS: Kind = Kind::List(&Kind::Object(&ARTIFACT), MANY);

static ENDED: Shape = Shape {
    name: "EndedRun",
    fields: &[
        must("run_id", Kind::Id("run"), ""),
        must("process", TEXT, ""),
        must("kind", KINDS, ""),
        must("executed", EXECUTED, ""),
        must("verified", VERIFIED, ""),
        must("reason", TEXT, ""),
        must("started_at", Kind::Time, ""),
        must("ended_at", Kind::Time, ""),
        must("duration_ms", COUNT, ""),
        null("recovery_time_ms", COUNT, ""),
        null("objective_ms", COUNT, ""),
        must("heals", COUNT, ""),
        must("artifacts", ARTIFACTS, ""),
    ],
};

const ENDED_LIST: Kind = Kind::List(&Kind::Object(&ENDED), MANY);

static LIVE: Shape = Shape {
    name: "LiveRun",
    fields: &[
        must("run_id", Kind::Id("run"), ""),
        must("process", TEXT, ""),
        must("kind", KINDS, ""),
        must("doing", TEXT, ""),
        must("troubled", Kind::Flag, ""),
        must("requested_at", Kind::Time, ""),
    ],
};

pub static RUNS: Shape = Shape {
    name: "Runs",
    fields: &[
        must("runs", ENDED_LIST, ""),
        null("next", Kind::Id("run"), "Give it as `before` for the page behind this one."),
        must("live", Kind::List(&Kind::Object(&LIVE), MANY), ""),
    ],
};

static ATTEMPT: Shape = Shape {
    name: "Attempt",
    fields: &[
        must("step", TEXT, ""),
        must("attempt", COUNT, ""),
        must("started_at", Kind::Time, ""),
        null("outcome", TEXT, "`null` while it goes on."),
        null("exit", Kind::Number, ""),
        null("duration_ms", COUNT, ""),
        null("reason", TEXT, ""),
        null("child_run_id", Kind::Id("run"), "The run that the step began."),
    ],
};

static CHECKED: Shape = Shape {
    name: "Verification",
    fields: &[
        must("what", TEXT, ""),
        must("round", COUNT, ""),
        must("outcome", TEXT, ""),
        must("expected", TEXT, ""),
        must("observed", TEXT, ""),
    ],
};

static HEAL: Shape =
    Shape { name: "Heal", fields: &[must("what", TEXT, ""), must("outcome", TEXT, ""), must("detail", TEXT, "")] };

static WAITS: Shape = Shape {
    name: "WaitsForPerson",
    fields: &[
        must("step", TEXT, ""),
        must("until", Kind::Time, ""),
        must("note", TEXT, "What is to be said of who may answer."),
    ],
};

static RECORD: Shape = Shape {
    name: "Record",
    fields: &[must("position", COUNT, ""), must("type", TEXT, ""), must("leaf", TEXT, "Its hash in the tree.")],
};

pub static RUN: Shape = Shape {
    name: "Run",
    fields: &[
        must("run_id", Kind::Id("run"), ""),
        must("process", TEXT, ""),
        must("kind", KINDS, ""),
        null("parent_run_id", Kind::Id("run"), "The run whose step began it."),
        must("digest", TEXT, ""),
        null("executed", EXECUTED, "`null` while it goes on."),
        null("verified", VERIFIED, "`null` while it goes on."),
        null("reason", TEXT, ""),
        null("doing", TEXT, "`null` once it ended."),
        must("started_at", Kind::Time, ""),
        null("ended_at", Kind::Time, ""),
        null("duration_ms", COUNT, ""),
        null("recovery_time_ms", COUNT, ""),
        must("waits", Kind::List(&Kind::Object(&WAITS), MANY), "Steps that wait for a person."),
        must("steps", Kind::List(&Kind::Object(&ATTEMPT), MANY), ""),
        must("artifacts", ARTIFACTS, ""),
        must("verifications", Kind::List(&Kind::Object(&CHECKED), MANY), ""),
        must("heals", Kind::List(&Kind::Object(&HEAL), MANY), ""),
        must("entries", Kind::List(&Kind::Object(&RECORD), MANY), ""),
    ],
};

static SIGNAL: Shape = Shape {
    name: "Signal",
    fields: &[
        must("signal_id", Kind::Id("signal"), ""),
        must("process", TEXT, ""),
        must("kind", TEXT, ""),
        null("run_id", Kind::Id("run"), ""),
        must("raised_at", Kind::Time, ""),
        null("cleared_at", Kind::Time, ""),
        must("expected", TEXT, ""),
        must("seen", TEXT, ""),
    ],
};

pub static SIGNALS: Shape =
    Shape { name: "Signals", fields: &[must("signals", Kind::List(&Kind::Object(&SIGNAL), MANY), "")] };

static MESSAGE: Shape = Shape {
    name: "Message",
    fields: &[
        must("message_id", Kind::Id("message"), ""),
        must("route", TEXT, ""),
        must("occasion", TEXT, ""),
        must("process", TEXT, ""),
        null("run_id", Kind::Id("run"), ""),
        must("due_at", Kind::Time, ""),
        null("ended_at", Kind::Time, ""),
        must("told", Kind::Flag, ""),
        must("attempts", COUNT, ""),
        must("detail", TEXT, ""),
    ],
};

pub static MESSAGES: Shape =
    Shape { name: "Messages", fields: &[must("messages", Kind::List(&Kind::Object(&MESSAGE), MANY), "")] };

static SKIP: Shape = Shape {
    name: "Skip",
    fields: &[
        must("process", TEXT, ""),
        must("nominal", Kind::Time, ""),
        must("reason", TEXT, ""),
        must("detail", TEXT, ""),
        must("count", COUNT, ""),
    ],
};

pub static SKIPPED: Shape =
    Shape { name: "Skipped", fields: &[must("skipped", Kind::List(&Kind::Object(&SKIP), MANY), "")] };

static ENTRY: Shape = Shape {
    name: "Entry",
    fields: &[
        must("position", COUNT, ""),
        must("entry_id", Kind::Id("entry"), ""),
        must("stream", TEXT, ""),
        must("version", COUNT, ""),
        must("type", TEXT, ""),
        must("at", Kind::Time, ""),
        must("actor", Kind::Id("actor"), "The person behind it, without a name."),
        null("name", TEXT, "Their name, unless it was erased."),
        must("via", TEXT, "Through what they acted."),
        must("body", Kind::Any, "`null` once retention dropped it."),
        must("leaf", TEXT, "Its hash in the tree."),
    ],
};

pub static ENTRIES: Shape = Shape {
    name: "Entries",
    fields: &[
        must("entries", Kind::List(&Kind::Object(&ENTRY), MANY), ""),
        null("next", COUNT, "Give it as `from` for what follows."),
        must("size", COUNT, "How many there are in all."),
    ],
};

static CHANGE: Shape = Shape {
    name: "Change",
    fields: &[
        must("digest", TEXT, ""),
        must("subject", TEXT, ""),
        must("from", TEXT, ""),
        null("to", TEXT, ""),
        must("weaker", NAMES, "What is taken away, in words."),
        must("other", NAMES, ""),
        must("until", Kind::Time, ""),
    ],
};

pub static CHANGES: Shape =
    Shape { name: "Changes", fields: &[must("waits", Kind::List(&Kind::Object(&CHANGE), MANY), "")] };

pub static OVERVIEW: Shape = Shape {
    name: "Overview",
    fields: &[
        must("at", Kind::Time, ""),
        must("position", COUNT, "Of the journal, which it is true for."),
        must("processes", COUNT, ""),
        must("not_verified", COUNT, ""),
        null("worst", Kind::Object(&LINE), ""),
        must("signals", Kind::List(&Kind::Object(&SIGNAL), MANY), "Those that are open."),
        must("waits", COUNT, "Changes that wait for a person."),
        must("paused", Kind::List(&Kind::Object(&PAUSED_LINE), MANY), ""),
        must("twice", Kind::List(&Kind::Object(&TWICE), MANY), "What is run from two sides."),
        must("broken", Kind::Texts(LONG), "Files that cannot be used, and why."),
    ],
};

static FINDING: Shape =
    Shape { name: "Finding", fields: &[must("subject", TEXT, ""), must("code", TEXT, ""), must("finding", TEXT, "")] };

pub static FINDINGS: Shape =
    Shape { name: "Findings", fields: &[must("findings", Kind::List(&Kind::Object(&FINDING), MANY), "")] };

static GRANT: Shape = Shape {
    name: "Right",
    fields: &[must("role", TEXT, ""), must("may", ACTIONS, ""), must("within", TEXT, "Empty: everywhere.")],
};

pub static ME: Shape = Shape {
    name: "Me",
    fields: &[
        must("actor", Kind::Id("actor"), ""),
        must("name", TEXT, "Empty if nobody is known."),
        must("door", Kind::Word(&["unclaimed", "nobody", "host", "login", "token"]), ""),
        must("rights", Kind::List(&Kind::Object(&GRANT), MANY), ""),
        null("token", Kind::Object(&TOKEN_HELD), "The token that was sent."),
        null(
            "form",
            TEXT,
            "Of a login session: each request of it that changes something says this as `Seaworthy-Form`.",
        ),
    ],
};

static TOKEN_HELD: Shape = Shape { name: "TokenHeld", fields: TOKEN_FIELDS };

const TOKEN_FIELDS: &[Field] = &[
    must("token_id", Kind::Id("token"), ""),
    must("label", Kind::Text(60), ""),
    must("robot", Kind::Flag, ""),
    must("may", ACTIONS, ""),
    must("services", NAMES, "Empty: whatever the service."),
    must("expires_at", Kind::Time, ""),
    may("owner", Kind::Id("actor"), "The person who answers for it."),
    may("owner_name", TEXT, "Unless it was erased."),
    may("made_at", Kind::Time, ""),
    may("used_at", Kind::Time, "To the minute."),
    may("revoked_at", Kind::Time, ""),
];

pub static TOKEN: Shape = Shape { name: "Token", fields: TOKEN_FIELDS };

pub static TOKENS: Shape =
    Shape { name: "Tokens", fields: &[must("tokens", Kind::List(&Kind::Object(&TOKEN), MANY), "")] };

pub static TOKEN_MADE: Shape = Shape {
    name: "TokenMade",
    fields: &[
        must("secret", Kind::Text(100), "Shown this once, kept nowhere."),
        must("token", Kind::Object(&TOKEN), ""),
    ],
};
