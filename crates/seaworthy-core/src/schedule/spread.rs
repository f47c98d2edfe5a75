//! What looks like chance and is none: values drawn from a name, so that load spreads and everybody can tell how.
//!
//! Must not know what they are used for. Frozen: another way of drawing would move every schedule that has `~` or
//! `jitter`.

use sha2::{Digest as _, Sha256};

/// A value from 0 to `below - 1` for this name and purpose, the same for ever. `below` is at least 1.
pub(super) fn drawn(name: &str, purpose: &str, below: u64) -> u64 {
    let digest =
        Sha256::new().chain_update(name.as_bytes()).chain_update([0]).chain_update(purpose.as_bytes()).finalize();
    let bytes: [u8; 8] = std::array::from_fn(|i| digest[i]);
    // The high half of the product is even enough for any `below` that is far under 2^64.
    let wide = u128::from(u64::from_be_bytes(bytes)) * u128::from(below);
    u64::try_from(wide >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn names_spread_over_all_values_and_stay_where_they_are() {
        let minutes: std::collections::BTreeSet<u64> =
            (0..1_000).map(|n| drawn(&format!("process-{n}"), "minute", 60)).collect();
        assert_eq!(minutes.len(), 60);
        assert_eq!(drawn("backup-orders", "minute", 60), PINNED);
        assert_eq!(drawn("anything", "minute", 1), 0);
    }

    /// What the first version drew.
    const PINNED: u64 = 17;
}
