//! What starts a process besides its schedule: `triggers:`; and what they mean over all files.
//!
//! This module must not know how anything is noticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use seaworthy_model::{
    event::SignalKind,
    process::Process,
    time::Span,
    trigger::{Ending, HookStyle, Trigger},
};

use crate::{
    nearest::advice,
    source::{Place, Report},
    tree::Node,
};

use super::{span, text, texts};

/// A file counts as settled after this long, unless its trigger says otherwise.
const SETTLED: Span = Span::seconds(10);

/// Signals by the word that files use.
const SIGNALS: [(&str, SignalKind); 7] = [
    ("missed", SignalKind::Missed),
    ("late", SignalKind::Late),
    ("long", SignalKind::Long),
    ("drill-overdue", SignalKind::DrillOverdue),
    ("artifact-gone", SignalKind::ArtifactGone),
    ("node-silent", SignalKind::NodeSilent),
    ("paused-long", SignalKind::PausedLong),
];

const ENDINGS: [(&str, Ending); 6] = [
    ("verified", Ending::Verified),
    ("unverified", Ending::Unverified),
    ("failed", Ending::Failed),
    ("unknown", Ending::Unknown),
    ("unproven", Ending::Unproven),
    ("ended", Ending::Ended),
];

fn words<T: Copy>(node: &Node, key: &str, known: &[(&str, T)]) -> Vec<T> {
    let find = |word: String| known.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    texts(node, key).into_iter().filter_map(find).collect()
}

/// The triggers of a document.
pub fn triggers(document: &Node, report: &mut Report<'_>) -> Vec<Trigger> {
    let items = document.get("triggers").map(Node::items).unwrap_or_default();
    let triggers: Vec<(&Node, Trigger)> =
        items.iter().filter_map(|item| Some((item, trigger(item, report)?))).collect();
    let mut paths: Vec<PathBuf> = Vec::new();
    for (item, trigger) in &triggers {
        let Trigger::File { path, .. } = trigger else { continue };
        // `./in/*` and `in/*` are one.
        let plain: PathBuf = Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
        if paths.contains(&plain) {
            let place = item.get("file").map_or(item.place, |file| file.place);
            let message = format!("the process waits for `{}` already", plain.display());
            report.error("duplicate-name", place, message, "keep one of them");
        }
        paths.push(plain);
    }
    triggers.into_iter().map(|(_, trigger)| trigger).collect()
}

fn trigger(node: &Node, report: &mut Report<'_>) -> Option<Trigger> {
    if let Some(name) = text(node, "webhook") {
        let style =
            if text(node, "style").as_deref() == Some("github") { HookStyle::Github } else { HookStyle::Seaworthy };
        return Some(Trigger::Webhook { name, secret: text(node, "secret")?, style });
    }
    if let Some(name) = text(node, "process") {
        let when = words(node, "when", &ENDINGS);
        return Some(Trigger::Process { name, when: if when.is_empty() { vec![Ending::Verified] } else { when } });
    }
    if node.get("signal").is_some() {
        return Some(Trigger::Signal { kinds: words(node, "signal", &SIGNALS), of: text(node, "of") });
    }
    let path = text(node, "file")?;
    let (folder, _) = path.rsplit_once('/').unwrap_or(("", &path));
    if folder.contains(['*', '?']) || path.ends_with('/') || path.split('/').any(|part| part == "..") {
        let place = node.get("file").map_or(node.place, |file| file.place);
        let help = "write a folder, then a name that may hold `*` and `?`, such as `inbox/*.csv`";
        report.error("bad-path", place, "this is not a path of files to wait for", help);
    }
    Some(Trigger::File { path, settled: span(node, "settled").unwrap_or(SETTLED) })
}

/// What is wrong with a trigger or a step in view of all files.
pub struct Misfit {
    /// Of the process whose file is to blame.
    pub process: String,
    /// The list that it stands in, and its index there.
    pub list: &'static str,
    pub index: usize,
    /// What of it is wrong.
    pub spot: Spot,
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

/// A place below an item of a list: keys, from the outside to the inside.
#[derive(Debug, Clone)]
pub enum Spot {
    /// The last key itself.
    Key(Vec<String>),
    /// What stands behind it.
    Value(Vec<String>),
}

impl Spot {
    pub fn value(key: &str) -> Spot {
        Spot::Value(vec![key.to_owned()])
    }

    /// Where it stands; the item's own place if it is not there.
    pub fn place(&self, item: &Node) -> Place {
        let (Spot::Key(keys) | Spot::Value(keys)) = self;
        let Some((last, above)) = keys.split_last() else { return item.place };
        let owner = above.iter().try_fold(item, |node, key| node.get(key));
        owner.map_or(item.place, |owner| match self {
            Spot::Key(_) => owner.key_place(last),
            Spot::Value(_) => owner.get(last).map_or(item.place, |value| value.place),
        })
    }
}

/// Triggers that name a process that is not there, calls of one name twice, and processes that start each other in a
/// circle. `known` are all names, those of broken files too.
pub fn misfits(processes: &[(String, Process)], known: &BTreeSet<String>) -> Vec<Misfit> {
    let mut out = Vec::new();
    let mut hooks: BTreeMap<&str, &str> = BTreeMap::new();
    // Whoever runs another by a step makes it end, too.
    let mut starts = super::callee::calls(processes);
    for (_, process) in processes {
        for (index, trigger) in process.triggers.iter().enumerate() {
            let mut misfit = |key, code, message: String, help: String| {
                let (process, spot) = (process.name.clone(), Spot::value(key));
                out.push(Misfit { process, list: "triggers", index, spot, code, message, help });
            };
            match trigger {
                Trigger::Process { name, .. } | Trigger::Signal { of: Some(name), .. } if !known.contains(name) => {
                    let names: Vec<&str> = known.iter().map(String::as_str).collect();
                    let key = if matches!(trigger, Trigger::Process { .. }) { "process" } else { "of" };
                    misfit(key, "unknown-process", format!("there is no process `{name}`"), advice(name, &names));
                }
                Trigger::Process { name, .. } => {
                    // A path back from here to what starts it is a circle.
                    if let Some(path) = way(&starts, &process.name, name) {
                        let message = format!("these processes start each other for ever: {}", path.join(" -> "));
                        misfit("process", "trigger-cycle", message, "take one of the triggers out".into());
                    } else {
                        starts.entry(name).or_default().push(&process.name);
                    }
                }
                Trigger::Webhook { name, .. } => {
                    if let Some(other) = hooks.insert(name, &process.name) {
                        let message = format!("`{other}` has a webhook `{name}` already");
                        misfit("webhook", "duplicate-name", message, "name this one differently".into());
                    }
                }
                Trigger::Signal { .. } | Trigger::File { .. } => {}
            }
        }
    }
    out
}

/// The processes from `from` to `to`, each started by the one before, and back to `from`.
pub(super) fn way<'p>(starts: &BTreeMap<&'p str, Vec<&'p str>>, from: &'p str, to: &'p str) -> Option<Vec<&'p str>> {
    let mut came: BTreeMap<&str, Option<&str>> = BTreeMap::from([(from, None)]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == to {
            let mut path: Vec<&str> = std::iter::successors(Some(at), |at| came[at]).collect();
            path.reverse();
            path.push(from);
            return Some(path);
        }
        for &one in starts.get(at).into_iter().flatten() {
            if !came.contains_key(one) {
                came.insert(one, Some(at));
                next.push(one);
            }
        }
    }
    None
}
