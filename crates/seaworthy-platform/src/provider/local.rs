//! The provider of this host: commands as its own processes.
//!
//! Must not know why a command is run nor whether it achieved anything.

use std::{
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    process::Child,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::pipe::PipeFlags;
use seaworthy_model::{
    port::{Fut, Order, OutputKey, Provider},
    run::{Acted, Outcome, Output},
    time::Span,
};
use tokio::sync::{Notify, watch};

use super::{
    attend::attend,
    said::{said, span},
    start::{Extras, start},
};
use crate::{
    held::{
        self,
        cgroup::Cgroup,
        folder::{self, Folder},
        orphan::Orphans,
        tree::Tree,
    },
    output::{self, mask::Mask, write::Writer},
};

/// Time between TERM and KILL, unless told otherwise.
pub const GRACE: Span = Span::seconds(10);

/// Commands on this host. Cheap to clone; all clones share one count of what is held.
///
/// If this program ends while something is held, the commands go on without us; their output after that is
/// lost, and [`crate::sweep`] ends them at the next start.
#[derive(Debug, Clone)]
pub struct Local {
    data: PathBuf,
    grace: Span,
    /// Whether a cgroup is used where there is one.
    cgroups: bool,
    held: Arc<Held>,
}

/// What is being attended to now.
#[derive(Debug, Default)]
struct Held {
    attempts: Mutex<Vec<Attended>>,
    settled: Notify,
    orphans: Orphans,
}

/// One attempt that a thread attends to.
#[derive(Debug)]
struct Attended {
    key: OutputKey,
    /// Dropped, it tells the thread to end the attempt.
    guard: Option<OwnedFd>,
    /// The answer, for whoever waits.
    told: watch::Receiver<Option<Acted>>,
}

impl Held {
    fn look<T>(&self, at: impl FnOnce(&mut Vec<Attended>) -> T) -> T {
        at(&mut self.attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn until(&self, over: impl Fn(&[Attended]) -> bool) {
        loop {
            let told = self.settled.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.look(|attempts| over(attempts)) {
                return;
            }
            told.await;
        }
    }
}

/// Counts one attempt for as long as it lives.
struct Counted {
    held: Arc<Held>,
    attempt: OutputKey,
    grace: Duration,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.orphans.reap(Instant::now(), self.grace);
        self.held.look(|attempts| {
            if let Some(at) = attempts.iter().position(|one| one.key == self.attempt) {
                attempts.swap_remove(at);
            }
        });
        self.held.settled.notify_waiters();
    }
}

impl Local {
    /// `data` is the data folder; it must exist when the first order comes.
    pub fn new(data: PathBuf) -> Local {
        // Commands run in another folder and are given paths below this one.
        let data = std::path::absolute(&data).unwrap_or(data);
        Local { data, grace: GRACE, cgroups: true, held: Arc::default() }
    }

    /// Another time between TERM and KILL.
    pub fn with_grace(self, grace: Span) -> Local {
        Local { grace, ..self }
    }

    /// Holds by session and descent even where a cgroup could be made.
    pub fn without_cgroups(self) -> Local {
        Local { cgroups: false, ..self }
    }

    /// Attempts whose processes are not yet proven gone, those included that nobody waits for any more.
    pub fn held(&self) -> usize {
        self.held.look(|attempts| attempts.len())
    }

    /// Returns when nothing is held. For the end of the program, with a limit of the caller's.
    pub async fn settled(&self) {
        self.held.until(<[Attended]>::is_empty).await;
    }
}

impl Provider for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    /// An attempt that was begun before (same [`seaworthy_model::port::OutputKey`]) is not begun again: the
    /// answer is `Unknown`.
    fn act<'a>(&'a self, order: &'a Order) -> Fut<'a, Acted> {
        Box::pin(async move {
            let (dropped, guard) = match rustix::pipe::pipe_with(PipeFlags::CLOEXEC) {
                Ok((dropped, guard)) => (dropped, Some(guard)),
                Err(error) => return not_started(format!("the command could not be attended to: {error}")),
            };
            let (tell, told) = watch::channel(None);
            let attended = Attended { key: order.output.clone(), guard, told: told.clone() };
            self.held.look(|attempts| attempts.push(attended));
            let counted =
                Counted { held: self.held.clone(), attempt: order.output.clone(), grace: self.grace.to_std() };
            let (local, order) = (self.clone(), order.clone());
            let attended = thread::Builder::new().name("attempt".into()).spawn(move || {
                let counted = counted;
                // Nobody may wait any more; then the answer is for nobody.
                let _ = tell.send(Some(carry_out(&local, &order, &dropped)));
                drop(counted);
            });
            match attended {
                Ok(_) => answer(told).await,
                Err(error) => not_started(format!("no thread for the command: {error}; run fewer at the same time")),
            }
        })
    }

    fn stop<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, ()> {
        Box::pin(async move {
            self.held.look(|attempts| {
                for one in attempts.iter_mut().filter(|one| one.key == *attempt) {
                    one.guard = None;
                }
            });
            self.held.until(move |attempts| attempts.iter().all(|one| one.key != *attempt)).await;
        })
    }

    /// Only what this very program still holds.
    fn adopt<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(async move {
            let held = |attempts: &mut Vec<Attended>| {
                attempts.iter().find(|one| one.key == *attempt).map(|one| one.told.clone())
            };
            Some(answer(self.held.look(held)?).await)
        })
    }
}

