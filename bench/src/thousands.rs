//! 10,000 or 50,000 real commands due in one second, or spread over a minute, next to a raw loop and to APScheduler.
//!
//! All start the same program. The raw loop is one thread that calls posix_spawn and reaps; APScheduler keeps its jobs in
//! memory and records nothing. Processor time is that of everybody involved: engine, keeper and commands.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seaworthy_model::{
    port::Clock as _,
    process::{Missed, Overlap, Schedule, When},
    site::Loaded,
    time::{At, Span},
};
use seaworthy_runtime::{Stop, run::ACTING_MAX, schedule};
use serde_json::{Value, json};

use crate::{
    Ask,
    engine::{self, Engine, Scratch, System},
    exec::{below, ops},
    figure::{Samples, machine, processor_ms, round},
    keeper, stamp,
};

/// Commands that are due.
const JOBS: usize = 10_000;
/// The same, for a look.
const JOBS_QUICK: usize = 1_000;
/// Commands that are due in `fifty-thousand`, and for a look.
const MANY: usize = 50_000;
const MANY_QUICK: usize = 5_000;
/// Time to set the schedules before the first is due: so much, and for each so much more.
const AHEAD: Span = Span::seconds(10);
const AHEAD_EACH: Span = Span::from_millis(1);
/// How often the commands that live are counted.
const COUNT_EVERY: Duration = Duration::from_millis(20);
/// Longest time until all have ended.
const MOST: Duration = Duration::from_secs(600);
/// Lateness at p99 and processor time per job, beside the raw loop.
const LATE_TIMES: f64 = 1.5;
const CPU_TIMES: f64 = 2.5;
/// Lateness at p99 beside APScheduler: 0.7 of its speed.
const PEER_TIMES: f64 = 1.0 / 0.7;
/// Lateness that 99.9 % of the spread ones should stay under.
const LATE_MS: f64 = 50.0;

/// What one round came to.
struct Taken {
    late_ms: Samples,
    /// Processor milliseconds per job, of everybody involved.
    cpu_ms: f64,
    /// The part of it that is the engine's own.
    own_ms: f64,
    /// Commands that lived at one time.
    most: usize,
}

impl Taken {
    fn json(&self) -> Value {
        json!({ "late_ms": self.late_ms.many(), "cpu_ms_per_job": round(self.cpu_ms), "own_ms_per_job": round(self.own_ms) })
    }
}

/// `thousands`: all due at one instant.
pub fn burst(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let (jobs, rounds) = (jobs(ask), ask.rounds.unwrap_or(1));
    let (mut late, mut cpu, mut peer, mut each) = (vec![], vec![], vec![], vec![]);
    for turn in 0..rounds {
        let folder = |name: &str| below(&scratch, &format!("{name}-{turn}"));
        let raw = raw_round(&folder("raw")?, jobs)?;
        let ours = engine_round(&scratch, &folder("engine")?, turn, jobs, Span::ZERO)?;
        let theirs = peer_round(&scratch, &folder("peer")?, jobs);
        let p99 = ours.late_ms.at(0.99);
        late.push(p99 / raw.late_ms.at(0.99));
        cpu.push(ours.cpu_ms / raw.cpu_ms);
        let theirs = match theirs {
            Ok(theirs) => {
                peer.push(p99 / theirs.late_ms.at(0.99));
                theirs.json()
            }
            Err(missing) => json!({ "skipped": missing }),
        };
        each.push(json!({ "engine": ours.json(), "raw": raw.json(), "apscheduler": theirs }));
    }
    let (late, cpu, peer) = (Samples(late), Samples(cpu), Samples(peer));
    Ok(json!({
        "figure": "thousands", "value": round(late.median()), "unit": "times the raw loop's lateness at p99",
        "limit": "a raw posix_spawn loop", "limit_value": 1.0, "ratio": round(late.median()), "target": LATE_TIMES,
        "met": late.median() <= LATE_TIMES && cpu.median() <= CPU_TIMES && !peer.0.is_empty() && peer.median() <= PEER_TIMES,
        "jobs": jobs, "at_one_time": ACTING_MAX, "cpu_ratio": round(cpu.median()), "cpu_target": CPU_TIMES,
        "apscheduler_ratio": if peer.0.is_empty() { Value::Null } else { json!(round(peer.median())) },
        "apscheduler_target": round(PEER_TIMES), "rounds": each, "machine": machine(&scratch.0),
    }))
}

