//! Every way to lie about the past, planted in a small journal, and named by the walk.

use std::cell::Cell;

use seaworthy_core::audit::{PROBLEMS_MAX, Report, Walk};
use seaworthy_model::{
    checkpoint::{Checkpoint, key_hash},
    entry::{Entry, Header, Stream, Via},
    event::Event,
    id::{ActorId, EntryId, NodeId},
    time::At,
    tree::{Frontier, Hash, leaf},
};

const KEY: [u8; 32] = [7; 32];
const ORIGIN: &str = "seaworthy/node";

/// Stands in for Ed25519 here: the leaf hash of the body, twice. Only this file knows the "key".
fn sign(body: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&leaf(body).0);
    signature[32..].copy_from_slice(&leaf(body).0);
    signature
}

fn good(body: &[u8], signature: &[u8; 64], hash: &[u8; 4]) -> bool {
    *signature == sign(body) && *hash == key_hash(ORIGIN, &KEY)
}

#[derive(Clone, Default)]
struct Journal {
    entries: Vec<Entry>,
    notes: Vec<String>,
    stored: Frontier,
}

impl Journal {
    fn write(&mut self, stream: &Stream, event: &Event) {
        let position = self.entries.len() as u64;
        let version = 1 + self.entries.iter().filter(|e| e.header.stream == *stream).count() as u64;
        let (kind, body) = event.encode();
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&position.to_be_bytes());
        let header = Header {
            id: EntryId::new(At(position as i64), &chance),
            stream: stream.clone(),
            version,
            kind,
            v: event.version(),
            at: At(position as i64),
            node: NodeId::new(At(0), &[2; 10]),
            epoch: 1,
            actor: ActorId::new(At(0), &[4; 10]),
            via: Via::Node,
            body_digest: digest(&body),
            body_bytes: body.len() as u32,
        };
        self.stored.push(header.leaf());
        self.entries.push(Entry { position, header, body: Some(body) });
    }

    fn seal(&mut self) {
        let frontier = self.rebuilt();
        self.notes.push(note(frontier.size, frontier.root(), sign));
    }

    fn rebuilt(&self) -> Frontier {
        let mut frontier = Frontier::default();
        self.entries.iter().for_each(|e| frontier.push(e.header.leaf()));
        frontier
    }

    /// As an attacker with write access to the store, but without the key, would leave it.
    fn cover_up(&mut self) {
        for (position, e) in self.entries.iter_mut().enumerate() {
            e.position = position as u64;
        }
        self.stored = self.rebuilt();
    }

    fn drop_body(&mut self, position: usize) {
        self.entries[position].body = None;
        let (entry, position) = (self.entries[position].header.id, position as u64);
        self.write(&Stream::site(), &Event::BodyDropped { entry, position, why: "retention".into() });
    }

    fn walk(&self) -> Report {
        let mut walk = Walk::new(self.notes.clone(), &good);
        self.entries.iter().for_each(|e| walk.entry(e));
        walk.finish(&self.stored)
    }
}

/// SHA-256 of a body, as the store writes it.
fn digest(body: &str) -> Hash {
    use sha2::Digest as _;
    Hash(sha2::Sha256::digest(body.as_bytes()).into())
}

fn note(size: u64, root: Hash, sign: impl Fn(&[u8]) -> [u8; 64]) -> String {
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root, at: At(0) };
    checkpoint.note(&KEY, &sign(checkpoint.body().as_bytes()))
}

fn stopped(n: usize) -> Event {
    Event::NodeStopped { reason: format!("reason {n}") }
}

/// Twelve entries on two streams, checkpoints after 4, 8 and 12, and two entries that are not sealed yet.
fn journal() -> Journal {
    let mut journal = Journal::default();
    for n in 0..14 {
        let stream = if n % 3 == 0 { Stream::schedule("a") } else { Stream::site() };
        journal.write(&stream, &stopped(n));
        if n < 12 && n % 4 == 3 {
            journal.seal();
        }
    }
    journal
}

/// The first problem has to be at this position and say this.
fn names(report: &Report, position: Option<u64>, what: &str) {
    let found = report.problems.iter().any(|p| p.position == position && p.what.contains(what));
    assert!(found, "{position:?} `{what}` is not among {:#?}", report.problems);
    assert!(!report.ok());
}

const ROOT_OF_8: &str = "the first 8 entries have the root";

#[test]
fn a_whole_journal_has_no_problems() {
    let journal = journal();
    let report = journal.walk();
    assert_eq!(report.problems, []);
    assert!(report.ok());
    assert_eq!((report.entries, report.checkpoints, report.sealed, report.bodies_dropped), (14, 3, 12, 0));
    assert_eq!(report.root, journal.stored.root());
    let empty = Journal { notes: vec![note(0, Frontier::default().root(), sign)], ..Journal::default() };
    assert_eq!(empty.walk().problems, []);
}

