//! A bounded channel as a stream of an answer's body.
//!
//! This module must not know what flows through it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::mpsc;

/// Ends when all senders are gone; dropping it tells the senders that the reader has left.
pub struct Feed<T>(pub mpsc::Receiver<T>);

impl<T> Stream for Feed<T> {
    type Item = T;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context)
    }
}
