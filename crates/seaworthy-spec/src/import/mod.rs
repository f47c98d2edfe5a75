//! What a team has already (crontabs, timers, exports of other tools) as drafts of process files.
//!
//! It lives in spec, not in the binary: reading foreign text is a decision, and here the compiler and `xtask tidy` keep
//! files, clocks and environments out of it. Texts come in with the names of their files; drafts come out, and a report
//! of every line and field that was not carried over. This module must not know where a text came from nor where a
//! draft goes.

mod command;
mod cronicle;
mod crontab;
mod draft;
mod fields;
mod healthchecks;
mod json;
mod kubernetes;
mod name;
mod rundeck;
mod secret;
mod systemd;
mod uptime_kuma;
mod write;

pub use draft::{Code, Draft, Http, Left, LeftKind, Schedule, Step};
pub use write::yaml;

use crate::{Severity, Source};
use draft::Gathered;

/// Most drafts of one import.
pub const DRAFTS_MAX: usize = 5_000;
/// Most remarks about what was not carried over.
pub const LEFT_MAX: usize = 20_000;
/// Largest text of one source, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the texts cannot say themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The time zone of the host that the texts come from: what its schedules mean without a word about it.
    pub timezone: String,
    /// A crontab whose lines name a user (`/etc/crontab`, `/etc/cron.d`); by file.
    pub names_users: Vec<String>,
}

/// One tool whose files are read.
pub struct Tool {
    /// As it is typed: `crontab`.
    pub name: &'static str,
    /// What the files are, in a sentence.
    pub about: &'static str,
    read: fn(&[Source], &Around, &mut Gathered),
}

/// Every tool. One more is a file of this folder and a line here.
pub static TOOLS: [Tool; 7] = [
    Tool { name: "crontab", about: "crontab(5): `crontab -l`, /etc/crontab, /etc/cron.d", read: crontab::read },
    Tool { name: "systemd", about: "timers with their services", read: systemd::read },
    Tool { name: "kubernetes", about: "manifests of CronJobs", read: kubernetes::read },
    Tool { name: "healthchecks", about: "the checks that its management API lists", read: healthchecks::read },
    Tool { name: "uptime-kuma", about: "the JSON backup of version 1", read: uptime_kuma::read },
    Tool { name: "cronicle", about: "what `control.sh export` writes", read: cronicle::read },
    Tool { name: "rundeck", about: "job definitions as YAML or JSON", read: rundeck::read },
];

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// In the order of the sources. Names are unique.
    pub drafts: Vec<Draft>,
    /// Everything that was not carried over, or was carried over differently, in the order of the sources.
    pub left: Vec<Left>,
}

impl Import {
    /// Whether a source could not be read as what it should be, in whole or in part.
    pub fn is_broken(&self) -> bool {
        self.left.iter().any(|left| left.kind == LeftKind::Broken)
    }
}

/// The tool of this name.
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

impl Tool {
    /// Reads all of it. The same texts give the same drafts with the same names for ever.
    pub fn import(&self, sources: &[Source], around: &Around) -> Import {
        let mut gathered = Gathered::default();
        let mut fitting = Vec::new();
        for source in sources {
            if source.text.len() > TEXT_BYTES_MAX {
                let reason = format!("it has {} bytes; at most {TEXT_BYTES_MAX} are read", source.text.len());
                gathered.broken(Code::TooLarge, &source.file, 1, "this file", reason);
            } else {
                fitting.push(source.clone());
            }
        }
        (self.read)(&fitting, around, &mut gathered);
        loading(gathered.finish())
    }
}

/// Holds that each draft loads: one that our own reader refuses is no draft but a line of the report.
fn loading(import: Import) -> Import {
    let site = Source { file: "seaworthy.yaml".into(), text: "site: import\n".into() };
    let Import { drafts, mut left } = import;
    let mut good = Vec::new();
    for draft in drafts {
        let text = yaml(&draft);
        let read = crate::read(&site, &[Source { file: draft.file.clone(), text }], &|_| true);
        match read.diagnostics.iter().find(|problem| problem.severity == Severity::Error) {
            None => good.push(draft),
            Some(problem) => left.push(Left {
                kind: LeftKind::Broken,
                code: Code::Refused,
                file: draft.file,
                line: draft.line,
                process: None,
                what: format!("process {}", draft.name),
                reason: format!("the file that it would become does not load: {}; {}", problem.message, problem.help),
            }),
        }
    }
    Import { drafts: good, left }
}
