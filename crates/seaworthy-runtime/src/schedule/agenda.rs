//! What the schedule loop remembers between looks: when which schedule is due, by time, so that ten thousand quiet
//! ones cost nothing at a wake.
//!
//! This module must not know what is due nor why. Forgetting all it knows is harmless.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use seaworthy_model::{
    site::{Loaded, Pinned},
    time::At,
};

/// When to look at what.
#[derive(Default)]
pub struct Agenda {
    /// The definitions that were gone through last: the same ones again hold nothing new.
    loaded: Option<Arc<Loaded>>,
    known: BTreeMap<String, Known>,
    /// All known ones that come again, by when.
    times: BTreeSet<(At, String)>,
    /// To be looked at at every wake: new or changed, in trouble, or with an occurrence in the queue.
    awake: BTreeSet<String>,
    last: Option<At>,
}

struct Known {
    digest: String,
    next: Option<At>,
}

impl Agenda {
    /// What may have something to be done now, by name.
    pub(super) fn due(&mut self, loaded: &Arc<Loaded>, now: At) -> Vec<Arc<Pinned>> {
        // After a step back of the wall clock nothing that was known of the future holds.
        if self.last.is_some_and(|last| now < last) {
            *self = Agenda::default();
        }
        self.last = Some(now);
        if !self.loaded.as_ref().is_some_and(|known| Arc::ptr_eq(known, loaded)) {
            self.go_through(loaded);
        }
        let timely = self.times.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name);
        let names: BTreeSet<&String> = timely.chain(&self.awake).collect();
        names.into_iter().filter_map(|name| loaded.processes.get(name).cloned()).collect()
    }

    /// New definitions are in force.
    fn go_through(&mut self, loaded: &Arc<Loaded>) {
        let gone = |name: &String| !loaded.processes.contains_key(name);
        self.known.retain(|name, _| !gone(name));
        self.times.retain(|(_, name)| !gone(name));
        self.awake.retain(|name| !gone(name));
        for (name, pinned) in &loaded.processes {
            if self.known.get(name).is_none_or(|known| known.digest != pinned.digest) {
                self.awake.insert(name.clone());
            }
        }
        self.loaded = Some(loaded.clone());
    }

    /// It was looked at; until `next` only the end of a run can bring something to do, and only if one is `queued`.
    pub(super) fn looked(&mut self, pinned: &Pinned, next: Option<At>, queued: bool) {
        let name = &pinned.process.name;
        self.forget(name);
        if !queued {
            self.awake.remove(name);
        }
        self.times.extend(next.map(|at| (at, name.clone())));
        self.known.insert(name.clone(), Known { digest: pinned.digest.clone(), next });
    }

    /// It could not be looked at: the next wake tries again.
    pub(super) fn failed(&mut self, pinned: &Pinned) {
        self.forget(&pinned.process.name);
    }

    fn forget(&mut self, name: &str) {
        if let Some(at) = self.known.remove(name).and_then(|known| known.next) {
            self.times.remove(&(at, name.to_owned()));
        }
        self.awake.insert(name.to_owned());
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<At> {
        self.times.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaworthy_model::process::Process;
    use seaworthy_spec::Source;

    fn loaded(words: &[(&str, &str)]) -> Arc<Loaded> {
        let pin = |(name, digest): &(&str, &str)| {
            let process = Process::named(*name);
            let file = format!("ops/{name}.yaml");
            let pinned = Pinned { process, digest: (*digest).to_owned(), file, missing: vec![], broken: None };
            ((*name).to_owned(), Arc::new(pinned))
        };
        let site = Source { file: "seaworthy.yaml".into(), text: "site: test\n".into() };
        let read = seaworthy_spec::read(&site, &[], &|_| true);
        Arc::new(Loaded {
            site: read.site.expect("a site file"),
            folder: "/".into(),
            processes: words.iter().map(pin).collect(),
            broken: BTreeMap::new(),
            held: vec![],
            at: At(0),
        })
    }

    fn due(agenda: &mut Agenda, loaded: &Arc<Loaded>, now: i64) -> Vec<String> {
        agenda.due(loaded, At(now)).iter().map(|pinned| pinned.process.name.clone()).collect()
    }

    fn looked(agenda: &mut Agenda, loaded: &Loaded, name: &str, next: Option<i64>, queued: bool) {
        agenda.looked(&loaded.processes[name], next.map(At), queued);
    }

    #[test]
    fn a_schedule_is_looked_at_when_it_is_new_and_then_when_its_time_has_come() {
        let (mut agenda, all) = (Agenda::default(), loaded(&[("a", "1"), ("b", "1"), ("c", "1")]));
        assert_eq!(due(&mut agenda, &all, 10), ["a", "b", "c"]);
        looked(&mut agenda, &all, "a", Some(30), false);
        looked(&mut agenda, &all, "b", Some(20), false);
        looked(&mut agenda, &all, "c", None, false);
        assert_eq!(agenda.next(), Some(At(20)));
        assert_eq!(due(&mut agenda, &all, 19), [""; 0]);
        assert_eq!(due(&mut agenda, &all, 20), ["b"]);
        looked(&mut agenda, &all, "b", Some(40), false);
        assert_eq!(due(&mut agenda, &all, 50), ["a", "b"]);
    }

    #[test]
    fn what_is_queued_or_failed_is_looked_at_at_each_wake() {
        let (mut agenda, all) = (Agenda::default(), loaded(&[("a", "1"), ("b", "1")]));
        assert_eq!(due(&mut agenda, &all, 10), ["a", "b"]);
        looked(&mut agenda, &all, "a", Some(30), true);
        agenda.failed(&all.processes["b"]);
        assert_eq!(due(&mut agenda, &all, 11), ["a", "b"]);
        looked(&mut agenda, &all, "a", Some(30), false);
        looked(&mut agenda, &all, "b", Some(30), false);
        assert_eq!(due(&mut agenda, &all, 12), [""; 0]);
        agenda.failed(&all.processes["b"]);
        assert_eq!((due(&mut agenda, &all, 13), agenda.next()), (vec!["b".to_owned()], Some(At(30))));
    }

    #[test]
    fn other_definitions_wake_what_changed_and_drop_what_is_gone() {
        let (mut agenda, before) = (Agenda::default(), loaded(&[("a", "1"), ("b", "1"), ("c", "1")]));
        due(&mut agenda, &before, 10);
        for name in ["a", "b", "c"] {
            looked(&mut agenda, &before, name, Some(30), false);
        }
        let after = loaded(&[("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(due(&mut agenda, &after, 11), ["b", "d"]);
        looked(&mut agenda, &after, "b", Some(40), false);
        looked(&mut agenda, &after, "d", None, false);
        assert_eq!(due(&mut agenda, &after, 35), ["a"]);
        looked(&mut agenda, &after, "a", None, false);
        assert_eq!(agenda.next(), Some(At(40)));
    }

    #[test]
    fn after_a_step_back_of_the_clock_everything_is_looked_at_anew() {
        let (mut agenda, all) = (Agenda::default(), loaded(&[("a", "1")]));
        due(&mut agenda, &all, 100);
        looked(&mut agenda, &all, "a", Some(300), false);
        assert_eq!(due(&mut agenda, &all, 99), ["a"]);
    }
}
