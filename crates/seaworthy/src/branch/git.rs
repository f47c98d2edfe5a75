//! The system's git on a bare mirror: arguments as a list, no shell, no hooks, no prompt, a time and a size that end it.
//!
//! This module must not know what a commit is worth.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use seaworthy_model::site::Branch;

/// How long a fetch may take before it is ended.
const FETCH_WITHIN: Duration = Duration::from_secs(120);
/// How long git may take with what is here already.
const LOCAL_WITHIN: Duration = Duration::from_secs(60);
/// How long all contents of a commit may take, which are written to the disk meanwhile.
const CONTENTS_WITHIN: Duration = Duration::from_secs(600);
/// Between two looks at a git that is at work, and at how much it has written.
const LOOK_GAP: Duration = Duration::from_millis(20);
const MEASURE_EVERY: Duration = Duration::from_millis(500);
/// Bytes of an answer that are read; more is an error.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Where the newest commit of the branch is kept in the mirror, and where one that is in force and in no history any more.
const TIP: &str = "refs/seaworthy/tip";
const FORCE: &str = "refs/seaworthy/force";
/// Longest sentence of git that is told, in characters.
const SAID_MAX: usize = 400;

/// What a repository is read over; everything else, `ext::` first of all, is refused by git itself.
const SETTINGS: [&str; 12] = [
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.file.allow=always",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=true",
    "credential.interactive=false",
    "submodule.recurse=false",
    // What unpacks to far more than it was goes to the disk, not into memory.
    "core.bigFileThreshold=16m",
    "gc.auto=0",
    "maintenance.auto=false",
];
/// Names of our own environment that git is given: where its keys and settings are, and the way out.
const ENVIRONMENT: [&str; 8] =
    ["PATH", "HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"];

/// A bare mirror of one branch.
pub struct Mirror {
    folder: PathBuf,
    bytes_max: u64,
}

