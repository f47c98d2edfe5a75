//! The server: all loops, the pages, the control socket and, unless one runs elsewhere, the watcher.
//!
//! It starts and stops them in the right order and decides nothing.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use seaworthy_model::{
    entry::{Stream, Via},
    event::Event,
    port::{Batch, Views},
    time::At,
};
use seaworthy_platform::{FilePlaces, memory};
use seaworthy_runtime::{Stop, drill, notify, reload, retain, schedule, seal, trigger::Triggers};
use seaworthy_web::Web;
use tokio::{net::TcpListener, sync::watch};
use tracing::{error, info, warn};

use super::{
    certificate::{Certificate, Files},
    loops::Loops,
    pages,
    twice::Twice,
    watcher,
};
use crate::{
    kept, node,
    place::Place,
    socket,
    trouble::Trouble,
    who,
    wire::{self, House},
};

/// How long runs that are about to end may take to, after stopping was asked for; the others are left for the next start,
/// their commands with the keeper.
const DRAIN: Duration = Duration::from_secs(1);
/// How long leaving them may take: what happened is made durable.
const CUT: Duration = Duration::from_secs(9);
/// How long loops may take to end once stopping was asked for: a message or a probe on its way is waited for that long.
const ENDING: Duration = Duration::from_secs(5);
/// When memory that nobody uses goes back to the system: soon after the start, and now and then.
const GIVE_BACK_FIRST: Duration = Duration::from_secs(5);
const GIVE_BACK_EVERY: Duration = Duration::from_secs(60);

/// What a server is asked to be.
pub struct Options {
    pub listen: SocketAddr,
    /// Somebody's own certificate. Without it TLS is spoken beyond loopback only, with a certificate made here.
    pub tls: Option<Files>,
    /// Whether to watch from inside as well.
    pub watch: bool,
}

/// A running server.
pub struct Server {
    pub house: Arc<House>,
    pub address: SocketAddr,
    /// `None`: no TLS, on loopback.
    pub certificate: Option<Arc<Certificate>>,
    /// Ends claiming and the pages at once.
    stop: Stop,
    tasks: Loops,
    _role: node::RoleLock,
    watcher: Option<watcher::Inside>,
}

/// Starts everything. When it returns, pages are answered.
///
/// # Errors
/// When a server of this site runs already, the address, the certificate or the data folder cannot be used, or others
/// could reach the pages and no `public_url` says under which name.
pub async fn start(place: &Place, options: Options) -> Result<Server, Trouble> {
    place.make_data()?;
    let Some(role) = node::role(&place.data, "server")? else {
        return Err(Trouble::start(format!(
            "a server of this site is running already; it holds {}",
            place.data.display()
        )));
    };
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|e| {
        Trouble::start(format!("{} cannot be listened on ({e}); choose another with --listen", options.listen))
    })?;
    let address =
        listener.local_addr().map_err(|e| Trouble::start(format!("the listening address is not known ({e})")))?;
    let house = Arc::new(wire::open(place).await?);
    let certificate = pages::certificate(place, &house, &options)?;
    let actor = house.os_actor(rustix::process::geteuid()).await?;
    record(
        &house,
        Event::NodeStarted {
            host: who::host(),
            version: env!("CARGO_PKG_VERSION").into(),
            format: seaworthy_store::FORMAT,
            listen: Some(address.to_string()),
        },
    )
    .await?;
    let stop = Stop::default();
    let mut tasks = Loops::new(stop.clone());
    let watcher = match options.watch {
        true => watcher::inside(place, &house, &stop, &mut tasks)?,
        false => None,
    };
    let ready = Arc::new(AtomicBool::new(false));
    let length = Arc::new(AtomicU64::new(0));
    let twice = Twice::default();
    match &watcher {
        Some(inside) => house.watched_by(inside.views.clone()),
        None => house.watched_by_another(place),
    }
    tasks.keep("twice", twice.clone().run(house.ports.definitions.clone(), stop.clone()));
    let web = pages::web(place, &house, watcher.as_ref().map(|w| w.views.clone()), actor, &ready, &length)?;
    let reach = if address.ip().is_loopback() { "Loopback only." } else { "" };
    let web =
        Web { twice: Arc::new(move || twice.now()), anybody: address.ip().is_loopback(), note: reach.into(), ..web };
    let about = pages::url(address, certificate.is_some());
    let listening = socket::listen(place, house.clone(), about, stop.clone())?;
    if let Some(certificate) = &certificate {
        tasks.keep("certificate", certificate.clone().follow(stop.clone()));
    }
    pages::serve(&mut tasks, listener, certificate.clone(), web, stop.clone());
    tasks.keep("socket", async move {
        if let Err(trouble) = listening.await {
            error!("the control socket ended: {trouble}");
        }
    });
    let watched = watcher.as_ref().map(|w| w.views.clone());
    loops(place, &house, watched.clone(), &stop, &mut tasks);
    starting(&house, watched, place, &stop, &mut tasks, ready);
    follow_length(&house, length, &stop, &mut tasks);
    tasks.keep("memory", give_back(stop.clone()));
    Ok(Server { house, address, certificate, stop, tasks, _role: role, watcher })
}

