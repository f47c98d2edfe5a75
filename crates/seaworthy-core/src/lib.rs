//! The decisions of Seaworthy: pure functions from what is known to what is to be done.
//!
//! This crate must not know a clock, randomness, a file, a socket, a thread or an async runtime: time and
//! chance come in as arguments, and the same arguments give the same answer for ever.

pub mod access;
pub mod account;
pub mod audit;
pub mod change;
pub mod expect;
pub mod fill;
pub mod hook;
pub mod input;
pub mod lock;
pub mod retain;
pub mod run;
pub mod schedule;
pub mod tell;
pub mod watch;
