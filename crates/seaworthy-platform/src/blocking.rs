//! One way to do file work without holding up the runtime. Must not know what the work is.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use seaworthy_model::port::Fut;

/// Carries `work` out on a thread where waiting is allowed. Dropping the future does not stop the work.
pub(crate) fn off_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Fut<'static, io::Result<T>> {
    Box::pin(async move {
        let told = tokio::task::spawn_blocking(work).await;
        told.map_err(|lost| io::Error::other(format!("the work did not come to its end ({lost}); try again")))
    })
}

/// As [`off_runtime`], for work that may take hours: it is given a flag that is set as soon as nobody waits for it any
/// more, and looks at it between two pieces.
pub(crate) fn while_awaited<T: Send + 'static>(
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Fut<'static, io::Result<T>> {
    let given_up = SetOnDrop(Arc::default());
    let flag = Arc::clone(&given_up.0);
    Box::pin(async move {
        let _given_up = given_up;
        off_runtime(move || work(&flag)).await
    })
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
