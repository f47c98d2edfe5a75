//! All processes as they are known now, worst first: what the overview, the table and their JSON have in common.
//!
//! Orders and counts; this module must not know HTML, and decides nothing about a process.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_model::{
    access::Action,
    schedule::Pause,
    site::{Loaded, Pinned},
    time::At,
    view::{LiveRun, Raised, SignalRow},
};

use crate::{
    app::{App, Fault},
    door::Asker,
    due::Next,
    projection::{Mark, Summary},
    shape::State,
};

/// Open signals that are read.
const SIGNALS_MAX: usize = 200;

/// One process.
pub struct Line {
    pub pinned: Arc<Pinned>,
    pub summary: Arc<Summary>,
    /// The newest run that goes on.
    pub live: Option<LiveRun>,
    /// Open signals about it, newest first.
    pub signals: Vec<SignalRow>,
    pub state: State,
    pub next: Option<Next>,
}

impl Line {
    pub fn name(&self) -> &str {
        &self.pinned.process.name
    }

    /// When it was last verified.
    pub fn proof_at(&self) -> Option<At> {
        self.summary.last_verified.as_ref().map(|mark| mark.ended_at)
    }

    /// The pause that is in force at this moment.
    pub fn paused(&self, now: At) -> Option<&Pause> {
        self.summary.pause.as_ref().filter(|pause| pause.holds(now))
    }

    /// The newest drill, if it went wrong.
    pub fn drill_trouble(&self) -> Option<&Mark> {
        self.summary.drills.front().filter(|mark| mark.state.is_trouble())
    }

    /// Its last run was verified. Something else about it may still need a look.
    pub fn is_verified(&self) -> bool {
        let last = self.summary.runs.front().map(|mark| mark.state);
        matches!(last, Some(State::Verified | State::Healed)) && self.state != State::Unproven
    }

    /// The word beside the shape: a signal says more than "attention".
    pub fn word(&self) -> String {
        match (self.state, self.signals.first()) {
            (State::Warn, Some(signal)) => signal.kind.word().to_owned(),
            (State::Warn, None) => format!("drill {}", self.drill_trouble().map_or("", |mark| mark.state.word())),
            (state, _) => state.word().to_owned(),
        }
    }
}

/// All processes at one moment.
pub struct Board {
    pub now: At,
    /// Journal position that it is true for.
    pub position: u64,
    pub loaded: Arc<Loaded>,
    /// Failing first, then oldest proof, then name.
    pub lines: Vec<Line>,
    /// Open signals, newest first.
    pub signals: Vec<SignalRow>,
}

impl Board {
    /// Reads the board, as far as this one may see it.
    ///
    /// # Errors
    /// [`Fault`] when a port cannot answer.
    pub async fn read(app: &App, asker: &Asker) -> Result<Board, Fault> {
        let position = app.catch_up().await?;
        let now = app.now();
        let loaded = app.web.definitions.current();
        let seen = |name: &str| loaded.processes.get(name).is_some_and(|p| asker.may(Action::See, &p.process));
        let mut signals = app.watch().signals(Raised::Open, SIGNALS_MAX).await?;
        // What is about no process that is loaded is about the site.
        signals.retain(|s| match loaded.processes.contains_key(&s.process) {
            true => seen(&s.process),
            false => asker.may_here(Action::See),
        });
        let mut live: BTreeMap<String, LiveRun> = BTreeMap::new();
        for run in app.web.views.live_runs().await? {
            let newest = live.get(&run.process).is_none_or(|known| known.requested_at < run.requested_at);
            if run.kind == seaworthy_model::run::Kind::Run && newest {
                live.insert(run.process.clone(), run);
            }
        }
        let mut lines = Vec::with_capacity(loaded.processes.len());
        for (name, pinned) in loaded.processes.iter().filter(|(name, _)| seen(name)) {
            let summary = app.projection.summary(&*app.web.views, name).await?;
            let open: Vec<SignalRow> = signals.iter().filter(|signal| signal.process == *name).cloned().collect();
            let live = live.remove(name);
            let state = state(pinned, &summary, live.as_ref(), !open.is_empty());
            let next = app.due.next(pinned, now);
            lines.push(Line { pinned: pinned.clone(), summary, live, signals: open, state, next });
        }
        lines.sort_by(|a, b| {
            let key = |line: &Line| (line.state.rank(), line.proof_at());
            key(a).cmp(&key(b)).then_with(|| a.name().cmp(b.name()))
        });
        Ok(Board { now, position, loaded, lines, signals })
    }

    /// One process by name.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name() == name)
    }
}

/// What a list shows of a process: its last run, unless something about it is worse.
pub fn state(pinned: &Pinned, summary: &Summary, live: Option<&LiveRun>, signalled: bool) -> State {
    let last = summary.runs.front().map(|mark| mark.state);
    match (last, live) {
        (_, Some(run)) if run.troubled => State::Troubled,
        (Some(state), _) if state.is_trouble() => state,
        _ if signalled || summary.drills.front().is_some_and(|mark| mark.state.is_trouble()) => State::Warn,
        (_, _) if pinned.process.verify.is_empty() => State::Unproven,
        (Some(state), _) => state,
        (None, Some(_)) => State::Live,
        (None, None) => State::Never,
    }
}
