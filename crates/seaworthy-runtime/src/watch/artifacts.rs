//! Looks at artifacts beside the watcher's loop: reading a whole artifact may take hours, and a place that hangs may
//! take for ever, while the loop has to go on and to stop at once.
//!
//! This module must not judge what it sees.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
};

use seaworthy_model::{port::Places, run::Artifact, time::Span};
use tokio::{
    sync::Notify,
    task::{Id, JoinSet},
};
use tracing::error;

/// Looks at the same time; more wait. A look that hangs keeps its place: what it holds cannot be taken back.
const LOOKS_MAX: usize = 2;
/// A look that takes longer is said to be one that could not be made. It goes on, and its end counts all the same.
const LOOK_MAX: Span = Span::seconds(6 * 3600);

/// What is known of the artifacts, by process.
pub(super) struct Artifacts {
    places: Arc<dyn Places>,
    /// Told at the end of each look.
    nudge: Arc<Notify>,
    seen: BTreeMap<String, Seen>,
    /// At most one of each process.
    waiting: VecDeque<(String, Artifact)>,
    under_way: BTreeMap<String, UnderWay>,
    looks: JoinSet<Result<Artifact, String>>,
}

struct Seen {
    place: String,
    /// On the clock that never steps.
    at: Span,
    result: Result<Artifact, String>,
}

struct UnderWay {
    look: Id,
    place: String,
    since: Span,
}

impl Artifacts {
    pub fn new(places: Arc<dyn Places>, nudge: Arc<Notify>) -> Self {
        Self {
            places,
            nudge,
            seen: BTreeMap::new(),
            waiting: VecDeque::new(),
            under_way: BTreeMap::new(),
            looks: JoinSet::new(),
        }
    }

    /// Forgets processes that are gone.
    pub fn retain(&mut self, there: impl Fn(&str) -> bool) {
        self.seen.retain(|name, _| there(name));
        self.waiting.retain(|(name, _)| there(name));
    }

    /// Takes in the looks that have ended, and starts those that waited for them. The processes about which
    /// something new is known.
    pub fn collect(&mut self, elapsed: Span) -> Vec<String> {
        let mut news = Vec::new();
        while let Some(ended) = self.looks.try_join_next_with_id() {
            let (look, result) = match ended {
                Ok((look, result)) => (look, result),
                Err(panic) => {
                    error!("an artifact could not be looked at: {panic}");
                    (panic.id(), Err("the look at it broke off; see the log".to_owned()))
                }
            };
            let Some(name) = self.under_way.iter().find(|(_, w)| w.look == look).map(|(name, _)| name.clone()) else {
                continue;
            };
            if let Some(UnderWay { place, .. }) = self.under_way.remove(&name) {
                self.seen.insert(name.clone(), Seen { place, at: elapsed, result });
                news.push(name);
            }
        }
        for (name, look) in &self.under_way {
            let long = elapsed.0.saturating_sub(look.since.0) > LOOK_MAX.0;
            let known = self.seen.get(name).is_some_and(|seen| seen.at > look.since && seen.place == look.place);
            if long && !known {
                let result = Err(format!("it could not be looked at within {LOOK_MAX}"));
                self.seen.insert(name.clone(), Seen { place: look.place.clone(), at: elapsed, result });
                news.push(name.clone());
            }
        }
        self.start(elapsed);
        news
    }

    /// What was seen last of a recorded artifact, and how long it stays new enough; what is older than `every` is
    /// looked at again. `None`: nobody has looked yet, a look is on its way.
    pub fn seen(
        &mut self,
        process: &str,
        recorded: &Artifact,
        every: Span,
        elapsed: Span,
    ) -> (Option<Result<Artifact, String>>, Span) {
        let known = self.seen.get(process).filter(|seen| seen.place == recorded.place);
        let age = known.map(|seen| elapsed.0.saturating_sub(seen.at.0));
        let result = known.map(|seen| seen.result.clone());
        if let Some(age) = age.filter(|age| *age < every.0) {
            return (result, Span(every.0 - age));
        }
        if !self.under_way.contains_key(process) {
            self.waiting.retain(|(name, _)| name != process);
            self.waiting.push_back((process.to_owned(), recorded.clone()));
            self.start(elapsed);
        }
        (result, every)
    }

    fn start(&mut self, elapsed: Span) {
        while self.under_way.len() < LOOKS_MAX {
            let Some((name, recorded)) = self.waiting.pop_front() else { return };
            let (places, nudge, place) = (self.places.clone(), self.nudge.clone(), recorded.place.clone());
            let look = self.looks.spawn(async move {
                let whole = Path::new(&recorded.place);
                let folder = recorded.place.strip_suffix(&recorded.name);
                let folder = folder.map_or(whole, |folder| Path::new(folder.trim_end_matches('/')));
                let result = places.artifact(folder, &recorded.name).await;
                nudge.notify_one();
                result
            });
            self.under_way.insert(name, UnderWay { look: look.id(), place, since: elapsed });
        }
    }
}
