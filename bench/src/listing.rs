//! A list of 50 runs out of 100,000, as a program asks the API of the real server for it: the newest, those of one process
//! and those of one verdict.
//!
//! The limit is a request to the same server that reads nothing (`/healthz`), in turns with it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    Ask,
    engine::Scratch,
    figure::{Samples, machine, round},
    seed,
    served::Server,
};

const TARGET_MS: f64 = 10.0;
const LISTS: [&str; 3] =
    ["/api/v1/runs?limit=50", "/api/v1/runs?limit=50&process=p007", "/api/v1/runs?limit=50&verified=yes&kind=run"];
/// One caller is let ask 600 times a minute.
const REQUESTS_MAX: usize = 540;

/// `api-list`.
pub fn list(ask: &Ask) -> Result<Value, String> {
    let scratch = Scratch::new(ask)?;
    let site = seed::site(ask, &scratch)?;
    let requests = ask.rounds.unwrap_or(if ask.quick { 60 } else { 500 }).min(REQUESTS_MAX);
    let mut server = Server::start(&site)?;
    server.first("/healthz")?;
    let (mut lists, mut floor, mut statuses) = (Samples::default(), Samples::default(), Vec::new());
    for n in 0..requests {
        for (page, samples) in [(LISTS[n % LISTS.len()], &mut lists), ("/healthz", &mut floor)] {
            let began = Instant::now();
            statuses.push(server.get(page)?);
            samples.0.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    server.stop()?;
    let (value, limit) = (lists.at(0.95), floor.at(0.95));
    let answered = statuses.iter().all(|status| *status == 200);
    statuses.sort_unstable();
    statuses.dedup();
    Ok(json!({
        "figure": "api-list", "value": round(value), "unit": "ms", "runs_in_journal": seed::RUNS, "limit": "/healthz",
        "limit_value": round(limit), "ratio": round(value / limit), "target": TARGET_MS,
        "met": answered && value <= TARGET_MS, "statuses": statuses, "list_ms": lists.many(),
        "healthz_ms": floor.many(), "machine": machine(&scratch.0),
    }))
}
