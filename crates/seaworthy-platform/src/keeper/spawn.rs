//! Making the first process of a command: program, folder, environment from nothing, own session.
//!
//! Must not know what happens to it afterwards. `posix_spawn` starts it without copying our address space; only where
//! it needs limits or a cgroup, which `posix_spawn` cannot give before exec, it is forked (of a small program).

use std::{
    ffi::{CString, NulError},
    fs::File,
    io::{self, Write as _},
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    ptr,
};

use rustix::{
    fs::{Access, OFlags, access, fcntl_setfl},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Resource, Rlimit, getrlimit, setrlimit},
};
use seaworthy_model::process::Limits;

/// Everything that the first process is made of.
pub(super) struct Start<'a> {
    pub(super) words: &'a [String],
    pub(super) folder: &'a str,
    /// Complete.
    pub(super) env: &'a [(String, String)],
    pub(super) limits: &'a Limits,
    /// Entrance to its cgroup.
    pub(super) entrance: Option<File>,
}

/// It runs.
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Our ends of its pipes, which never hold us up.
    pub(super) out: OwnedFd,
    pub(super) err: OwnedFd,
}

/// What all commands are started with.
pub(super) struct Spawner {
    null: OwnedFd,
    /// The limit of open files that commands get; ours is higher.
    files: Rlimit,
    ours: Rlimit,
}

impl Spawner {
    /// Raises our own limit of open files: three are open for each command.
    pub(super) fn new() -> io::Result<Spawner> {
        let null = rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, rustix::fs::Mode::empty())?;
        let files = getrlimit(Resource::Nofile);
        let ours = Rlimit { current: files.maximum, maximum: files.maximum };
        setrlimit(Resource::Nofile, ours)?;
        Ok(Spawner { null, files, ours })
    }

    /// Starts it. `Err` is a sentence that says what was tried and what to do next.
    pub(super) fn start(&self, start: Start<'_>) -> Result<Started, String> {
        let Some(program) = start.words.first() else {
            return Err("the command is empty: write a program to start".into());
        };
        let path = start.env.iter().rev().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value);
        let started = find(program, path, start.folder).and_then(|found| {
            let (out, their_out) = pipe_with(PipeFlags::CLOEXEC)?;
            let (err, their_err) = pipe_with(PipeFlags::CLOEXEC)?;
            fcntl_setfl(&out, OFlags::NONBLOCK)?;
            fcntl_setfl(&err, OFlags::NONBLOCK)?;
            // What is open stays open below a lower limit; the command must not inherit ours.
            setrlimit(Resource::Nofile, self.files)?;
            let pid = if start.entrance.is_none() && start.limits.is_none() {
                self.spawn(&found, &start, &their_out, &their_err)
            } else {
                fork(&found, &start, their_out, their_err)
            };
            setrlimit(Resource::Nofile, self.ours)?;
            let pid = Pid::from_raw(pid?).ok_or_else(|| io::Error::other("the kernel gave no process"))?;
            Ok(Started { pid, out, err })
        });
        started.map_err(|error| not_started(start.folder, program, &error))
    }

    fn spawn(&self, program: &Path, start: &Start<'_>, out: &OwnedFd, err: &OwnedFd) -> io::Result<i32> {
        let fds = [self.null.as_raw_fd(), out.as_raw_fd(), err.as_raw_fd()];
        let envp: Vec<CString> =
            start.env.iter().map(|(n, v)| CString::new(format!("{n}={v}"))).collect::<Result<_, _>>()?;
        let spawned = posix_spawn(program, start.words, &envp, start.folder, fds);
        match spawned {
            // Text without a first line that names its interpreter: for the shell, as everywhere.
            Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
                let mut words = vec!["sh".to_owned(), program.display().to_string()];
                words.extend(start.words.iter().skip(1).cloned());
                posix_spawn(Path::new("/bin/sh"), &words, &envp, start.folder, fds)
            }
            other => other,
        }
    }
}

