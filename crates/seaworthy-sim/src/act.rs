//! What befalls a simulated world from outside: people, power, clocks, disks, editors. Drawn up front, one seed one plan.
//!
//! This module must not know what must hold.

use std::collections::BTreeMap;

use seaworthy_model::{
    entry::Via,
    id::ActorId,
    port::{Answer, Ask, Requests as _},
    time::{At, Span},
};

use crate::{
    Dice,
    life::{Life, Role, Wish},
    play::Play,
    site,
    world::Crash,
};

/// Nights and hours that are worth beginning in: before clock changes in zones of the schedules, and plain days.
const STARTS: [i64; 6] = [
    1_774_745_700, // 2026-03-29 00:55 UTC, Berlin jumps at 01:00
    1_792_886_100, // 2026-10-25 00:35 UTC, Berlin falls back at 01:00
    1_772_952_900, // 2026-03-08 06:55 UTC, New York jumps at 07:00
    1_775_314_500, // 2026-04-04 14:55 UTC, Lord Howe falls back by half an hour at 15:00
    1_803_858_900, // 2027-02-28 23:55 UTC
    1_790_000_000,
];

/// Seconds of a short world and of a deep one.
const SHORT: (u64, u64) = (30, 120);
const DEEP: (u64, u64) = (300, 1_200);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Wish(Wish),
    /// A person runs something in a node of its own, beside the server if there is one.
    Verb(Wish),
    Cancel,
    /// The power goes at the nth append from now.
    Power(Role, u64, Crash),
    Kill(Role),
    Stop(Role),
    /// The keeper dies, and all commands with it.
    Keeper,
    /// Nobody is there for this long.
    Away(Span),
    /// The process sleeps for this long and wakes (SIGSTOP, a suspended machine).
    Freeze(Span),
    Full(Span),
    /// The wall clock is set.
    Clock(i64),
    /// The wall clock is set right, whatever it was set to before.
    ClockRight,
    /// A person agrees to all changes that wait.
    Confirm,
    Edit(String),
    Break(String),
    Remove(String),
    Mend(String),
}

/// When a world begins.
pub fn start(dice: &mut Dice) -> At {
    At(dice.pick(&STARTS) * 1_000_000_000 + dice.between(0, 999_999_999) as i64)
}

/// What befalls it, and when.
pub fn plan(dice: &mut Dice) -> BTreeMap<(Span, u64), Action> {
    let (range, count) = match dice.below(20) {
        0 => (DEEP, dice.between(15, 60)),
        _ => (SHORT, dice.between(3, 14)),
    };
    let span = Span::seconds(dice.between(range.0, range.1));
    let mut plan = BTreeMap::new();
    for n in 0..count {
        let (at, action) = (Span(dice.below(span.0)), draw(dice));
        // Somebody notices, or the time server does.
        if matches!(action, Action::Clock(_)) && dice.percent(60) {
            let later = Span::from_millis(dice.between(1, 60_000));
            plan.insert((Span(at.0 + later.0), n), Action::ClockRight);
        }
        plan.insert((at, n), action);
    }
    plan
}

fn draw(dice: &mut Dice) -> Action {
    let process = site::name(dice.below(site::PROCESSES_MAX));
    let seconds = |dice: &mut Dice, low, high| Span::seconds(dice.between(low, high));
    match dice.below(100) {
        0..=17 => Action::Wish(Wish::Run(process)),
        18..=21 => Action::Wish(Wish::Drill(process)),
        22..=27 => Action::Verb(Wish::Run(process)),
        28 => Action::Verb(Wish::Drill(process)),
        29..=34 => Action::Cancel,
        35..=52 => {
            let role = *dice.pick(&[Role::Server, Role::Server, Role::Server, Role::Watcher, Role::Verb]);
            Action::Power(role, dice.between(1, 12), *dice.pick(&[Crash::Before, Crash::After]))
        }
        53..=58 => Action::Kill(*dice.pick(&[Role::Server, Role::Server, Role::Watcher, Role::Verb])),
        59 | 60 => Action::Stop(Role::Server),
        61 => Action::Keeper,
        62..=65 => {
            let long = dice.pick(&[20, 600, 5 * 3600, 26 * 3600, 24 * 3600 * 40]);
            Action::Away(Span::seconds(*long))
        }
        66..=69 => Action::Freeze(seconds(dice, 3, 90)),
        70..=74 => Action::Full(seconds(dice, 1, 40)),
        75..=84 => {
            let seconds = *dice.pick(&[1, 3, 10, 60, 1_800, 3_600, 4 * 3_600, 4 * 3_600, 86_400, 31 * 86_400]);
            let sign = if dice.percent(50) { 1 } else { -1 };
            Action::Clock(sign * seconds * 1_000_000_000 + dice.below(1_000_000_000) as i64)
        }
        85..=88 => Action::Edit(process),
        89 => Action::Confirm,
        90..=93 => Action::Break(process),
        94..=96 => Action::Remove(process),
        _ => Action::Mend(process),
    }
}

