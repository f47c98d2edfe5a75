//! Tests of the store through its ports, one binary: the conformance suite on every adapter, then what only
//! real files, real crashes and a real PostgreSQL can show.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod file;
#[cfg(test)]
mod same;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod world;