async fn record(house: &House, event: Event) -> Result<(), Trouble> {
    let mut batch = Batch::by(house.ports.actor, Via::Node);
    let now: At = house.ports.clock.now();
    batch.writes.push(house.ports.ids().write(Stream::site(), None, now, [event]));
    house.ports.journal.append(batch).await?;
    Ok(())
}

fn loops(place: &Place, house: &Arc<House>, watched: Option<Arc<dyn Views>>, stop: &Stop, tasks: &mut Loops) {
    let ports = house.ports.clone();
    tasks.keep("notify", notify::run(ports.clone(), stop.clone()));
    tasks.keep("seal", seal::run(ports.clone(), stop.clone()));
    if let Some(source) = &place.source {
        tasks.keep("branch", super::branch::run(source.clone(), ports.clone(), stop.clone()));
    }
    let retainer = retain::Retainer::new(ports.clone(), wire::kept_of(place, &house.store), watched);
    tasks.keep("retain", retainer.run(stop.clone()));
    let (data, files, in_force) = (place.data.clone(), Arc::new(place.clone()), house.in_force.clone());
    tasks.keep("reload", reload::run(ports, files, in_force, move |loaded| kept::write(&data, loaded), stop.clone()));
    let local = house.local.clone();
    tokio::spawn(async move {
        // There before the first command needs it, and it ends what a dead one left. If it cannot be started, each run
        // that needs it says so too.
        if let Err(trouble) = local.ready().await {
            error!("{trouble}");
        }
    });
}

/// The loops that start runs: after those of an earlier life are taken up. Each is a task of its own, so the end of one
/// is noticed.
fn starting(
    house: &Arc<House>,
    watched: Option<Arc<dyn Views>>,
    place: &Place,
    stop: &Stop,
    tasks: &mut Loops,
    ready: Arc<AtomicBool>,
) {
    let (adopted, gate) = watch::channel(false);
    let after = |work: Pin<Box<dyn Future<Output = ()> + Send>>| {
        let mut gate = gate.clone();
        async move {
            if gate.wait_for(|adopted| *adopted).await.is_ok() {
                work.await;
            }
        }
    };
    let desk = house.desk.clone();
    let triggers = Triggers::new(
        desk.clone(),
        house.store.opened().archive,
        watched,
        Arc::new(FilePlaces::new(place.data.clone())),
        place.folder.clone(),
    );
    tasks.keep("schedule", after(Box::pin(schedule::run(desk.clone(), stop.clone()))));
    tasks.keep("drill", after(Box::pin(drill::run(desk, stop.clone()))));
    tasks.keep("trigger", after(Box::pin(triggers.run(stop.clone()))));
    let (house, stop) = (house.clone(), stop.clone());
    tasks.keep("adopt", async move {
        adopt(&house).await;
        ready.store(true, Ordering::Relaxed);
        adopted.send_replace(true);
        adopt_now_and_then(house, stop).await;
    });
}

