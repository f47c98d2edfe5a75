//! Look: the probes that verify what somebody else did.
//!
//! A probe observes and never judges: it must not know `expect`, the run, the provider that acted, or the
//! journal. One file per probe, one line in [`all`], and `tests/contract.rs` says what the newcomer forgot.

use std::sync::{Arc, OnceLock};

use seaworthy_model::port::Probe;

mod artifact;
mod command;
mod expand;
mod http;
mod sight;
mod sql;

/// Every probe there is. A look is carried out by the first one that takes it.
pub fn all() -> Vec<Arc<dyn Probe>> {
    vec![
        Arc::new(artifact::ArtifactProbe),
        Arc::new(command::CommandProbe),
        Arc::new(sql::SqlProbe),
        Arc::new(http::HttpProbe::default()),
    ]
}

/// Chooses the cryptography of every TLS connection of this program. May be called by anyone, at any time,
/// any number of times; probes that need it call it themselves.
pub fn install_tls() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // Refused when somebody chose before us, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
