//! Who somebody is, by what they show.
//!
//! This module must not know rights.

use super::{Fut, StoreError};
use crate::who::Who;

/// Recognises people and robots. Decides no rights.
pub trait Identify: Send + Sync {
    /// By a token (`swt_…`). `None`: there is none like it, it was revoked, or nobody answers for it any more. One whose
    /// time is over is still known, so that a refusal can say so.
    fn by_token<'a>(&'a self, token: &'a str) -> Fut<'a, Result<Option<Who>, StoreError>>;
}
