//! `journal` and `audit verify`: read the history, and verify the whole life of it.
//!
//! Verifying writes nothing.

use std::path::Path;

use seaworthy_core::audit::{Problem, Report, Walk};
use seaworthy_model::{
    checkpoint::key_hash,
    entry::{Entry, Stream},
    port::{Journal, Signer as _, Views},
    time::{At, Span},
};
use serde_json::json;

use super::{Ask, rows::Rows, site};
use crate::{
    out::Tone,
    real::{KeyFile, signed_by},
    trouble::{Trouble, code},
};

/// Entries read at one time.
const PIECE: usize = 1_000;
/// Time that entries may be older than the newest one and still be without a checkpoint.
const UNSEALED_MAX: Span = Span::seconds(600);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: Option<What>,
    /// Only this stream, such as process/backup-orders or run/run_…
    #[arg(long)]
    pub stream: Option<String>,
    /// At most this many entries, the newest ones
    #[arg(long, default_value_t = 50)]
    pub limit: u64,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Verify every entry, the hash tree and all checkpoints
    Verify,
}

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    pub what: What,
}

/// Carries out `journal`.
pub async fn run(ask: &Ask, args: Args) -> Result<u8, Trouble> {
    if matches!(args.what, Some(What::Verify)) {
        return verify(ask).await;
    }
    let site = site::open(ask)?;
    let entries = match &args.stream {
        Some(name) => {
            let stream: Stream = name.parse().map_err(Trouble::start)?;
            let all = site.journal.stream(&stream, 0).await?;
            all[all.len().saturating_sub(args.limit as usize)..].to_vec()
        }
        None => {
            let size = site.journal.frontier().await?.size;
            let mut out = Vec::new();
            let mut at = size.saturating_sub(args.limit);
            while at < size {
                let piece = site.journal.from(at, PIECE).await?;
                if piece.is_empty() {
                    break;
                }
                at += piece.len() as u64;
                out.extend(piece);
            }
            out
        }
    };
    for entry in &entries {
        let body = entry.body.as_deref().unwrap_or("(dropped by retention)");
        let short: String = body.chars().take(120).collect();
        ask.out.line(&format!(
            "{:>8}  {}  {:20} {:40} {}",
            entry.position,
            site::time(entry.header.at),
            entry.header.kind,
            entry.header.stream,
            short
        ));
    }
    let list: Vec<_> = entries.iter().map(object).collect();
    ask.out.object(&json!({ "v": 1, "entries": list }));
    Ok(code::VERIFIED)
}

fn object(entry: &Entry) -> serde_json::Value {
    let h = &entry.header;
    let body: Option<serde_json::Value> = entry.body.as_deref().and_then(|b| serde_json::from_str(b).ok());
    json!({
        "position": entry.position, "id": h.id, "stream": h.stream.as_str(), "version": h.version, "type": h.kind, "type_v": h.v,
        "at_ns": h.at.0, "at": site::time(h.at), "node": h.node, "epoch": h.epoch, "actor": h.actor, "via": h.via.word(),
        "body_sha256": h.body_digest.to_string(), "leaf": h.leaf().to_string(), "body": body,
    })
}

/// Carries out `audit verify`.
pub async fn audit(ask: &Ask, args: AuditArgs) -> Result<u8, Trouble> {
    match args.what {
        What::Verify => verify(ask).await,
    }
}

async fn verify(ask: &Ask) -> Result<u8, Trouble> {
    let site = site::open(ask)?;
    let key = KeyFile::read(&site.place.data.join("checkpoint.key"))?;
    let report = walk(site.journal.as_ref(), site.views.as_ref(), &key.key()).await?;
    conclude(ask, &site.place.data, &report);
    Ok(if report.ok() { code::VERIFIED } else { code::FAILED })
}

