//! What the tests share: folders that vanish, a message, addresses.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use seaworthy_model::{
    id::MessageId,
    port::{Address, Message, Secret, SendError},
    process::Occasion,
    site::Outlet,
    time::{At, Span},
};

/// A folder that is removed with everything in it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("sw-tell-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn message() -> Message {
    let at = At(1_700_000_000_000_000_000);
    Message {
        id: MessageId::new(at, &[7; 10]),
        occasion: Occasion::Unverified,
        site: "acme".into(),
        process: "backup-orders".into(),
        subject: "backup-orders: größer als erwartet".into(),
        text: "Expected: size > 1 MiB\nSeen: größe 0\n.\nfrom a line that is only a dot\n".into(),
        expected: vec!["size > 1MiB".into()],
        seen: vec!["size = 0".into()],
        tried: vec!["retry: still no".into()],
        procedure: Some("procedures/backup.md".into()),
        link: None,
        run: None,
        at,
    }
}

pub fn to(folder: &Folder, outlet: Outlet) -> Address {
    Address { outlet, smtp: None, secrets: vec![], folder: folder.0.clone(), timeout: Span::seconds(20) }
}

pub fn secret(name: &str, value: &str) -> Secret {
    Secret { name: name.into(), value: value.into() }
}

/// By the notifier of the outlet's kind, as the engine does.
pub async fn send(to: &Address, message: &Message) -> Result<String, SendError> {
    let all = seaworthy_notify::all();
    let notifier = all.iter().find(|notifier| notifier.kind() == to.outlet.kind()).expect("a notifier serves it");
    notifier.send(to, message).await
}

/// Sends with a limit of 300 ms and proves that it was kept.
pub async fn send_briefly(mut to: Address) -> SendError {
    to.timeout = Span::from_millis(300);
    let started = Instant::now();
    let error = send(&to, &message()).await.expect_err("nobody answers");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(error.retry && error.reason.contains("300ms"), "{error:?}");
    error
}

/// Waits until the condition holds; false after a minute.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    condition()
}
