//! What is kept for how long, into the model.
//!
//! This module must not know what is needed in spite of it.

use seaworthy_model::{
    process::{KEEP_DEFAULT, Process},
    retain::{Retention, SiteRetention},
};

use crate::{scalar, shape::process::KEEP_MAX, tree::Node};

use super::{span, text};

/// The number of runs that keep their artifacts, and all else that is said. A plain number says only that.
pub fn keep(document: &Node, process: &mut Process) {
    let Some(node) = document.get("keep") else { return };
    if let Some(number) = node.text().and_then(|text| text.parse().ok()) {
        process.keep = number;
        return;
    }
    let artifacts = text(node, "artifacts");
    process.keep = match artifacts.as_ref().map(|text| text.parse()) {
        Some(Ok(number)) => number,
        // By age: then the number must not get in its way.
        Some(Err(_)) => KEEP_MAX,
        None => KEEP_DEFAULT,
    };
    process.retain = Some(retention(node)).filter(|said| *said != Retention::default());
}

fn retention(node: &Node) -> Retention {
    Retention {
        runs: text(node, "runs").and_then(|n| n.parse().ok()),
        artifacts: span(node, "artifacts"),
        outputs: span(node, "outputs"),
        bodies: span(node, "bodies"),
        snapshots: span(node, "snapshots"),
    }
}

/// What the site says for all.
pub fn site(document: &Node) -> Option<SiteRetention> {
    let node = document.get("retention")?;
    let at_most = text(node, "at_most").and_then(|size| scalar::size(&size).ok());
    Some(SiteRetention { each: retention(node), at_most })
}
