//! The loops on a store in memory, with a clock that only the test moves.

mod kit;
mod telling;
