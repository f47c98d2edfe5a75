//! A cgroup of version 2 of our own for one attempt, where the host lets us make one (cgroups(7)).
//!
//! Must not know attempts. Needs no controllers, so that it works beside version 1 too; where those of memory and
//! processes are ours to give, they bound all processes of a group together.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use seaworthy_model::process::Limits;

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

    /// Bounds all its processes together, where the controllers are. What cannot be set here still holds for each process.
    pub(crate) fn limit(&self, limits: &Limits) {
        // Over its memory the whole group goes, not one process that the others wait for.
        let whole = limits.memory.map(|_| 1);
        for (file, limit) in
            [("memory.max", limits.memory), ("memory.oom.group", whole), ("pids.max", limits.processes)]
        {
            let (Some(limit), file) = (limit, self.path.join(file)) else { continue };
            if file.exists()
                && let Err(error) = fs::write(&file, limit.to_string())
            {
                tracing::warn!(%error, file = %file.display(), "a limit could not be set for all processes together");
            }
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

/// The group that a keeper moves into before it divides the one above.
const KEEPER: &str = "keeper";

/// Has groups below this one bounded in memory and processes, if that is ours to give. The kernel gives memory only in a
/// group that has no processes itself, so we move down; where somebody else is in it too, memory stays as it is.
pub(crate) fn divide(group: &Path) {
    let given = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    let wanted: Vec<&str> = given.split_whitespace().filter(|name| ["memory", "pids"].contains(name)).collect();
    if wanted.is_empty() {
        return;
    }
    let own = group.join(KEEPER);
    let moved = fs::create_dir(&own).or_else(|error| if own.is_dir() { Ok(()) } else { Err(error) });
    if let Err(error) = moved.and_then(|()| fs::write(own.join("cgroup.procs"), "0")) {
        tracing::debug!(%error, "the keeper stays in the group that it divides");
    }
    for name in wanted {
        if let Err(error) = fs::write(group.join("cgroup.subtree_control"), format!("+{name}")) {
            tracing::debug!(%error, controller = name, "attempts are not bounded together by this controller");
        }
    }
}

/// Whether we are in a scope of systemd's that was made for a keeper.
pub(crate) fn in_scope() -> bool {
    // Below it, where it was divided.
    own().is_some_and(|own| own.iter().filter_map(|name| name.to_str()).any(is_scope))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a group; the kernel's own needs a host that gives us its controllers.
    fn group(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("seaworthy-cgroup-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("writable");
        for (file, text) in files {
            fs::write(path.join(file), text).expect("writable");
        }
        path
    }

    #[test]
    fn all_processes_of_a_group_are_bounded_together_where_it_has_the_controllers() {
        let path = group("limit", &[("memory.max", "max"), ("memory.oom.group", "0"), ("pids.max", "max")]);
        let bounded = Cgroup { path: path.clone() };
        let read = |file: &str| fs::read_to_string(path.join(file)).expect("it is there");
        bounded.limit(&Limits { memory: Some(1 << 20), ..Limits::default() });
        assert_eq!([read("memory.max"), read("memory.oom.group"), read("pids.max")], ["1048576", "1", "max"]);
        bounded.limit(&Limits { processes: Some(7), ..Limits::default() });
        assert_eq!(read("pids.max"), "7");
        let bare = group("bare", &[]);
        Cgroup { path: bare.clone() }.limit(&Limits { memory: Some(1), processes: Some(1), ..Limits::default() });
        assert_eq!(fs::read_dir(&bare).expect("it is there").count(), 0, "nothing is made where there are none");
        fs::remove_dir_all(path).and(fs::remove_dir_all(bare)).expect("ours");
    }

    #[test]
    fn a_group_is_divided_only_by_what_was_given() {
        let none = group("none", &[("cgroup.controllers", "hugetlb\n"), ("cgroup.subtree_control", "")]);
        divide(&none);
        assert!(!none.join(KEEPER).exists(), "nothing to divide, nobody moves");
        let given = group("given", &[("cgroup.controllers", "cpu memory pids\n"), ("cgroup.subtree_control", "")]);
        divide(&given);
        assert!(given.join(KEEPER).exists());
        let asked = fs::read_to_string(given.join("cgroup.subtree_control")).expect("it is there");
        assert_eq!(asked, "+pids", "each alone: one that is refused does not take the other along");
        fs::remove_dir_all(none).and(fs::remove_dir_all(given)).expect("ours");
    }
}