/// `fifty-thousand`: more than is reasonable. It must come to its end, and no more live at one time than may.
pub fn fifty(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let jobs = if ask.quick { MANY_QUICK } else { MANY };
    let raw = raw_round(&below(&scratch, "raw")?, jobs)?;
    let ours = engine_round(&scratch, &below(&scratch, "engine")?, 0, jobs, Span::ZERO)?;
    let (late, cpu) = (ours.late_ms.at(0.99) / raw.late_ms.at(0.99), ours.cpu_ms / raw.cpu_ms);
    Ok(json!({
        "figure": "fifty-thousand", "value": round(late), "unit": "times the raw loop's lateness at p99",
        "limit": "a raw posix_spawn loop", "limit_value": 1.0, "ratio": round(late), "target": LATE_TIMES,
        "met": late <= LATE_TIMES && ours.most <= ACTING_MAX, "jobs": jobs, "at_one_time": ACTING_MAX,
        "most_at_one_time": ours.most, "cpu_ratio": round(cpu), "engine": ours.json(), "raw": raw.json(),
        "machine": machine(&scratch.0),
    }))
}

/// `spread`: the same over a minute.
pub fn spread(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let jobs = jobs(ask);
    let over = Span::seconds(if ask.quick { 6 } else { 60 });
    let stamps = below(&scratch, "stamps")?;
    let ours = engine_round(&scratch, &stamps, 0, jobs, over)?;
    let under = ours.late_ms.0.iter().filter(|late| **late < LATE_MS).count();
    let share = under as f64 / jobs as f64;
    Ok(json!({
        "figure": "spread", "value": round(share * 100.0), "unit": "% less than 50 ms late", "limit": null,
        "limit_value": null, "ratio": null, "target": 99.9, "met": share >= 0.999, "jobs": jobs,
        "over_seconds": over.as_seconds(), "engine": ours.json(), "machine": machine(&scratch.0),
    }))
}

fn jobs(ask: &Ask) -> usize {
    if ask.quick { JOBS_QUICK } else { JOBS }
}

fn engine_round(scratch: &Scratch, stamps: &Path, turn: usize, jobs: usize, over: Span) -> Result<Taken, String> {
    let data = below(scratch, &format!("data-{turn}"))?;
    let mut loaded = engine::load(&scratch.0, &ops(stamps, jobs)?)?;
    let first = System.now() + AHEAD + Span(AHEAD_EACH.0 * jobs as u64);
    due(&mut loaded, first, over);
    let folder = data.clone();
    let (cpu, most) = engine::carry_out(async move {
        let engine = Engine::open(&folder, loaded)?;
        let stop = Stop::default();
        let schedules = tokio::spawn(schedule::run(engine.desk.clone(), stop.clone()));
        engine.ready().await?;
        let keeper = keeper::pid(&folder)?;
        // Setting a schedule is no part of a job.
        engine.written(jobs as u64, Duration::from_nanos(first.since(System.now()).0)).await?;
        let most = Counted::begin(&keeper);
        let before = (processor_ms("self")?.0, both(processor_ms(&keeper)?));
        engine.ended(jobs as u64, MOST).await?;
        let own = processor_ms("self")?.0 - before.0;
        let spent = (own + both(processor_ms(&keeper)?) - before.1, own);
        let most = most.end();
        stop.now();
        schedules.await.map_err(|e| e.to_string())?;
        engine.close();
        Ok::<_, String>((spent, most))
    })?;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: cpu.0 / jobs as f64, own_ms: cpu.1 / jobs as f64, most })
}

/// Looks now and then how many commands the keeper holds.
struct Counted {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<usize>,
}

impl Counted {
    fn begin(keeper: &str) -> Counted {
        let (over, file) = (Arc::new(AtomicBool::new(false)), format!("/proc/{keeper}/task/{keeper}/children"));
        let asked = over.clone();
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !asked.load(Ordering::Relaxed) {
                most = most.max(fs::read_to_string(&file).unwrap_or_default().split_whitespace().count());
                std::thread::sleep(COUNT_EVERY);
            }
            most
        });
        Counted { over, thread }
    }

    fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(usize::MAX)
    }
}

