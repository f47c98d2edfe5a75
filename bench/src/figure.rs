//! What a figure prints: samples, their middle and edges, the limit beside them, and the machine.
//!
//! This module must not know what is measured.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// Ticks per second in `/proc/PID/stat` (USER_HZ).
const TICKS: f64 = 100.0;

/// Numbers of one kind, in the order in which they were seen.
#[derive(Debug, Clone, Default)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The value that `share` of all do not exceed (nearest rank); 0 for none.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// Middle and edges, for figures with few samples; the samples themselves are printed too.
    pub fn few(&self) -> Value {
        let all: Vec<f64> = self.0.iter().map(|n| round(*n)).collect();
        json!({ "median": round(self.median()), "min": round(self.at(0.0)), "max": round(self.at(1.0)), "samples": all })
    }

    /// Percentiles, for figures with many samples.
    pub fn many(&self) -> Value {
        json!({
            "p50": round(self.median()), "p90": round(self.at(0.9)), "p99": round(self.at(0.99)),
            "min": round(self.at(0.0)), "max": round(self.at(1.0)), "count": self.0.len(),
        })
    }
}

/// Two samples taken side by side, divided pair by pair.
pub fn ratios(value: &Samples, limit: &Samples) -> Samples {
    Samples(value.0.iter().zip(&limit.0).map(|(value, limit)| value / limit).collect())
}

/// Three decimals are more than any machine repeats.
pub fn round(n: f64) -> f64 {
    (n * 1_000.0).round() / 1_000.0
}

/// Where it was measured. The load says how much of the machine was somebody else's.
pub fn machine(folder: &Path) -> Value {
    let line = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    json!({
        "cpus": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": line("/proc/sys/kernel/osrelease"),
        "disk": disk(folder),
        "load": line("/proc/loadavg").split(' ').next().unwrap_or_default(),
    })
}

/// Processor milliseconds of a process, and of its children that it took note of.
pub fn processor_ms(process: &str) -> Result<(f64, f64), String> {
    let file = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&file).map_err(|e| format!("{file} cannot be read ({e})"))?;
    let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<f64> = rest.split(' ').skip(11).take(4).filter_map(|field| field.parse().ok()).collect();
    let [user, system, below_user, below_system] = fields[..] else { return Err(format!("{file} is not understood")) };
    Ok(((user + system) / TICKS * 1e3, (below_user + below_system) / TICKS * 1e3))
}

/// Kind of file system of the mount that holds the folder.
fn disk(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let rows = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = rows.filter(|row| row.len() > 2 && folder.starts_with(row[1]));
    holding.max_by_key(|row| row[1].len()).map_or_else(|| "unknown".into(), |row| row[2].to_owned())
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let samples = Samples((1..=100).rev().map(f64::from).collect());
        assert_eq!((samples.at(0.0), samples.median(), samples.at(0.99), samples.at(1.0)), (1.0, 50.0, 99.0, 100.0));
        assert_eq!(Samples(vec![3.0]).median(), 3.0);
        assert_eq!(Samples::default().median(), 0.0);
    }
}
