//! The last good definitions, kept beside the journal: a restart with a broken file must not stop the backups.
//!
//! A cache, not history: the journal is asked what of it is in force ([`crate::wire::known`]), so neither deleting nor
//! changing the file weakens anything.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
    sync::Arc,
};

use seaworthy_model::{
    process::Process,
    site::{Loaded, Pinned, Site},
    time::At,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::place::regular;

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    site: Site,
    processes: Vec<(String, Process)>,
}

pub const FILE: &str = "in-force.json";

/// What was in force when it was last written; `None` if there is nothing usable, which is logged.
pub fn read(data: &Path, folder: &Path) -> Option<Loaded> {
    let file = data.join(FILE);
    let read = |mut file: File| {
        let mut text = String::new();
        file.read_to_string(&mut text).map(|_| text)
    };
    let said = match regular(&file).and_then(read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        other => other.map_err(|e| e.to_string()),
    };
    let kept = said.and_then(|text| serde_json::from_str::<Kept>(&text).map_err(|e| e.to_string()));
    let kept = match kept {
        Ok(kept) if kept.v == 1 => kept,
        Ok(kept) => {
            warn!("{} has version {}, which is not known here; only the files count", file.display(), kept.v);
            return None;
        }
        Err(trouble) => {
            warn!("{} cannot be used ({trouble}); only the files count", file.display());
            return None;
        }
    };
    let pin = |(file, process): (String, Process)| {
        let pinned = Pinned { digest: process.digest(), missing: process.missing(), file, broken: None, process };
        (pinned.process.name.clone(), Arc::new(pinned))
    };
    let processes: BTreeMap<_, _> = kept.processes.into_iter().map(pin).collect();
    Some(Loaded {
        site: kept.site,
        folder: folder.to_path_buf(),
        processes,
        broken: BTreeMap::new(),
        held: Vec::new(),
        at: At(0),
    })
}

/// Keeps what is in force. Trouble is logged: the next start then knows only what the files say.
pub fn write(data: &Path, loaded: &Loaded) {
    let processes = loaded.processes.values().map(|p| (p.file.clone(), p.process.clone())).collect();
    let kept = Kept { v: 1, site: loaded.site.clone(), processes };
    let written = serde_json::to_vec(&kept).map_err(std::io::Error::other).and_then(|bytes| {
        let draft = data.join(format!("{FILE}.new"));
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        // A name that is durable before its content is an empty file after a power loss.
        file.sync_all()?;
        fs::rename(draft, data.join(FILE))?;
        File::open(data)?.sync_all()
    });
    if let Err(trouble) = written {
        warn!("the definitions in force could not be kept for the next start: {trouble}");
    }
}
