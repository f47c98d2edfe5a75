//! For developers: a world that fails, lies and loses power, in which the real loops run. One seed is one history.
//!
//! The world keeps its own truth; what must never be is held against that truth, never against what a run says of
//! itself. This crate must not know the binary, and nothing of the product may know this crate.

mod act;
mod dice;
mod hold;
mod life;
mod mutant;
mod panics;
mod patient;
mod play;
mod seeds;
mod shore;
mod site;
mod story;
mod world;

pub use dice::Dice;
pub use hold::Stats;
pub use mutant::Mutant;
pub use play::{Options, Played, play};
pub use seeds::{Summary, seeds, shrink};
pub use story::Failure;
pub use world::Shelf;