fn posix_spawn(program: &Path, words: &[String], envp: &[CString], folder: &str, fds: [i32; 3]) -> io::Result<i32> {
    let program = CString::new(program.as_os_str().as_encoded_bytes())?;
    let folder = CString::new(folder)?;
    let words: Vec<CString> = words.iter().map(|word| CString::new(word.as_str())).collect::<Result<_, NulError>>()?;
    let pointers = |all: &[CString]| -> Vec<*mut libc::c_char> {
        all.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
    };
    let (argv, envp) = (pointers(&words), pointers(envp));
    let failed = |code: i32| if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) };
    let mut pid = 0;
    // SAFETY: every pointer is to a value that lives until the end of this block; the arrays end with a null pointer;
    // attributes and actions are initialised before use and destroyed once. posix_spawn returns an error number
    // instead of setting errno.
    unsafe {
        let (mut attr, mut actions) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        failed(libc::posix_spawnattr_init(attr.as_mut_ptr()))?;
        failed(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
        let (attr, actions) = (attr.as_mut_ptr(), actions.as_mut_ptr());
        let (mut none, mut pipe) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        let flags = libc::POSIX_SPAWN_SETSID
            | libc::c_short::try_from(libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK).unwrap_or(0);
        let done = failed(libc::posix_spawnattr_setflags(attr, flags))
            .and_then(|()| failed(libc::posix_spawnattr_setsigmask(attr, none.as_ptr())))
            .and_then(|()| failed(libc::posix_spawnattr_setsigdefault(attr, pipe.as_ptr())))
            .and_then(|()| failed(libc::posix_spawn_file_actions_addchdir_np(actions, folder.as_ptr())))
            .and_then(|()| failed(libc::posix_spawn_file_actions_adddup2(actions, fds[0], 0)))
            .and_then(|()| failed(libc::posix_spawn_file_actions_adddup2(actions, fds[1], 1)))
            .and_then(|()| failed(libc::posix_spawn_file_actions_adddup2(actions, fds[2], 2)))
            .and_then(|()| {
                failed(libc::posix_spawn(&raw mut pid, program.as_ptr(), actions, attr, argv.as_ptr(), envp.as_ptr()))
            });
        libc::posix_spawn_file_actions_destroy(actions);
        libc::posix_spawnattr_destroy(attr);
        done?;
    }
    Ok(pid)
}

/// The slower way, on which something can be done between fork and exec.
fn fork(program: &Path, start: &Start<'_>, out: OwnedFd, err: OwnedFd) -> io::Result<i32> {
    let mut command = Command::new(program);
    command.arg0(&start.words[0]).args(&start.words[1..]).current_dir(start.folder).env_clear();
    command.envs(start.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::from(out)).stderr(Stdio::from(err));
    let entrance = start.entrance.as_ref().map(File::try_clone).transpose()?;
    let limits = rlimits(start.limits);
    let prepare = move || -> io::Result<()> {
        rustix::process::setsid()?;
        if let Some(mut group) = entrance.as_ref() {
            group.write_all(b"0")?;
        }
        for (resource, limit) in &limits {
            let most = rustix::process::getrlimit(*resource).maximum;
            let limit = most.map_or(*limit, |most| most.min(*limit));
            setrlimit(*resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
        }
        // SAFETY: plain system calls on a set that lives here.
        unsafe {
            let mut none = MaybeUninit::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `prepare` makes plain system calls
    // (setsid, write, getrlimit, setrlimit, sigprocmask) on values that were made before the fork; it allocates
    // nothing, takes no lock, and an `io::Error` made from an error number allocates nothing either.
    unsafe {
        command.pre_exec(prepare);
    }
    // Dropping the handle neither ends nor reaps it.
    Ok(command.spawn()?.id().cast_signed())
}

fn rlimits(limits: &Limits) -> Vec<(Resource, u64)> {
    let seconds = limits.cpu_time.map(|time| time.0.div_ceil(1_000_000_000).max(1));
    [
        (Resource::As, limits.memory),
        (Resource::Cpu, seconds),
        (Resource::Nofile, limits.open_files),
        (Resource::Fsize, limits.file_size),
        (Resource::Nproc, limits.processes),
    ]
    .into_iter()
    .filter_map(|(resource, limit)| Some((resource, limit?)))
    .collect()
}

/// The program's file, by the PATH that the command gets.
fn find(program: &str, path: &str, folder: &str) -> io::Result<PathBuf> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    let mut refused = None;
    for place in path.split(':') {
        let file = Path::new(folder).join(place).join(program);
        match access(&file, Access::EXEC_OK) {
            Ok(()) if file.is_file() => return Ok(file),
            Err(rustix::io::Errno::ACCESS) => refused = Some(io::Error::from(io::ErrorKind::PermissionDenied)),
            _ => {}
        }
    }
    Err(refused.unwrap_or_else(|| io::Error::from(io::ErrorKind::NotFound)))
}

fn not_started(folder: &str, program: &str, error: &io::Error) -> String {
    if let Err(missing) = std::fs::read_dir(folder) {
        return format!("the command could not be started in the folder `{folder}` ({missing}): make it, or allow it");
    }
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("`{program}`: command not found; install it, or write its full path (looked for from `{folder}`)")
        }
        io::ErrorKind::PermissionDenied if !program.contains('/') => {
            format!("`{program}`: command not found, or not to be executed by us, in the folders of PATH ({error})")
        }
        io::ErrorKind::PermissionDenied => {
            format!("`{program}` may not be executed ({error}): check its mode (chmod +x) and its first line")
        }
        io::ErrorKind::ArgumentListTooLong => {
            format!("`{program}` could not be started: arguments and environment together are too long for the kernel")
        }
        io::ErrorKind::InvalidInput => {
            format!("`{program}` could not be started: an argument, a variable or a secret holds a NUL byte")
        }
        _ => format!("`{program}` could not be started in `{folder}`: {error}"),
    }
}
