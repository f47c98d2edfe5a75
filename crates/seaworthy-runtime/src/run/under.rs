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

    /// Takes up what an earlier life began; `unknown` is its end if the provider knows nothing of it.
    pub(super) fn adopt(&mut self, provider: Arc<dyn Provider>, attempt: OutputKey, unknown: Acted) {
        let key = attempt.clone();
        let work = async move { provider.adopt(&key).await.unwrap_or(unknown) };
        self.0.push((attempt, Box::pin(work)));
    }

    /// Whether nothing goes on.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// Has all of them stopped, at the same time, and says what each came to.
    pub(super) async fn stop_all(&mut self, provider: &dyn Provider) -> Vec<(OutputKey, Acted)> {
        let attempts: Vec<OutputKey> = self.0.iter().map(|(attempt, _)| attempt.clone()).collect();
        let mut stopping: Vec<Fut<'_, ()>> = attempts.iter().map(|attempt| provider.stop(attempt)).collect();
        let mut over = Vec::new();
        poll_fn(|context| {
            // First of all: only what was begun can be stopped.
            self.0.retain_mut(|(attempt, work)| match work.as_mut().poll(context) {
                Poll::Ready(acted) => {
                    over.push((attempt.clone(), acted));
                    false
                }
                Poll::Pending => true,
            });
            stopping.retain_mut(|stop| stop.as_mut().poll(context).is_pending());
            if self.0.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        over
    }

    /// Leaves them to go on without us; says how many.
    pub(super) fn leave_all(&mut self) -> usize {
        self.0.drain(..).count()
    }
}
