//! What really is, whatever anybody says: which commands live, what they have done, who was told what.
//!
//! This module must not know chance: who starts a command says what it will do.

use std::{
    collections::{BTreeMap, BTreeSet},
    task::{Poll, Waker},
};

use seaworthy_model::{
    id::{MessageId, RunId},
    port::OutputKey,
    run::Outcome,
    time::{At, Span},
};

/// What a command does at some moment of its life.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// It has its effect, all of it or half of it.
    Touch { whole: bool },
    /// It makes everything of its run whole.
    Mend,
    /// It ends by itself.
    End(End),
    /// Its limit is over: it is told to end.
    Limit,
    /// It is gone, whatever it was about to do.
    Die,
}

/// How a command ended, as its provider will say.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub outcome: Outcome,
    pub exit: Option<i32>,
    pub reason: Option<String>,
}

/// A command that lives, or whose end is on record.
#[derive(Debug)]
pub struct Command {
    pub key: OutputKey,
    /// The life that started it.
    pub epoch: u64,
    pub began: Span,
    pub end: Option<End>,
    /// Between being told to end and being gone.
    pub grace: Span,
    told_to_end: bool,
    limit_reached: bool,
    waiting: Vec<Waker>,
}

/// An effect that was had, whole.
#[derive(Debug, Clone)]
pub struct Effect {
    pub run: RunId,
    pub step: String,
}

/// What is left of a step's effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub whole: bool,
    pub times: u32,
    pub at: At,
}

/// A look, and what it should have said.
#[derive(Debug, Clone)]
pub struct Look {
    pub run: RunId,
    pub step: String,
    pub told: bool,
    pub truth: bool,
}

/// Somebody was told.
#[derive(Debug, Clone)]
pub struct Heard {
    pub message: MessageId,
    pub outlet: String,
}

/// All of it.
#[derive(Default)]
pub struct Truth {
    commands: BTreeMap<u64, Command>,
    count: u64,
    due: BTreeMap<(Span, u64), (u64, Deed)>,
    pub effects: Vec<Effect>,
    pub made: BTreeMap<(RunId, String), Made>,
    /// Artifacts that were removed, by run and name.
    pub removed: BTreeSet<(RunId, String)>,
    pub looks: Vec<Look>,
    pub heard: Vec<Heard>,
    /// Most commands that lived at the same time.
    pub most: usize,
    mourners: Vec<Waker>,
}

impl Truth {
    /// Starts a command that will do this, each at its time.
    pub fn start(&mut self, key: OutputKey, epoch: u64, now: Span, grace: Span, deeds: Vec<(Span, Deed)>) -> u64 {
        self.count += 1;
        let id = self.count;
        let (end, told_to_end, limit_reached, waiting) = (None, false, false, vec![]);
        let command = Command { key, epoch, began: now, end, grace, told_to_end, limit_reached, waiting };
        self.commands.insert(id, command);
        self.most = self.most.max(self.commands.values().filter(|c| c.end.is_none()).count());
        for (after, deed) in deeds {
            self.plan(Span(now.0 + after.0), id, deed);
        }
        id
    }

    fn plan(&mut self, at: Span, id: u64, deed: Deed) {
        self.count += 1;
        self.due.insert((at, self.count), (id, deed));
    }

    /// When a command does something next.
    pub fn next(&self) -> Option<Span> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Carries out what is due at `at`; who waits for it is to be woken.
    pub fn act(&mut self, at: Span, wall: At) -> Vec<Waker> {
        let mut told = Vec::new();
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= at) {
            let (id, deed) = first.remove();
            let Some(command) = self.commands.get_mut(&id).filter(|command| command.end.is_none()) else { continue };
            let (run, step) = (command.key.run, command.key.step.clone());
            match deed {
                Deed::Touch { whole } => self.touch(run, step, whole, wall),
                Deed::Mend => {
                    for ((of, _), made) in &mut self.made {
                        made.whole |= *of == run;
                    }
                }
                Deed::End(end) => {
                    command.end = Some(end);
                    told.append(&mut command.waiting);
                    told.append(&mut self.mourners);
                }
                Deed::Limit => {
                    command.limit_reached = true;
                    told.append(&mut self.tell_to_end(id, at));
                }
                Deed::Die => {
                    let reason = if command.limit_reached { "the limit was reached" } else { "it was stopped" };
                    let reason = Some(format!("{reason} (simulated)"));
                    command.end = Some(End { outcome: Outcome::NotDone, exit: None, reason });
                    told.append(&mut command.waiting);
                    told.append(&mut self.mourners);
                }
            }
        }
        told
    }

    fn touch(&mut self, run: RunId, step: String, whole: bool, at: At) {
        let made = self.made.entry((run, step.clone())).or_insert(Made { whole, times: 0, at });
        (made.whole, made.at) = (whole, at);
        if whole {
            made.times += 1;
            self.effects.push(Effect { run, step });
        }
    }

    /// TERM: it is gone after its grace, and may go on doing things until then. Who waits for it may look again.
    pub fn tell_to_end(&mut self, id: u64, now: Span) -> Vec<Waker> {
        let Some(command) = self.commands.get_mut(&id) else { return vec![] };
        if command.end.is_some() || std::mem::replace(&mut command.told_to_end, true) {
            return vec![];
        }
        let (at, waiting) = (Span(now.0 + command.grace.0), std::mem::take(&mut command.waiting));
        self.plan(at, id, Deed::Die);
        waiting
    }

    /// Whether a command was told to end, and when it began.
    pub fn told_to_end(&self, id: u64) -> Option<Span> {
        self.commands.get(&id).filter(|command| command.told_to_end).map(|command| command.began)
    }

    /// When a command began and how it ended; until it has, `waiting` is woken by its end. `None` inside: it is gone
    /// without a record.
    pub fn end_of(&mut self, id: u64, waiting: &Waker) -> Poll<Option<(Span, End)>> {
        let Some(command) = self.commands.get_mut(&id) else { return Poll::Ready(None) };
        if let Some(end) = &command.end {
            return Poll::Ready(Some((command.began, end.clone())));
        }
        command.waiting.push(waiting.clone());
        Poll::Pending
    }

    /// The newest command of an attempt that lives or is on record, of those that fit.
    pub fn find(&self, key: &OutputKey, fits: impl Fn(&Command) -> bool) -> Option<u64> {
        self.commands.iter().rev().find(|(_, command)| command.key == *key && fits(command)).map(|(id, _)| *id)
    }

    /// The end of an attempt is durable elsewhere.
    pub fn noted(&mut self, key: &OutputKey) {
        self.commands.retain(|_, command| command.key != *key || command.end.is_none());
    }

    /// All that live are gone at once, and leave no record. Who waits is to be woken.
    pub fn lose(&mut self) -> Vec<Waker> {
        let lost = self.commands.extract_if(.., |_, command| command.end.is_none());
        let mut told: Vec<Waker> = lost.flat_map(|(_, command)| command.waiting).collect();
        told.append(&mut self.mourners);
        told
    }

    /// Commands that live and fit.
    pub fn living(&self, fits: impl Fn(&Command) -> bool) -> Vec<u64> {
        self.commands.iter().filter(|(_, c)| c.end.is_none() && fits(c)).map(|(id, _)| *id).collect()
    }

    /// Woken when any command ends.
    pub fn mourn(&mut self, waker: &Waker) {
        self.mourners.push(waker.clone());
    }

    pub fn is_whole(&self, run: RunId, step: &str) -> bool {
        self.made.get(&(run, step.to_owned())).is_some_and(|made| made.whole)
    }
}
