//! For developers: a world that fails, lies and loses power, in which the real loops run. One seed is one history.
//!
//! The world keeps its own truth; what must never be is held against that truth, never against what a run says of
//! itself. This crate must not know the binary, and nothing of the product may know this crate.

mod dice;

pub use dice::Dice;
