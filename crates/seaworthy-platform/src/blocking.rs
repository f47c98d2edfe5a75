//! One way to do file work without holding up the runtime. Must not know what the work is.

use std::io;

use seaworthy_model::port::Fut;

/// Carries `work` out on a thread where waiting is allowed. Dropping the future does not stop the work.
pub(crate) fn off_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Fut<'static, io::Result<T>> {
    Box::pin(async move {
        let told = tokio::task::spawn_blocking(work).await;
        told.map_err(|lost| io::Error::other(format!("the work did not come to its end ({lost}); try again")))
    })
}
