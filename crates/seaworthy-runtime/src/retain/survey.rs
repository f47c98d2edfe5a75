//! What would go now and why the rest stays, without changing anything.
//!
//! This module must not remove anything.

use std::collections::BTreeMap;

use seaworthy_core::retain::{What, Why, stays};
use seaworthy_model::{
    id::RunId,
    port::{Journal, Views},
    retain::Room,
    site::Loaded,
    time::At,
};

use super::{Kept, bodies, need, policy, text};

/// Rows read at one time.
const PIECE: usize = 1_000;

/// Of one part of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Runs of which it would go, and the bytes where they are on disk.
    pub runs: u64,
    pub bytes: u64,
    /// Of which it went already.
    pub gone: u64,
    /// Why it stays, and of how many runs.
    pub stays: BTreeMap<Why, u64>,
}

/// Of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surveyed {
    pub process: String,
    pub ended: u64,
    pub parts: BTreeMap<What, Part>,
}

/// Of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub processes: Vec<Surveyed>,
    pub artifacts: u64,
    pub outputs: u64,
    pub journal: Room,
    pub at_most: Option<u64>,
}

/// What the tombstones speak of, while rows go by from the oldest on.
struct Past {
    cursor: bodies::Cursor,
    reached: [bool; 2],
}

impl Past {
    fn of(cursor: bodies::Cursor) -> Past {
        let reached = [0, 1].map(|n: usize| cursor[n].through.is_none());
        Past { cursor, reached }
    }

    /// Whether this part of the run went already.
    fn holds(&mut self, what: What, run: RunId) -> bool {
        let Some(n) = bodies::PARTS.iter().position(|part| *part == what) else { return false };
        if self.reached[n] {
            return false;
        }
        let mark = &self.cursor[n];
        self.reached[n] = mark.through == Some(run);
        !mark.left.contains(&run)
    }
}

/// Reads everything once.
///
/// # Errors
/// A sentence.
pub async fn survey(
    (journal, views, signals): (&dyn Journal, &dyn Views, Option<&dyn Views>),
    kept: &Kept,
    loaded: &Loaded,
    now: At,
) -> Result<Survey, String> {
    let open = need::open(views, signals).await.map_err(|e| text(&e))?;
    let mut weights = BTreeMap::new();
    for run in kept.leftovers.kept().await.map_err(|e| format!("the runs on disk cannot be listed ({e})"))? {
        weights.insert(run, kept.leftovers.weigh(run).await.map_err(|e| format!("{run} cannot be weighed ({e})"))?);
    }
    let mut out = Survey {
        artifacts: weights.values().map(|w| w.artifacts).sum(),
        outputs: weights.values().map(|w| w.outputs).sum(),
        journal: kept.archive.give_back().await.map_err(|e| text(&e))?,
        at_most: loaded.site.retention.and_then(|site| site.at_most),
        processes: Vec::new(),
    };
    for name in loaded.processes.keys() {
        let policy = policy(loaded, name);
        let needs = need::of(journal, views, name, policy.whole, &open).await.map_err(|e| text(&e))?;
        let mut one = Surveyed { process: name.clone(), ..Surveyed::default() };
        let mut after = 0;
        let mut past = Past::of(bodies::remembered(journal, name).await.map_err(|e| text(&e))?);
        loop {
            let rows = kept.archive.ended_after(name, after, PIECE).await.map_err(|e| text(&e))?;
            let Some((place, _)) = rows.last() else { break };
            after = *place;
            for (_, row) in &rows {
                one.ended += 1;
                let weight = weights.get(&row.run).copied().unwrap_or_default();
                for what in What::ALL {
                    let bytes = match what {
                        What::Artifacts => weight.artifacts,
                        What::Outputs => weight.outputs,
                        _ => 0,
                    };
                    // What is not there neither goes nor stays.
                    if bytes == 0 && matches!(what, What::Artifacts | What::Outputs) {
                        continue;
                    }
                    let part = one.parts.entry(what).or_default();
                    if past.holds(what, row.run) {
                        part.gone += 1;
                        continue;
                    }
                    match stays(what, row, &needs, &policy, now) {
                        Some(why) => *part.stays.entry(why).or_default() += 1,
                        None => {
                            part.runs += 1;
                            part.bytes += bytes;
                        }
                    }
                }
            }
        }
        out.processes.push(one);
    }
    Ok(out)
}
