//! Tell: the notifiers that carry a message to people and their tools.
//!
//! A notifier sends once and says how it went. It must not know why somebody is told, who else is, nor when
//! to try again. One file per notifier, one line in [`all`].

use std::sync::{Arc, OnceLock};

use seaworthy_model::port::Notifier;

mod command;
mod letter;
mod sentence;
mod smtp;
mod webhook;

/// Every notifier there is; each serves the outlets of its kind.
pub fn all() -> Vec<Arc<dyn Notifier>> {
    vec![
        Arc::new(smtp::SmtpNotifier),
        Arc::new(webhook::WebhookNotifier::default()),
        Arc::new(command::CommandNotifier),
    ]
}

/// Chooses the cryptography of every TLS connection of this program. May be called by anyone, at any time,
/// any number of times; notifiers that need it call it themselves.
pub fn install_tls() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // Refused when somebody chose before us, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
