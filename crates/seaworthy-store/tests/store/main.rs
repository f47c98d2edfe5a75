//! Tests of the store through its ports, one binary: the conformance suite on every adapter, then what only
//! real files and a real PostgreSQL can show.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod world;
