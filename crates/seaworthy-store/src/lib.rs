//! The store: the ports `Journal` and `Views` on SQLite and in memory.
//!
//! This crate must not know how anything is decided, executed or shown, nor any other hand. All SQL of the
//! product is here: statements in [`statements`], tables in `migrations/`, one folder per adapter.

use std::sync::Arc;

use seaworthy_model::{
    id::RunId,
    port::{Accounts, Archive, Journal, Tokens, Views, Writer},
};

mod admit;
mod claim;
pub mod memory;
pub mod sqlite;
pub mod statements;

/// Number of the storage format that this program writes. Newer ones are refused, older ones migrated.
pub const FORMAT: u32 = 3;

/// Most rows that one read returns, whatever was asked for.
pub const ROWS_MAX: usize = 1_000;

/// Runs and drills of each kind in a `ProcessView`.
pub const PROCESS_RUNS: usize = 20;

/// Most ids that `runs_like` returns.
pub const LIKE_MAX: usize = 10;

/// An open store as the composition root hands it on.
#[derive(Clone)]
pub struct Opened {
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    pub archive: Arc<dyn Archive>,
    pub accounts: Arc<dyn Accounts>,
    pub tokens: Arc<dyn Tokens>,
    /// Node and epoch that its entries carry.
    pub writer: Writer,
}

/// Lowest and highest run id whose hex digits start with `text` (`run_` in front is allowed).
/// `None` if no id can: not hex, or too long.
fn like(text: &str) -> Option<(RunId, RunId)> {
    let digits = text.strip_prefix("run_").unwrap_or(text).to_ascii_lowercase();
    if digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bound = |filler: char| {
        let rest = filler.to_string().repeat(32 - digits.len());
        format!("run_{digits}{rest}").parse().ok()
    };
    Some((bound('0')?, bound('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_an_id_becomes_its_bounds() {
        let (low, high) = like("0AB").unwrap();
        assert_eq!(low.to_string(), "run_0ab00000000000000000000000000000");
        assert_eq!(high.to_string(), "run_0abfffffffffffffffffffffffffffff");
        assert_eq!(like("run_0ab"), like("0ab"));
        assert_eq!(like("dump"), None);
        assert_eq!(like(&"0".repeat(33)), None);
    }
}
