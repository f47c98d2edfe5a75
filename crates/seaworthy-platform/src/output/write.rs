//! Writing the output of one attempt: masked, hashed, framed, bounded.
//!
//! Must not know where the bytes come from. A disk that cannot take them loses bytes (counted as dropped),
//! never the command: the one who writes to us is never held up.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use rustix::fs::{FlockOperation, flock};
use seaworthy_model::{process::hex, run::Output};
use sha2::{Digest as _, Sha256};

use super::{
    FRAME_BYTES_MAX, FRAME_HEADER_BYTES, HEAD_BYTES, KIND_END, KIND_ERR, KIND_NOTE, KIND_OUT, TAIL_BYTES,
    mask::{Mask, Window},
    now,
};
use crate::held::folder::private;

/// Size at which a segment is followed by the next.
const SEGMENT_BYTES: u64 = 1024 * 1024;
/// Segments kept: the tail, and the one being written.
const SEGMENTS_MAX: usize = (TAIL_BYTES / SEGMENT_BYTES) as usize + 1;
/// Last bytes of a stream that go into the record.
const LAST_BYTES: usize = 2048;

/// One of the two streams.
struct Stream {
    window: Window,
    hash: Sha256,
    bytes: u64,
    dropped: u64,
    last: Vec<u8>,
}

/// A file of frames: the head or a segment. Only the newest is open: an attempt holds one file, not twelve.
struct Piece {
    path: PathBuf,
    bytes: u64,
    /// How much of it is standard output and standard error.
    of: [u64; 2],
}

/// The output of one attempt while it is being written.
pub(crate) struct Writer {
    head: PathBuf,
    /// The head, locked for as long as something may follow. `None`: nothing was written yet, so there is no file.
    lock: Option<File>,
    /// The newest piece.
    file: Option<File>,
    pieces: VecDeque<Piece>,
    /// Position after the last byte.
    position: u64,
    streams: [Stream; 2],
    /// The disk refused the last frame.
    refused: Option<String>,
}

impl Stream {
    fn new(mask: &Mask) -> Stream {
        Stream { window: mask.window(), hash: Sha256::new(), bytes: 0, dropped: 0, last: vec![] }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(LAST_BYTES)..]);
        self.last.drain(..self.last.len().saturating_sub(LAST_BYTES));
    }

    fn output(&mut self) -> Output {
        // The first character may be cut: leave out what continues one.
        let cut = self.last.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        let from = if self.bytes > LAST_BYTES as u64 { cut } else { 0 };
        Output {
            bytes: self.bytes,
            dropped: self.dropped,
            sha256: hex(&self.hash.finalize_reset()),
            last: String::from_utf8_lossy(&self.last[from..]).into_owned(),
        }
    }
}

impl Piece {
    fn create(path: PathBuf) -> io::Result<(File, Piece)> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((file, Piece { path, bytes: 0, of: [0; 2] }))
    }
}

impl Writer {
    /// The output of an attempt. Its file is made when there is something to keep.
    pub(crate) fn begin(head: PathBuf, mask: &Mask) -> Writer {
        Writer {
            head,
            lock: None,
            file: None,
            pieces: VecDeque::new(),
            position: 0,
            streams: [Stream::new(mask), Stream::new(mask)],
            refused: None,
        }
    }

    /// Keeps what was read from standard output (0) or standard error (1).
    pub(crate) fn write(&mut self, stream: usize, bytes: &[u8]) {
        let masked = self.streams[stream].window.feed(bytes);
        self.keep(stream, &masked);
    }

    /// The stream has ended: what was held back as a possible secret is none.
    pub(crate) fn end_stream(&mut self, stream: usize) {
        let rest = self.streams[stream].window.end();
        self.keep(stream, &rest);
    }

    fn keep(&mut self, stream: usize, masked: &[u8]) {
        self.streams[stream].count(masked);
        for text in masked.chunks(FRAME_BYTES_MAX) {
            if !self.frame([KIND_OUT, KIND_ERR][stream], text, Some(stream)) {
                self.streams[stream].dropped += text.len() as u64;
            }
        }
    }

    /// Keeps a remark of ours.
    pub(crate) fn note(&mut self, text: &str) {
        self.frame(KIND_NOTE, text.as_bytes(), None);
    }