async fn answer(mut told: watch::Receiver<Option<Acted>>) -> Acted {
    match told.wait_for(Option::is_some).await {
        Ok(acted) => acted.clone().unwrap_or_else(lost),
        Err(_) => lost(),
    }
}

fn carry_out(local: &Local, order: &Order, dropped: &OwnedFd) -> Acted {
    let begun = Instant::now();
    match hold(local, order, dropped, begun) {
        Ok(acted) => acted,
        Err(Failed::Before(reason)) => not_started(reason),
        Err(Failed::BegunBefore) => Acted {
            outcome: Outcome::Unknown,
            reason: Some(format!(
                "attempt {} of step `{}` was begun before and its end is not known: look at what it did before repeating it",
                order.output.attempt, order.output.step
            )),
            empty: None,
            ..not_started(String::new())
        },
    }
}

enum Failed {
    Before(String),
    BegunBefore,
}

fn hold(local: &Local, order: &Order, dropped: &OwnedFd, begun: Instant) -> Result<Acted, Failed> {
    let cannot = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Failed::Before(format!("{what} in `{}`: {error}", local.data.display()))
    };
    if let Some(secret) = order.secrets.iter().find(|secret| !is_name(&secret.name)) {
        return Err(Failed::Before(format!("`{}` cannot name a secret: use letters, digits and `_`", secret.name)));
    }
    let head = output::head(&local.data, &order.output).map_err(|error| Failed::Before(error.to_string()))?;
    if head.exists() {
        return Err(Failed::BegunBefore);
    }
    let folder = Folder::begin(&local.data, &order.output).map_err(cannot("the attempt's folder could not be made"))?;
    let mask = Mask::of(&order.hidden());
    let mut writer = match Writer::begin(&head, &mask) {
        Ok(writer) => writer,
        Err(error) => {
            let _ = folder.end(true);
            let before = error.kind() == io::ErrorKind::AlreadyExists;
            return Err(if before { Failed::BegunBefore } else { cannot("no output can be kept")(error) });
        }
    };
    for name in Mask::unmasked(&order.secrets) {
        writer.note(&format!("the secret {name} is too short to be masked in this output: make it longer"));
    }
    let acted = match begin(local, order, &folder) {
        Ok((child, tree, held_by)) => {
            let limits = (begun, order.timeout.map(Span::to_std), local.grace.to_std());
            let (attended, writer) = attend(child, tree, writer, dropped, limits);
            said(order, attended, writer, held_by)
        }
        Err(reason) => {
            let reason = mask.text(&reason);
            writer.note(&reason);
            let (stdout, stderr) = writer.end();
            Acted { stdout, stderr, took: span(begun.elapsed()), ..not_started(reason) }
        }
    };
    if let Err(error) = folder.end(acted.empty == Some(true)) {
        tracing::warn!(%error, "the secret files of an attempt could not be removed; the next start removes them");
    }
    Ok(acted)
}

fn begin(local: &Local, order: &Order, folder: &Folder) -> Result<(Child, Tree, String), String> {
    let cannot = |error: io::Error| format!("the command could not be prepared in `{}`: {error}", local.data.display());
    let marker = folder::marker(&local.data, &order.output).map_err(cannot)?;
    let secret_files = folder.keep_secrets(&order.secrets).map_err(cannot)?;
    let extras = |entrance| Extras { marker: marker.clone(), secret_files: secret_files.clone(), entrance };
    let orphans = held::holds_orphans();
    let tree = |child: &Child, group| Tree::of(i32::try_from(child.id()).unwrap_or(0), marker.clone(), group, orphans);
    let group = local.cgroups.then(|| Cgroup::make(&format!("seaworthy.{}", folder::name(&order.output)))).flatten();
    if let Some(group) = group {
        let entered = folder.keep_cgroup(group.path()).and_then(|()| group.entrance());
        match entered.map_err(cannot).and_then(|entrance| start(order, extras(Some(entrance)))) {
            Ok(child) => {
                let tree = tree(&child, Some(group));
                return Ok((child, tree, "cgroup".into()));
            }
            // Perhaps it is only the group that cannot be entered: nothing was carried out, so try without.
            Err(_) => group.remove(),
        }
    }
    let child = start(order, extras(None))?;
    let tree = tree(&child, None);
    Ok((child, tree, if orphans { "subreaper" } else { "session" }.into()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Nothing was started, so nothing can be left.
fn not_started(reason: String) -> Acted {
    Acted {
        outcome: Outcome::NotDone,
        exit: None,
        signal: None,
        reason: Some(reason),
        took: Span::ZERO,
        stdout: Output::default(),
        stderr: Output::default(),
        held_by: "nothing".into(),
        empty: Some(true),
    }
}

fn lost() -> Acted {
    let reason = "the thread that attended to the command was lost: look at what the command did before repeating it";
    Acted { outcome: Outcome::Unknown, empty: None, ..not_started(reason.into()) }
}
