//! What a keeper that begins takes over from those that are dead: ends that nobody noted, and commands that lost their
//! holder, which are ended.
//!
//! Must not know how they are ended. A keeper that lives, of whatever protocol, is left alone with its commands.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use seaworthy_model::run::Acted;

use super::{
    home::{self, Seat},
    record,
};
use crate::held::{MARKER, cgroup::Cgroup, folder, process, tree::Tree};

/// What dead keepers left.
#[derive(Default)]
pub(super) struct Inherited {
    /// Ends on record.
    pub(super) ends: Vec<(String, Acted)>,
    /// Attempts whose processes have lost their holder.
    pub(super) left: Vec<(String, Tree)>,
    /// Files that are in the way once what they say is on record here.
    stale: Vec<PathBuf>,
    /// Held until then, so that nobody begins as one of these meanwhile.
    seats: Vec<Seat>,
}

/// Takes over from the dead. `own` is the seat that was just taken, of an earlier life of this keeper.
pub(super) fn inherit(data: &Path, own: &mut Seat) -> io::Result<Inherited> {
    let mut inherited = Inherited::default();
    take(data, own, &mut inherited)?;
    for name in home::names(data)?.into_iter().filter(|name| *name != own.name) {
        if let Some(mut seat) = Seat::take(data, &name)? {
            take(data, &mut seat, &mut inherited)?;
            inherited.stale.push(records(data, &name));
            inherited.seats.push(seat);
        }
    }
    Ok(inherited)
}

/// The records of the keeper of this name.
pub(super) fn records(data: &Path, name: &str) -> PathBuf {
    home::folder(data).join(format!("{name}.records"))
}

fn take(data: &Path, seat: &mut Seat, inherited: &mut Inherited) -> io::Result<()> {
    let here = folder::place(data)?;
    let before = seat.before().filter(|about| about.site.as_ref().is_none_or(|site| *site == here));
    let rebooted =
        before.as_ref().and_then(|about| about.boot.as_ref()).zip(home::boot()).is_some_and(|(a, b)| *a != b);
    let groups = before.and_then(|about| about.cgroup);
    let mut left: BTreeSet<String> = marked(data, &seat.name)?.into_iter().collect();
    for (attempt, acted) in record::read(&records(data, &seat.name)) {
        match acted {
            Some(acted) => inherited.ends.push((attempt, acted)),
            None => drop(left.insert(attempt)),
        }
    }
    for attempt in left {
        let (name, value) = folder::marker(data, &seat.name, &attempt)?;
        let group = groups.as_ref().and_then(|below| Cgroup::found(below.join(group(&attempt))));
        inherited.left.push((attempt, Tree::left(format!("{name}={value}"), group, rebooted)));
    }
    // Secret files.
    match fs::remove_dir_all(home::folder(data).join(&seat.name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The name of an attempt's cgroup.
pub(super) fn group(attempt: &str) -> String {
    format!("seaworthy.{attempt}")
}

/// Attempts that living processes say they belong to.
fn marked(data: &Path, keeper: &str) -> io::Result<Vec<String>> {
    let site = format!("{}/", folder::site(data, keeper)?);
    let never = process::forebears();
    let living = process::all()?.into_iter().filter(|process| !process.is_zombie() && !never.contains(&process.pid));
    let name = |pid| Some(process::environ(pid, MARKER)?.strip_prefix(&site)?.to_owned());
    Ok(living.filter_map(|process| name(process.pid)).filter(|name| folder::is_attempt(name)).collect())
}

impl Inherited {
    /// All of it is on record here.
    pub(super) fn done(self) {
        for file in self.stale {
            if let Err(error) = fs::remove_file(&file)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, file = %file.display(), "what a dead keeper left cannot be removed");
            }
        }
    }
}
