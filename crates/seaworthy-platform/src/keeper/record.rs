//! What a keeper remembers on disk: `DATA/keeper/NAME.records`, lines of JSON that are only appended.
//!
//! `begun` is written before a command starts, `ended` when it has ended, `noted` when its end is durable in the
//! journal. A line that matters longer than [`SYNC_AFTER`] is synced, together with all that gathered meanwhile. When
//! nothing is open any more the file is emptied. Must not know how a command is held.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use seaworthy_model::run::Acted;
use serde::{Deserialize, Serialize};

use crate::held::folder;

/// An end that is not noted by then is made durable.
pub(super) const SYNC_AFTER: Duration = Duration::from_millis(25);
/// Size at which a file of ends that are all noted is emptied.
const EMPTY_BYTES_MIN: u64 = 256 * 1024;
/// Size at which it is written anew although something in it is open.
const ANEW_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// Ends that nobody noted and that are kept: the oldest beyond are forgotten, so their attempts are unknown.
pub(super) const UNNOTED_MAX: usize = 8_192;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(String),
    Ended(String, Box<Acted>),
    Noted(String),
}

/// What is open: attempts that began (`None`) or ended without anybody's noting it.
pub(super) type Open = BTreeMap<String, Option<Acted>>;

/// The file, and what it says.
pub(super) struct Records {
    path: PathBuf,
    file: Arc<File>,
    bytes: u64,
    /// Lines that are still to be written.
    gathered: Vec<u8>,
    open: Open,
    /// Ends in their order, for the bound.
    ends: std::collections::VecDeque<String>,
    unsynced: bool,
    syncer: Syncer,
}

/// What the file of a keeper that is dead says. A last line that was being written is none.
pub(super) fn read(path: &Path) -> Open {
    let mut open = Open::new();
    for line in fs::read(path).unwrap_or_default().split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            // What names no attempt was not written by a keeper; it would name other things on disk.
            Ok(Line::Begun(attempt) | Line::Ended(attempt, _)) if !folder::is_attempt(&attempt) => {}
            Ok(Line::Begun(attempt)) => drop(open.insert(attempt, None)),
            Ok(Line::Ended(attempt, acted)) => drop(open.insert(attempt, Some(*acted))),
            Ok(Line::Noted(attempt)) => drop(open.remove(&attempt)),
            Err(_) => {}
        }
    }
    open
}

impl Records {
    /// Takes over what is open of an earlier life; begun ones among it are the caller's to end.
    pub(super) fn begin(path: PathBuf, open: Open) -> io::Result<Records> {
        let file = Arc::new(write_anew(&path, &open)?);
        let bytes = file.metadata()?.len();
        let ends = open.iter().filter(|(_, acted)| acted.is_some()).map(|(attempt, _)| attempt.clone()).collect();
        let syncer = Syncer::start()?;
        Ok(Records { path, file, bytes, gathered: vec![], open, ends, unsynced: false, syncer })
    }

    /// Whether this attempt began, and its end if that is on record.
    pub(super) fn of(&self, attempt: &str) -> Option<Option<&Acted>> {
        self.open.get(attempt).map(Option::as_ref)
    }

    /// On the disk's way before the command starts: whoever comes after our sudden end knows that it began.
    pub(super) fn begun(&mut self, attempt: &str) {
        self.open.insert(attempt.to_owned(), None);
        self.gather(&Line::Begun(attempt.to_owned()));
        self.flush();
    }

    pub(super) fn ended(&mut self, attempt: &str, acted: &Acted) {
        self.open.insert(attempt.to_owned(), Some(acted.clone()));
        self.ends.push_back(attempt.to_owned());
        self.gather(&Line::Ended(attempt.to_owned(), Box::new(acted.clone())));
        self.unsynced = true;
        while self.ends.len() > UNNOTED_MAX {
            let Some(oldest) = self.ends.pop_front() else { return };
            if self.open.get(&oldest).is_some_and(Option::is_some) {
                self.forget(&oldest);
            }
        }
    }

    /// Its end is durable in the journal. One that is still held is not noted by anybody.
    pub(super) fn noted(&mut self, attempt: &str) {
        if self.open.get(attempt).is_some_and(Option::is_some) {
            self.forget(attempt);
        }
    }

    fn forget(&mut self, attempt: &str) {
        self.open.remove(attempt);
        self.gather(&Line::Noted(attempt.to_owned()));
        if self.open.is_empty() {
            self.ends.clear();
            self.unsynced = false;
        }
    }

    fn gather(&mut self, line: &Line) {
        if serde_json::to_writer(&mut self.gathered, line).is_ok() {
            self.gathered.push(b'\n');
        }
    }

