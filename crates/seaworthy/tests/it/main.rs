//! The integration tests of the product: the real binary, as a person or a program types it.
//!
//! One binary for all, one module per theme. Each test has a folder of its own and ends what it starts.

mod crash;
mod crash_once;
mod kit;
mod server;
mod server_full;
mod server_history;
mod server_keep;
mod server_schedule;
mod server_tell;
mod server_watch;
mod verdict;