/// Walks a whole journal. Memory is bounded; time grows with the history.
///
/// # Errors
/// When the journal cannot be read. What is wrong with it is in the report.
pub async fn walk(journal: &dyn Journal, views: &dyn Views, key: &[u8; 32]) -> Result<Report, Trouble> {
    let frontier = journal.frontier().await?;
    let mut notes = Vec::new();
    loop {
        let from = notes.last().map_or(0, |note: &String| size_of(note) + 1);
        let piece = journal.checkpoints(from, PIECE).await?;
        if piece.is_empty() {
            break;
        }
        notes.extend(piece);
    }
    let origin = notes.first().and_then(|note| note.lines().next()).unwrap_or_default().to_owned();
    let check = |body: &[u8], signature: &[u8; 64], hash: &[u8; 4]| {
        key_hash(&origin, key) == *hash && signed_by(key, body, signature)
    };
    let sealed = notes.last().map_or(0, |note| size_of(note));
    let mut walk = Walk::new(notes, &check);
    let mut rows = Rows::new(views);
    let mut unsealed: Option<(u64, At, At)> = None;
    let mut at = 0;
    while at < frontier.size {
        let piece = journal.from(at, PIECE).await?;
        if piece.is_empty() {
            break;
        }
        for entry in piece.iter().filter(|e| e.position < frontier.size) {
            walk.entry(entry);
            rows.entry(entry).await?;
            if entry.position >= sealed {
                let (first, oldest, _) = unsealed.unwrap_or((entry.position, entry.header.at, entry.header.at));
                unsealed = Some((first, oldest, entry.header.at));
            }
        }
        at += piece.len() as u64;
    }
    let mut report = walk.finish(&frontier);
    report.problems.extend(rows.finish(journal).await?);
    report.problems.extend(unsealed.and_then(left_unsealed));
    Ok(report)
}

/// Every verb that writes seals before it ends, and a server seals every minute: entries that stayed without a
/// checkpoint while the history went on had one that was removed.
fn left_unsealed((first, oldest, newest): (u64, At, At)) -> Option<Problem> {
    let span = newest.since(oldest);
    (span > UNSEALED_MAX).then(|| Problem {
        position: Some(first),
        what: format!("no checkpoint covers this entry and those after it, although the history goes on for {span}: checkpoints were removed"),
    })
}

fn size_of(note: &str) -> u64 {
    note.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(u64::MAX - 1)
}

fn conclude(ask: &Ask, data: &Path, report: &Report) {
    let head = if report.ok() {
        ask.out.paint(Tone::Good, "history intact")
    } else {
        ask.out.paint(Tone::Bad, "HISTORY DAMAGED")
    };
    ask.out.line(&format!(
        "{head}: {} entries, {} of them sealed by {} checkpoints, root {}, {} bodies dropped by retention ({})",
        report.entries,
        report.sealed,
        report.checkpoints,
        &report.root.to_string()[..16],
        report.bodies_dropped,
        data.display()
    ));
    for problem in &report.problems {
        let at = problem.position.map_or(String::new(), |p| format!("entry {p}: "));
        ask.out.line(&format!("  {at}{}", problem.what));
    }
    if report.truncated > 0 {
        ask.out.line(&format!("  and {} more", report.truncated));
    }
    let first =
        report.problems.first().map(|p| p.position.map_or(p.what.clone(), |at| format!("entry {at}: {}", p.what)));
    ask.out.object(&json!({ "v": 1, "entries": report.entries, "ok": report.ok(), "first_problem": first, "checkpoints": report.checkpoints, "sealed": report.sealed, "bodies_dropped": report.bodies_dropped, "root": report.root.to_string() }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_went_on_without_checkpoints_is_complained_about() {
        let begin = At(1_000_000_000);
        assert!(left_unsealed((4, begin, begin + Span::seconds(300))).is_none());
        let problem = left_unsealed((4, begin, begin + Span::seconds(3600)));
        assert!(problem.is_some_and(|p| p.position == Some(4) && p.what.contains("checkpoints were removed")));
    }
}
