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
pub(super) struct Under(Vec<Held>);

/// One attempt, with the one who holds it.
struct Held {
    attempt: OutputKey,
    by: Arc<dyn Provider>,
    work: Fut<'static, Acted>,
}

impl Under {
    /// Lets the provider carry the order out. `permit` is given back when it has ended.
    pub(super) fn push(&mut self, by: Arc<dyn Provider>, order: Order, permit: OwnedSemaphorePermit) {
        let (attempt, provider) = (order.output.clone(), by.clone());
        let work = async move {
            let acted = provider.act(&order).await;
            drop(permit);
            acted
        };
        self.0.push(Held { attempt, by, work: Box::pin(work) });
    }

    /// Takes up what was begun before; `unknown` is its end if the provider knows nothing of it.
    pub(super) fn adopt(&mut self, by: Arc<dyn Provider>, attempt: OutputKey, unknown: Acted) {
        let (key, provider) = (attempt.clone(), by.clone());
        let work = async move { provider.adopt(&key).await.unwrap_or(unknown) };
        self.0.push(Held { attempt, by, work: Box::pin(work) });
    }

    /// Whether nothing goes on.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next attempt that ends, with its end. Never returns while nothing goes on.
    pub(super) async fn next(&mut self) -> (OutputKey, Acted) {
        poll_fn(|context| {
            for at in 0..self.0.len() {
                if let Poll::Ready(acted) = self.0[at].work.as_mut().poll(context) {
                    return Poll::Ready((self.0.remove(at).attempt, acted));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Has all of them stopped, at the same time, and says what each came to.
    pub(super) async fn stop_all(&mut self) -> Vec<(OutputKey, Acted)> {
        let held: Vec<_> = self.0.iter().map(|held| (held.attempt.clone(), held.by.clone())).collect();
        let mut stopping: Vec<Fut<'_, ()>> = held.iter().map(|(attempt, by)| by.stop(attempt)).collect();
        let mut over = Vec::new();
        poll_fn(|context| {
            // First of all: only what was begun can be stopped.
            self.0.retain_mut(|held| match held.work.as_mut().poll(context) {
                Poll::Ready(acted) => {
                    over.push((held.attempt.clone(), acted));
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

    /// Leaves those to go on without us that do; says how many.
    pub(super) fn leave(&mut self) -> usize {
        let before = self.0.len();
        self.0.retain(|held| !held.by.outlives());
        before - self.0.len()
    }
}