    /// Ends the output and says what there was. What the disk refused is counted as dropped.
    pub(crate) fn end(mut self) -> (Output, Output) {
        self.end_stream(0);
        self.end_stream(1);
        let dropped = self.streams[0].dropped + self.streams[1].dropped;
        if dropped > 0 {
            self.note(&format!("{dropped} bytes were left out between the beginning and the end of this output"));
        }
        if self.file.is_none() && self.refused.is_none() {
            let [out, err] = &mut self.streams;
            return (out.output(), err.output());
        }
        // Before counting: making room may drop the oldest segment. If it fails, the last frame fails too.
        let _ = self.make_room();
        let [out, err] = &mut self.streams;
        let (out, err) = (out.output(), err.output());
        let record = serde_json::json!({ "stdout": out, "stderr": err }).to_string();
        self.frame(KIND_END, record.as_bytes(), None);
        (out, err)
    }

    /// Last bytes of standard error or output, masked; for reasons.
    pub(crate) fn last(&self, stream: usize) -> String {
        String::from_utf8_lossy(&self.streams[stream].last).into_owned()
    }

    /// Writes one frame. `false`: the disk did not take it.
    fn frame(&mut self, kind: u8, text: &[u8], stream: Option<usize>) -> bool {
        match self.try_frame(kind, text, stream) {
            Ok(()) => {
                if let Some(reason) = self.refused.take() {
                    self.note(&format!("some output before this could not be kept: {reason}"));
                }
                true
            }
            Err(error) => {
                if self.refused.is_none() {
                    tracing::warn!(%error, file = %self.head.display(), "output of a command cannot be kept; it goes on");
                }
                self.refused = Some(error.to_string());
                false
            }
        }
    }

    fn try_frame(&mut self, kind: u8, text: &[u8], stream: Option<usize>) -> io::Result<()> {
        self.make_room()?;
        let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + text.len());
        frame.extend_from_slice(&[kind, 0, 0, 0]);
        frame.extend_from_slice(&u32::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes());
        frame.extend_from_slice(&now().0.to_le_bytes());
        frame.extend_from_slice(text);
        let at = self.piece()?.bytes;
        let file = self.file.as_ref().ok_or_else(|| io::Error::other("an output has no file"))?;
        if let Err(error) = file.write_all_at(&frame, at) {
            // Half a frame would be read as a whole one together with the next.
            file.set_len(at)?;
            return Err(error);
        }
        let piece = self.piece()?;
        piece.bytes += frame.len() as u64;
        if let Some(stream) = stream {
            piece.of[stream] += text.len() as u64;
        }
        self.position += frame.len() as u64;
        Ok(())
    }

    fn piece(&mut self) -> io::Result<&mut Piece> {
        self.pieces.back_mut().ok_or_else(|| io::Error::other("an output has no file"))
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            return self.first_piece();
        }
        let limit = if self.pieces.len() == 1 { HEAD_BYTES } else { SEGMENT_BYTES };
        if self.piece()?.bytes >= limit { self.next_piece() } else { Ok(()) }
    }

    fn first_piece(&mut self) -> io::Result<()> {
        private(self.head.parent().unwrap_or(&self.head))?;
        let (file, piece) = Piece::create(self.head.clone())?;
        let lock = file.try_clone()?;
        // Nobody else writes here; where locks cannot be had, a reader takes a pause for the end.
        let _ = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        (self.lock, self.file) = (Some(lock), Some(file));
        self.pieces.push_back(piece);
        Ok(())
    }

    /// Goes on in a new segment, and removes the oldest one if there are too many. The head (0) always stays.
    fn next_piece(&mut self) -> io::Result<()> {
        let mut name = self.head.clone().into_os_string();
        name.push(format!("@{}", self.position));
        let (file, piece) = Piece::create(name.into())?;
        self.file = Some(file);
        self.pieces.push_back(piece);
        if self.pieces.len() > SEGMENTS_MAX + 1
            && let Some(oldest) = self.pieces.remove(1)
        {
            fs::remove_file(&oldest.path)?;
            for (stream, bytes) in oldest.of.into_iter().enumerate() {
                self.streams[stream].dropped += bytes;
            }
        }
        Ok(())
    }
}
