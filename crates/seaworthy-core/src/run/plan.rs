//! What a run of a process, or its drill, consists of.
//!
//! This module must not know whether anything has happened yet.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use seaworthy_model::{
    input::Input,
    process::{Action, Check, Effect, Limits, Look, OUTSIDE, Process, Rung, Step},
    run::Kind,
    time::Span,
};

use super::{State, matrix};

/// A run and a drill are the same machine with different parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub kind: Kind,
    pub process: String,
    /// In an order in which every step comes after those it needs; one for each element of what is done over a list,
    /// as soon as the list is known.
    pub steps: Vec<Step>,
    pub verify: Vec<Check>,
    pub heal: Vec<Rung>,
    /// Clean-up, run even after failure. Ids are prefixed with `after.`.
    pub after: Vec<Step>,
    pub env: BTreeMap<String, String>,
    pub secrets: Vec<String>,
    /// Steps that may be under way at the same time.
    pub parallel: usize,
    /// A list in which no step says what it needs, of a process that says nothing of `parallel`: one after the other.
    pub in_sequence: bool,
    /// What the processes of a command may use if its step does not say.
    pub limits: Limits,
    pub inputs: Vec<Input>,
    /// How long all of it may take.
    pub timeout: Option<Span>,
    /// The steps as the file has them: what is done over a list is one of them.
    pub defined: Vec<Step>,
    /// By place in `defined`: the places of those it needs.
    needed: Vec<Vec<usize>>,
    /// By place in `steps`: the place in `defined`.
    home: Vec<usize>,
    /// How often the state's lists had become known when this plan was made.
    lists: u64,
}

/// Steps of one run under way at the same time if the file does not say.
pub const PARALLEL_DEFAULT: u32 = 4;

/// How long the end of something outside is waited for if the file does not say: no wait without a deadline.
pub const OUTSIDE_MAX: Span = Span::seconds(30 * 24 * 3600);

/// How long a clean-up step may take if the file does not say: nothing else ends it, since what calls a run off spares it.
pub const AFTER_MAX: Span = Span::seconds(3600);

impl Plan {
    /// The plan of a process; `None` for a drill of a process that has none.
    pub fn of(process: &Process, kind: Kind) -> Option<Plan> {
        if process.pinged && kind == Kind::Run {
            return Some(Plan::outside(process));
        }
        let (steps, verify, heal, after) = match kind {
            Kind::Run => (&process.steps, &process.verify, process.heal.clone(), Vec::new()),
            Kind::Drill => {
                let drill = process.drill.as_ref()?.restore.as_ref()?;
                let after = drill
                    .after
                    .iter()
                    .map(|s| Step {
                        id: format!("after.{}", s.id),
                        matrix: None,
                        timeout: s.timeout.or(Some(AFTER_MAX)),
                        ..s.clone()
                    })
                    .collect();
                (&drill.steps, &drill.verify, Vec::new(), after)
            }
        };
        let in_sequence = process.parallel.is_none() && steps.iter().all(|step| step.needs.is_empty());
        let steps = in_order(steps);
        Some(Plan {
            kind,
            process: process.name.clone(),
            parallel: process.parallel.unwrap_or(PARALLEL_DEFAULT).max(1) as usize,
            in_sequence,
            limits: process.limits.clone(),
            inputs: process.inputs.clone(),
            timeout: process.timeout,
            needed: needed(&steps),
            home: (0..steps.len()).collect(),
            lists: 0,
            defined: steps.clone(),
            steps,
            verify: verify.clone(),
            heal,
            after,
            env: process.env.clone(),
            secrets: process.secrets.clone(),
        })
    }

    /// The plan of what somebody else starts: one step that is never started from here, so it is never repeated either.
    fn outside(process: &Process) -> Plan {
        let step = Step { effect: Effect::Once, ..Step::new(OUTSIDE, Action::Outside) };
        let heal = process.heal.iter().filter(|rung| !matches!(rung, Rung::Retry { .. })).cloned();
        Plan {
            kind: Kind::Run,
            process: process.name.clone(),
            parallel: 1,
            in_sequence: true,
            timeout: Some(process.timeout.unwrap_or(OUTSIDE_MAX)),
            limits: process.limits.clone(),
            inputs: process.inputs.clone(),
            needed: vec![vec![]],
            home: vec![0],
            lists: 0,
            defined: vec![step.clone()],
            steps: vec![step],
            verify: process.verify.clone(),
            heal: heal.collect(),
            after: vec![],
            env: process.env.clone(),
            secrets: process.secrets.clone(),
        }
    }

