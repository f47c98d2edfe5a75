//! What the journal says, read through the binary: the independent side of every comparison.
//!
//! Must not know what a test expects.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::kit::{Output, Site, finish, until};

/// More entries than any test writes.
const ALL: &str = "10000000";

/// Verbs of a site from another thread.
pub struct Client {
    folder: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Client {
    /// With the site's folder and environment of now.
    pub fn of(site: &Site) -> Client {
        let command = site.command(&[]);
        let env = command.get_envs().filter_map(|(name, value)| Some((name.into(), value?.into()))).collect();
        Client { folder: site.folder.clone(), env }
    }

    /// A verb for machines.
    pub fn json(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.args(args).arg("--json").current_dir(&self.folder).env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command)
    }
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Fact {
    pub kind: String,
    pub stream: String,
    pub at: i64,
    pub body: Value,
}

impl Fact {
    /// A text of the body; empty if it is none.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// A whole number of the body.
    pub fn number(&self, name: &str) -> i64 {
        self.body[name].as_i64().unwrap_or_else(|| panic!("no number `{name}` in {self:?}"))
    }
}

/// All entries of the site, oldest first.
pub fn history(site: &Site) -> Vec<Fact> {
    facts(site, &["journal", "--limit", ALL])
}

/// All entries of the watcher's own journal.
pub fn watched(site: &Site) -> Vec<Fact> {
    let data = site.data().join("watcher");
    if !data.join("journal.db").is_file() {
        return vec![];
    }
    facts(site, &["journal", "--limit", ALL, "--data", &shown(&data)])
}

/// All entries of one stream.
pub fn stream(site: &Site, name: &str) -> Vec<Fact> {
    facts(site, &["journal", "--limit", ALL, "--stream", name])
}

fn facts(site: &Site, args: &[&str]) -> Vec<Fact> {
    let said = site.json(args);
    let entries = said.json["entries"].as_array().unwrap_or_else(|| panic!("{args:?}: {said:?}"));
    let fact = |entry: &Value| Fact {
        kind: entry["type"].as_str().unwrap_or_default().to_owned(),
        stream: entry["stream"].as_str().unwrap_or_default().to_owned(),
        at: entry["at_ns"].as_i64().unwrap_or_default(),
        body: entry["body"].clone(),
    };
    entries.iter().map(fact).collect()
}

/// Entries of one type.
pub fn of<'f>(facts: &'f [Fact], kind: &str) -> Vec<&'f Fact> {
    facts.iter().filter(|fact| fact.kind == kind).collect()
}

/// Entries by their stream.
pub fn by_stream<'f>(facts: &'f [Fact], kind: &str) -> BTreeMap<&'f str, Vec<&'f Fact>> {
    let mut out: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    for fact in of(facts, kind) {
        out.entry(&fact.stream).or_default().push(fact);
    }
    out
}

/// Waits until a stream holds an entry of this type, and returns the first.
pub fn wait_for(site: &Site, name: &str, kind: &str) -> Fact {
    until(&format!("{kind} in {name}"), || stream(site, name).into_iter().find(|fact| fact.kind == kind))
}

/// Waits until the watcher has recorded this, and returns it.
pub fn wait_watched(site: &Site, what: &str, wanted: impl Fn(&Fact) -> bool) -> Fact {
    until(what, || watched(site).into_iter().find(|fact| wanted(fact)))
}

/// The history is intact, by `audit verify`.
pub fn intact(site: &Site) {
    let said = site.json(&["audit", "verify"]);
    assert_eq!((said.code, &said.json["ok"]), (0, &Value::Bool(true)), "{said:?}");
}

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("the clock is after 1970");
    i64::try_from(since.as_nanos()).expect("the clock is before 2262")
}

/// A path as an argument.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Says that a part is missing.
pub fn skipped(name: &str, reason: &str) {
    println!("SKIPPED: {name}: {reason}");
}
