//! The providers: each carries out orders somewhere. One more is one file here and two lines below.
//!
//! Must not know what an order is for, nor judge its result.

mod attend;
pub mod local;
mod said;
mod start;
#[cfg(test)]
pub(crate) mod tests;
pub mod through;

use std::{path::PathBuf, sync::Arc};

use seaworthy_model::port::Provider;

pub(crate) use start::{base, words};

/// Every provider of this host, for a data folder.
pub fn all(data: PathBuf) -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(local::Local::new(data))]
}