    /// This plan, with a step for each element of the lists that are known by now.
    pub fn grown(&self, state: &State) -> Cow<'_, Plan> {
        if self.lists == state.lists {
            return Cow::Borrowed(self);
        }
        let mut plan = Plan { steps: vec![], home: vec![], lists: state.lists, ..self.clone() };
        for (at, step) in self.defined.iter().enumerate() {
            let one = match state.expanded.get(&step.id) {
                Some(elements) => elements.iter().map(|element| matrix::instance(step, element)).collect(),
                None => vec![step.clone()],
            };
            plan.home.extend(one.iter().map(|_| at));
            plan.steps.extend(one);
        }
        Cow::Owned(plan)
    }

    /// Takes in the lists that became known.
    pub fn grow(&mut self, state: &State) {
        if let Cow::Owned(grown) = self.grown(state) {
            *self = grown;
        }
    }

    /// The place in `defined` of the step at `at`.
    pub(super) fn home(&self, at: usize) -> usize {
        self.home[at]
    }

    /// The step as the file has it.
    pub(super) fn defined(&self, at: usize) -> &Step {
        &self.defined[self.home[at]]
    }

    /// What the file calls the step with this id.
    pub(super) fn name_in_file<'a>(&'a self, id: &'a str) -> &'a str {
        self.steps.iter().position(|step| step.id == id).map_or(id, |at| &self.defined(at).id)
    }

    /// The places in `defined` of those that the step at `home` needs.
    pub(super) fn needs(&self, home: usize) -> &[usize] {
        self.needed.get(home).map_or(&[], Vec::as_slice)
    }

    /// The places in `defined` of all that the step at `home` needs, directly or not, in plan order.
    pub(super) fn before(&self, home: usize) -> Vec<usize> {
        let (mut found, mut open) = (BTreeSet::new(), self.needs(home).to_vec());
        if self.in_sequence {
            open.extend(0..home);
        }
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.needs(next));
            }
        }
        found.into_iter().collect()
    }

    /// The steps of the file that come before the one with this id, directly or not, in plan order.
    pub(crate) fn ahead(&self, id: &str) -> Vec<&Step> {
        let home = self.defined.iter().position(|step| step.id == id);
        home.map_or(vec![], |home| self.before(home)).into_iter().map(|at| &self.defined[at]).collect()
    }

    /// The step that makes an artifact.
    pub fn maker(&self, artifact: &str) -> Option<&Step> {
        self.steps.iter().find(|step| matrix::makes(step).iter().any(|name| name == artifact))
    }

    /// These steps and every step that needs one, directly or not, in plan order. What is done over a list and needs one
    /// of them is named itself, too: its list is asked for anew.
    pub fn from_steps(&self, ids: &[&str]) -> Vec<String> {
        self.following(ids, |plan, home, open| plan.needs(home).iter().any(|need| open.contains(need)))
    }

    /// A step and all that follows it: what needs it, directly or not; in a sequence all that stand after it.
    pub(super) fn after_and(&self, id: &str) -> Vec<String> {
        match self.in_sequence {
            true => self.following(&[id], |_, home, open| open.iter().any(|before| *before < home)),
            false => self.from_steps(&[id]),
        }
    }

    fn following(&self, ids: &[&str], follows: impl Fn(&Plan, usize, &BTreeSet<usize>) -> bool) -> Vec<String> {
        let (mut open, mut found) = (BTreeSet::new(), Vec::new());
        for (home, step) in self.defined.iter().enumerate() {
            let whole = ids.contains(&step.id.as_str()) || follows(self, home, &open);
            let mut here: Vec<String> = whole.then(|| step.id.clone()).into_iter().collect();
            for (one, _) in self.steps.iter().zip(&self.home).filter(|(_, at)| **at == home) {
                if (whole || ids.contains(&one.id.as_str())) && !here.contains(&one.id) {
                    here.push(one.id.clone());
                }
            }
            if !here.is_empty() {
                open.insert(home);
            }
            found.extend(here);
        }
        found
    }

    /// Whether any step must not be repeated blindly.
    pub fn is_once(&self, id: &str) -> bool {
        self.steps.iter().chain(&self.defined).any(|s| s.id == id && s.effect == Effect::Once)
    }

    /// The steps whose time says how long the process takes: not those that wait for a person.
    pub(super) fn timed(&self) -> impl Iterator<Item = &String> {
        let by_person = |step: &&Step| matches!(step.action, Action::Human(_) | Action::Approve(_));
        self.steps.iter().filter(move |step| !by_person(step)).map(|step| &step.id)
    }

    /// The artifact a check looks at.
    pub fn artifact_of(check: &Check) -> Option<&str> {
        match &check.look {
            Look::Artifact { name } => Some(name),
            Look::Command { artifact, .. } | Look::Sql { artifact, .. } => artifact.as_deref(),
            Look::Http { .. } | Look::Duration { .. } => None,
        }
    }
}

/// By place: the places of the steps that each needs. A name that is none of them is left out; spec has refused it.
fn needed(steps: &[Step]) -> Vec<Vec<usize>> {
    let places: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    let of = |step: &Step| step.needs.iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
    steps.iter().map(of).collect()
}

/// Stable topological order: file order wherever `needs` leaves the choice. Spec has refused cycles; should one
/// come through all the same, the steps of it keep file order at the end rather than being lost.
fn in_order(steps: &[Step]) -> Vec<Step> {
    let needed = needed(steps);
    let mut waits: Vec<usize> = needed.iter().map(Vec::len).collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, needs) in needed.iter().enumerate() {
        needs.iter().for_each(|need| after[*need].push(at));
    }
    let mut left: BTreeSet<usize> = (0..steps.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|at| waits[*at] == 0).collect();
    let mut out = Vec::with_capacity(steps.len());
    while let Some(at) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&at);
        out.push(steps[at].clone());
        for next in &after[at] {
            waits[*next] = waits[*next].saturating_sub(1);
            if waits[*next] == 0 && left.contains(next) {
                ready.insert(*next);
            }
        }
    }
    out
}
