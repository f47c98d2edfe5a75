//! The ladder, the watch and the telling.
//!
//! This module must not know how a route reaches anybody.

use seaworthy_model::{
    process::{Backoff, Occasion, Rung, Tell, Watch},
    time::Span,
};

use crate::{diagnostic::quoted, scalar, shape::process::RETRIES_MAX, source::Report, tree::Node};

use super::{Around, command, command_lint, span, texts};

/// Waits of a `retry` that says none.
pub const BACKOFF: Backoff = Backoff { shortest: Span::seconds(1), longest: Span::seconds(60) };

/// The rungs under `heal`.
pub fn heal(process: &Node, around: &Around<'_>, report: &mut Report<'_>) -> Vec<Rung> {
    let items = process.get("heal").map(Node::items).unwrap_or_default();
    if let Some(at) = items.iter().position(|item| item.get("tell").is_some())
        && at + 1 < items.len()
    {
        let help = "put `tell` last";
        report.finding(
            "tell-not-last",
            items[at].key_place("tell"),
            "a ladder ends at a person, but rungs follow",
            help,
        );
    }
    items.iter().filter_map(|item| rung(item, around, report)).collect()
}

fn rung(item: &Node, around: &Around<'_>, report: &mut Report<'_>) -> Option<Rung> {
    if let Some(retry) = item.get("retry") {
        let times = retry.get("times").and_then(Node::text)?;
        let backoff = retry.get("backoff").and_then(Node::text).and_then(|text| scalar::backoff(text).ok());
        let times = scalar::whole(times, 1, RETRIES_MAX).ok()?;
        return Some(Rung::Retry { times, backoff: backoff.unwrap_or(BACKOFF) });
    }
    if let Some(command) = command(item, "run") {
        command_lint(item, "run", report);
        return Some(Rung::Run { command, timeout: span(item, "timeout") });
    }
    Some(Rung::Tell { route: around.route(item.get("tell")?, report)? })
}

/// What `watch` says.
pub fn watch(process: &Node) -> Option<Watch> {
    let node = process.get("watch")?;
    Some(Watch { start_within: span(node, "start_within"), finish_within: span(node, "finish_within") })
}

/// What is worth a message if `tell` does not say.
pub const OCCASIONS: [Occasion; 4] = [Occasion::Failed, Occasion::Missed, Occasion::Unverified, Occasion::Unknown];

/// What `tell` says.
pub fn tell(process: &Node, around: &Around<'_>, report: &mut Report<'_>) -> Option<Tell> {
    let node = process.get("tell")?;
    let mut when = Vec::new();
    for word in texts(node, "when") {
        let Some(occasion) = occasion(&word) else { continue };
        if when.contains(&occasion) {
            report.warning(
                "duplicate-word",
                node.key_place("when"),
                format!("{} is named twice", quoted(&word)),
                "keep one",
            );
        } else {
            when.push(occasion);
        }
    }
    if when.is_empty() {
        when = OCCASIONS.to_vec();
    }
    let route = node.get("route").and_then(|route| around.route(route, report));
    let procedure = node.get("procedure").and_then(|file| around.file(file, report));
    Some(Tell { when, route: route?, procedure })
}

fn occasion(word: &str) -> Option<Occasion> {
    Some(match word {
        "failed" => Occasion::Failed,
        "unverified" => Occasion::Unverified,
        "unknown" => Occasion::Unknown,
        "missed" => Occasion::Missed,
        "late" => Occasion::Late,
        "long" => Occasion::Long,
        "healed" => Occasion::Healed,
        _ => return None,
    })
}