impl Mirror {
    /// The mirror in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(folder: PathBuf, bytes_max: u64) -> Result<Mirror, String> {
        let mirror = Mirror { folder, bytes_max };
        if !mirror.folder.join("HEAD").is_file() {
            fs::create_dir_all(&mirror.folder)
                .map_err(|e| format!("{} cannot be made ({e})", mirror.folder.display()))?;
            mirror.ask(&["init", "--quiet", "--bare", "--template=", "."], LOCAL_WITHIN)?;
        }
        Ok(mirror)
    }

    /// Brings the branch here and names its newest commit.
    ///
    /// # Errors
    /// A sentence: not reachable, no such branch, too large.
    pub fn fetch(&self, branch: &Branch) -> Result<String, String> {
        self.bring(branch, &format!("+refs/heads/{}:{TIP}", branch.branch)).map_err(|said| {
            if said.contains("couldn't find remote ref") {
                return format!(
                    "{} has no branch `{}`: it is empty, or the branch has another name",
                    branch.url, branch.branch
                );
            }
            format!("branch `{}` of {} cannot be fetched: {said}", branch.branch, branch.url)
        })?;
        let tip = self.ask(&["rev-parse", "--verify", "--quiet", &format!("{TIP}^{{commit}}")], LOCAL_WITHIN)?;
        Ok(String::from_utf8_lossy(&tip).trim().to_owned())
    }

    /// Brings a commit here that may be in no branch any more.
    ///
    /// # Errors
    /// A sentence: not reachable, or the repository has forgotten it.
    pub fn fetch_commit(&self, branch: &Branch, commit: &str) -> Result<(), String> {
        self.bring(branch, &format!("+{commit}:{FORCE}"))
    }

    fn bring(&self, branch: &Branch, what: &str) -> Result<(), String> {
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force"];
        let words: Vec<&str> = fetch.into_iter().chain(["--", branch.url.as_str(), what]).collect();
        self.ask(&words, FETCH_WITHIN).map(drop)
    }

    /// Whether everything of `old` is in the history of `new`.
    ///
    /// # Errors
    /// A sentence.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, String> {
        let child = self.start(&["merge-base", "--is-ancestor", old, new])?;
        let (code, _, said) = self.finish(child, LOCAL_WITHIN)?;
        match code {
            Some(0) => Ok(true),
            // 128: the old commit is not known here at all, so it is in no history either.
            Some(1 | 128) => Ok(false),
            _ => Err(format!("the history of {new} cannot be compared: {said}")),
        }
    }

    /// How many commits that `old` has are missing in `new`.
    pub fn lost(&self, old: &str, new: &str) -> Option<u64> {
        let count = self.ask(&["rev-list", "--count", old, &format!("^{new}")], LOCAL_WITHIN).ok()?;
        String::from_utf8_lossy(&count).trim().parse().ok()
    }

    /// All files of a commit, ended by NUL each: `mode type hash size TAB path`.
    ///
    /// # Errors
    /// A sentence.
    pub fn list(&self, commit: &str) -> Result<Vec<u8>, String> {
        self.ask(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit], LOCAL_WITHIN)
    }

    /// Hands over the contents of these objects, in order.
    ///
    /// # Errors
    /// A sentence; what was handed over by then was good.
    pub fn contents(
        &self,
        hashes: &[String],
        mut take: impl FnMut(usize, Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut child = self.start_with(&["cat-file", "--batch"], Stdio::piped())?;
        let mut asks = child.stdin.take().ok_or("git takes no questions")?;
        let text: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
        // On a thread: git answers while it is still being asked.
        let asking = thread::spawn(move || asks.write_all(text.as_bytes()));
        let mut answers = io::BufReader::new(child.stdout.take().ok_or("git gives no answers")?);
        let (read, late) = within(CONTENTS_WITHIN, &child, || {
            let read = (0..hashes.len()).try_for_each(|n| take(n, object(&mut answers)?));
            drop(answers);
            let _ = asking.join();
            read
        });
        let ended = self.finish(child, LOCAL_WITHIN);
        if late {
            return Err(format!("its contents took longer than {} s and git was ended", CONTENTS_WITHIN.as_secs()));
        }
        read.and(ended.map(drop))
    }

    /// Runs git to its end; its standard output.
    fn ask(&self, words: &[&str], within: Duration) -> Result<Vec<u8>, String> {
        let (code, out, said) = self.finish(self.start(words)?, within)?;
        if code == Some(0) {
            Ok(out)
        } else {
            Err(if said.is_empty() { format!("git ended with {code:?}") } else { said })
        }
    }

    fn start(&self, words: &[&str]) -> Result<Child, String> {
        self.start_with(words, Stdio::null())
    }

    fn start_with(&self, words: &[&str], stdin: Stdio) -> Result<Child, String> {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(words).current_dir(&self.folder).env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=20");
        // Its own helpers go with it when it has to be ended.
        command.process_group(0).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => "there is no `git` on this host; install it".to_owned(),
            _ => format!("git cannot be started ({e})"),
        })
    }

    /// Waits for its end: code, output, and the last line that it said.
    fn finish(&self, mut child: Child, within: Duration) -> Result<(Option<i32>, Vec<u8>, String), String> {
        let (out, err) = (child.stdout.take().map(gather), child.stderr.take().map(gather));
        let (begun, mut measured) = (Instant::now(), Instant::now());
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| format!("git cannot be waited for ({e})"))? {
                break status;
            }
            if begun.elapsed() > within {
                end(&mut child);
                return Err(format!("it took longer than {} s and was ended", within.as_secs()));
            }
            if measured.elapsed() > MEASURE_EVERY {
                self.measure().inspect_err(|_| end(&mut child))?;
                measured = Instant::now();
            }
            thread::sleep(LOOK_GAP);
        };
        self.measure()?;
        let text = |reader: Option<thread::JoinHandle<Vec<u8>>>| reader.and_then(|r| r.join().ok()).unwrap_or_default();
        let (out, said) = (text(out), text(err));
        if out.len() as u64 > ANSWER_BYTES_MAX {
            return Err(format!("git answered with more than {} MiB: it has too many files", ANSWER_BYTES_MAX >> 20));
        }
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().map(str::trim).find(|l| l.starts_with("fatal:") || l.starts_with("error:"));
        let last = last.or(said.lines().last()).unwrap_or_default();
        Ok((status.code(), out, told(last.trim_start_matches("fatal: "))))
    }

    /// Whether the mirror is still as large as it may be.
    fn measure(&self) -> Result<(), String> {
        let bytes = size(&self.folder);
        if bytes <= self.bytes_max {
            return Ok(());
        }
        // What was fetched so far would be measured again for ever.
        let _ = fs::remove_dir_all(&self.folder);
        Err(format!("its history is larger than {} MiB; raise `at_most`", self.bytes_max >> 20))
    }
}

