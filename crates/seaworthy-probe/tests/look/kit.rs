//! What the tests share: folders that vanish, orders, and waiting for a condition.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use seaworthy_model::{
    port::{LookOrder, Secret},
    process::{Command, Line, Look},
    run::Observation,
    time::{At, Span},
    value::{Facts, Value},
};

/// A folder that is removed with everything in it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("sw-look-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn now() -> At {
    At(i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap())
}

pub fn order(folder: &Folder, look: Look) -> LookOrder {
    LookOrder {
        look,
        folder: folder.0.clone(),
        workdir: folder.0.clone(),
        env: vec![],
        secrets: vec![],
        masked: vec![],
        artifact: None,
        timeout: Span::seconds(20),
        now: now(),
    }
}

pub fn secret(name: &str, value: &str) -> Secret {
    Secret { name: name.into(), value: value.into() }
}

pub fn artifact(name: &str) -> Look {
    Look::Artifact { name: name.into() }
}

pub fn shell(script: &str) -> Look {
    let line = Line::Shell { script: script.into(), shell: vec![] };
    Look::Command { command: Command { line }, artifact: None }
}

pub fn args(words: &[&str]) -> Look {
    let line = Line::Args(words.iter().map(|word| (*word).into()).collect());
    Look::Command { command: Command { line }, artifact: None }
}

pub fn sql(url: &str, query: &str) -> Look {
    Look::Sql { query: query.into(), url: url.into(), artifact: None }
}

pub fn get(url: &str) -> Look {
    Look::Http { url: url.into(), method: "GET".into(), headers: BTreeMap::new(), body: None }
}

/// By the first probe that takes it, as the engine does.
pub async fn look(order: &LookOrder) -> Result<Observation, String> {
    let probe = seaworthy_probe::all().into_iter().find(|probe| probe.takes(&order.look)).expect("a probe takes it");
    probe.look(order).await
}

pub fn text<'a>(facts: &'a Facts, name: &str) -> &'a str {
    match facts.get(name) {
        Some(Value::Text(text)) => text,
        other => panic!("`{name}` is {other:?}, not a text"),
    }
}

pub fn int(facts: &Facts, name: &str) -> i64 {
    match facts.get(name) {
        Some(Value::Int(n)) => *n,
        other => panic!("`{name}` is {other:?}, not a whole number"),
    }
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

/// Not there, or a zombie that its parent has not noticed yet.
pub fn is_gone(pid: &str) -> bool {
    match fs::read_to_string(Path::new("/proc").join(pid).join("stat")) {
        Ok(stat) => stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}
