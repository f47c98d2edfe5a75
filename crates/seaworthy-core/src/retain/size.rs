//! Making room under a limit: the oldest that nobody needs goes first.
//!
//! What is needed is never dropped for room: what does not fit is told.

use seaworthy_model::id::RunId;

use super::What;

/// One part of one run on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub run: RunId,
    pub what: What,
    /// In the order in which runs ended: a clock that was ahead keeps nothing here, one behind lets nothing go.
    pub place: u64,
    pub bytes: u64,
    pub needed: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    pub drop: Vec<(RunId, What)>,
    /// Bytes that are over the limit even then.
    pub over: u64,
}

/// What goes so that `bytes` in all come down to `at_most`. Of one run the output goes before the artifact.
pub fn make_room(mut items: Vec<Item>, bytes: u64, at_most: u64) -> Room {
    let mut room = Room { drop: Vec::new(), over: bytes.saturating_sub(at_most) };
    items.sort_by_key(|item| (item.place, item.run, item.what != What::Outputs));
    for item in items.iter().filter(|item| !item.needed && item.bytes > 0) {
        if room.over == 0 {
            break;
        }
        room.drop.push((item.run, item.what));
        room.over = room.over.saturating_sub(item.bytes);
    }
    room
}
