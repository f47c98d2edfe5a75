//! The grammar as one table: which keys a document knows, what each holds, what it is for.
//!
//! The walk over a file (`conform`) and the JSON Schema (`schema`) both read this table, so their lists of keys cannot
//! drift apart. This module must not know how a file is read nor what is built from it.

pub mod config;
pub mod input;
pub mod keep;
pub mod pack;
pub mod process;
pub mod rights;
pub mod schedule;
pub mod site;
pub mod step;
pub mod trigger;

/// What a value may be.
pub enum Kind {
    /// Some text, not empty.
    Text,
    /// A text that may be empty when quoted: values of variables and headers.
    Value,
    /// A name: letters, digits, `-`, `_`, `.`.
    Name,
    /// The name of an environment variable that a file may set.
    Variable,
    /// The name of a secret where somebody may have written the secret itself; hidden when it is wrong.
    Secret,
    /// A relative path that stays inside its folder.
    Path,
    /// An expression over what a look saw.
    Expect,
    /// Five fields, as crontab(5).
    Cron,
    /// An `OnCalendar` expression, as systemd.time(7).
    Calendar,
    /// Days: `2026-12-25`, `12-24..01-06`, `Sat..Sun`.
    Days,
    /// A name of the time zone database.
    Zone,
    /// A length of time: `90s`, `1h30m`.
    Span,
    /// An instant: `2026-01-31T06:00:00Z`, or a local time.
    Instant,
    /// A number of bytes with its unit: `20GiB`.
    Size,
    /// A length of time or `20% of usual`.
    Bound,
    /// Shortest and longest wait: `1m..10m`.
    Backoff,
    /// A policy for a live run: `forbid`, `queue(3)` …
    Overlap,
    /// Only `true` says something.
    True,
    /// A whole number from 1 on, or a length of time.
    CountOrSpan { max: u32 },
    /// A whole number.
    Whole { min: u32, max: u32 },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list with at least one item.
    List { of: &'static Kind, max: usize },
    /// One, or a list of them.
    Many { of: &'static Kind, max: usize },
    /// Names of the file's own choice.
    Map { key: &'static Kind, of: &'static Kind, max: usize },
    /// An object with known keys.
    Object(&'static Shape),
    /// Several objects, told apart by their first field.
    OneOf(&'static Choice),
    /// Told apart by being text, list or mapping.
    Either(&'static [Kind]),
}

/// An object with known keys.
pub struct Shape {
    /// Unique; names the object in the JSON Schema.
    pub name: &'static str,
    /// How a message calls one: "a step".
    pub title: &'static str,
    pub fields: &'static [Field],
    /// Of these at least one is there. Empty: no such rule.
    pub some_of: &'static [&'static str],
    /// Keys that the design has and this version does not know yet.
    pub later: &'static [&'static str],
    /// Its texts are hidden when something is wrong: somebody may have written a secret down.
    pub private: bool,
}

/// One key of an object.
pub struct Field {
    pub key: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub about: &'static str,
}

/// Several objects, of which the first field that is there chooses one.
pub struct Choice {
    /// How a message calls one: "a check".
    pub title: &'static str,
    pub shapes: &'static [Shape],
}

impl Shape {
    const fn new(name: &'static str, title: &'static str, fields: &'static [Field]) -> Shape {
        Shape { name, title, fields, some_of: &[], later: &[], private: false }
    }

    /// The key that names or chooses the object.
    pub fn first_key(&self) -> &'static str {
        self.fields.first().map_or("", |field| field.key)
    }

    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub fn keys(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.key).collect()
    }
}

/// A kind of document: its shape is named by its first key.
pub struct Document {
    pub shape: &'static Shape,
    /// The file it belongs to: the site file, or `ops/`.
    pub in_site_file: bool,
}

/// Every kind of document that this version reads.
pub static DOCUMENTS: [Document; 3] = [
    Document { shape: &site::SITE, in_site_file: true },
    Document { shape: &config::CONFIG, in_site_file: true },
    Document { shape: &process::PROCESS, in_site_file: false },
];

/// Kinds of documents that the design has and this version does not read yet.
pub const DOCUMENTS_LATER: [&str; 4] = ["service", "experiment", "checklist", "schedule"];

const fn must(key: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { key, kind, required: true, about }
}

const fn may(key: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { key, kind, required: false, about }
}

/// Most words of a command that is given as a list.
const ARGUMENTS_MAX: usize = 1_000;

/// Most blackouts of a site or of a schedule.
const BLACKOUTS_MAX: usize = 100;

const BLACKOUTS: Kind = Kind::List { of: &Kind::Object(&BLACKOUT), max: BLACKOUTS_MAX };

static BLACKOUT: Shape = Shape::new(
    "blackout",
    "a blackout",
    &[
        must("from", Kind::Instant, "When it begins: `2026-12-24T18:00:00Z`, or `2026-12-24 19:00 Europe/Berlin`."),
        must("until", Kind::Instant, "The first moment after it."),
        must("reason", Kind::Text, "Shown wherever something does not run because of it."),
        may(
            "over",
            Kind::Word(&["skip", "latest"]),
            "What was due in it when it is over: nothing of it (skip, the default), or the newest (latest).",
        ),
    ],
);

/// A text for `sh -c`, or program and arguments.
const COMMAND: Kind = Kind::Either(&[Kind::Text, Kind::List { of: &Kind::Value, max: ARGUMENTS_MAX }]);
