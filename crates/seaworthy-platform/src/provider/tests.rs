//! Real commands on this host.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use seaworthy_model::{
    deed::Deed,
    id::RunId,
    port::{Chunk, Order, OutputKey, Outputs as _, Places as _, Provider as _, Secret, Std},
    process::{Command, Line, hex},
    run::{Acted, Outcome},
    time::{At, Span},
};
use sha2::{Digest as _, Sha256};

use super::{Launch, local::Local};
use crate::{FileOutputs, FilePlaces, held::process, keeper};

/// A data folder that is removed afterwards.
pub(crate) struct World {
    pub(crate) data: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.data);
    }
}

static NEXT: AtomicU8 = AtomicU8::new(0);

pub(crate) fn run_id() -> RunId {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RunId::new(At(1_700_000_000_000_000_000), &[number; 10])
}

/// The keeper of `examples/`, which is built with the tests.
pub(crate) fn launch(data: &std::path::Path) -> Launch {
    let this = std::env::current_exe().expect("this program");
    let program = this.parent().and_then(std::path::Path::parent).expect("below target").join("examples/keeper");
    let launch = Launch { program, words: vec![], socket: data.join("k") };
    let (data, socket) = (data.as_os_str().to_owned(), launch.socket(keeper::PROTOCOL).into_os_string());
    let protocol = keeper::PROTOCOL.to_string();
    let words = [data, socket].into_iter().chain(["300", &protocol, "none"].map(Into::into));
    Launch { words: words.collect(), ..launch }
}

impl World {
    pub(crate) fn new() -> World {
        let name = format!("seaworthy-platform-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let data = std::env::temp_dir().join(name);
        let folder = data.join("site");
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        World { data, folder }
    }

    /// Without cgroups: what every host can do. The tests that name a layer choose it.
    pub(crate) fn local(&self) -> Local {
        Local::new(self.data.clone(), launch(&self.data)).with_grace(Span::from_millis(300))
    }

    pub(crate) async fn order(&self, script: &str) -> Order {
        let run = run_id();
        let workdir = FilePlaces::new(self.data.clone()).workdir(run).await.expect("a work folder");
        Order {
            output: OutputKey { run, step: "dump".into(), attempt: 1 },
            deed: Deed::Run(Command {
                line: Line::Shell { script: script.into(), shell: vec!["sh".into(), "-c".into()] },
            }),
            folder: self.folder.clone(),
            workdir,
            env: vec![],
            secrets: vec![],
            masked: vec![],
            timeout: Some(Span::seconds(60)),
            outputs: vec![],
            limits: Default::default(),
        }
    }

    pub(crate) async fn act(&self, script: &str) -> (Acted, Order) {
        let order = self.order(script).await;
        (self.local().act(&order).await, order)
    }

    pub(crate) async fn chunks(&self, key: &OutputKey) -> Vec<Chunk> {
        let outputs = FileOutputs::new(self.data.clone());
        let (mut chunks, mut from) = (vec![], 0);
        if !crate::output::head(&self.data, key).expect("a plain name").exists() {
            // Nothing was said, so nothing is kept.
            return chunks;
        }
        loop {
            let part = outputs.read(key, from, 100_000).await.expect("readable");
            assert!(part.ended || part.next > from, "an ended attempt has an end");
            chunks.extend(part.chunks);
            from = part.next;
            if part.ended {
                return chunks;
            }
        }
    }

    pub(crate) async fn text(&self, key: &OutputKey, stream: Std) -> String {
        let chunks = self.chunks(key).await;
        let bytes = chunks.into_iter().filter(|chunk| chunk.stream == stream).flat_map(|chunk| chunk.bytes);
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    }
}

/// Comes back as soon as `condition` holds; fails after ten seconds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn living(pid: i32) -> bool {
    process::find(pid).is_some_and(|process| !process.is_zombie())
}

fn pid_in(path: &std::path::Path) -> Option<i32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

mod elder;
mod ends;
mod says;
