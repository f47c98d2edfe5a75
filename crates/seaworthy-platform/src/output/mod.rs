//! Kept output of attempts: what a command wrote, masked, with times, readable while it grows.
//!
//! Must not know commands or processes. The format on disk (also in docs/formats/output.md):
//!
//! - `DATA/runs/RUN/output/STEP.ATTEMPT` is the head. When it has [`HEAD_BYTES`], writing goes on in segments
//!   `STEP.ATTEMPT@OFFSET`, of which the oldest are removed so that at least [`TAIL_BYTES`] remain. `OFFSET` is
//!   the position of the segment's first byte in the endless file that head and segments are pieces of; a
//!   cursor of `Outputs::read` is such a position too, at the beginning of a frame.
//! - A file is a sequence of frames: 16 bytes, then the text. Byte 0 is the kind (`o` standard output, `e`
//!   standard error, `n` a note of ours, `z` the end); bytes 1 to 3 are zero; bytes 4 to 7 the length of the
//!   text, little-endian; bytes 8 to 15 the time of reading, UTC nanoseconds since 1970, little-endian.
//! - The text of `z` is JSON: `{"stdout": OUTPUT, "stderr": OUTPUT}` as the attempt's record has them.
//! - A frame that is cut short at the end of a file was being written.

pub mod mask;
mod read;
#[cfg(test)]
mod tests;
pub(crate) mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::fs::{FlockOperation, flock};
use seaworthy_model::{
    id::RunId,
    port::{Fut, OutputKey, OutputPart, Outputs, Secret},
    run::Output,
    time::At,
};

use crate::blocking::off_runtime;

/// Bytes at the beginning of an output that always stay.
pub const HEAD_BYTES: u64 = 1024 * 1024;
/// Bytes at its end that stay at least.
pub const TAIL_BYTES: u64 = 9 * 1024 * 1024;
/// Largest text of one frame.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

const FRAME_HEADER_BYTES: usize = 16;
const KIND_OUT: u8 = b'o';
const KIND_ERR: u8 = b'e';
const KIND_NOTE: u8 = b'n';
const KIND_END: u8 = b'z';

/// Output files below a data folder.
#[derive(Debug, Clone)]
pub struct FileOutputs {
    data: PathBuf,
}

impl FileOutputs {
    /// `data` is the data folder.
    pub fn new(data: PathBuf) -> FileOutputs {
        FileOutputs { data }
    }
}

impl Outputs for FileOutputs {
    /// An output whose writer died without an end (the keeper was killed) reads as ended: the kernel drops a lock with
    /// its holder.
    fn read(&self, key: &OutputKey, from: u64, max: usize) -> Fut<'_, io::Result<OutputPart>> {
        let (data, key) = (self.data.clone(), key.clone());
        Box::pin(async move {
            off_runtime(move || {
                let head = head(&data, &key)?;
                // Looked at before the file: a writer that ends in between has written all when the file is read.
                let living = is_written(&head);
                let mut part = read::part(&head, from, max)?;
                part.ended |= part.chunks.is_empty() && !living && head.exists();
                Ok(part)
            })
            .await?
        })
    }
}

/// Keeps a whole output at once. What the disk refuses is counted as dropped.
pub(crate) fn keep(data: &Path, key: &OutputKey, bytes: &[u8], hidden: &[Secret]) -> Output {
    let begun = head(data, key).map(|head| write::Writer::begin(head, &mask::Mask::of(hidden)));
    match begun {
        Ok(mut writer) => {
            writer.write(0, bytes);
            writer.end().0
        }
        Err(error) => {
            tracing::warn!(%error, "an output cannot be kept");
            Output { bytes: bytes.len() as u64, dropped: bytes.len() as u64, ..Output::default() }
        }
    }
}

/// Whether somebody still writes this output.
fn is_written(head: &Path) -> bool {
    let Ok(file) = fs::File::open(head) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// The folder of one run.
pub(crate) fn run_folder(data: &Path, run: RunId) -> PathBuf {
    data.join("runs").join(run.to_string())
}

/// The head file of an attempt. A step's name must be a plain file name.
pub(crate) fn head(data: &Path, key: &OutputKey) -> io::Result<PathBuf> {
    let plain = !key.step.is_empty() && !key.step.starts_with('.') && !key.step.contains(['/', '\0', '@']);
    if !plain || key.step.len() > 200 {
        let text = format!("`{}` cannot name a step: use letters, digits, `-`, `_` and `.`", key.step.escape_debug());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(run_folder(data, key.run).join("output").join(format!("{}.{}", key.step, key.attempt)))
}

/// Head and segments of an output, with the position of the first byte of each, in order.
fn pieces(head: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = vec![];
    let (Some(folder), Some(name)) = (head.parent(), head.file_name().and_then(|name| name.to_str())) else {
        return Ok(found);
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Some(rest) = entry.file_name().to_str().and_then(|file| file.strip_prefix(name).map(str::to_owned)) else {
            continue;
        };
        if rest.is_empty() {
            found.push((0, entry.path()));
        } else if let Some(start) = rest.strip_prefix('@').and_then(|start| start.parse().ok()) {
            found.push((start, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The wall clock.
pub(crate) fn now() -> At {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
