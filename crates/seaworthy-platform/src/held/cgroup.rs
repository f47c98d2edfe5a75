//! A cgroup of version 2 of our own for one attempt, where the host lets us make one (cgroups(7)).
//!
//! Must not know attempts. Uses no controllers, so that it works beside version 1 too.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Groups within groups that are looked into; a command that nests deeper is still killed by the kernel.
const NESTED_MAX: usize = 64;

/// A group that we made, or that one before us made.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes a group below one that is [delegated] to us. `None`: it cannot be made, or the kernel has no `cgroup.kill`.
    pub(crate) fn make(below: &Path, name: &str) -> Option<Cgroup> {
        let path = below.join(name);
        fs::create_dir(&path).ok()?;
        let made = Cgroup { path };
        if made.path.join("cgroup.kill").exists() && made.entrance().is_ok() {
            Some(made)
        } else {
            made.remove();
            None
        }
    }

    /// A group made before, if it is still there.
    pub(crate) fn found(path: PathBuf) -> Option<Cgroup> {
        path.join("cgroup.kill").exists().then_some(Cgroup { path })
    }

    /// A process that writes `0` here enters the group, with all that it will start.
    pub(crate) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))
    }

    /// Whether a living process is in the group or below: the kernel's own word.
    pub(crate) fn populated(&self) -> io::Result<bool> {
        let events = fs::read_to_string(self.path.join("cgroup.events"))?;
        Ok(events.lines().any(|line| line == "populated 1"))
    }

    /// Numbers of the processes in the group and below.
    pub(crate) fn members(&self) -> io::Result<Vec<i32>> {
        let mut members = vec![];
        for group in self.groups()? {
            // A group that vanished meanwhile had no members.
            let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            members.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        }
        Ok(members)
    }

    /// Kills all of them at once; nothing that forks meanwhile escapes.
    pub(crate) fn kill(&self) -> io::Result<()> {
        fs::write(self.path.join("cgroup.kill"), "1")
    }

    /// Removes the group if it is empty; the kernel refuses otherwise.
    pub(crate) fn remove(self) {
        for group in self.groups().unwrap_or_default().iter().rev() {
            if let Err(error) = fs::remove_dir(group) {
                tracing::debug!(%error, group = %group.display(), "a cgroup could not be removed");
            }
        }
    }

    /// The group itself, then those below it.
    fn groups(&self) -> io::Result<Vec<PathBuf>> {
        let mut groups = vec![self.path.clone()];
        let mut next = 0;
        while next < groups.len() && groups.len() < NESTED_MAX {
            for entry in fs::read_dir(&groups[next])? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    groups.push(entry.path());
                }
            }
            next += 1;
        }
        Ok(groups)
    }
}

/// Our own group in version 2, if it was given to us to divide: systemd marks such a group, and whoever else gives one
/// to a user makes it that user's. In any other group somebody else is the only one who may make groups.
pub(crate) fn delegated() -> Option<PathBuf> {
    let own = own()?;
    let user = rustix::process::geteuid();
    let owner = fs::metadata(&own).ok()?.uid();
    let marked = ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0u8; 1];
        matches!(rustix::fs::getxattr(&own, *name, &mut value), Ok(1)) && value == *b"1"
    });
    let given = marked || (!user.is_root() && owner == user.as_raw());
    (given && own.join("cgroup.kill").exists()).then_some(own)
}

/// Whether we are in a scope of systemd's that was made for a keeper.
pub(crate) fn in_scope() -> bool {
    own().and_then(|own| Some(own.file_name()?.to_str()?.to_owned())).is_some_and(|name| is_scope(&name))
}

/// `seaworthy-keeper-… .scope`, or the unit of `contrib/`.
fn is_scope(name: &str) -> bool {
    name.starts_with("seaworthy-keeper") && (name.ends_with(".scope") || name.ends_with(".service"))
}

/// The folder of our own group in version 2.
fn own() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let inside = groups.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS … - TYPE SOURCE OPTIONS
    let (mount, root) = mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, mount) = (fields.next()?, fields.next()?);
        right.starts_with("cgroup2 ").then(|| (mount.to_owned(), root.to_owned()))
    })?;
    let inside = format!("/{inside}");
    let below = inside.strip_prefix(root.trim_end_matches('/')).unwrap_or(&inside);
    Some(Path::new(&mount).join(below.trim_start_matches('/')))
}
