//! A run, decided: what is known of it (`state`), what comes next (`next`), what a look means (`judge`),
//! and the rows that others read (`row`).
//!
//! `next` takes no input but the state, so fresh start, crash and failover are one code path. Nothing here
//! may know how a command is run or where an entry is kept.

mod again;
mod attempt;
mod awaited;
mod called;
mod condition;
mod forward;
mod judge;
mod ladder;
mod matrix;
mod next;
mod person;
mod plan;
mod row;
mod settle;
mod state;
mod took;
mod usual;

pub use again::{rerun, resume};
pub use attempt::Attempt;
pub use called::{called, hands_on};
pub use condition::taken;
pub use judge::{judge, skipped, unable};
pub use matrix::{PLACE, elements, handed, makes};
pub use next::{Act, Call, Next, deadline, interrupted, next};
pub use person::{EVIDENCE_CHARS_MAX, Said, sign};
pub use plan::{AFTER_MAX, OUTSIDE_MAX, PARALLEL_DEFAULT, Plan};
pub use row::{ended, live};
pub use state::{Requested, State};
pub use usual::usual;

#[cfg(test)]
mod tests;
