//! One seed, played: nodes live and die, people ask and edit, time passes, and after every step all must hold.
//!
//! This module must not know what must hold.

use std::{collections::BTreeMap, path::PathBuf};

use seaworthy_model::{port::Clock as _, time::Span};

use crate::{
    Dice,
    act::{self, Action},
    hold::{Holds, Stats},
    life::{Life, Role},
    mutant::Mutant,
    shore::Shore,
    site,
    story::Failure,
    world::{Texts, World},
};

/// Steps after which a world counts as never coming to rest.
const STEPS_MAX: u64 = 400_000;
/// Rounds without time passing after which nodes count as waking each other for ever.
const ROUNDS_MAX: u32 = 10_000;
/// Nights that a world may take to come to rest.
const NIGHTS_MAX: u32 = 20;
/// What is still to be sent may wait for a day.
const NIGHT: Span = Span::seconds(2 * 24 * 3600);

/// How a seed is to be played.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Faults and actions beyond this number are left out; `None`: all happen.
    pub faults: Option<u64>,
    /// A planted fault.
    pub mutant: Option<Mutant>,
    /// Keeps the journal in a SQLite file in this folder, whatever the seed says.
    pub file: Option<PathBuf>,
}

/// What came of a seed.
#[derive(Debug)]
pub struct Played {
    pub seed: u64,
    /// Faults that happened.
    pub faults: u64,
    pub steps: u64,
    pub stats: Stats,
    /// SHA-256 over all bytes of both journals.
    pub digest: String,
    pub failure: Option<Failure>,
}

/// A world being played.
pub(crate) struct Play {
    pub shore: Shore,
    pub holds: Holds,
    pub texts: BTreeMap<String, String>,
    pub server: Option<Life>,
    pub watcher: Option<Life>,
    pub verbs: Vec<Life>,
    /// Nobody starts a server before this.
    pub away_until: Span,
    /// Nobody lets the server go on before this.
    pub frozen_until: Span,
    /// Space comes back then.
    pub full_until: Span,
    /// What happens next, in order.
    plan: BTreeMap<(Span, u64), Action>,
    /// Time in which nobody was there and nothing befell: the plan waits for it.
    pub passed: Span,
    steps: u64,
}

/// Plays one seed to its end.
pub fn play(seed: u64, options: &Options) -> Played {
    crate::panics::hear();
    let mut dice = Dice::new(seed);
    let start = act::start(&mut dice);
    let world = World::new(dice.apart(), start, options.faults.unwrap_or(u64::MAX), options.mutant);
    let shore = Shore::new(world, Texts::new(site::SITE.into()), options.file.clone());
    let mut play = Play::new(shore, &mut dice);
    let outcome = play.run();
    let digest = play.holds.digest();
    let world = play.shore.world.clone();
    let failure = outcome.err().map(|what| Failure::of(seed, options, what, &play));
    let stats = play.holds.stats();
    Played { seed, faults: world.faults(), steps: play.steps, stats, digest, failure }
}