#[test]
fn a_changed_body_is_named() {
    let mut journal = journal();
    journal.entries[5].body = Some(r#"{"reason":"reason 6"}"#.into());
    names(&journal.walk(), Some(5), "the body of entry_");
    journal.entries[5].header.body_digest = digest(r#"{"reason":"reason 6"}"#);
    journal.cover_up();
    names(&journal.walk(), Some(4), ROOT_OF_8);
}

#[test]
fn a_changed_header_is_named() {
    let mut journal = journal();
    journal.entries[5].header.actor = ActorId::new(At(0), &[9; 10]);
    let report = journal.walk();
    names(&report, Some(4), ROOT_OF_8);
    names(&report, Some(4), "the stored tree has the root");
    assert_eq!((report.sealed, report.problems.len()), (4, 2), "later checkpoints are not named again: {report:#?}");
}

#[test]
fn a_removed_entry_is_named() {
    let mut journal = journal();
    journal.entries.remove(5);
    let report = journal.walk();
    names(&report, Some(5), "the entry at position 5 is missing");
    names(&report, Some(7), "stream `site` goes from version 3 to 5");
    names(&report, Some(4), ROOT_OF_8);
    names(&report, Some(13), "the stored tree covers 14 entries, but 13 are there");
    journal.cover_up();
    names(&journal.walk(), Some(4), ROOT_OF_8);
    let mut first = self::journal();
    first.entries.drain(..2);
    names(&first.walk(), Some(0), "the entries at positions 0 to 1 are missing");
}

#[test]
fn exchanged_entries_are_named() {
    let mut journal = journal();
    journal.entries.swap(5, 6);
    let report = journal.walk();
    names(&report, Some(5), "the entry at position 5 is missing");
    names(&report, Some(5), "an entry with position 5 stands where 7 should be");
    let about_places = report.problems.iter().filter(|p| p.what.contains("position 5")).count();
    assert_eq!(about_places, 2, "what comes after is in its place: {report:#?}");
    journal.cover_up();
    names(&journal.walk(), Some(4), ROOT_OF_8);
}

#[test]
fn an_inserted_entry_and_a_used_id_are_named() {
    let mut journal = journal();
    let copy = journal.entries[3].clone();
    journal.entries.insert(6, copy);
    journal.cover_up();
    let report = journal.walk();
    names(&report, Some(6), "was used before");
    names(&report, Some(6), "stream `schedule/a` goes from version 2 to 2");
    names(&report, Some(4), ROOT_OF_8);
}

#[test]
fn an_entry_after_the_last_checkpoint_is_fine_but_its_tree_has_to_know_it() {
    let mut journal = journal();
    journal.write(&Stream::site(), &stopped(99));
    assert_eq!(journal.walk().problems, []);
    journal.stored = Frontier::default();
    names(&journal.walk(), Some(0), "the stored tree covers 0 entries, but 15 are there");
}

#[test]
fn a_tail_cut_off_below_a_checkpoint_is_named() {
    let mut journal = journal();
    journal.entries.truncate(10);
    journal.cover_up();
    let report = journal.walk();
    names(&report, Some(10), "a checkpoint covers 12 entries, but there are only 10: the end was cut off");
    assert_eq!((report.problems.len(), report.sealed), (1, 8));
}

#[test]
fn a_forged_checkpoint_is_named() {
    let mut journal = journal();
    let whole = journal.notes.clone();
    journal.notes[1] = note(8, Hash([1; 32]), |_| [0; 64]);
    let report = journal.walk();
    names(&report, None, "the checkpoint of 8 entries is forged");
    assert_eq!((report.problems.len(), report.checkpoints, report.sealed), (1, 2, 12));

    journal.notes[1] = note(8, Hash([1; 32]), sign);
    names(&journal.walk(), Some(4), ROOT_OF_8);
    journal.notes = [whole.clone(), vec![note(8, Hash([1; 32]), sign)]].concat();
    names(&journal.walk(), Some(4), ROOT_OF_8);

    journal.notes = [whole, vec!["nonsense".into()]].concat();
    names(&journal.walk(), None, "checkpoint 4 of 4 cannot be read");
}

#[test]
fn a_checkpoint_of_nothing_has_the_root_of_nothing() {
    let mut journal = journal();
    journal.notes.insert(0, note(0, Hash([1; 32]), sign));
    names(&journal.walk(), Some(0), "the first 0 entries have the root");
}

#[test]
fn a_repeated_entry_does_not_spoil_the_checkpoint_before_it() {
    let mut journal = journal();
    let copy = journal.entries[5].clone();
    journal.entries.insert(8, copy);
    let report = journal.walk();
    names(&report, Some(5), "an entry with position 5 stands where 8 should be");
    names(&report, Some(8), "the first 12 entries have the root");
    assert_eq!(report.sealed, 8);
}

#[test]
fn every_signature_is_asked_about() {
    let asked = Cell::new(0);
    let check = |body: &[u8], signature: &[u8; 64], hash: &[u8; 4]| {
        asked.set(asked.get() + 1);
        good(body, signature, hash)
    };
    drop(Walk::new(journal().notes, &check));
    assert_eq!(asked.get(), 3);
}

#[test]
fn a_dropped_body_needs_its_tombstone() {
    let mut journal = journal();
    journal.drop_body(5);
    let report = journal.walk();
    assert_eq!((report.problems.as_slice(), report.bodies_dropped), ([].as_slice(), 1));
    journal.entries[6].body = None;
    names(&journal.walk(), Some(6), "is gone, and no tombstone says why");
    let entry = journal.entries[2].header.id;
    journal.write(&Stream::site(), &Event::BodyDropped { entry, position: 6, why: "a lie".into() });
    names(&journal.walk(), Some(15), "a tombstone names entry_");
}

#[test]
fn an_unknown_type_is_named() {
    let mut journal = journal();
    journal.entries[13].header.kind = "moon_landed".into();
    journal.cover_up();
    names(&journal.walk(), Some(13), "type `moon_landed`");
}

#[test]
fn many_problems_are_counted_and_the_first_listed() {
    let mut journal = Journal::default();
    for n in 0..PROBLEMS_MAX + 7 {
        journal.write(&Stream::of("signal", n), &stopped(n));
    }
    journal.entries.iter_mut().for_each(|e| e.body = Some("{}".into()));
    let report = journal.walk();
    assert_eq!((report.problems.len(), report.truncated), (PROBLEMS_MAX, 7));
    assert_eq!(report.problems[0].position, Some(0));
}
