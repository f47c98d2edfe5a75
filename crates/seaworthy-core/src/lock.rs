//! Named locks: who holds one, who waits for it, and whether a run may take it now.
//!
//! Folded from the lock's own stream. A lock is not given back by an entry: it is free when the run that took it has
//! ended, so that no crash can leave it taken. Must not know the journal nor who lives: both come in.

use seaworthy_model::{event::Event, id::RunId, time::At};

/// A run that took a lock, or waits for it, and the life of the node that said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub run: RunId,
    pub process: String,
    pub epoch: u64,
    pub since: At,
}

/// What is known of one lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// Version of the stream that was folded last.
    pub version: u64,
    /// Who took it last.
    pub holder: Option<Claim>,
    /// Who waits, in the order in which they asked.
    pub waiting: Vec<Claim>,
}

impl Book {
    /// Takes in the next entry of the lock's stream.
    pub fn apply(&mut self, version: u64, at: At, epoch: u64, event: &Event) {
        self.version = version;
        match event {
            Event::LockWanted { run, process } => {
                // Asked again by a later life: its place stays, its life is the new one.
                match self.waiting.iter_mut().find(|claim| claim.run == *run) {
                    Some(claim) => claim.epoch = epoch,
                    None => self.waiting.push(Claim { run: *run, process: process.clone(), epoch, since: at }),
                }
            }
            Event::LockTaken { run, process } => {
                self.waiting.retain(|claim| claim.run != *run);
                let since = self.holder.as_ref().filter(|held| held.run == *run).map_or(at, |held| held.since);
                self.holder = Some(Claim { run: *run, process: process.clone(), epoch, since });
            }
            _ => {}
        }
    }

    /// Who keeps this run from taking the lock: the holder, or the first of those that asked before it. Those for
    /// whom `there` says no have ended, or their node has died.
    pub fn before(&self, run: RunId, there: &dyn Fn(&Claim) -> bool) -> Option<&Claim> {
        // It had it in an earlier life, and nobody has taken it since.
        if self.holder.as_ref().is_some_and(|held| held.run == run) {
            return None;
        }
        let holder = self.holder.iter();
        let ahead = self.waiting.iter().take_while(|claim| claim.run != run);
        holder.chain(ahead).find(|claim| there(claim))
    }

    /// Whether this run has asked for it in this life of its node.
    pub fn asked(&self, run: RunId, epoch: u64) -> bool {
        self.waiting.iter().any(|claim| claim.run == run && claim.epoch == epoch)
    }

    /// Forgets those that wait no more, so that the book stays short.
    pub fn forget(&mut self, there: &dyn Fn(&Claim) -> bool) {
        self.waiting.retain(|claim| there(claim));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n: u8) -> RunId {
        RunId::new(At(1), &[n; 10])
    }

    fn book(entries: &[(u8, bool)]) -> Book {
        let mut book = Book::default();
        for (n, (who, takes)) in (1..).zip(entries) {
            let (run, process) = (run(*who), format!("p{who}"));
            let event = if *takes { Event::LockTaken { run, process } } else { Event::LockWanted { run, process } };
            book.apply(n, At(n as i64), 1, &event);
        }
        book
    }

    #[test]
    fn the_holder_comes_first_then_those_that_asked_before() {
        let there = |_: &Claim| true;
        let before = |book: &Book, n: u8| book.before(run(n), &there).map(|claim| claim.process.clone());
        let held = book(&[(1, true), (2, false), (3, false)]);
        assert_eq!(before(&held, 2), Some("p1".into()));
        assert_eq!(before(&held, 1), None, "its own lock");
        let ended = |claim: &Claim| claim.run != run(1);
        assert_eq!(held.before(run(2), &ended), None, "the first in line when the holder has ended");
        assert_eq!(held.before(run(3), &ended).map(|claim| claim.run), Some(run(2)), "and the second waits for it");
        assert_eq!(held.before(run(9), &ended).map(|claim| claim.run), Some(run(2)), "who has not asked is last");
        assert_eq!(before(&book(&[(1, true), (2, false), (2, true)]), 3), Some("p2".into()));
        assert_eq!(before(&Book::default(), 1), None);
    }

    #[test]
    fn a_run_keeps_its_place_over_a_restart_of_its_node() {
        let mut book = book(&[(1, true), (2, false), (3, false)]);
        book.apply(4, At(9), 2, &Event::LockWanted { run: run(2), process: "p2".into() });
        assert_eq!(
            book.waiting.iter().map(|claim| (claim.run, claim.epoch)).collect::<Vec<_>>(),
            [(run(2), 2), (run(3), 1)]
        );
        assert!(book.asked(run(2), 2) && !book.asked(run(3), 2));
        book.apply(5, At(10), 2, &Event::LockTaken { run: run(1), process: "p1".into() });
        assert_eq!(
            book.holder.as_ref().map(|held| (held.epoch, held.since)),
            Some((2, At(1))),
            "taken up, held since then"
        );
    }
}
