//! The last good definitions, kept beside the journal: a restart with a broken file must not stop the backups.
//!
//! Bookkeeping, not history: deleting the file is harmless while all files are good.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use seaworthy_model::{
    process::Process,
    site::{Loaded, Pinned, Site},
    time::At,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    site: Site,
    processes: Vec<(String, Process)>,
}

const FILE: &str = "in-force.json";

/// What was in force when it was last written; `None` if there is nothing usable.
pub fn read(data: &Path, folder: &Path) -> Option<Loaded> {
    let text = fs::read_to_string(data.join(FILE)).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok().filter(|kept: &Kept| kept.v == 1)?;
    let pin = |(file, process): (String, Process)| {
        let pinned = Pinned { digest: process.digest(), missing: process.missing(), file, broken: None, process };
        (pinned.process.name.clone(), Arc::new(pinned))
    };
    let processes: BTreeMap<_, _> = kept.processes.into_iter().map(pin).collect();
    Some(Loaded { site: kept.site, folder: folder.to_path_buf(), processes, broken: BTreeMap::new(), at: At(0) })
}

/// Keeps what is in force. Trouble is logged: the next start then knows only what the files say.
pub fn write(data: &Path, loaded: &Loaded) {
    let processes = loaded.processes.values().map(|p| (p.file.clone(), p.process.clone())).collect();
    let kept = Kept { v: 1, site: loaded.site.clone(), processes };
    let written = serde_json::to_vec(&kept).map_err(std::io::Error::other).and_then(|bytes| {
        let draft = data.join(format!("{FILE}.new"));
        fs::write(&draft, bytes)?;
        fs::rename(draft, data.join(FILE))
    });
    if let Err(trouble) = written {
        warn!("the definitions in force could not be kept for the next start: {trouble}");
    }
}