/// Works on what a git says that is ended if that takes too long; whether it was.
fn within<T>(limit: Duration, child: &Child, work: impl FnOnce() -> T) -> (T, bool) {
    let (group, (done, waits)) = (Pid::from_child(child), mpsc::channel::<()>());
    let watchdog = thread::spawn(move || {
        let late = waits.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        // Nobody has waited for the child yet, so this is still its number.
        late && kill_process_group(group, Signal::KILL).is_ok()
    });
    let worked = work();
    drop(done);
    (worked, watchdog.join().unwrap_or(false))
}

/// What git said, for people: a server writes into it as it likes, and an address may have become one with a login by
/// settings of git.
fn told(said: &str) -> String {
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = String::new();
    let mut rest = said.as_str();
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "'\"<>".contains(c)).unwrap_or(after.len());
        let address = &after[..end];
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        out.push_str(host.rsplit_once('@').map_or(host, |(_, host)| host));
        out.push_str(path.split(['?', '#']).next().unwrap_or_default());
        rest = &after[end..];
    }
    out.push_str(rest);
    // Only now: a cut in the middle of a login would leave the first half of it.
    out.chars().take(SAID_MAX).collect()
}

fn end(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

fn gather(from: impl io::Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A torn answer is told by how git ends.
        let _ = from.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        bytes
    })
}

/// One answer of `cat-file --batch`: `hash blob size LF content LF`.
fn object(answers: &mut impl io::BufRead) -> Result<Vec<u8>, String> {
    let mut head = String::new();
    answers.read_line(&mut head).map_err(|e| e.to_string())?;
    let size: Option<u64> = head.trim().rsplit(' ').next().and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| format!("git does not have an object of its own: {}", head.trim()))?;
    let mut content = Vec::new();
    answers.take(size + 1).read_to_end(&mut content).map_err(|e| e.to_string())?;
    content.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(content)
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(command: &str) -> Child {
        Command::new("sh").args(["-c", command]).process_group(0).stdout(Stdio::piped()).spawn().expect("a shell")
    }

    fn read(child: &mut Child) -> impl FnOnce() -> usize + use<> {
        let mut out = child.stdout.take().expect("it is piped");
        move || out.read_to_end(&mut Vec::new()).expect("a pipe")
    }

    #[test]
    fn a_git_that_says_no_more_is_ended_and_one_that_is_done_in_time_is_not() {
        let mut child = silent("exec sleep 1000");
        let reads = read(&mut child);
        let (said, late) = within(Duration::from_millis(20), &child, reads);
        assert_eq!((said, late), (0, true));
        assert!(!child.wait().expect("it has ended").success());
        let mut child = silent("echo done");
        let reads = read(&mut child);
        let (said, late) = within(Duration::from_secs(600), &child, reads);
        assert_eq!((said, late), (5, false));
        assert!(child.wait().expect("it has ended").success());
    }

    #[test]
    fn what_git_says_has_no_login_no_token_and_nothing_that_draws_on_a_terminal() {
        for (said, told_as) in [
            (
                "unable to access 'https://robot:hunter2@git.example.com/ops.git/': gone",
                "unable to access 'https://git.example.com/ops.git/': gone",
            ),
            (
                "'https://git.example.com/ops.git?private_token=hunter2' is away",
                "'https://git.example.com/ops.git' is away",
            ),
            ("https://hunter2@a/b and ssh://git@c/d", "https://a/b and ssh://c/d"),
            ("remote: \u{1b}[2Jall is well\u{7}", "remote:  [2Jall is well "),
            ("no address", "no address"),
        ] {
            assert_eq!(told(said), told_as);
        }
        assert_eq!(told(&"x".repeat(5_000)).len(), SAID_MAX);
        let long = format!("'https://robot:{}@git.example.com/ops.git/' is away", "hunter2".repeat(150));
        assert_eq!(told(&long), "'https://git.example.com/ops.git/' is away");
    }
}
