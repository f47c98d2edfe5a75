//! The door's decisions: how long a session and a link hold, who has to wait, which names and passwords are taken, which
//! acts are one person's.
//!
//! Pure: the clock is an argument. This module must not know how a proof is verified nor who may do what.

pub mod hold;
pub mod name;
pub mod persons;
pub mod throttle;
