//! A real server of the release binary on a long journal: how soon it answers, and what memory it keeps.
//!
//! The server is stopped as an operator stops it, so that every start finds a closed journal.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    Ask, binary,
    engine::Scratch,
    figure::{Samples, machine, processor_ms, round},
    seed,
};

/// The first answer has this long, in milliseconds.
const START_TARGET_MS: f64 = 100.0;
/// What an idle server may keep, in KiB.
const MEMORY_TARGET_KIB: f64 = 32.0 * 1024.0;
/// Longest time until the first answer, and until the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a server that does not listen yet is asked again.
const AGAIN: Duration = Duration::from_micros(250);
/// Longest time of one request.
const REQUEST_MOST: Duration = Duration::from_secs(10);
/// Requests between the two looks at the memory.
const REQUESTS: usize = 200;
const PAGES: [&str; 4] = ["/", "/processes", "/processes/p007", "/help"];

/// A server that we started.
pub struct Server {
    child: Child,
    address: SocketAddr,
    began: Instant,
}

impl Server {
    pub fn start(site: &Path) -> Result<Server, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|e| format!("no port of this machine is free ({e})"))?;
        let mut command = Command::new(binary::find()?);
        command.arg("--site").arg(site).args(["--log", "error", "up", "--listen", &address.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let began = Instant::now();
        let child = command.spawn().map_err(|e| format!("the server cannot be started ({e})"))?;
        Ok(Server { child, address, began })
    }

    /// Asks again and again; status and milliseconds since the start of the first answer.
    pub fn first(&mut self, page: &str) -> Result<(u16, f64), String> {
        loop {
            if let Ok(status) = get(self.address, page) {
                return Ok((status, self.began.elapsed().as_secs_f64() * 1e3));
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status} before it answered"));
            }
            if self.began.elapsed() > PATIENCE {
                return Err(format!("{page} was not answered within {} s", PATIENCE.as_secs()));
            }
            thread::sleep(AGAIN);
        }
    }

    /// A number of KiB that the kernel knows of the server.
    pub fn memory(&self, name: &str) -> Result<f64, String> {
        let file = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&file).map_err(|e| format!("{file} cannot be read ({e})"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.ok_or_else(|| format!("{file} does not say {name}"))
    }

    /// Processor time that it has used, in milliseconds.
    pub fn processor_ms(&self) -> Result<f64, String> {
        processor_ms(&self.child.id().to_string()).map(|(own, _)| own)
    }

    /// The status of one page.
    pub fn get(&self, page: &str) -> Result<u16, String> {
        get(self.address, page).map_err(|e| format!("{page} was not answered ({e})"))
    }

    /// Asks it to run a process, and does not wait for the end.
    pub fn run(&self, site: &Path, process: &str) -> Result<(), String> {
        let mut command = Command::new(binary::find()?);
        command.arg("--site").arg(site).args(["run", process, "--detach"]).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status().map_err(|e| format!("`{process}` cannot be asked for ({e})"))?;
        status.success().then_some(()).ok_or_else(|| format!("`{process}` was not started: {status}"))
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) -> Result<(), String> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(|e| format!("it cannot be killed ({e})"))
    }

    pub fn stop(mut self) -> Result<(), String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|e| format!("it cannot be stopped ({e})"))?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err("the server did not end when it was asked to".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Has ended already, unless a figure failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of one request, after reading all of the answer.
fn get(address: SocketAddr, page: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(REQUEST_MOST))?;
    stream.write_all(format!("GET {page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

/// `start`.
pub fn start(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let site = seed::site(ask, &scratch)?;
    let rounds = ask.rounds.unwrap_or(if ask.quick { 5 } else { 21 });
    // The first start ever puts the definitions into the journal.
    let mut first = Server::start(&site)?;
    let (_, first_ever) = first.first("/healthz")?;
    first.stop()?;
    let (mut health, mut page, mut floor) = (Samples::default(), Samples::default(), Samples::default());
    let mut statuses = Vec::new();
    for _ in 0..rounds {
        for (path, samples) in [("/healthz", &mut health), ("/", &mut page)] {
            let mut server = Server::start(&site)?;
            let (status, ms) = server.first(path)?;
            samples.0.push(ms);
            statuses.push(status);
            server.stop()?;
        }
        floor.0.extend(binary::version_ms(1)?.0);
    }
    let value = health.median().max(page.median());
    let answered = statuses.iter().all(|status| *status == 200);
    statuses.sort_unstable();
    statuses.dedup();
    Ok(json!({
        "figure": "start", "value": round(value), "unit": "ms", "runs_in_journal": seed::RUNS,
        "limit": "seaworthy --version", "limit_value": round(floor.median()), "ratio": round(value / floor.median()),
        "target": START_TARGET_MS, "met": answered && value <= START_TARGET_MS, "statuses": statuses,
        "first_ever_ms": round(first_ever), "healthz_ms": health.few(), "page_ms": page.few(), "version_ms": floor.few(),
        "machine": machine(&scratch.0),
    }))
}

/// `idle-memory`.
pub fn memory(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let site = seed::site(ask, &scratch)?;
    let rounds = ask.rounds.unwrap_or(if ask.quick { 1 } else { 3 });
    let idle = Duration::from_secs(if ask.quick { 2 } else { 10 });
    let (mut before, mut after, mut anonymous, mut most) = Default::default();
    let mut statuses = Vec::new();
    for _ in 0..rounds {
        let mut server = Server::start(&site)?;
        server.first("/healthz")?;
        thread::sleep(idle);
        let look = |name: &str, samples: &mut Samples| server.memory(name).map(|kib| samples.0.push(kib));
        look("VmRSS", &mut before)?;
        for n in 0..REQUESTS {
            statuses.push(get(server.address, PAGES[n % PAGES.len()]).map_err(|e| format!("no answer ({e})"))?);
        }
        thread::sleep(idle);
        look("VmRSS", &mut after)?;
        look("RssAnon", &mut anonymous)?;
        look("VmHWM", &mut most)?;
        server.stop()?;
    }
    let value = before.median().max(after.median());
    statuses.sort_unstable();
    statuses.dedup();
    Ok(json!({
        "figure": "idle-memory", "value": round(value / 1024.0), "unit": "MiB", "runs_in_journal": seed::RUNS,
        "limit": null, "limit_value": null, "ratio": null, "target": MEMORY_TARGET_KIB / 1024.0,
        "met": value <= MEMORY_TARGET_KIB, "statuses": statuses, "after_start_kib": before.few(),
        "after_requests_kib": after.few(), "requests": REQUESTS, "own_kib": anonymous.few(), "most_kib": most.few(),
        "machine": machine(&scratch.0),
    }))
}
