//! Reading frames from a cursor on, over head and segments, while they are being written.
//!
//! Must not know who writes.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use seaworthy_model::{
    port::{Chunk, OutputPart, Std},
    time::At,
};

use super::{FRAME_BYTES_MAX, FRAME_HEADER_BYTES, KIND_END, KIND_ERR, KIND_NOTE, KIND_OUT, now, pieces};

/// Frames from the position `from` on, at least one if there is one, until there are about `max` bytes.
pub(super) fn part(head: &Path, from: u64, max: usize) -> io::Result<OutputPart> {
    let mut part = OutputPart { chunks: vec![], next: from, ended: false };
    let mut room = max.max(1);
    let pieces = pieces(head)?;
    for (index, (start, path)) in pieces.iter().enumerate() {
        let begins_next = pieces.get(index + 1).map(|(start, _)| *start);
        if begins_next.is_some_and(|next| next <= part.next) && part.next > *start {
            continue;
        }
        let file = match File::open(path) {
            Ok(file) => file,
            // Removed between the listing and now: a gap, noted at the next piece.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if part.next < *start {
            part.chunks.push(gap(start - part.next));
            part.next = *start;
        }
        let full = frames(&file, *start, &mut part, &mut room)?;
        if full || part.ended {
            break;
        }
    }
    Ok(part)
}

fn gap(bytes: u64) -> Chunk {
    let text = format!("about {bytes} bytes were left out here: an output keeps its beginning and its newest part");
    Chunk { stream: Std::Note, at: now(), bytes: text.into_bytes() }
}

/// Reads what is whole. Returns whether there is no room for more.
fn frames(file: &File, start: u64, part: &mut OutputPart, room: &mut usize) -> io::Result<bool> {
    let mut header = [0u8; FRAME_HEADER_BYTES];
    loop {
        let at = part.next - start;
        if !whole(file, &mut header, at)? {
            return Ok(false);
        }
        let (kind, length, when) = parse(&header, part.next)?;
        let mut bytes = vec![0u8; length];
        if !whole(file, &mut bytes, at + FRAME_HEADER_BYTES as u64)? {
            return Ok(false);
        }
        part.next += (FRAME_HEADER_BYTES + length) as u64;
        let stream = match kind {
            KIND_OUT => Std::Out,
            KIND_ERR => Std::Err,
            KIND_NOTE => Std::Note,
            _ => {
                part.ended = true;
                return Ok(false);
            }
        };
        part.chunks.push(Chunk { stream, at: when, bytes });
        *room = room.saturating_sub(length + FRAME_HEADER_BYTES);
        if *room == 0 {
            return Ok(true);
        }
    }
}

fn parse(header: &[u8; FRAME_HEADER_BYTES], position: u64) -> io::Result<(u8, usize, At)> {
    let [kind, a, b, c, l0, l1, l2, l3, t @ ..] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let known = matches!(kind, KIND_OUT | KIND_ERR | KIND_NOTE | KIND_END) && [a, b, c] == [0; 3];
    if !known || length > FRAME_BYTES_MAX {
        let text = format!("no frame of output begins at {position}: start again from 0, or the file is damaged");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok((kind, length, At(i64::from_le_bytes(t))))
}

/// Fills `bytes`, or says that the file is not that long yet.
fn whole(file: &File, bytes: &mut [u8], at: u64) -> io::Result<bool> {
    match file.read_exact_at(bytes, at) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
