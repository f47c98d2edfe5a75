//! The loops of a server: each has a name, and one that ends before it was asked to is noticed.
//!
//! This module must not know what they do.

use std::{future::Future, time::Duration};

use seaworthy_runtime::Stop;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::timeout,
};

/// Tasks that live as long as their server.
pub struct Loops {
    stop: Stop,
    tasks: JoinSet<()>,
    names: Vec<(Id, &'static str)>,
}

impl Loops {
    /// `stop` is what asks them to end.
    pub fn new(stop: Stop) -> Self {
        Loops { stop, tasks: JoinSet::new(), names: Vec::new() }
    }

    /// Keeps one going.
    pub fn keep(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(work).id();
        self.names.push((id, name));
    }

    /// Returns when one has ended although nobody asked it to: a sentence. Nothing is lost by not waiting for it.
    pub async fn broken(&mut self) -> String {
        loop {
            let Some(ended) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
            if !self.stop.is_asked() {
                return self.sentence(ended);
            }
        }
    }

    fn sentence(&self, ended: Result<(Id, ()), JoinError>) -> String {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let name = self.names.iter().find(|(known, _)| *known == id).map_or("?", |(_, name)| name);
        let how = match ended {
            Err(trouble) if trouble.is_panic() => "panicked, which is a fault in the program",
            _ => "ended although nobody asked it to",
        };
        format!(
            "the {name} loop {how}; start the server again: what is under way goes on, its commands with the keeper"
        )
    }

    /// Waits until all have ended, at most so long, then cuts the others off: how many.
    pub async fn end(mut self, within: Duration) -> usize {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let late = timeout(within, ended).await.is_err();
        let left = self.tasks.len();
        self.tasks.abort_all();
        if late { left } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_panics_or_ends_is_told_by_its_name_and_one_that_was_asked_to_end_is_not() {
        let stop = Stop::default();
        let mut loops = Loops::new(stop.clone());
        let asked = stop.clone();
        loops.keep("patient", async move { asked.asked().await });
        loops.keep("trigger", async { panic!("planted by the test") });
        let said = loops.broken().await;
        assert!(said.starts_with("the trigger loop panicked"), "{said}");
        loops.keep("drill", async {});
        let said = loops.broken().await;
        assert!(said.starts_with("the drill loop ended although nobody asked it to"), "{said}");
        stop.now();
        tokio::select! {
            biased;
            said = loops.broken() => panic!("{said}"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(loops.end(Duration::from_secs(30)).await, 0);
    }
}