/// Runs of a short-lived node that died are taken up while the server lives.
async fn adopt_now_and_then(house: Arc<House>, stop: Stop) {
    while !stop.is_asked() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            () = stop.asked() => return,
        }
        adopt(&house).await;
    }
}

/// Takes up what dead nodes left; their commands may still be held by the keeper. Where it cannot be known who is dead
/// nothing is taken up: it would run twice.
async fn adopt(house: &House) {
    match house.runs.left().await {
        Ok(left) => house.runs.adopt(left),
        Err(trouble) => error!("runs of an earlier life could not be taken up: {trouble}"),
    }
}

fn follow_length(house: &Arc<House>, length: Arc<AtomicU64>, stop: &Stop, tasks: &mut Loops) {
    let (journal, stop) = (house.ports.journal.clone(), stop.clone());
    tasks.keep("length", async move {
        loop {
            let known = length.load(Ordering::Relaxed);
            tokio::select! {
                now = journal.past(known) => match now { Ok(now) => length.store(now, Ordering::Relaxed), Err(_) => return },
                () = stop.asked() => return,
            }
        }
    });
}

/// Reading all files takes several times the memory that stays, a burst of work too.
async fn give_back(stop: Stop) {
    for wait in std::iter::once(GIVE_BACK_FIRST).chain(std::iter::repeat(GIVE_BACK_EVERY)) {
        tokio::select! {
            biased;
            () = stop.asked() => return,
            () = tokio::time::sleep(wait) => {}
        }
        // Only tidiness.
        let _ = tokio::task::spawn_blocking(memory::give_back).await;
    }
}

impl Server {
    /// Where the pages are, for whoever is on this host.
    pub fn url(&self) -> String {
        pages::url(self.address, self.certificate.is_some())
    }

    /// Reads the files again, those of the certificate too.
    pub fn reload(&self) {
        self.house.ports.nudges.reload.notify_one();
        if let Some(certificate) = &self.certificate {
            certificate.look();
        }
    }

    /// Returns when a loop has ended although nobody asked it to: a sentence. The server is then to be stopped; the next
    /// start goes on.
    pub async fn broken(&mut self) -> String {
        self.tasks.broken().await
    }

    /// Stops claiming, lets runs go on for a second, leaves the rest for the next start, seals and closes.
    pub async fn stop(self, reason: &str) {
        self.stop.now();
        if self.house.runs.count() > 0 {
            info!("stopping; {} runs go on with the next start, their commands meanwhile", self.house.runs.count());
        }
        // Cutting a drain short loses nothing: the keeper holds the commands, and looks are made again.
        let _ = tokio::time::timeout(DRAIN, self.house.runs.drained()).await;
        self.house.stop.now();
        if tokio::time::timeout(CUT, self.house.runs.drained()).await.is_err() {
            error!("{} runs could not be left in order; the next start looks at them", self.house.runs.count());
        }
        let late = self.tasks.end(ENDING).await;
        if late > 0 {
            warn!("{late} loops did not end in time and are cut off; the next start goes on with their work");
        }
        if let Err(trouble) = record(&self.house, Event::NodeStopped { reason: reason.into() }).await {
            error!("{trouble}");
        }
        if let Err(trouble) = seal::seal(&self.house.ports).await {
            error!("no checkpoint could be sealed at the end: {trouble}");
        }
        if let Some(watcher) = self.watcher {
            watcher.close();
        }
        match Arc::try_unwrap(self.house) {
            Ok(house) => house.close(),
            Err(shared) => shared.store.clone().close(),
        }
    }
}