impl Play {
    /// Lets it happen.
    pub(crate) fn take(&mut self, action: Action) -> Result<(), String> {
        let world = self.shore.world.clone();
        if !world.fault(100, || format!("{action:?}")) {
            return Ok(());
        }
        let now = self.elapsed();
        match action {
            Action::Wish(wish) => self.ask(wish.ask()),
            Action::Cancel => {
                let live = self.holds.live();
                if !live.is_empty() {
                    let run = *world.dice().pick(&live);
                    self.ask(Ask::Cancel { run, reason: "changed my mind".into() });
                }
            }
            Action::Verb(wish) if self.shore.is_in_memory() => self.verbs.extend(Life::verb(&self.shore, wish)),
            Action::Verb(_) => {}
            Action::Power(role, nth, crash) => {
                if let Some(life) = self.life(role) {
                    life.disk.crash_at(nth, crash);
                }
            }
            Action::Kill(role) => {
                if let Some(life) = self.life(role) {
                    life.pulse.die();
                }
            }
            Action::Stop(role) => self.life(role).into_iter().for_each(Life::stop),
            Action::Keeper => world.lose_commands(),
            Action::Away(span) => self.away(span),
            Action::Freeze(span) => self.frozen_until = Span(now.0 + span.0),
            Action::Full(span) => {
                world.fill_disk(true);
                self.full_until = Span(now.0 + span.0);
            }
            Action::Confirm => self.confirm(),
            Action::Clock(nanos) => world.time().step(nanos),
            Action::ClockRight => world.time().set_right(),
            Action::Edit(name) => {
                let text = site::process(&name, &mut world.dice(), true);
                self.shore.texts.write(&name, text.clone());
                self.texts.insert(name, text);
            }
            Action::Break(name) => {
                if let Some(text) = self.texts.get(&name) {
                    let broken = site::broken(text, &mut world.dice());
                    self.shore.texts.write(&name, broken);
                }
            }
            Action::Remove(name) => self.shore.texts.remove(&name),
            Action::Mend(name) => {
                if let Some(text) = self.texts.get(&name) {
                    self.shore.texts.write(&name, text.clone());
                }
            }
        }
        Ok(())
    }

    /// Nobody is there for a while: short ones are waited for, long ones pass at once.
    fn away(&mut self, span: Span) {
        for life in [self.server.take(), self.watcher.take()].into_iter().flatten().chain(self.verbs.drain(..)) {
            drop(life);
        }
        let now = self.elapsed();
        if span > Span::seconds(100) {
            self.shore.world.pass(Span(now.0 + span.0));
            self.passed = Span(self.passed.0 + span.0);
        } else {
            self.away_until = Span(now.0 + span.0);
        }
    }

    /// Agrees to all changes that wait.
    pub(crate) fn confirm(&self) {
        let Some(desk) = self.server.as_ref().and_then(|life| life.desk.as_ref()) else { return };
        for held in &desk.ports.definitions.current().held {
            self.ask(Ask::Confirm { digest: held.digest.clone(), reason: "as it should be".into() });
        }
    }

    fn ask(&self, ask: Ask) {
        let Some(life) = &self.server else { return };
        let Some(desk) = life.desk.clone() else { return };
        let (world, actor) = (self.shore.world.clone(), ActorId::new(At(0), &[3; 10]));
        life.spawn(async move {
            if let Ok(Answer::Started { run, .. }) = desk.ask(ask, actor, Via::Web).await {
                world.accepted().push(run);
            }
        });
    }
}
