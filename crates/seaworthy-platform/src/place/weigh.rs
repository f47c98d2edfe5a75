//! Which runs have something on disk, and how much.
//!
//! Must not know what may go. What vanishes while it is weighed weighs nothing.

use std::{fs, io, path::Path};

use seaworthy_model::{id::RunId, retain::Weight};

/// Runs with a folder, oldest first: their ids are ordered by time.
pub(super) fn kept(data: &Path) -> io::Result<Vec<RunId>> {
    let entries = match fs::read_dir(data.join("runs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        runs.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()));
    }
    runs.sort_unstable();
    Ok(runs)
}

/// Bytes of artifacts (all that is left in the work folder) and of output.
pub(super) fn weigh(folder: &Path) -> io::Result<Weight> {
    Ok(Weight { artifacts: bytes(&folder.join("work"))?, outputs: bytes(&folder.join("output"))? })
}

fn bytes(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut sum = 0;
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(about) if about.is_dir() => sum += bytes(&entry.path())?,
            Ok(about) => sum += about.len(),
        }
    }
    Ok(sum)
}
