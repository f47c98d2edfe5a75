//! The table of the site file.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{
    BLACKOUTS, COMMAND, Choice, Kind, Shape, may, must,
    rights::{GRANTS, PEOPLE, ROLES},
};

/// Most teams, routes or secrets of a site, and most people of a team.
pub const NAMES_MAX: usize = 1_000;
/// Most days and spans of days of one calendar.
pub const DAYS_MAX: usize = 2_000;
/// Most mail addresses of one route.
pub const ADDRESSES_MAX: usize = 50;

pub static SITE: Shape = Shape::new(
    "site",
    "the site",
    &[
        must("site", Kind::Name, "Name of the site."),
        may("store", Kind::Either(&[Kind::Word(&["sqlite"]), Kind::Object(&POSTGRES)]), "Default sqlite."),
        may("public_url", Kind::Text, "What messages link to; may contain a base path."),
        may("teams", Kind::Map { key: &Kind::Name, of: &Kind::Object(&TEAM), max: NAMES_MAX }, "Who answers."),
        may("roles", ROLES, "Roles besides owner, operator, author and viewer: name and what it may do."),
        may("people", PEOPLE, "Who may do what, by mail address. Nobody may what nothing allows."),
        may(
            "routes",
            Kind::Map { key: &Kind::Name, of: &Kind::Object(&ROUTE), max: NAMES_MAX },
            "Ways to reach somebody.",
        ),
        may("smtp", Kind::Object(&SMTP), "The mail server."),
        may(
            "secrets",
            Kind::Map { key: &Kind::Variable, of: &Kind::OneOf(&PLACE), max: NAMES_MAX },
            "Where secrets come from. Without an entry: the environment variable of the same name.",
        ),
        may(
            "calendars",
            Kind::Map { key: &Kind::Name, of: &Kind::Many { of: &DAYS, max: DAYS_MAX }, max: NAMES_MAX },
            "Named sets of days, for `except` and `only` of schedules: dates, spans, days of every year, weekdays, files.",
        ),
        may("blackouts", BLACKOUTS, "Times in which no schedule starts anything."),
        may("retention", Kind::Object(&super::keep::RETENTION), "How long what is kept."),
    ],
);

const DAYS: Kind = Kind::Either(&[Kind::Days, Kind::Object(&DAYS_FILE)]);

static DAYS_FILE: Shape = Shape::new(
    "days-file",
    "a file of days",
    &[must("file", Kind::Path, "In `calendars/`: iCalendar (`.ics`), or a list of days, one a line (`.txt`).")],
);

static POSTGRES: Shape = Shape {
    private: true,
    ..Shape::new(
        "store-postgres",
        "the store",
        &[must("postgres", Kind::OneOf(&PLACE), "Where the URL of the database comes from.")],
    )
};

static TEAM: Shape = Shape::new(
    "team",
    "a team",
    &[
        must("people", Kind::Many { of: &Kind::Text, max: NAMES_MAX }, "Mail addresses. Two people at least."),
        may("roles", GRANTS, "What each of them is given: names of roles, or roles for some services or tiers alone."),
    ],
);

static ROUTE: Shape = Shape {
    some_of: &["smtp", "webhook", "command"],
    later: &["slack", "pagerduty"],
    ..Shape::new(
        "route",
        "a route",
        &[
            may("smtp", Kind::Many { of: &Kind::Text, max: ADDRESSES_MAX }, "Mail addresses."),
            may("webhook", Kind::Text, "A URL that gets a JSON body by POST."),
            may("secret", Kind::Secret, "Name of the secret that signs the webhook's body."),
            may("command", COMMAND, "Gets plain text on standard input."),
        ],
    )
};

static SMTP: Shape = Shape::new(
    "smtp",
    "the mail server",
    &[
        must("host", Kind::Text, "Name or address."),
        must("from", Kind::Text, "The sender's address."),
        may("port", Kind::Whole { min: 1, max: 65_535 }, "Default 25, 587 or 465, by security."),
        may("security", Kind::Word(&["none", "starttls", "tls"]), "Default starttls."),
        may("user", Kind::Text, "Name to log in with."),
        may("password", Kind::Secret, "Name of a secret, never the password itself."),
        may("ca_file", Kind::Text, "PEM file with further trusted roots, relative to the site's folder."),
    ],
);

/// Where a secret comes from; never the secret itself.
static PLACE: Choice = Choice {
    title: "the place of a secret",
    shapes: &[
        Shape {
            private: true,
            ..Shape::new(
                "place-env",
                "the place of a secret",
                &[must("env", Kind::Variable, "An environment variable of the server.")],
            )
        },
        Shape {
            private: true,
            ..Shape::new(
                "place-file",
                "the place of a secret",
                &[must("file", Kind::Text, "A file; a newline at its end is left out.")],
            )
        },
        Shape {
            private: true,
            ..Shape::new(
                "place-command",
                "the place of a secret",
                &[must("command", COMMAND, "A command that prints it.")],
            )
        },
    ],
};
