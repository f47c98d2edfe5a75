//! The words of Seaworthy: ids, times, definitions, runs, entries, and the ports between rooms.
//!
//! Everything else speaks in these types. This crate performs no IO and must not know how anything is
//! decided, stored, executed or shown; it has no clock, no randomness and no runtime.

pub mod access;
pub mod account;
pub mod change;
pub mod checkpoint;
pub mod deed;
pub mod entry;
pub mod event;
pub mod hmac;
pub mod id;
pub mod input;
pub mod matrix;
pub mod order;
pub mod ping;
pub mod port;
pub mod process;
pub mod retain;
pub mod run;
pub mod schedule;
pub mod signal;
pub mod site;
pub mod skip;
pub mod step;
pub mod time;
pub mod token;
pub mod tree;
pub mod trigger;
pub mod value;
pub mod view;
pub mod who;
