//! Holding what a command starts: marking it, finding all of it, ending it, proving that nothing is left.
//!
//! Must not know what a command is for, nor its output. Four layers, best available wins:
//!
//! | layer | finds | misses |
//! |---|---|---|
//! | `cgroup` | everything, by the kernel | what root moves to another group itself |
//! | `scope` | as `subreaper`; the keeper and all it holds are a unit of systemd's own | see below |
//! | `subreaper` | session, marker in the environment, descendants, orphans that come to us | see below |
//! | `session` | the same, but orphans go to the host's first process | see below |
//!
//! Without a cgroup a process is missed if it left the session, cleared its environment *and* lost its parent
//! between two looks. Such a stray is noticed (it is an orphan that nobody marked), but it cannot be
//! told whose it is: nothing is ended on a guess, and the record says `empty: unknown`.

pub(crate) mod cgroup;
pub(crate) mod folder;
pub(crate) mod process;
pub(crate) mod tree;

use std::io;

/// The name in the environment of every process of an attempt that says whose it is.
pub(crate) const MARKER: &str = "SEAWORTHY_HOLDER";

/// Makes this process the one to whom orphans below it come (prctl(2), PR_SET_CHILD_SUBREAPER), so that a
/// command's child that leaves its session can still be found and reaped. It holds until this process ends.
///
/// # Errors
/// The kernel's refusal. Commands are then held by their session only, and records say so.
pub(crate) fn hold_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}
