//! The provider of this host: commands that a [keeper](crate::keeper) holds, so that they outlive us.
//!
//! Must not know why a command is run nor whether it achieved anything, nor how it is held. Where no keeper can be had
//! nothing is run.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seaworthy_model::{
    port::{Fut, Order, OutputKey, Provider, Secret},
    run::{Acted, Outcome},
    time::Span,
};

use super::{Launch, base, link::Link, words};
use crate::{
    action,
    held::folder,
    keeper::{
        PROTOCOL, home,
        said::not_started,
        wire::{Ask, Wanted, pack},
    },
};

/// Time between TERM and KILL, unless told otherwise.
pub const GRACE: Span = Span::seconds(10);
/// How long is waited before it is looked again what a keeper holds that could not be asked.
const AGAIN: Duration = Duration::from_secs(2);
/// How often a keeper that is just ending is followed by a new one before we give up.
const TRIES_MAX: u32 = 5;

/// Commands on this host. Cheap to clone; all clones share one connection to the keeper.
#[derive(Debug, Clone)]
pub struct Local {
    data: PathBuf,
    grace: Span,
    launch: Arc<Launch>,
    links: Arc<Links>,
}

#[derive(Debug, Default)]
struct Links {
    /// To the keeper that takes our orders.
    own: Mutex<Option<Arc<Link>>>,
    /// Held by the one who connects.
    connecting: tokio::sync::Mutex<()>,
    /// To keepers of other protocols, that hold what earlier programs began.
    others: tokio::sync::Mutex<Vec<(String, Arc<Link>)>>,
}

impl Local {
    /// `data` is the data folder; it must exist when the first order comes.
    pub fn new(data: PathBuf, launch: Launch) -> Local {
        // Commands run in another folder and are given paths below this one.
        let data = std::path::absolute(&data).unwrap_or(data);
        Local { data, grace: GRACE, launch: Arc::new(launch), links: Arc::default() }
    }

    /// Another time between TERM and KILL.
    pub fn with_grace(self, grace: Span) -> Local {
        Local { grace, ..self }
    }

    /// Connects to the keeper, and starts one if there is none.
    ///
    /// # Errors
    /// A sentence: there is no keeper and none can be started.
    pub async fn ready(&self) -> Result<(), String> {
        self.link().await.map(drop)
    }

    fn known(&self) -> Option<Arc<Link>> {
        let own = self.links.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.as_ref().filter(|link| !link.is_broken()).cloned()
    }

