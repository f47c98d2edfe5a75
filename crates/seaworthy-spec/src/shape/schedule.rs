//! The table of a schedule.
//!
//! This module must not know how a file is read nor what is built from it.

use super::{
    BLACKOUTS, Choice, Field, Kind, Shape, may, must,
    process::{CALENDARS_MAX, EXPRESSIONS_MAX, QUEUE_MAX},
};

const TIMEZONE: Field = may("timezone", Kind::Zone, "Name of the time zone, such as Europe/Berlin. Default UTC.");
const JITTER: Field = may(
    "jitter",
    Kind::Span,
    "Every occurrence is due later by a part of this that stays the same for the process. At most a day.",
);
const EXCEPT: Field = may(
    "except",
    Kind::Many { of: &Kind::Name, max: CALENDARS_MAX },
    "Calendars of the site file; on their days it does not run.",
);
const ONLY: Field = may(
    "only",
    Kind::Many { of: &Kind::Name, max: CALENDARS_MAX },
    "Calendars of the site file; it runs on days of one of them and on no other.",
);
const BLACKOUTS_OF: Field = may("blackouts", BLACKOUTS, "Times in which it does not run.");
const MISSED: Field = may(
    "missed",
    Kind::Word(&["skip", "latest", "all"]),
    "What happens to occurrences that were due while nobody was there. Default latest.",
);
const WITHIN: Field =
    may("within", Kind::Span, "How old a missed occurrence may be and still run. Without it nothing expires.");
const POLICY: Kind = Kind::Either(&[Kind::Overlap, Kind::Object(&QUEUE)]);
const OVERLAP: Field =
    may("overlap", POLICY, "When it is due while a run is live: forbid (default), queue(N), replace or allow.");

static QUEUE: Shape = Shape::new(
    "queue",
    "a queue",
    &[must("queue", Kind::Whole { min: 1, max: QUEUE_MAX }, "At most this many runs wait.")],
);

pub static SCHEDULE: Choice = Choice {
    title: "a schedule",
    shapes: &[
        Shape::new(
            "schedule-cron",
            "a schedule by cron",
            &[
                must(
                    "cron",
                    Kind::Many { of: &Kind::Cron, max: EXPRESSIONS_MAX },
                    "Minute, hour, day of month, month, day of week, as in crontab(5); or a list of such. A `~` is any value, the same for the process for ever.",
                ),
                TIMEZONE,
                JITTER,
                EXCEPT,
                ONLY,
                BLACKOUTS_OF,
                MISSED,
                WITHIN,
                OVERLAP,
            ],
        ),
        Shape::new(
            "schedule-calendar",
            "a schedule by calendar",
            &[
                must(
                    "calendar",
                    Kind::Many { of: &Kind::Calendar, max: EXPRESSIONS_MAX },
                    "Weekdays, date and time as in systemd.time(7), such as `Mon..Fri 02:30`; or a list of such.",
                ),
                TIMEZONE,
                JITTER,
                EXCEPT,
                ONLY,
                BLACKOUTS_OF,
                MISSED,
                WITHIN,
                OVERLAP,
            ],
        ),
        Shape::new(
            "schedule-every",
            "a schedule by interval",
            &[
                must("every", Kind::Span, "The interval, counted from the anchor, not from the last run."),
                may("anchor", Kind::Instant, "An instant that the interval is counted from. Default 1970-01-01."),
                TIMEZONE,
                JITTER,
                EXCEPT,
                ONLY,
                BLACKOUTS_OF,
                MISSED,
                WITHIN,
                OVERLAP,
            ],
        ),
    ],
};
