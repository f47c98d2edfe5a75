//! Files of a site come into force.

use seaworthy_model::{
    entry::{Stream, Via},
    event::{AccountEvent, Event},
    port::Batch,
    run::Verified,
    view::{EndedRun, ViewChange},
};
use seaworthy_runtime::reload::{self, FileSet, Files};
use seaworthy_spec::{PROCESSES_MAX, Source};

use crate::kit::{START, World, load};

struct Given(FileSet);
impl Files for Given {
    fn read(&self) -> Result<FileSet, String> {
        Ok(self.0.clone())
    }
    fn stamp(&self) -> u64 {
        0
    }
    fn exists(&self, _file: &str) -> bool {
        true
    }
}

#[tokio::test]
async fn a_site_of_as_many_processes_as_there_may_be_comes_into_force() {
    let source = |file: String, text: String| Source { file, text };
    let one = |n| source(format!("ops/p{n}.yaml"), format!("process: p{n}\nsteps:\n  - {{ run: 'true' }}\n"));
    let files = FileSet {
        folder: "/site".into(),
        site: source("seaworthy.yaml".into(), "site: test\n".into()),
        ops: (0..PROCESSES_MAX).map(one).collect(),
        unreadable: vec![],
        left_out: vec![],
        held: vec![],
    };
    let world = World::new("", &[]);
    let mut outcome = reload::read(&Given(files), None, START).unwrap();
    outcome.settings = Some(vec![]);
    reload::record(&world.ports, &outcome).await.unwrap();
    assert_eq!(world.archive.definitions().await.unwrap().len(), PROCESSES_MAX);
    assert_eq!(world.ports.journal.frontier().await.unwrap().size, PROCESSES_MAX as u64 + 1);
}

#[tokio::test]
async fn a_draft_that_is_moved_into_somebodys_reach_waits_once_somebody_is_in_charge() {
    let people = "people: { otto@example.com: { roles: [{ role: operator, services: [shop] }] } }\n";
    let text = "process: it\nsteps:\n  - { run: 'true' }\n";
    let world = World::new(people, &[text]);
    // It was run by hand only, and has nothing that verifies it.
    let row = world.verified("other", START).await;
    let row = EndedRun { run: world.ports.ids().run(), process: "it".into(), verified: Verified::Unproven, ..row };
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    batch.views.push(ViewChange::RunEnded(Box::new(row)));
    world.ports.journal.append(batch).await.unwrap();
    let before = load(people, &[text]);
    let files = FileSet {
        folder: "/nowhere".into(),
        site: Source { file: "seaworthy.yaml".into(), text: format!("site: test\n{people}") },
        ops: vec![Source { file: "ops/0.yaml".into(), text: format!("{text}service: shop\n") }],
        unreadable: vec![],
        left_out: vec![],
        held: vec![],
    };
    let waits = async || {
        let mut outcome = reload::read(&Given(files.clone()), Some(&before), START).unwrap();
        let ports = &world.ports;
        reload::hold(&*ports.journal, &*ports.views, Some(&before), &mut outcome, START).await.unwrap();
        outcome.loaded.held.iter().map(|held| (held.subject.word(), held.gives_rights)).collect::<Vec<_>>()
    };
    assert_eq!(waits().await, [], "it is a draft, and nobody could confirm");
    let mut batch = Batch::by(world.ports.actor, Via::Node);
    let claimed = Event::Account(AccountEvent::Claimed { actor: world.ports.actor });
    batch.writes.push(world.ports.ids().write(Stream::of("site", "owner"), Some(0), START, [claimed]));
    world.ports.journal.append(batch).await.unwrap();
    assert_eq!(waits().await, [("process/it".to_owned(), true)]);
}
