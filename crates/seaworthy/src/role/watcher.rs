//! The watcher: inside the server, or as a process of its own.
//!
//! It reads the watched journal and has one of its own. It must not ask the runner.

use std::{sync::Arc, time::Duration};

use seaworthy_model::{
    port::{Clock as _, Definitions as _, Views},
    time::Span,
};
use seaworthy_runtime::{
    Stop, notify,
    reload::{self, Files, InForce, Missing},
    seal,
    watch::{ARTIFACTS_EVERY, BranchLost, Watcher},
};
use seaworthy_store::{Opened, sqlite::Sqlite};
use tracing::warn;

use super::loops::Loops;
use crate::{
    node,
    place::Place,
    real::RealClock,
    trouble::Trouble,
    wire::{self, House},
};

/// How long its loops may take to end once stopping was asked for; what is left over goes on at the next start.
const ENDING: Duration = Duration::from_secs(30);

/// A watcher that lives inside a server.
pub struct Inside {
    pub views: Arc<dyn Views>,
    house: House,
    _role: node::RoleLock,
}

impl Inside {
    /// Closes the watcher's own journal.
    pub fn close(self) {
        self.house.close();
    }
}

/// Starts the watcher inside a server; `None` if another process watches this site already.
pub fn inside(place: &Place, main: &House, stop: &Stop, tasks: &mut Loops) -> Result<Option<Inside>, Trouble> {
    let Some((role, mut house)) = own(place, (*main.in_force.current()).clone())? else { return Ok(None) };
    house.ports.definitions = main.ports.definitions.clone();
    house.ports.nudges.watch = main.ports.nudges.watch.clone();
    // Inside the server its own silence cannot be seen; that is what a watcher elsewhere is for.
    let mut watcher =
        Watcher::new(house.ports.clone(), main.ports.views.clone(), main.ports.journal.clone(), Arc::new(|| None));
    watcher.artifacts_every = artifacts_every();
    watcher.branch = branch_lost(place);
    keep_watching(tasks, watcher, &house, stop);
    Ok(Some(Inside { views: house.ports.views.clone(), house, _role: role }))
}

/// What the branch loop has written down: the watcher does not ask it.
fn branch_lost(place: &Place) -> Arc<BranchLost> {
    let source = place.source.clone();
    Arc::new(move || source.as_ref()?.state().lost.map(|lost| (lost.since, lost.reason)))
}

/// Reading whole artifacts costs, so it is done seldom. Milliseconds in this variable say otherwise: for tests, and
/// for hosts where they are small.
fn artifacts_every() -> Span {
    let asked = std::env::var("SEAWORTHY_ARTIFACTS_EVERY_MS").ok().and_then(|text| text.parse().ok());
    asked.map_or(ARTIFACTS_EVERY, Span::from_millis)
}

type Own = Option<(node::RoleLock, House)>;

/// The watcher's own house, unless another process has it.
fn own(place: &Place, loaded: seaworthy_model::site::Loaded) -> Result<Own, Trouble> {
    let data = place.watcher();
    Place { folder: place.folder.clone(), data: data.clone(), source: None }.make_data()?;
    let Some(role) = node::role(&data, "watcher")? else { return Ok(None) };
    Ok(Some((role, wire::open_with(&data, loaded)?)))
}

/// Watches a site as a process of its own until stopping is asked for.
///
/// # Errors
/// When the journal cannot be read, or another process watches already.
pub async fn alone(place: &Place, stop: Stop) -> Result<(), Trouble> {
    if !place.store().is_file() {
        return Err(Trouble::start(format!(
            "there is no journal in {} to watch; start the server first: seaworthy up",
            place.data.display()
        )));
    }
    Place::whole(&place.data)?;
    let watched = Sqlite::open_readonly(&place.store())?;
    // A watcher that starts while a file is broken watches the last good version, like the server.
    let opened = watched.opened();
    let loaded = wire::known(place, &*opened.archive, &*opened.journal, &*opened.views).await?.outcome.loaded;
    let Some((_role, mut house)) = own(place, loaded.clone())? else {
        return Err(Trouble::start("another process watches this site already".to_owned()));
    };
    let in_force = Arc::new(InForce::new(loaded));
    house.ports.definitions = in_force.clone();
    let data = place.data.clone();
    let alive = Arc::new(move || Some(node::is_held(&data, "server")));
    let mut watcher = Watcher::new(house.ports.clone(), opened.views.clone(), opened.journal.clone(), alive);
    watcher.artifacts_every = artifacts_every();
    watcher.branch = branch_lost(place);
    let mut tasks = Loops::new(stop.clone());
    keep_watching(&mut tasks, watcher, &house, &stop);
    tasks.keep("files", follow_files(place.clone(), in_force, opened, stop.clone()));
    let broken = tokio::select! {
        biased;
        () = stop.asked() => None,
        broken = tasks.broken() => Some(broken),
    };
    stop.now();
    tasks.end(ENDING).await;
    seal::seal(&house.ports).await?;
    house.close();
    broken.map_or(Ok(()), |broken| Err(Trouble::failed(broken)))
}

fn keep_watching(tasks: &mut Loops, watcher: Watcher, house: &House, stop: &Stop) {
    tasks.keep("watch", watcher.run(stop.clone()));
    tasks.keep("message", notify::run(house.ports.clone(), stop.clone()));
    tasks.keep("witness", seal::run(house.ports.clone(), stop.clone()));
}

/// The watcher reads the files itself; broken ones keep their last good version here too, and weaker ones wait until the
/// watched journal says that a person confirmed them.
async fn follow_files(place: Place, in_force: Arc<InForce>, watched: Opened, stop: Stop) {
    let files: Arc<dyn Files> = Arc::new(place);
    let mut stamp = reload::apart(&files, &stop, |files| files.stamp()).await;
    let (mut missing, mut again) = (Missing::default(), false);
    while !stop.is_asked() {
        tokio::select! {
            () = RealClock.sleep(Span::seconds(1)) => {}
            () = stop.asked() => return,
        }
        let now = reload::apart(&files, &stop, |files| files.stamp()).await;
        if now == stamp && !again {
            continue;
        }
        stamp = now;
        let (before, at) = (in_force.current(), RealClock.now());
        let known = before.clone();
        match reload::apart(&files, &stop, move |files| reload::read(files, Some(&known), at)).await.flatten() {
            Ok(mut outcome) => {
                again = missing.hold(&before, &mut outcome) || outcome.unread;
                let held = reload::hold(&*watched.journal, &*watched.views, Some(&before), &mut outcome, at).await;
                again |= held.is_err() || !outcome.loaded.held.is_empty();
                match held {
                    Ok(()) => in_force.replace(outcome.loaded),
                    Err(trouble) => warn!("the files are not judged yet: {trouble}"),
                }
            }
            Err(trouble) => warn!("the files are broken, the last good ones are watched: {trouble}"),
        }
    }
}