/// Gives every process a schedule that is due once while we look, and says when in its environment.
fn due(loaded: &mut Loaded, first: At, over: Span) {
    let jobs = loaded.processes.len().max(1) as u64;
    for (n, pinned) in loaded.processes.values_mut().enumerate() {
        let nominal = first + Span(over.0 / jobs * n as u64);
        let when = When::Every { span: Span::seconds(24 * 3600), anchor: nominal };
        let pinned = Arc::make_mut(pinned);
        let (missed, overlap) = (Missed::Latest, Overlap::Forbid);
        pinned.process.schedule = Some(Schedule { missed, overlap, ..Schedule::new(when, "UTC") });
        pinned.process.env.insert(stamp::DUE.into(), nominal.0.to_string());
        pinned.digest = pinned.process.digest();
    }
}

/// One thread starts all of them as fast as it can; as many may live at one time as the engine lets act.
fn raw_round(stamps: &Path, jobs: usize) -> Result<Taken, String> {
    let words = stamp::command()?;
    let before = both(processor_ms("self")?);
    let due = stamp::now().to_string();
    let mut living: VecDeque<Child> = VecDeque::new();
    for n in 0..jobs {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env(stamp::FOLDER, stamps).env(stamp::NAME, format!("raw-{n}"));
        command.env(stamp::DUE, &due).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        living.push_back(command.spawn().map_err(|e| format!("{} cannot be started ({e})", words[0]))?);
        while living.front_mut().is_some_and(|first| matches!(first.try_wait(), Ok(Some(_)))) {
            living.pop_front();
        }
        if let Some(mut first) = (living.len() >= ACTING_MAX).then(|| living.pop_front()).flatten() {
            first.wait().map_err(|e| e.to_string())?;
        }
    }
    for mut rest in living {
        rest.wait().map_err(|e| e.to_string())?;
    }
    let spent = both(processor_ms("self")?) - before;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: spent / jobs as f64, own_ms: 0.0, most: 0 })
}

/// APScheduler, in a Python of its own below `target/`.
fn peer_round(scratch: &Scratch, stamps: &Path, jobs: usize) -> Result<Taken, String> {
    let python = python()?;
    let words = stamp::command()?;
    let script = scratch.0.join("peer.py");
    fs::write(&script, include_str!("peer.py")).map_err(|e| e.to_string())?;
    let mut command = Command::new(python);
    command.arg(&script).arg(jobs.to_string()).arg(ACTING_MAX.to_string()).arg(stamps);
    let output = command.args(&words).output().map_err(|e| format!("Python cannot be started ({e})"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds: f64 = said
        .trim()
        .parse()
        .map_err(|_| format!("APScheduler did not end well: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    Ok(Taken { late_ms: lateness(stamps, jobs)?, cpu_ms: seconds * 1e3 / jobs as f64, own_ms: 0.0, most: 0 })
}

/// A Python that has APScheduler; made once, beside the program.
fn python() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let venv = own.parent().unwrap_or(Path::new(".")).join("apscheduler");
    let python = venv.join("bin/python");
    let has = |python: &Path| {
        let asked = Command::new(python).args(["-c", "import apscheduler"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !has(&python) {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).stdout(Stdio::null()).status();
        let installed = made.and_then(|_| {
            Command::new(&python)
                .args(["-m", "pip", "install", "-q", "APScheduler==3.11.3"])
                .stdout(Stdio::null())
                .status()
        });
        installed.map_err(|e| format!("no Python with APScheduler can be made ({e})"))?;
    }
    if has(&python) { Ok(python) } else { Err("APScheduler cannot be installed in a venv here".into()) }
}

/// How late each was, in milliseconds.
fn lateness(stamps: &Path, jobs: usize) -> Result<Samples, String> {
    let files = fs::read_dir(stamps).map_err(|e| format!("the stamps cannot be read ({e})"))?;
    let mut late = Samples::default();
    for file in files.flatten() {
        late.0.push(stamp::late(&file.path())? as f64 / 1e6);
    }
    match late.0.len() {
        all if all == jobs => Ok(late),
        other => Err(format!("{other} of {jobs} commands left a stamp")),
    }
}

fn both((own, below): (f64, f64)) -> f64 {
    own + below
}
