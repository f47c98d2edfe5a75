//! What pages read against what was recorded: a row that says something else than its entries is found out.
//!
//! The rows of ended runs and of people are copies for quick reading. The tree covers the entries, so whoever edits
//! a row is caught here. This module must not repair anything.

use std::collections::BTreeMap;

use seaworthy_core::audit::Problem;
use seaworthy_model::{
    entry::Entry,
    event::Event,
    id::{ActorId, RunId},
    port::{Journal, Views},
    process::hex,
    view::RunQuery,
};
use sha2::{Digest as _, Sha256};

use crate::trouble::Trouble;

/// Problems that are listed; more are as good as one.
const LISTED_MAX: usize = 20;

/// Suspects that are remembered; of more the first are told at once.
const SUSPECTS_MAX: usize = 100_000;

/// Compares while the entries go by.
pub struct Rows<'a> {
    views: &'a dyn Views,
    ended: u64,
    /// The newest run whose row is as its end on record.
    newest: Option<RunId>,
    /// Rows that are not as an end on record, unless a later entry explains it.
    suspect: BTreeMap<RunId, (u64, String)>,
    named: BTreeMap<ActorId, (u64, String)>,
    problems: Vec<Problem>,
}

impl<'a> Rows<'a> {
    pub fn new(views: &'a dyn Views) -> Self {
        Self { views, ended: 0, newest: None, suspect: BTreeMap::new(), named: BTreeMap::new(), problems: Vec::new() }
    }

    /// Takes in one entry.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn entry(&mut self, entry: &Entry) -> Result<(), Trouble> {
        match entry.event() {
            Ok(Some(Event::RunEnded { executed, verified, reason, .. })) => {
                let Some(run) =
                    entry.header.stream.as_str().strip_prefix("run/").and_then(|id| id.parse::<RunId>().ok())
                else {
                    return Ok(());
                };
                self.ended += 1;
                let row = self.views.ended_run(run).await?;
                let said = row.as_ref().map(|r| (r.executed, r.verified, r.reason.as_str(), r.ended_at));
                if said != Some((executed, verified, reason.as_str(), entry.header.at)) {
                    let shown = row.map_or("nothing".to_owned(), |r| {
                        format!("executed {}, verified {}", r.executed.word(), r.verified.word())
                    });
                    let recorded = format!("executed {}, verified {}", executed.word(), verified.word());
                    let what = format!("{run} ended {recorded}, but its row says {shown}");
                    if self.suspect.len() < SUSPECTS_MAX {
                        self.suspect.insert(run, (entry.position, what));
                    } else {
                        self.wrong(entry.position, what);
                    }
                } else {
                    self.order(run, entry.position).await?;
                }
            }
            // It goes on: its row is that of its next end.
            Ok(Some(Event::RunResumed { .. })) => {
                self.ended = self.ended.saturating_sub(1);
                let run = entry.header.stream.as_str().strip_prefix("run/").and_then(|id| id.parse().ok());
                run.map(|run: RunId| self.suspect.remove(&run));
            }
            Ok(Some(Event::ActorNamed { actor, digest })) => {
                self.named.insert(actor, (entry.position, digest));
            }
            _ => {}
        }
        Ok(())
    }

    /// Rows follow each other as the ends do: which is the newest is as much a claim as its verdict.
    async fn order(&mut self, run: RunId, position: u64) -> Result<(), Trouble> {
        let query = RunQuery { before: Some(run), limit: 1, ..RunQuery::default() };
        let before = self.views.ended_runs(query).await?.first().map(|row| row.run);
        if before != self.newest && before.is_none_or(|before| !self.suspect.contains_key(&before)) {
            let name = |run: Option<RunId>| run.map_or_else(|| "nothing".to_owned(), |run| run.to_string());
            let (recorded, shown) = (name(self.newest), name(before));
            self.wrong(position, format!("{run} ended after {recorded}, but its row is placed after {shown}"));
        }
        self.newest = Some(run);
        Ok(())
    }

    /// What was found, after the last entry.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn finish(mut self, journal: &dyn Journal) -> Result<Vec<Problem>, Trouble> {
        for (position, what) in std::mem::take(&mut self.suspect).into_values() {
            self.wrong(position, what);
        }
        let rows = self.views.ended_count().await?;
        if rows != self.ended {
            let what = format!("{} runs have ended, but there are {rows} rows of ended runs", self.ended);
            self.problems.push(Problem { position: None, what });
        }
        for (actor, (position, digest)) in std::mem::take(&mut self.named) {
            let Some((name, salt)) = journal.person(actor).await? else { continue };
            let found = hex(&Sha256::new().chain_update(&salt).chain_update(b"\n").chain_update(&name).finalize());
            if found != digest {
                self.wrong(position, format!("the name kept for {actor} is not the one that was recorded"));
            }
        }
        Ok(self.problems)
    }

    fn wrong(&mut self, position: u64, what: String) {
        if self.problems.len() < LISTED_MAX {
            self.problems.push(Problem { position: Some(position), what });
        }
    }
}
