//! Runs other programs: output of both streams in one log, a limit in time, and no descendant left after it.
//!
//! Children stay in our process group, so that Ctrl-C in a terminal reaches them too.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long a program may take to end after it was asked to. The product promises ten seconds.
const GRACE: Duration = Duration::from_secs(20);

/// Pause between two looks at a child that is about to end.
const LOOK: Duration = Duration::from_millis(20);

/// Longest output kept for reading; the log on disk has all of it.
const KEPT_LINES_MAX: usize = 200_000;

/// What became of a program.
pub struct Ran {
    pub ok: bool,
    /// Both streams, in the order in which they arrived.
    pub lines: Vec<String>,
    /// Why it is not ok, when the exit code does not say it.
    pub remark: Option<String>,
}

/// Whether a program of this name is on the path.
pub fn exists(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Runs to the end or to the limit, without standard input. Writes the log to `log`.
pub fn run(command: &mut Command, log: &Path, limit: Duration) -> Ran {
    match watched(command, log, limit) {
        Ok(ran) => ran,
        Err(e) => {
            let program = command.get_program().to_string_lossy().into_owned();
            Ran { ok: false, lines: vec![], remark: Some(format!("could not run `{program}`: {e}")) }
        }
    }
}

fn watched(command: &mut Command, log: &Path, limit: Duration) -> io::Result<Ran> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(log)?;
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command keeps the pipe's writing ends; only a fresh one lets the reader see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let lines = read_in_background(reader);
    let until = Instant::now() + limit;
    let (mut kept, mut remark, mut status) = (Vec::new(), None, None);
    loop {
        match lines.recv_timeout(LOOK * 5) {
            Ok(line) => {
                writeln!(file, "{line}")?;
                if kept.len() < KEPT_LINES_MAX {
                    kept.push(line);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            // Whatever it left running may hold the pipe open; the program itself is what we wait for.
            Err(mpsc::RecvTimeoutError::Timeout) if status.is_some() => break,
            Err(mpsc::RecvTimeoutError::Timeout) => status = child.try_wait()?,
        }
        if Instant::now() > until && status.is_none() {
            remark = Some(format!("did not end within {} s and was stopped", limit.as_secs()));
            status = Some(end(&mut child)?);
        }
    }
    let status = match status {
        Some(status) => status,
        None => child.wait()?,
    };
    if let Some(remark) = &remark {
        writeln!(file, "{remark}")?;
    }
    Ok(Ran { ok: status.success() && remark.is_none(), lines: kept, remark })
}

/// Lines of the reader; bytes that are not UTF-8 are replaced.
pub fn read_in_background(reader: impl io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_string();
            bytes.clear();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Asks the child to end and waits; then kills whatever of it and its descendants is left.
///
/// # Errors
/// When the child cannot be waited for.
pub fn end(child: &mut Child) -> io::Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    let family = descendants(child.id());
    signal("-TERM", &child.id().to_string());
    let until = Instant::now() + GRACE;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > until => {
                child.kill()?;
                break child.wait()?;
            }
            None => std::thread::sleep(LOOK),
        }
    };
    // The start time makes sure that a number which was given out anew is not taken for the old one.
    family.iter().filter(|(pid, start)| stat(pid).is_some_and(|(_, now)| now == *start)).for_each(|(pid, _)| {
        signal("-KILL", pid);
    });
    Ok(status)
}

/// Everything that descends from a process: number and start time.
fn descendants(root: u32) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for item in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = item.file_name().to_string_lossy().into_owned();
        if let Some((parent, start)) = stat(&pid) {
            all.push((pid, parent, start));
        }
    }
    let mut family: Vec<(String, String)> = Vec::new();
    let mut parents = vec![root.to_string()];
    while let Some(of) = parents.pop() {
        for (pid, _, start) in all.iter().filter(|(_, parent, _)| *parent == of) {
            parents.push(pid.clone());
            family.push((pid.clone(), start.clone()));
        }
    }
    family
}

/// Parent and start time of a living process: fields 4 and 22 of proc(5), counted after the name in parentheses.
fn stat(pid: &str) -> Option<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_whitespace().collect();
    (fields.first() != Some(&"Z")).then_some(())?;
    Some((fields.get(1)?.to_string(), fields.get(19)?.to_string()))
}

fn signal(name: &str, pid: &str) {
    // Through the program `kill`: the standard library knows only SIGKILL, and a dependency for it is too much.
    let _ = Command::new("kill").args([name, pid]).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> (Ran, String) {
        let log = std::env::temp_dir().join(format!("xtask-shell-{}-{}", std::process::id(), script.len()));
        let ran = run(Command::new("sh").args(["-c", script]), &log, limit);
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        (ran, text)
    }

    #[test]
    fn both_streams_are_kept_and_the_exit_code_decides() {
        let (ran, log) = sh("echo out; echo err >&2; exit 3", Duration::from_secs(30));
        assert!(!ran.ok);
        assert_eq!(ran.lines, ["out", "err"]);
        assert_eq!(log, "out\nerr\n");
        assert!(sh("printf '\\377'", Duration::from_secs(30)).0.ok, "bytes that are not UTF-8 are no reason to fail");
    }

    #[test]
    fn what_does_not_end_is_ended_with_its_children() {
        let started = Instant::now();
        let (ran, _) = sh("sleep 300 & echo $!; wait", Duration::from_millis(300));
        assert!(!ran.ok);
        assert!(ran.remark.is_some_and(|r| r.contains("did not end")));
        let lives = || stat(&ran.lines[0]).is_some();
        let deadline = started + Duration::from_secs(30);
        while lives() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        assert!(!lives(), "the child outlives its parent");
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_sentence() {
        let log = std::env::temp_dir().join(format!("xtask-none-{}", std::process::id()));
        let ran = run(&mut Command::new("no-such-program-here"), &log, Duration::from_secs(5));
        let _ = fs::remove_file(log);
        assert!(ran.remark.is_some_and(|r| r.starts_with("could not run `no-such-program-here`")));
    }
}
