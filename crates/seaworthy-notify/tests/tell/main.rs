//! The notifiers against real parts: processes, an HTTP server, a mail server.
//!
//! These tests must not know the notifiers' insides: they go through the port and the list.
//! (`cfg(test)` on the modules tells clippy that all of it is test code.)

#[cfg(test)]
mod command;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod webhook;