    /// Writes what has gathered. A disk that takes nothing is asked again with the next line: until then the ends are
    /// in memory alone.
    pub(super) fn flush(&mut self) {
        if self.open.is_empty() && self.bytes >= EMPTY_BYTES_MIN && self.file.set_len(0).is_ok() {
            self.bytes = 0;
            self.gathered.clear();
            return;
        }
        if self.bytes >= ANEW_BYTES_MIN.max(4 * self.open_bytes()) {
            match write_anew(&self.path, &self.open) {
                Ok(file) => {
                    self.bytes = file.metadata().map_or(0, |about| about.len());
                    self.file = Arc::new(file);
                    self.gathered.clear();
                    return;
                }
                Err(error) => tracing::debug!(%error, "the records could not be written anew"),
            }
        }
        if self.gathered.is_empty() {
            return;
        }
        match (&*self.file).write(&self.gathered) {
            Ok(written) => {
                self.bytes += written as u64;
                self.gathered.drain(..written);
            }
            Err(error) => tracing::debug!(%error, "the records could not be written"),
        }
    }

    /// About what the open ones take on disk.
    fn open_bytes(&self) -> u64 {
        self.open.len() as u64 * 1024
    }

    /// Whether an end is not durable yet.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// Has all that was written made durable soon, by one sync; does not wait for it.
    pub(super) fn sync_soon(&mut self) {
        self.unsynced = false;
        self.syncer.ask(self.file.clone());
    }

    /// Leaves the file as it should be found.
    pub(super) fn end(mut self) {
        self.flush();
        if self.open.is_empty() {
            let _ = fs::remove_file(&self.path);
        } else if let Err(error) = self.file.sync_data() {
            tracing::warn!(%error, "the last records of a keeper may not be durable");
        }
    }
}

/// The file of a life that begins: what is open and nothing else.
fn write_anew(path: &Path, open: &Open) -> io::Result<File> {
    let draft = path.with_extension("records.new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
    let mut text = vec![];
    for (attempt, acted) in open {
        let line = match acted {
            None => Line::Begun(attempt.clone()),
            Some(acted) => Line::Ended(attempt.clone(), Box::new(acted.clone())),
        };
        serde_json::to_writer(&mut text, &line).map_err(io::Error::other)?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    if !open.is_empty() {
        file.sync_all()?;
    }
    fs::rename(&draft, path)?;
    OpenOptions::new().append(true).open(path)
}

/// Syncs on a thread of its own, since a disk may take long and commands must not wait for it.
struct Syncer {
    asked: Arc<(Mutex<Option<Arc<File>>>, Condvar)>,
}

impl Syncer {
    fn start() -> io::Result<Syncer> {
        let asked: Arc<(Mutex<Option<Arc<File>>>, Condvar)> = Arc::default();
        let theirs = asked.clone();
        thread::Builder::new().name("sync".into()).stack_size(64 * 1024).spawn(move || {
            loop {
                let mut file = theirs.0.lock().unwrap_or_else(PoisonError::into_inner);
                while file.is_none() {
                    file = theirs.1.wait(file).unwrap_or_else(PoisonError::into_inner);
                }
                let taken = file.take();
                drop(file);
                if let Some(Err(error)) = taken.map(|file| file.sync_data()) {
                    tracing::warn!(%error, "ends of commands could not be made durable");
                }
            }
        })?;
        Ok(Syncer { asked })
    }

    fn ask(&self, file: Arc<File>) {
        *self.asked.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        self.asked.1.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_model::{id::RunId, time::At};

    use super::*;

    #[test]
    fn a_file_that_was_cut_off_or_written_by_another_says_what_is_whole_and_nothing_else() {
        let file = std::env::temp_dir().join(format!("seaworthy-records-{}", std::process::id()));
        let run = RunId::new(At(1), &[9; 10]);
        let begun = |name: &str| format!("{{\"begun\":\"{name}\"}}\n");
        let good = format!("{run}.dump.1");
        let forged = [format!("{run}.a/../../other.1"), "../../etc.x.1".to_owned(), String::new()];
        let forged: String = forged.iter().map(|name| begun(name)).collect();
        let cut = &begun(&format!("{run}.ship.2"))[..30];
        fs::write(
            &file,
            [forged.as_bytes(), b"\0\0\0\n{\"begun\":7}\n\xff\xff\n", begun(&good).as_bytes(), cut.as_bytes()].concat(),
        )
        .unwrap();
        assert_eq!(read(&file), Open::from([(good, None)]));
        fs::remove_file(&file).unwrap();
    }
}
