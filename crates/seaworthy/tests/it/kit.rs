//! A site in a folder of its own, the real binary, and a server that ends with its test.
//!
//! Must not know any theme: what a test is about stands in the test.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, set_parent_process_death_signal},
};
use serde_json::Value;

/// A verb, a start and a stop never take longer than this, or the test fails.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a condition.
const LOOK_GAP: Duration = Duration::from_millis(5);

/// What `Site::new` writes: two people, and a route that keeps its messages in `told.txt`.
pub const SITE: &str = "\
site: test
teams:
  ops: { people: [ada@example.com, grace@example.com] }
routes:
  oncall: { command: \"cat >> told.txt\" }
";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// One site below the temporary folder. Removed with it.
pub struct Site {
    root: PathBuf,
    /// Holds `seaworthy.yaml`.
    pub folder: PathBuf,
    env: RefCell<Vec<(String, String)>>,
}

/// What a verb came to.
#[derive(Debug)]
pub struct Output {
    /// Exit code; above 128 for the signal that ended it.
    pub code: i32,
    /// The last line of standard output as JSON; `Null` if it is none.
    pub json: Value,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    /// A site with the file [`SITE`] and nothing else.
    pub fn new() -> Site {
        let site = Site::bare();
        site.write("seaworthy.yaml", SITE);
        site
    }

    /// A folder without a site file. Others may enter it, so that a command can run as somebody else.
    pub fn bare() -> Site {
        let name = format!("seaworthy-it-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        let folder = root.join("site");
        for dir in [&folder, &root.join("run"), &root.join("home")] {
            fs::create_dir_all(dir).expect("the temporary folder is writable");
        }
        fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o700)).expect("it is ours");
        Site { root, folder, env: RefCell::new(Vec::new()) }
    }

    /// A copy of `examples/NAME`.
    pub fn example(name: &str) -> Site {
        let site = Site::bare();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        copy(&from, &site.folder);
        site
    }

    /// Every later verb and server gets this variable.
    pub fn env(&self, name: &str, value: &str) {
        self.env.borrow_mut().push((name.into(), value.into()));
    }

    /// A path below the site's folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.path(".seaworthy")
    }

    /// Where its server listens for verbs.
    pub fn socket(&self) -> String {
        let told = fs::read_to_string(self.data().join("server.socket")).expect("a server says it");
        told.lines().next().expect("a path").to_owned()
    }

    /// Outside the site's folder, in the same temporary one.
    pub fn aside(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("below the site")).expect("the site is writable");
        fs::write(&path, text).unwrap_or_else(|e| panic!("{} cannot be written: {e}", path.display()));
    }

    /// Writes `ops/NAME.yaml` with `process: NAME` as its first line.
    pub fn process(&self, name: &str, rest: &str) {
        self.write(&format!("ops/{name}.yaml"), &format!("process: {name}\n{rest}"));
    }

    /// The text of a file; empty if there is none.
    pub fn read(&self, file: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(file)).unwrap_or_default()).into_owned()
    }

    /// Replaces a text that must stand in the file.
    pub fn edit(&self, file: &str, old: &str, new: &str) {
        let text = self.read(file);
        assert!(text.contains(old), "{file} does not contain `{old}`:\n{text}");
        self.write(file, &text.replacen(old, new, 1));
    }

    /// The binary with this site's folder and environment, which is built from nothing.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        command.args(args).current_dir(&self.folder).env_clear().env("PATH", path);
        command.env("HOME", self.root.join("home")).env("XDG_RUNTIME_DIR", self.root.join("run"));
        command.envs(self.env.borrow().iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A verb for machines: `--json` is added.
    pub fn json(&self, args: &[&str]) -> Output {
        self.say(&[args, &["--json"]].concat())
    }

    /// A verb as a person types it.
    pub fn say(&self, args: &[&str]) -> Output {
        finish(self.command(args))
    }

    /// A shell command in the site's folder, which must end with 0.
    pub fn sh(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(&self.folder).envs(self.env.borrow().iter().map(|(n, v)| (n, v)));
        let output = finish_as(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        assert_eq!(output.code, 0, "`{script}`: {output:?}");
        output.stdout
    }

    /// `up` on a free port, with the watcher inside; returns when pages are answered.
    pub fn server(&self) -> Server {
        self.server_with(&[])
    }

    /// `up` with more arguments.
    pub fn server_with(&self, args: &[&str]) -> Server {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.aside("server.log"));
        let listen: &[&str] = if args.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut command = self.command(&[&["up", "--json"], listen, args].concat());
        command.stderr(log.expect("the temporary folder is writable"));
        // SAFETY: one plain system call between fork and exec; it allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let mut child = command.spawn().expect("the binary was built with the tests");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut first = String::new();
        // It prints one line, or ends: reading comes to an end in both cases.
        lines.read_line(&mut first).expect("the pipe is ours");
        let said: Value = serde_json::from_str(&first).unwrap_or_default();
        let url = said["url"].as_str().unwrap_or_default().to_owned();
        let server = Server { child: Some(child), url, log: self.aside("server.log") };
        assert!(!server.url.is_empty(), "the server did not start; it said `{first}`: {}", server.log());
        // Over TLS nobody is trusted here: it listens before it says its address.
        if server.url.starts_with("http://") {
            until("the server answers", || server.get("/").filter(|(status, _)| *status > 0));
        }
        server
    }
}

