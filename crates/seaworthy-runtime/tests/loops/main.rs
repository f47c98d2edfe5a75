//! The loops on a store in memory, with a clock that only the test moves.

#[cfg(test)]
mod calling;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod locking;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod retaining;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod scheduling;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod triggering;
#[cfg(test)]
mod watching;
