//! Holding what a command starts: marking it, finding all of it, ending it, proving that nothing is left.
//!
//! Must not know what a command is for, nor its output. Four layers, best available wins:
//!
//! | layer | finds | misses |
//! |---|---|---|
//! | `cgroup` | everything, by the kernel | what root moves to another group itself |
//! | `subreaper` | session, marker in the environment, descendants, orphans that come to us | see below |
//! | `session` | the same, but orphans go to the host's first process | see below |
//!
//! Without a cgroup a process is missed if it left the session, cleared its environment *and* lost its parent
//! between two looks. Such a stray is noticed (it is an orphan that nobody marked), but it cannot be
//! told whose it is: nothing is ended on a guess, and the record says `empty: unknown`.

pub(crate) mod cgroup;
pub(crate) mod folder;
pub(crate) mod orphan;
pub(crate) mod process;
pub(crate) mod sweep;
pub(crate) mod tree;

use std::io;

/// The name in the environment of every process of an attempt that says whose it is.
pub(crate) const MARKER: &str = "SEAWORTHY_HOLDER";

/// Makes this process the one to whom orphans below it come (prctl(2), PR_SET_CHILD_SUBREAPER), so that a
/// command's child that leaves its session can still be found and reaped. Call it once at the start of the
/// program; calling it again changes nothing. It holds for the process, not for children, until it ends.
///
/// Whatever else in this program starts processes should give them a name that begins with `SEAWORTHY_` in
/// their environment: one without could be an orphan of a command, and while it lives no attempt that ends is
/// proven to have left nothing (unless it is held by a cgroup).
///
/// # Errors
/// The kernel's refusal. Commands are then held by their session only, and records say so.
pub fn hold_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Whether orphans below us come to us.
pub(crate) fn holds_orphans() -> bool {
    matches!(rustix::process::child_subreaper(), Ok(Some(_)))
}
