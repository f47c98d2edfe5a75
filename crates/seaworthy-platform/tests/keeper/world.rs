//! A data folder with a keeper of its own: `examples/keeper.rs`, which is built with the tests.
//!
//! Must not know any theme: what a test is about stands in the test.

pub use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub use rustix::process::{Pid, Signal, kill_process};
pub use seaworthy_model::{
    deed::Deed,
    id::RunId,
    port::{Order, OutputKey, Outputs as _, Provider as _, Secret, Std},
    process::{Command as Script, Limits, Line, hex},
    run::{Acted, Outcome},
    time::{At, Span},
};
pub use seaworthy_platform::{FileOutputs, Launch, Local, keeper::PROTOCOL};
pub use sha2::{Digest as _, Sha256};

pub const GRACE: Span = Span::from_millis(300);
/// How long is waited for what must come.
pub const WITHIN: Duration = Duration::from_secs(60);

/// A data folder; its keeper ends with it.
pub struct World(pub PathBuf);

impl Drop for World {
    fn drop(&mut self) {
        if let Some(pid) = self.keeper() {
            tell(pid, Signal::CONT);
            tell(pid, Signal::TERM);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl World {
    pub fn new(name: &str) -> World {
        let data = std::env::temp_dir().join(format!("seaworthy-keeper-{}-{name}", std::process::id()));
        fs::create_dir_all(&data).expect("the temporary folder is writable");
        World(data)
    }

    pub fn local(&self) -> Local {
        local(&self.0, PROTOCOL)
    }

    /// The process that is the keeper now.
    pub fn keeper(&self) -> Option<u32> {
        keeper_of(&self.0, PROTOCOL)
    }

    pub fn number(&self, file: &str) -> u32 {
        let mut found = None;
        until("a process wrote its number", || {
            found = fs::read_to_string(self.0.join(file)).ok().and_then(|text| text.trim().parse().ok());
            found.is_some()
        });
        found.expect("it was just there")
    }

    /// Waits until this was said and is on disk.
    pub async fn said(&self, key: &OutputKey, words: &str) {
        let deadline = Instant::now() + WITHIN;
        while self.output(key).await.0 != words {
            assert!(Instant::now() < deadline, "never said: {words}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn output(&self, key: &OutputKey) -> (String, bool) {
        let part = FileOutputs::new(self.0.clone()).read(key, 0, 1_000_000).await.expect("readable");
        let said = part.chunks.iter().filter(|chunk| chunk.stream == Std::Out);
        let said: Vec<u8> = said.flat_map(|chunk| chunk.bytes.clone()).collect();
        let rest = FileOutputs::new(self.0.clone()).read(key, part.next, 1_000_000).await.expect("readable");
        (String::from_utf8_lossy(&said).into_owned(), part.ended || rest.ended)
    }
}

pub fn launch(data: &Path, protocol: u32) -> Launch {
    let this = std::env::current_exe().expect("this program");
    let program = this.parent().and_then(Path::parent).expect("below target").join("examples/keeper");
    let launch = Launch { program, words: vec![], socket: data.join("k") };
    let (data, socket) = (data.as_os_str().to_owned(), launch.socket(protocol).into_os_string());
    let words = [data, socket].into_iter().chain(["300".into(), protocol.to_string().into(), "cgroups".into()]);
    Launch { words: words.collect(), ..launch }
}

pub fn local(data: &Path, protocol: u32) -> Local {
    Local::new(data.to_owned(), launch(data, protocol)).with_grace(GRACE)
}

pub fn keeper_of(data: &Path, protocol: u32) -> Option<u32> {
    let name = format!("{protocol}-{}.lock", rustix::process::geteuid().as_raw());
    let text = fs::read_to_string(data.join("keeper").join(name)).ok()?;
    let about: serde_json::Value = serde_json::from_str(&text).ok()?;
    about["pid"].as_u64()?.try_into().ok().filter(|pid| living(*pid))
}

pub fn order(data: &Path, script: &str) -> Order {
    Order {
        output: OutputKey { run: run(), step: "dump".into(), attempt: 1 },
        deed: Deed::Run(Script { line: Line::Shell { script: script.into(), shell: vec![] } }),
        folder: data.to_owned(),
        workdir: data.to_owned(),
        env: vec![],
        secrets: vec![Secret { name: "TOKEN".into(), value: "hunter2hunter2".into() }],
        masked: vec![],
        timeout: Some(Span::seconds(60)),
        outputs: vec![],
        limits: Limits::default(),
    }
}

pub fn run() -> RunId {
    RunId::new(At(1_700_000_000_000_000_000), &[9; 10])
}

pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + WITHIN;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn living(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub fn tell(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a number");
    let _ = kill_process(pid, signal);
}

/// The number that a process wrote to `pid`.
pub async fn written(world: &World) -> u32 {
    let deadline = Instant::now() + WITHIN;
    loop {
        let text = fs::read_to_string(world.0.join("pid")).unwrap_or_default();
        if let Ok(pid) = text.trim().parse() {
            return pid;
        }
        assert!(Instant::now() < deadline, "the process never began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Begins an order and stops waiting as soon as its process wrote its number to `pid`.
pub async fn begun(world: &World, local: &Local, order: &Order) -> u32 {
    let acting = local.act(order);
    tokio::select! {
        acted = acting => panic!("ended by itself: {acted:?}"),
        pid = written(world) => pid,
    }
}
