//! The provider of the simulated world: commands that are slow, fail, lie, do half, lose their answer or never end.
//!
//! What a command will do is drawn when it starts; it lives in the world and not in the node that started it.

use std::{future::poll_fn, task::Poll};

use seaworthy_model::{
    port::{Clock as _, Fut, Order, OutputKey, Provider},
    process::Line,
    run::{Acted, Outcome, Output},
    time::Span,
};

use super::{
    World,
    truth::{Command, Deed, End},
};
use crate::{life::Pulse, mutant::Mutant};

/// Acts in the simulated world, for one life of a node.
pub struct Hands {
    pub world: World,
    pub pulse: Pulse,
    pub epoch: u64,
}

impl Provider for Hands {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn act<'a>(&'a self, order: &'a Order) -> Fut<'a, Acted> {
        Box::pin(async move {
            if self.pulse.is_dead() {
                return std::future::pending().await;
            }
            let deeds = self.draw(order);
            let grace = Span::from_millis(self.world.dice().between(0, 4_000));
            let now = self.world.time().elapsed();
            let id = self.world.truth().start(order.output.clone(), self.epoch, now, grace, deeds);
            let lost = End { outcome: Outcome::Unknown, exit: None, reason: Some("it was lost (simulated)".into()) };
            self.end(id).await.unwrap_or_else(|| acted(lost, Span::ZERO))
        })
    }

    fn stop<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, ()> {
        let ours = |command: &Command| command.key == *attempt;
        Box::pin(async move {
            if self.pulse.is_dead() {
                return std::future::pending().await;
            }
            let now = self.world.time().elapsed();
            let all = self.world.truth().living(ours);
            all.into_iter().for_each(|id| self.tell_to_end(id, now));
            if !self.world.is(Mutant::GivenUpIsGone) {
                self.gone(ours).await;
            }
        })
    }

    fn adopt<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(async move {
            let ours = |command: &Command| self.world.has_keeper() || command.epoch == self.epoch;
            let found = self.world.truth().find(attempt, ours);
            self.end(found?).await
        })
    }

    fn noted(&self, attempt: &OutputKey) {
        if !self.pulse.is_dead() {
            self.world.truth().noted(attempt);
        }
    }

    fn outlives(&self) -> bool {
        self.world.has_keeper()
    }
}

fn acted(end: End, took: Span) -> Acted {
    Acted {
        outcome: end.outcome,
        exit: end.exit,
        signal: None,
        reason: end.reason,
        took,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "simulation".into(),
        empty: Some(true),
    }
}

impl Hands {
    /// How a command ended, once it has; `None`: it is gone without a record.
    async fn end(&self, id: u64) -> Option<Acted> {
        poll_fn(|cx| {
            if self.pulse.is_dead() {
                return Poll::Pending;
            }
            let told = self.world.truth().told_to_end(id).filter(|_| self.world.is(Mutant::GivenUpIsGone));
            let ended = match told {
                Some(began) => Poll::Ready(Some((began, End { outcome: Outcome::NotDone, exit: None, reason: None }))),
                None => self.world.truth().end_of(id, cx.waker()),
            };
            ended.map(|ended| ended.map(|(began, end)| acted(end, Span(self.world.time().elapsed().0 - began.0))))
        })
        .await
    }

    /// What the command will do, and when.
    fn draw(&self, order: &Order) -> Vec<(Span, Deed)> {
        let world = &self.world;
        let key = &order.output;
        let longest = *world.dice().pick(&[200, 2_000, 2_000, 10_000, 40_000]);
        let ends = if world.is_calm() { 100 } else { world.dice().between(1, longest) };
        let acts = world.dice().between(0, ends);
        let fault =
            |percent, what: &str| world.fault(percent, || format!("{}/{}.{} {what}", key.run, key.step, key.attempt));
        let effect = |whole| match order.deed.command().map_or("", |command| text(&command.line)) {
            "mend" => Deed::Mend,
            _ => Deed::Touch { whole },
        };
        let end =
            |outcome, exit, reason: Option<&str>| Deed::End(End { outcome, exit, reason: reason.map(str::to_owned) });
        let (acts, ends) = (Span::from_millis(acts), Span::from_millis(ends));
        let ok = || (ends, end(Outcome::Done, Some(0), None));
        let failed = || (ends, end(Outcome::NotDone, Some(1), Some("exit 1: simulated")));
        let lost = || (ends, end(Outcome::Unknown, None, Some("its end was not heard (simulated)")));
        let mut deeds = if fault(9, "fails") {
            vec![failed()]
        } else if fault(7, "lies: nothing done, exit 0") {
            vec![ok()]
        } else if fault(5, "does half and exits 0") {
            vec![(acts, effect(false)), ok()]
        } else if fault(4, "does half and fails") {
            vec![(acts, effect(false)), failed()]
        } else if fault(4, "does it and fails") {
            vec![(acts, effect(true)), failed()]
        } else if fault(4, "does it, and its end is lost") {
            vec![(acts, effect(true)), lost()]
        } else if fault(3, "does nothing, and its end is lost") {
            vec![lost()]
        } else if fault(3, "does it and never ends") {
            vec![(acts, effect(true))]
        } else if fault(3, "never ends") {
            vec![]
        } else {
            vec![(acts, effect(true)), ok()]
        };
        deeds.extend(order.timeout.map(|limit| (limit, Deed::Limit)));
        deeds
    }

    /// Ends what commands of dead nodes are left, and returns when they are gone. With a keeper they are adopted.
    pub async fn sweep(&self) {
        if self.world.has_keeper() {
            return;
        }
        let left = |command: &Command| command.epoch != self.epoch && !self.world.living().contains(&command.epoch);
        let now = self.world.time().elapsed();
        let all = self.world.truth().living(left);
        for id in all {
            self.tell_to_end(id, now);
        }
        self.gone(left).await;
    }

    fn tell_to_end(&self, id: u64, now: Span) {
        let told = self.world.truth().tell_to_end(id, now);
        told.into_iter().for_each(std::task::Waker::wake);
    }

    /// Returns when none that fits lives.
    async fn gone(&self, fits: impl Fn(&Command) -> bool) {
        poll_fn(|cx| {
            let mut truth = self.world.truth();
            if truth.living(&fits).is_empty() {
                return Poll::Ready(());
            }
            truth.mourn(cx.waker());
            Poll::Pending
        })
        .await;
    }
}

fn text(line: &Line) -> &str {
    match line {
        Line::Shell { script, .. } => script.trim(),
        Line::Args(args) => args.first().map_or("", String::as_str),
    }
}
