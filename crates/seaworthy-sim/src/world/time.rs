//! Virtual time: a clock on the wall that may step, one that never does, and everybody who waits for the latter.
//!
//! This module must not know who waits nor why.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use seaworthy_model::{
    port::{Clock, Fut},
    time::{At, Span},
};

/// Looks at the clock in one instant after which somebody counts as spinning.
const LOOKS_MAX: u64 = 2_000_000;

/// Time of one world. Cheap to clone; all clones are one clock.
#[derive(Clone)]
pub struct Time(Arc<Mutex<Inner>>);

struct Inner {
    start: At,
    elapsed: Span,
    /// What the wall clock was set forward or back by, in all.
    stepped: i64,
    waiting: BTreeMap<(Span, u64), Waker>,
    count: u64,
    looks: u64,
}

impl Time {
    pub fn starting(start: At) -> Time {
        let (elapsed, waiting) = (Span::ZERO, BTreeMap::new());
        Time(Arc::new(Mutex::new(Inner { start, elapsed, stepped: 0, waiting, count: 0, looks: 0 })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the wall clock forward or back.
    pub fn step(&self, nanos: i64) {
        self.inner().stepped += nanos;
    }

    /// Sets the wall clock to where it would be had it never been set.
    pub fn set_right(&self) {
        self.inner().stepped = 0;
    }

    /// When the first who waits is to be woken.
    pub fn next(&self) -> Option<Span> {
        self.inner().waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets time pass and wakes who waited for it, in the order in which they came.
    pub fn pass(&self, to: Span) {
        let mut inner = self.inner();
        inner.elapsed = inner.elapsed.max(to);
        inner.looks = 0;
        let later = inner.waiting.split_off(&(Span(to.0 + 1), 0));
        let due = std::mem::replace(&mut inner.waiting, later);
        drop(inner);
        due.into_values().for_each(Waker::wake);
    }
}

impl Clock for Time {
    fn now(&self) -> At {
        let mut inner = self.inner();
        inner.looks += 1;
        assert!(inner.looks < LOOKS_MAX, "somebody spins: the clock was looked at {LOOKS_MAX} times in one instant");
        At((inner.start + inner.elapsed).0 + inner.stepped)
    }

    fn elapsed(&self) -> Span {
        self.inner().elapsed
    }

    fn sleep(&self, span: Span) -> Fut<'static, ()> {
        let end = Span(self.inner().elapsed.0.saturating_add(span.0));
        Box::pin(Sleep { time: self.clone(), end, key: None })
    }
}

struct Sleep {
    time: Time,
    end: Span,
    key: Option<(Span, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut inner = time.inner();
        if inner.elapsed >= self.end {
            return Poll::Ready(());
        }
        let key = match self.key {
            Some(key) => key,
            None => {
                inner.count += 1;
                (self.end, inner.count)
            }
        };
        inner.waiting.insert(key, cx.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.time.inner().waiting.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_steps_and_the_other_clock_does_not() {
        let time = Time::starting(At(1_000));
        time.pass(Span(5));
        time.step(-100);
        assert_eq!((time.now(), time.elapsed()), (At(905), Span(5)));
    }

    #[test]
    fn who_waits_is_woken_in_time_and_not_before() {
        let time = Time::starting(At(0));
        let mut sleep = time.sleep(Span(10));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        assert_eq!(time.next(), Some(Span(10)));
        time.pass(Span(9));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        time.pass(Span(10));
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
        drop(sleep);
        assert_eq!(time.next(), None);
    }
}
