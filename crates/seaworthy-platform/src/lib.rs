//! Acts on the local host: carries out commands, requests and statements, holds what they start, keeps their output, their
//! folders and what they made, and fetches secrets.
//!
//! This crate must not know how anything is decided, verified, stored or shown. In particular it never
//! looks at whether a command achieved anything: the one who acts is never the one who verifies.

pub mod action;
mod blocking;
mod held;
pub mod keeper;
pub mod memory;
pub mod output;
pub mod place;
pub mod provider;
pub mod secret;

pub use output::FileOutputs;
pub use place::FilePlaces;
pub use provider::{Launch, local::Local};
pub use secret::LocalSecrets;
