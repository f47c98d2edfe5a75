//! Memory that nobody uses any more goes back to the system. Must not know what it was used for.

/// Gives back what the allocator holds free, also between what is in use: glibc by itself gives back the end of its heap
/// only. Does nothing with another allocator. It walks all free lists, so it is not for a thread of the runtime.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a plain number, and touches only what the allocator holds free, under the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    const PIECES: usize = 8_192;
    const PIECE_BYTES: usize = 4_096;

    #[test]
    fn what_is_free_before_something_in_use_goes_back_too() {
        let resident_bytes = || {
            let text = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
            pages * rustix::param::page_size()
        };
        let many: Vec<Box<[u8; PIECE_BYTES]>> = (0..PIECES).map(|_| Box::new([1; PIECE_BYTES])).collect();
        let last = Box::new([1_u8; PIECE_BYTES]);
        drop(many);
        let before = resident_bytes();
        super::give_back();
        let given = before.saturating_sub(resident_bytes());
        assert!(given > PIECES * PIECE_BYTES / 2, "{given} bytes went back, of {}", PIECES * PIECE_BYTES);
        assert_eq!(last[PIECE_BYTES - 1], 1);
    }
}
