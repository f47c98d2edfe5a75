//! Outputs on a real disk, written and read at the same time.

use std::{fs, io};

use seaworthy_model::port::{OutputKey, OutputPart, Outputs as _, Std};

use super::{FileOutputs, HEAD_BYTES, TAIL_BYTES, head, mask::Mask, pieces, write::Writer};
use crate::provider::tests::{World, run_id};

fn key() -> OutputKey {
    OutputKey { run: run_id(), step: "dump.all".into(), attempt: 2 }
}

fn begin(world: &World, key: &OutputKey) -> Writer {
    Writer::begin(head(&world.data, key).expect("a plain name"), &Mask::of(&[]))
}

async fn read(world: &World, key: &OutputKey, from: u64) -> io::Result<OutputPart> {
    FileOutputs::new(world.data.clone()).read(key, from, 1024 * 1024).await
}

fn text(part: &OutputPart, stream: Std) -> String {
    let chunks = part.chunks.iter().filter(|chunk| chunk.stream == stream);
    chunks.map(|chunk| String::from_utf8_lossy(&chunk.bytes)).collect()
}

#[tokio::test]
async fn an_output_is_read_while_it_grows() {
    let (world, key) = (World::new(), key());
    let empty = read(&world, &key, 0).await.expect("unknown keys read as empty");
    assert_eq!((empty.chunks.len(), empty.next, empty.ended), (0, 0, false));
    let mut writer = begin(&world, &key);
    writer.write(0, b"one");
    let first = read(&world, &key, 0).await.expect("readable");
    assert_eq!((text(&first, Std::Out).as_str(), first.ended), ("one", false));
    let none = read(&world, &key, first.next).await.expect("readable");
    assert_eq!((none.chunks.len(), none.ended), (0, false));
    writer.write(1, b"two");
    writer.note("three");
    let (out, err) = writer.end();
    let rest = read(&world, &key, first.next).await.expect("readable");
    assert_eq!((text(&rest, Std::Err).as_str(), text(&rest, Std::Note).as_str(), rest.ended), ("two", "three", true));
    assert_eq!((out.bytes, err.bytes), (3, 3));
    let after = read(&world, &key, rest.next).await.expect("readable");
    assert_eq!(after.chunks.len(), 0);
}

#[tokio::test]
async fn a_follower_misses_nothing_and_a_late_reader_is_told_of_the_gap() {
    let (world, key) = (World::new(), key());
    let mut writer = begin(&world, &key);
    let block = vec![b'.'; 32 * 1024];
    let (mut cursor, mut followed) = (0, 0);
    for _ in 0..(24 * 1024 / 32) {
        writer.write(0, &block);
        let part = read(&world, &key, cursor).await.expect("readable");
        assert_eq!(text(&part, Std::Note), "");
        followed += text(&part, Std::Out).len();
        cursor = part.next;
    }
    let (out, _) = writer.end();
    assert_eq!(followed as u64, out.bytes);
    assert!(out.dropped > 0 && out.bytes - out.dropped >= TAIL_BYTES, "{out:?}");

    let pieces = pieces(&head(&world.data, &key).expect("plain")).expect("listed");
    assert_eq!(pieces[0].0, 0);
    assert!(fs::metadata(&pieces[0].1).expect("the head").len() >= HEAD_BYTES);
    let in_the_gap = pieces[0].1.metadata().expect("the head").len() + 100;
    let part = read(&world, &key, in_the_gap).await.expect("a cursor of a removed segment is fine");
    assert!(text(&part, Std::Note).contains("were left out here"), "{}", text(&part, Std::Note));
    assert_eq!(part.chunks[1].bytes.len(), block.len());
}

#[tokio::test]
async fn half_a_frame_is_not_there_yet() {
    let (world, key) = (World::new(), key());
    let mut writer = begin(&world, &key);
    writer.write(0, b"whole");
    writer.write(0, b"half");
    let path = head(&world.data, &key).expect("plain");
    let bytes = fs::read(&path).expect("there");
    fs::write(&path, &bytes[..bytes.len() - 2]).expect("writable");
    let part = read(&world, &key, 0).await.expect("readable");
    assert_eq!((text(&part, Std::Out).as_str(), part.ended), ("whole", false));
    // The keeper dies here, and its lock with it.
    drop(writer);
    let part = read(&world, &key, part.next).await.expect("readable");
    assert_eq!((part.chunks.len(), part.ended), (0, true));
}

#[tokio::test]
async fn a_cursor_that_is_no_frame_is_an_error_in_words() {
    let (world, key) = (World::new(), key());
    let mut writer = begin(&world, &key);
    writer.write(0, &[b'x'; 100]);
    let error = read(&world, &key, 20).await.expect_err("in the middle of a frame");
    assert!(error.to_string().contains("no frame of output begins at 20"), "{error}");
    let bad = OutputKey { step: "a/b".into(), ..key.clone() };
    assert!(read(&world, &bad, 0).await.expect_err("no file name").to_string().contains("cannot name a step"));
    let mut again = begin(&world, &key);
    again.write(0, b"over it");
    assert_eq!(again.end().0.dropped, 7, "what is there is never written over");
}

#[test]
fn the_last_words_begin_with_a_whole_character() {
    let (world, key) = (World::new(), key());
    let mut writer = begin(&world, &key);
    writer.write(0, "ü".repeat(2000).as_bytes());
    writer.write(0, b"x");
    let (out, _) = writer.end();
    assert!(out.last.starts_with('ü') && out.last.ends_with("üx") && out.last.len() <= 2048, "{}", out.last.len());
}
