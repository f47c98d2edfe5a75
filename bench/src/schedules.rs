//! What a real server of the release binary keeps in memory when 10,000 schedules are set, and what waiting for them costs.
//!
//! None is due while it is looked at. This module must not know how schedules are kept.

use std::{fs, path::Path, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    Ask,
    engine::Scratch,
    figure::{Samples, machine, round},
    seed,
    served::Server,
};

/// Schedules that are set.
const SCHEDULES: usize = 10_000;
/// The same, for a look.
const SCHEDULES_QUICK: usize = 1_000;
/// What the server may keep, in KiB.
const TARGET_KIB: f64 = 150.0 * 1024.0;
/// Requests between the two looks at the memory.
const REQUESTS: usize = 40;
const PAGES: [&str; 4] = ["/", "/processes", "/processes/p00007", "/help"];

/// `schedules-memory`.
pub fn memory(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let count = if ask.quick { SCHEDULES_QUICK } else { SCHEDULES };
    let site = scratch.0.join("site");
    write(&site, count).map_err(|e| format!("the site cannot be written to {} ({e})", site.display()))?;
    let idle = Duration::from_secs(if ask.quick { 3 } else { 20 });
    // The first start ever puts the definitions into the journal and sets the schedules.
    let mut first = Server::start(&site)?;
    let (_, first_ever) = first.first("/healthz")?;
    thread::sleep(idle);
    let first_most = first.memory("VmHWM")?;
    first.stop()?;
    let (mut resident, mut own, mut most) = (Samples::default(), Samples::default(), Samples::default());
    let (mut start, mut share, mut statuses) = (Samples::default(), Samples::default(), vec![]);
    for _ in 0..ask.rounds.unwrap_or(1) {
        let mut server = Server::start(&site)?;
        start.0.push(server.first("/healthz")?.1);
        thread::sleep(idle);
        let before = (server.processor_ms()?, server.memory("VmRSS")?);
        thread::sleep(idle);
        share.0.push((server.processor_ms()? - before.0) / idle.as_millis() as f64 * 100.0);
        for n in 0..REQUESTS {
            statuses.push(server.get(PAGES[n % PAGES.len()])?);
        }
        resident.0.push(before.1.max(server.memory("VmRSS")?));
        own.0.push(server.memory("RssAnon")?);
        most.0.push(server.memory("VmHWM")?);
        server.stop()?;
    }
    let value = resident.median();
    statuses.sort_unstable();
    statuses.dedup();
    Ok(json!({
        "figure": "schedules-memory", "value": round(value / 1024.0), "unit": "MiB", "schedules": count,
        "limit": null, "limit_value": null, "ratio": null, "target": TARGET_KIB / 1024.0,
        "met": value <= TARGET_KIB && statuses == [200], "statuses": statuses, "resident_kib": resident.few(),
        "own_kib": own.few(), "most_kib": most.few(), "first_start_most_kib": first_most,
        "idle_processor_percent": share.few(), "first_ever_ms": round(first_ever), "healthz_ms": start.few(),
        "machine": machine(&scratch.0),
    }))
}

/// A site of ordinary processes, each in a file of its own.
fn write(site: &Path, count: usize) -> std::io::Result<()> {
    fs::create_dir_all(site.join("ops"))?;
    fs::write(site.join("seaworthy.yaml"), "site: figures\n")?;
    (0..count)
        .map(|n| (format!("p{n:05}"), n))
        .try_for_each(|(name, n)| fs::write(site.join("ops").join(format!("{name}.yaml")), seed::process(&name, n)))
}
