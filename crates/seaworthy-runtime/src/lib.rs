//! The loops: each wakes up, reads state, takes one step, and sleeps. One file each.
//!
//! A loop takes no input; a nudge only wakes it. This crate sees ports and never adapters, decides nothing
//! (core does) and shows nothing (web and the command line do).

mod again;
mod barred;
pub mod door;
pub mod drill;
pub mod notify;
pub mod outside;
mod pause;
pub mod ping;
pub mod ports;
pub mod prune;
pub mod reload;
pub mod requests;
pub mod retain;
pub mod run;
pub mod schedule;
pub mod seal;
pub mod token;
pub mod trigger;
pub mod watch;
mod writing;

pub use ports::{Ports, Stop};
pub use writing::Ids;
