//! The integration tests of the product: the real binary, as a person or a program types it.
//!
//! One binary for all, one module per theme. Each test has a folder of its own and ends what it starts.

mod kit;
mod verdict;