    async fn link(&self) -> Result<Arc<Link>, String> {
        if let Some(link) = self.known() {
            return Ok(link);
        }
        let _connecting = self.links.connecting.lock().await;
        if let Some(link) = self.known() {
            return Ok(link);
        }
        let mut tried = 0;
        let link = loop {
            let socket = home::about(&self.data, &home::name(PROTOCOL)).map(|about| about.socket);
            let trouble = match socket {
                Ok(socket) => match Link::to(&socket, &self.data).await {
                    Ok(link) => break Arc::new(link),
                    Err(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            if tried == TRIES_MAX {
                return Err(format!(
                    "the keeper of commands of {} cannot be reached ({trouble}); nothing was run",
                    self.data.display()
                ));
            }
            tried += 1;
            let (launch, data) = (self.launch.clone(), self.data.clone());
            let started = tokio::task::spawn_blocking(move || launch.start(&data)).await;
            started
                .map_err(|lost| format!("the keeper of commands could not be started ({lost}); nothing was run"))??;
        };
        *self.links.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
        Ok(link)
    }

    /// Connections to all other keepers that live. `Err`: one that may live cannot be reached, so what it holds is not
    /// known.
    pub(super) async fn others(&self) -> Result<Vec<Arc<Link>>, String> {
        let mut known = self.links.others.lock().await;
        known.retain(|(_, link)| !link.is_broken());
        let own = home::name(PROTOCOL);
        let names = home::names(&self.data).map_err(|error| format!("the keepers cannot be listed ({error})"))?;
        for name in names {
            if name == own || known.iter().any(|(other, _)| *other == name) {
                continue;
            }
            let link = match home::about(&self.data, &name) {
                Ok(about) => Link::to(&about.socket, &self.data).await,
                Err(trouble) => Err(trouble),
            };
            match link {
                Ok(link) => known.push((name, Arc::new(link))),
                // A dead one is taken over by ours.
                Err(_) if matches!(home::lives(&self.data, &name), Ok(false)) => {}
                Err(trouble) => return Err(format!("keeper `{name}` lives and cannot be reached ({trouble})")),
            }
        }
        Ok(known.iter().map(|(_, link)| link.clone()).collect())
    }

    /// Asks whoever holds the attempt. `Ok(None)`: nobody knows of it.
    async fn ask_holder(&self, attempt: &str, ask: &Ask) -> Result<Option<Acted>, String> {
        let packed = pack(ask).map_err(|error| error.to_string())?;
        let lost = |_| "the keeper ended meanwhile".to_owned();
        if let Some(acted) = self.link().await?.ask(attempt, packed.clone()).await.map_err(lost)? {
            return Ok(Some(acted));
        }
        for other in self.others().await? {
            if let Some(acted) = other.ask(attempt, packed.clone()).await.map_err(lost)? {
                return Ok(Some(acted));
            }
        }
        Ok(None)
    }

    /// As long as it cannot be known it is not said that nobody knows: what is unknown may be repeated.
    async fn holder_says(&self, attempt: &str, ask: Ask) -> Option<Acted> {
        loop {
            match self.ask_holder(attempt, &ask).await {
                Ok(said) => return said,
                Err(trouble) => {
                    tracing::warn!(attempt, "what became of `{attempt}` cannot be known yet: {trouble}");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
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
            let attempt = folder::name(&order.output);
            let packed = match wanted(order, &attempt, self.grace, &self.launch.program).and_then(|wanted| {
                pack(&Ask::Start(Box::new(wanted))).map_err(|error| format!("the order cannot be given: {error}"))
            }) {
                Ok(packed) => packed,
                Err(reason) => return not_started(reason),
            };
            let link = match self.link().await {
                Ok(link) => link,
                Err(reason) => return not_started(reason),
            };
            match link.ask(&attempt, packed).await {
                Ok(Some(acted)) => acted,
                // The keeper was lost under it: the next one looks at what is left.
                _ => self.adopt(&order.output).await.unwrap_or_else(lost),
            }
        })
    }

    fn stop<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, ()> {
        Box::pin(async move {
            let attempt = folder::name(attempt);
            self.holder_says(&attempt, Ask::Stop { attempt: attempt.clone() }).await;
        })
    }

    fn adopt<'a>(&'a self, attempt: &'a OutputKey) -> Fut<'a, Option<Acted>> {
        Box::pin(async move {
            let attempt = folder::name(attempt);
            self.holder_says(&attempt, Ask::Adopt { attempt: attempt.clone() }).await
        })
    }

    fn noted(&self, attempt: &OutputKey) {
        let Ok(packed) = pack(&Ask::Noted { attempts: vec![folder::name(attempt)] }) else { return };
        if let Some(link) = self.known() {
            link.say(packed.clone());
        }
        // In use: somebody connects just now, and an end that stays on record does no harm.
        if let Ok(others) = self.links.others.try_lock() {
            others.iter().for_each(|(_, link)| link.say(packed.clone()));
        }
    }

    fn outlives(&self) -> bool {
        true
    }
}

fn wanted(order: &Order, attempt: &str, grace: Span, program: &Path) -> Result<Wanted, String> {
    let mut env = vec![];
    for (name, value) in base() {
        let value = value.into_string().map_err(|_| format!("{name} of the environment is not UTF-8: set it anew"))?;
        env.push((name.to_owned(), value));
    }
    env.push(("WORKDIR".to_owned(), text(&order.workdir)?));
    env.extend(order.env.iter().cloned());
    let pairs = |secrets: &[Secret]| secrets.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
    let (mut timeout, mut command) = (order.timeout, order.deed.command().map(|command| words(&command.line)));
    if let Some((word, given)) = action::program(order) {
        command = Some(vec![text(program)?, word.to_owned()]);
        env.push(given);
        // It keeps its limit itself, since it alone knows what it means.
        timeout = timeout.and_then(|limit| limit.0.checked_add(action::SAYING.0)).map(Span);
    }
    Ok(Wanted {
        attempt: attempt.to_owned(),
        words: command.unwrap_or_default(),
        folder: text(&order.folder)?,
        env,
        secrets: pairs(&order.secrets),
        masked: pairs(&order.masked),
        timeout,
        grace,
        limits: order.limits.clone(),
        own: order.deed.command().is_none(),
    })
}

fn text(path: &Path) -> Result<String, String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| format!("the path {} is not UTF-8: rename it", path.display()))
}

fn lost() -> Acted {
    let reason = "the keeper that was to hold the command was lost: look at what the command did before repeating it";
    Acted { outcome: Outcome::Unknown, empty: None, ..not_started(reason.into()) }
}