impl Site {
    /// The process that holds the commands of this site now.
    pub fn keeper(&self) -> Option<i32> {
        let locks = fs::read_dir(self.data().join("keeper")).ok()?.flatten();
        let lock = locks.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "lock"))?;
        let about: Value = serde_json::from_str(&fs::read_to_string(lock).ok()?).ok()?;
        let pid = i32::try_from(about["pid"].as_i64()?).ok()?;
        let said = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        (living(pid) && said.contains("keeper") && said.contains(self.data().to_str()?)).then_some(pid)
    }

    /// KILL to the keeper, as the machine's trouble would have it.
    pub fn kill_keeper(&self) {
        let Some(keeper) = self.keeper() else { return };
        let _ = kill_process(Pid::from_raw(keeper).expect("a number"), Signal::KILL);
        until("the keeper is gone", || (!living(keeper)).then_some(()));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What a test left running ends with its site.
        if let Some(pid) = self.keeper().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::CONT);
            let _ = kill_process(pid, Signal::TERM);
        }
        if std::env::var_os("SEAWORTHY_TEST_KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the temporary folder is writable");
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())).flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the temporary folder is writable");
        }
    }
}

/// A running `up`. Stopped with TERM, then KILL, when it is dropped.
pub struct Server {
    child: Option<Child>,
    /// As printed, with a slash at the end.
    pub url: String,
    log: PathBuf,
}

impl Server {
    /// Process id.
    pub fn pid(&self) -> Pid {
        pid(self.child.as_ref().expect("it runs"))
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to reload.
    pub fn hup(&self) {
        kill_process(self.pid(), Signal::HUP).expect("it runs");
    }

    /// TERM, and its exit code.
    pub fn stop(mut self) -> i32 {
        self.end(Signal::TERM)
    }

    /// KILL: no time for anything.
    pub fn kill(mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) -> i32 {
        let Some(mut child) = self.child.take() else { return 0 };
        let _ = kill_process(pid(&child), signal);
        ended(&mut child, PATIENCE).map_or_else(|| panic!("the server did not stop: {}", self.log()), code)
    }

    /// Status and body of a page; `None` if nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let host = self.url.strip_prefix("http://")?.trim_end_matches('/');
        let mut stream = TcpStream::connect(host).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Some((status, body.to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = kill_process(pid(&child), Signal::TERM);
        if ended(&mut child, Duration::from_secs(20)).is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Waits for the end on the kernel's own sign; `None` when the time is over.
pub fn ended(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let sign = pidfd_open(pid(child), PidfdFlags::empty()).ok()?;
    let limit = Timespec { tv_sec: within.as_secs() as i64, tv_nsec: i64::from(within.subsec_nanos()) };
    let mut on = [PollFd::new(&sign, PollFlags::IN)];
    match poll(&mut on, Some(&limit)) {
        Ok(0) => None,
        _ => child.wait().ok(),
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Runs a command to its end and gathers what it says.
pub fn finish(mut command: Command) -> Output {
    finish_as(&mut command)
}

fn finish_as(command: &mut Command) -> Output {
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
    let out = gather(child.stdout.take().expect("piped"));
    let err = gather(child.stderr.take().expect("piped"));
    let Some(status) = ended(&mut child, PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} did not end within {PATIENCE:?}");
    };
    let (stdout, stderr) = (out.join().expect("gathered"), err.join().expect("gathered"));
    let json = stdout.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    Output { code: code(status), json, stdout, stderr }
}

fn gather(mut from: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("the pipe is ours");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Comes back with what `look` finds; fails when patience is over.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::sleep(LOOK_GAP);
    }
}

/// Whether a process lives; a zombie does not.
pub fn living(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}