impl Play {
    fn new(shore: Shore, dice: &mut Dice) -> Play {
        let mut texts = BTreeMap::new();
        for n in 0..dice.between(1, site::PROCESSES_MAX) {
            let text = site::process(&site::name(n), dice, true);
            shore.texts.write(&site::name(n), text.clone());
            texts.insert(site::name(n), text);
        }
        let plan = act::plan(dice);
        let (zero, verbs) = (Span::ZERO, Vec::new());
        Play {
            holds: Holds::new(&shore),
            shore,
            texts,
            server: None,
            watcher: None,
            verbs,
            away_until: zero,
            frozen_until: zero,
            full_until: zero,
            plan,
            passed: zero,
            steps: 0,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(((at, _), action)) = self.plan.pop_first() {
            self.until(Span(at.0 + self.passed.0))?;
            self.take(action)?;
        }
        self.rest()
    }

    pub fn elapsed(&self) -> Span {
        self.shore.world.time().elapsed()
    }

    /// Lets the world go on until then.
    pub fn until(&mut self, end: Span) -> Result<(), String> {
        loop {
            self.step()?;
            let next = self.shore.world.next().unwrap_or(end).max(Span(self.elapsed().0 + 1));
            let own = [self.away_until, self.frozen_until, self.full_until];
            let next = own.into_iter().filter(|at| *at > self.elapsed()).fold(next, Span::min);
            if next > end {
                self.shore.world.pass(end);
                return Ok(());
            }
            self.shore.world.pass(next);
        }
    }

    /// Everybody goes as far as possible in this instant; then all must hold.
    pub fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(format!("the world does not come to rest within {STEPS_MAX} steps"));
        }
        let now = self.elapsed();
        if self.full_until <= now {
            self.shore.world.fill_disk(false);
        }
        self.keep_up()?;
        let frozen = self.frozen_until > now;
        for round in 0.. {
            let before = self.holds.length();
            let lives = self.server.iter().filter(|_| !frozen).chain(&self.watcher).chain(&self.verbs);
            lives.for_each(Life::go_on);
            self.bury();
            if let Some(panic) = crate::panics::heard() {
                return Err(format!("something panicked: {panic}"));
            }
            self.holds.step(&self.shore)?;
            if before == self.holds.length() {
                return Ok(());
            }
            if round > ROUNDS_MAX {
                return Err("the nodes wake each other for ever, and no time passes".into());
            }
        }
        Ok(())
    }

    /// A server and a watcher that are gone are started again, unless somebody wants them away.
    fn keep_up(&mut self) -> Result<(), String> {
        if self.server.is_none() && self.away_until <= self.elapsed() {
            match Life::server(&self.shore) {
                Ok(life) => self.server = Some(life),
                Err(trouble) if self.shore.world.is_calm() => return Err(format!("no server can start: {trouble}")),
                Err(_) => self.away_until = Span(self.elapsed().0 + Span::seconds(5).0),
            }
        }
        if self.watcher.is_none() && self.server.is_some() && self.away_until <= self.elapsed() {
            self.watcher = Some(Life::watcher(&self.shore)?);
        }
        Ok(())
    }

    /// Ends what has ended.
    fn bury(&mut self) {
        let over = |life: &Life| life.is_over();
        if self.server.as_ref().is_some_and(over) {
            self.server = None;
            let pause = self.shore.world.dice().between(0, 4_000);
            self.away_until = self.away_until.max(Span(self.elapsed().0 + Span::from_millis(pause).0));
            self.frozen_until = Span::ZERO;
        }
        if self.watcher.as_ref().is_some_and(over) {
            self.watcher = None;
        }
        self.verbs.retain(|life| !over(life));
    }

    /// Nothing fails any more and nothing new becomes due: all that was begun must come to its end.
    fn rest(&mut self) -> Result<(), String> {
        self.shore.world.calm_down();
        self.shore.world.note("from here on nothing fails, and nothing new becomes due".into());
        (self.away_until, self.frozen_until, self.full_until) = (Span::ZERO, Span::ZERO, Span::ZERO);
        self.until(Span(self.elapsed().0 + Span::seconds(4).0))?;
        for n in 0..site::PROCESSES_MAX {
            if self.texts.contains_key(&site::name(n)) {
                let text = site::process(&site::name(n), &mut Dice::new(n), false);
                self.shore.texts.write(&site::name(n), text);
            }
        }
        for _ in 0..NIGHTS_MAX {
            for seconds in [2, 2, 16] {
                self.until(Span(self.elapsed().0 + Span::seconds(seconds).0))?;
                self.confirm();
            }
            if self.holds.rests(&self.shore)? {
                return self.close();
            }
            // Overnight nobody is there: that is how a long wait passes in a moment.
            let lives = [self.server.take(), self.watcher.take()];
            drop(lives);
            self.shore.world.pass(Span(self.elapsed().0 + NIGHT.0));
        }
        Err(format!("it has not come to rest after {NIGHTS_MAX} nights: {}", self.holds.unrest(&self.shore)))
    }

    /// The end of the world, in order.
    fn close(&mut self) -> Result<(), String> {
        self.away_until = Span(u64::MAX);
        for life in self.server.iter().chain(&self.watcher).chain(&self.verbs) {
            life.stop();
        }
        for _ in 0..100 {
            self.until(Span(self.elapsed().0 + Span::seconds(1).0))?;
            if self.server.is_none() {
                return self.holds.end(&self.shore);
            }
        }
        Err("the server does not end when it is asked to".into())
    }

    /// The living node of this role.
    pub fn life(&self, role: Role) -> Option<&Life> {
        match role {
            Role::Server => self.server.as_ref(),
            Role::Watcher => self.watcher.as_ref(),
            Role::Verb => self.verbs.first(),
        }
    }
}
