//! A keeper and those who ask it, in processes of their own: killed, paused, on a full disk, of another protocol.
//!
//! Each test has its own data folder, and so its own keeper.

mod host;
mod lost;
mod outlive;
mod talk;
mod world;
