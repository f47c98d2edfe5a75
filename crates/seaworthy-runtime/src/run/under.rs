//! The attempts of one run that go on at the same time.
//!
//! Polled in the order in which they began, so that the same world gives the same course. This module must not know
//! why anything was started nor what its end means.

use std::{future::poll_fn, sync::Arc, task::Poll};

use seaworthy_model::{
    port::{Fut, Order, OutputKey, Provider},
    run::Acted,
};
use tokio::sync::OwnedSemaphorePermit;

/// What goes on now. Bounded by the plan's `parallel`.
#[derive(Default)]
pub(super) struct Under(Vec<(OutputKey, Fut<'static, Acted>)>);

impl Under {
    /// Lets the provider carry the order out. `permit` is given back when it has ended.
    pub(super) fn push(&mut self, provider: Arc<dyn Provider>, order: Order, permit: OwnedSemaphorePermit) {
        let attempt = order.output.clone();
        let work = async move {
            let acted = provider.act(&order).await;
            drop(permit);
            acted
        };
        self.0.push((attempt, Box::pin(work)));
    }

    /// The next attempt that ends, with its end. Never returns while nothing goes on.
    pub(super) async fn next(&mut self) -> (OutputKey, Acted) {
        poll_fn(|context| {
            for at in 0..self.0.len() {
                if let Poll::Ready(acted) = self.0[at].1.as_mut().poll(context) {
                    let (attempt, _) = self.0.remove(at);
                    return Poll::Ready((attempt, acted));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Gives up all of them; the provider ends what was given up.
    pub(super) fn drop_all(&mut self) -> Vec<OutputKey> {
        self.0.drain(..).map(|(attempt, _)| attempt).collect()
    }
}
