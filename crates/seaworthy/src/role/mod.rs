//! Roles: what a long-living process of ours is.
//!
//! A role starts loops and stops them; it must not decide.

pub mod branch;
pub mod certificate;
pub mod door;
pub mod idle;
pub mod keeper;
pub mod log;
pub mod loops;
pub mod pages;
pub mod serve;
pub mod server;
pub mod twice;
pub mod watcher;
