//! The integration tests of the product: the real binary, as a person or a program types it.
//!
//! One binary for all, one module per theme. Each test has a folder of its own and ends what it starts.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is one of its assertions")]

mod command;
mod contract;
mod definition;
mod drill;
mod heal;
mod history;
mod kit;
mod postgres;
mod secret;
mod sqlite;
mod verdict;
