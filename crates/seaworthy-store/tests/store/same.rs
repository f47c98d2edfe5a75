//! Two adapters, one behaviour: random batches go to both, and every answer and every row must be equal.
//!
//! The memory is simple enough to be believed; what differs is a fault of one of them.

use proptest::{collection::vec, prelude::*};
use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Write, Writer},
    run::{Kind, Verified},
    time::At,
    view::{EndedRun, LiveRun, RunQuery, ViewChange},
};
use seaworthy_store::{memory::Memory, sqlite::Sqlite};

use crate::world::{Folder, actor, draft, effect, ended, live, node, said, stream};

/// One thing of a batch; small numbers, so that things meet.
#[derive(Debug, Clone)]
enum Part {
    Say(u8, Option<u64>, u8),
    Due(u8, i64),
    Live(usize),
    End(usize, i64, bool),
    Add(u8, i64),
    Claim(u8, u32, i64),
    Later(u8, i64),
    Done(u8),
    Drop(u64, bool),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => (0..3u8, proptest::option::of(0..4u64), 0..4u8).prop_map(|(s, e, n)| Part::Say(s, e, n)),
        1 => (0..2u8, 0..6i64).prop_map(|(p, at)| Part::Due(p, at)),
        2 => (0..6usize).prop_map(Part::Live),
        2 => (0..6usize, 0..4i64, any::<bool>()).prop_map(|(r, at, yes)| Part::End(r, at, yes)),
        1 => (0..4u8, 0..9i64).prop_map(|(k, at)| Part::Add(k, at)),
        1 => (0..4u8, 0..4u32, 0..9i64).prop_map(|(k, n, at)| Part::Claim(k, n, at)),
        1 => (0..4u8, 0..9i64).prop_map(|(k, at)| Part::Later(k, at)),
        1 => (0..4u8).prop_map(Part::Done),
        1 => (0..20u64, prop::bool::weighted(0.8)).prop_map(|(at, told)| Part::Drop(at, told)),
    ]
}

fn told(event: Event) -> Write {
    Write { stream: Stream::site(), expected: None, drafts: vec![draft(event)] }
}

/// The rows that parts name by number.
struct Cast {
    live: Vec<LiveRun>,
    ended: Vec<EndedRun>,
}

impl Cast {
    fn new() -> Cast {
        let live: Vec<_> = (0..6).map(|n| live(if n % 2 == 0 { "p" } else { "q" })).collect();
        let ended = live.iter().map(|row| EndedRun { run: row.run, ..ended(&row.process, 0) }).collect();
        Cast { live, ended }
    }

    fn batch(&self, parts: &[Part]) -> Batch {
        let mut batch = Batch::by(actor(), Via::Node);
        for part in parts {
            match part.clone() {
                Part::Say(s, expected, n) => {
                    let drafts = (0..n).map(|_| draft(said("x"))).collect();
                    batch.writes.push(Write { stream: stream(&s.to_string()), expected, drafts });
                }
                Part::Due(p, at) => batch.occurrences.push((p.to_string(), At(at))),
                Part::Live(r) => batch.views.push(ViewChange::RunLive(self.live[r].clone())),
                Part::End(r, at, yes) => batch.views.push(ViewChange::RunEnded(Box::new(EndedRun {
                    ended_at: At(at),
                    verified: if yes { Verified::Yes } else { Verified::No },
                    kind: if at == 3 { Kind::Drill } else { Kind::Run },
                    ..self.ended[r].clone()
                }))),
                Part::Add(k, at) => batch.outbox_add.push(effect(&k.to_string(), at)),
                Part::Claim(k, n, at) => batch.outbox_claim.push((k.to_string(), n, At(at))),
                Part::Later(k, at) => batch.outbox_later.push((k.to_string(), 2, At(at))),
                Part::Done(k) => batch.outbox_done.push(k.to_string()),
                Part::Drop(position, with_tombstone) => {
                    batch.drop_bodies.push(position);
                    if with_tombstone {
                        let entry = draft(said("")).id;
                        batch.writes.push(told(Event::BodyDropped { entry, position, why: "age".to_owned() }));
                    }
                }
            }
        }
        batch
    }
}

/// Everything both can be asked, as text.
async fn all(store: &seaworthy_store::Opened) -> String {
    let (j, v) = (&store.journal, &store.views);
    let query = |process: Option<&str>, verified| RunQuery {
        process: process.map(str::to_owned),
        verified,
        limit: 4,
        ..RunQuery::default()
    };
    let mut said = format!("{:#?}", j.from(0, 1_000).await);
    for name in ["0", "1", "2"] {
        said += &format!("{:#?}", j.stream(&stream(name), 1).await);
    }
    said += &format!("{:#?}{:#?}{:#?}", j.frontier().await, j.outbox(At(6), 3).await, j.outbox_next().await);
    said += &format!("{:#?}{:#?}{:#?}", v.live_runs().await, v.process("p").await, v.process("q").await);
    said += &format!("{:#?}{:#?}", v.ended_runs(query(None, None)).await, v.ended_count().await);
    said + &format!("{:#?}", v.ended_runs(query(Some("p"), Some(Verified::Yes))).await)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_alike(batches in vec(vec(part(), 0..5), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let sqlite = Sqlite::open(&folder.file(), node).unwrap();
            let memory = Memory::new(Writer { ..sqlite.writer() }).opened();
            let (sqlite, cast) = (sqlite.opened(), Cast::new());
            for parts in &batches {
                let batch = cast.batch(parts);
                let answers = (sqlite.journal.append(batch.clone()).await, memory.journal.append(batch).await);
                assert_eq!(answers.0, answers.1, "{parts:?}");
            }
            assert_eq!(all(&sqlite).await, all(&memory).await);
        });
    }
}
