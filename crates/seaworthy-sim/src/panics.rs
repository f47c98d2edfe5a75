//! Hears panics of this thread: a task that panics ends in silence otherwise, and the world goes on without it.
//!
//! This module must not decide whether one is a failure.

use std::{cell::RefCell, panic, sync::Once};

thread_local! {
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
    static LISTENING: RefCell<bool> = const { RefCell::new(false) };
}

static INSTALL: Once = Once::new();

/// From now on panics of this thread are heard and not printed.
pub fn hear() {
    INSTALL.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if LISTENING.with_borrow(|listening| *listening) {
                HEARD.with_borrow_mut(|heard| *heard = heard.take().or(Some(about.to_string())));
            } else {
                before(about);
            }
        }));
    });
    LISTENING.set(true);
    HEARD.take();
}

/// The first one, once.
pub fn heard() -> Option<String> {
    HEARD.take()
}
