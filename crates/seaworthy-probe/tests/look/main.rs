//! The probes against real parts: files, processes, SQLite, PostgreSQL, an HTTP server.
//!
//! These tests must not know the probes' insides: they go through the port and the list.
//! (`cfg(test)` on the modules tells clippy that all of it is test code.)

#[cfg(test)]
mod artifact;
#[cfg(test)]
mod command;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod http;
#[cfg(test)]
mod https;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sqlite;
