//! The signals that a keeper hears, as a file that becomes readable.
//!
//! Must not know what they mean to it.

use std::{io, mem::MaybeUninit, os::fd::FromRawFd as _, os::fd::OwnedFd, ptr};

/// A child has ended, or we are asked to end. HUP and INT are heard and mean nothing.
const HEARD: [i32; 4] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGHUP, libc::SIGINT];
/// Bytes of one of the kernel's messages.
const MESSAGE_BYTES: usize = size_of::<libc::signalfd_siginfo>();

/// From now on these signals are only read.
pub(super) fn hear() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before it is used and lives until the end of the block; the descriptor is new and
    // ours alone.
    unsafe {
        let mut heard = MaybeUninit::uninit();
        libc::sigemptyset(heard.as_mut_ptr());
        for signal in HEARD {
            libc::sigaddset(heard.as_mut_ptr(), signal);
        }
        let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, heard.as_ptr(), ptr::null_mut());
        if blocked != 0 {
            return Err(io::Error::from_raw_os_error(blocked));
        }
        match libc::signalfd(-1, heard.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            fd if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Takes what has come: whether a child has ended, and whether we are to end.
pub(super) fn come(from: &OwnedFd) -> (bool, bool) {
    let (mut child, mut end) = (false, false);
    let mut buffer = [0u8; MESSAGE_BYTES * 8];
    while let Ok(bytes @ 1..) = rustix::io::read(from, &mut buffer[..]) {
        for message in buffer[..bytes].chunks_exact(MESSAGE_BYTES) {
            // ssi_signo is the first field.
            let number = message.first_chunk::<4>().map_or(0, |bytes| u32::from_ne_bytes(*bytes)).cast_signed();
            child |= number == libc::SIGCHLD;
            end |= number == libc::SIGTERM;
        }
    }
    (child, end)
}
