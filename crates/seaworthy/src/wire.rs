//! The composition root: the one place that knows ports and adapters both.
//!
//! It joins and decides nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use seaworthy_core::account::persons::Persons;
use seaworthy_identity::Identity;
use seaworthy_model::{
    id::{ActorId, NodeId},
    port::{Archive, Chance as _, Clock as _, Definitions as _, Journal, Outputs, Views},
    site::{Loaded, StoreKind},
    time::At,
};
use seaworthy_platform::{FileOutputs, FilePlaces, Local, LocalSecrets};
use seaworthy_runtime::{
    Ports, Stop,
    door::{self, Doorkeeper},
    ports::{Living, Nudges},
    reload::{self, Files, InForce, Outcome},
    requests::Desk,
    retain::Kept,
    run::Runs,
    token::TokenDesk,
};
use seaworthy_store::sqlite::Sqlite;
use tracing::warn;

use crate::{
    branch, kept, node,
    node::NodeLock,
    place::Place,
    real::{KeyFile, RealChance, RealClock},
    role::keeper,
    trouble::Trouble,
    who,
};

/// A node that can write: everything a server, a watcher or a short-lived verb is made of.
pub struct House {
    pub ports: Ports,
    pub runs: Arc<Runs>,
    pub desk: Desk,
    pub tokens: TokenDesk,
    pub in_force: Arc<InForce>,
    pub outputs: Arc<dyn Outputs>,
    pub store: Sqlite,
    pub key: Arc<KeyFile>,
    /// Asks the runs to be left for a later start.
    pub stop: Stop,
    /// The one who acts on this host.
    pub local: Local,
    _lock: NodeLock,
}

/// Opens a site for writing with the definitions of its files.
///
/// # Errors
/// When the site file is broken and no good version of it was ever in force, or the data folder cannot be used.
pub async fn open(place: &Place) -> Result<House, Trouble> {
    let house = open_to_confirm(place).await?;
    let Some(lost) = house.in_force.current().settings_lost().map(|held| held.short().to_owned()) else {
        return Ok(house);
    };
    house.close();
    Err(Trouble::start(format!(
        "the settings of the site are not those that were in force, and those are not known any more: {} does not have them. Put back what was in force (a backup has both), or have a person agree to the file as it is: seaworthy confirm {lost} --reason \"…\"",
        place.data.join(kept::FILE).display()
    )))
}

/// As [`open`], also where the settings that were in force are lost: for the one who confirms others, and does nothing
/// else.
///
/// # Errors
/// As [`open`].
pub async fn open_to_confirm(place: &Place) -> Result<House, Trouble> {
    place.make_data()?;
    Place::whole(&place.data)?;
    let before = before(place);
    let outcome = reload::read(place, before.as_ref(), RealClock.now()).map_err(Trouble::start)?;
    if matches!(outcome.loaded.site.store, StoreKind::Postgres(_)) {
        return Err(Trouble::start("a store on PostgreSQL is not built yet; write `store: sqlite` in seaworthy.yaml"));
    }
    let house = open_with(&place.data, outcome.loaded)?;
    settle(place, &house).await?;
    Ok(house)
}

/// Where what retention looks at is kept.
pub fn kept_of(place: &Place, store: &Sqlite) -> Kept {
    Kept { archive: store.opened().archive, leftovers: Arc::new(FilePlaces::new(place.data.clone())) }
}

/// The watcher's rows, if there are any.
///
/// # Errors
/// When they cannot be read.
pub fn watched(place: &Place) -> Result<Option<Arc<dyn Views>>, Trouble> {
    let file = place.watcher().join("journal.db");
    Ok(if file.is_file() { Some(Sqlite::open_readonly(&file)?.opened().views) } else { None })
}

/// What was in force when a node last kept it.
fn before(place: &Place) -> Option<Loaded> {
    kept::read(&place.data, &place.root().unwrap_or_else(|_| place.folder.clone()))
}

/// A node with what the data folder kept, as far as the journal has that in force: for a node beside the server, which
/// alone reads the files.
///
/// # Errors
/// When the data folder cannot be used, or its journal cannot be read.
pub async fn open_kept(data: &Path, kept: Loaded) -> Result<House, Trouble> {
    let house = open_with(data, kept.clone())?;
    let processes = reload::in_force(&*house.store.opened().archive, &kept.processes).await?;
    house.in_force.replace(Loaded { processes, ..kept });
    Ok(house)
}

/// Looks at the branch that the site's files come from, unless that was done a moment ago, and then at the files.
///
/// # Errors
/// As [`settle`].
pub async fn refresh(place: &Place, house: &House) -> Result<(), Trouble> {
    let Some(source) = &place.source else { return Ok(()) };
    let recent = |looked: At| RealClock.now().since(looked) < source.branch.every;
    if source.state().looked.is_some_and(recent) {
        return Ok(());
    }
    if branch::turn(source, &house.ports).await? {
        settle(place, house).await?;
    }
    Ok(())
}

/// Reads the files against what is in force, puts into force what may be, and records it. Done once by a node without
/// a reload loop, and again after a confirmation.
///
/// # Errors
/// When the files cannot be read, or the journal cannot be read or written.
pub async fn settle(place: &Place, house: &House) -> Result<(), Trouble> {
    let ports = &house.ports;
    let known = known(place, &*house.store.opened().archive, &*ports.journal, &*ports.views).await?;
    house.in_force.replace(known.outcome.loaded.clone());
    reload::record(ports, &known.outcome).await?;
    kept::write(&place.data, &known.outcome.loaded);
    Ok(())
}

/// What is in force, and what the files would make of it.
pub struct Known {
    /// Before this look; `None` where nothing ever was.
    pub before: Option<Loaded>,
    pub outcome: Outcome,
}

/// Reads the files against what is in force, without writing anything. The journal is believed over the data folder's own
/// memory: nothing is weakened by deleting or changing a file of ours.
///
/// # Errors
/// When the site file is broken and no good version of it is known, or the journal cannot be read.
pub async fn known(
    place: &Place,
    archive: &dyn Archive,
    journal: &dyn Journal,
    views: &dyn Views,
) -> Result<Known, Trouble> {
    let now = RealClock.now();
    let read = |before: Option<&Loaded>| reload::read(place, before, now).map_err(Trouble::start);
    let mut before = before(place);
    if let Some(kept) = &mut before {
        kept.processes = reload::in_force(archive, &kept.processes).await?;
    } else {
        let processes = reload::in_force(archive, &BTreeMap::new()).await?;
        if !processes.is_empty() {
            before = Some(Loaded { processes, ..read(None)?.loaded });
        }
    }
    let mut outcome = read(before.as_ref())?;
    reload::hold(journal, views, before.as_ref(), &mut outcome, now).await?;
    Ok(Known { before, outcome })
}

/// Opens a data folder for writing with these definitions.
///
/// # Errors
/// When the data folder cannot be used, or a restore of it has not come to its end.
pub fn open_with(data: &Path, loaded: Loaded) -> Result<House, Trouble> {
    Place::whole(data)?;
    let house = open_restored(data, loaded)?;
    // Who begins to restore marks the folder first and then looks for living nodes: one of both sees the other.
    Place::whole(data)?;
    Ok(house)
}

/// Opens a data folder for the one who restores it, in spite of the mark.
///
/// # Errors
/// When the data folder cannot be used.
pub fn open_restored(data: &Path, loaded: Loaded) -> Result<House, Trouble> {
    seaworthy_probe::install_tls();
    // The key is made before the journal, so one that was lost cannot be taken for one that is still to be made.
    let (file, begun) = (data.join("checkpoint.key"), data.join("journal.db").exists());
    let key = Arc::new(if begun { KeyFile::read(&file)? } else { KeyFile::open(&file)? });
    let store = Sqlite::open(&data.join("journal.db"), new_node)?;
    let writer = store.writer();
    let lock = node::live(data, writer.epoch)?;
    let opened = store.opened();
    let in_force = Arc::new(InForce::new(loaded));
    let folder = data.to_path_buf();
    let local = Local::new(folder.clone(), keeper::launch(data));
    let ports = Ports {
        journal: opened.journal,
        views: opened.views,
        accounts: opened.accounts,
        clock: Arc::new(RealClock),
        chance: Arc::new(RealChance),
        definitions: in_force.clone(),
        provider: Arc::new(local.clone()),
        probes: seaworthy_probe::all(),
        notifiers: seaworthy_notify::all(),
        places: Arc::new(FilePlaces::new(folder.clone())),
        secrets: Arc::new(LocalSecrets),
        signer: key.clone(),
        writer,
        actor: node_actor(&key, &writer.node),
        living: living(folder.clone(), writer.epoch),
        watched: Arc::default(),
        nudges: Nudges::default(),
    };
    let stop = Stop::default();
    let runs = Runs::new(ports.clone(), stop.clone());
    let desk = Desk { ports: ports.clone(), runs: runs.clone(), pings: Arc::default() };
    let (tokens, accounts) = (opened.tokens, ports.accounts.clone());
    let tokens = TokenDesk { ports: ports.clone(), tokens, accounts, host_grants: who::host_grants };
    Ok(House {
        ports,
        runs,
        desk,
        tokens,
        in_force,
        outputs: Arc::new(FileOutputs::new(folder)),
        store,
        key,
        stop,
        local,
        _lock: lock,
    })
}

fn new_node() -> NodeId {
    let mut ten = [0; 10];
    RealChance.fill(&mut ten);
    NodeId::new(RealClock.now(), &ten)
}

fn node_actor(key: &KeyFile, node: &NodeId) -> ActorId {
    who::actor_of(key, &node.to_string())
}

fn living(data: PathBuf, own: u64) -> Living {
    Arc::new(move || node::living(&data, own).map_err(|trouble| trouble.text))
}

impl House {
    /// Open signals of this watcher are known from now on.
    pub fn watched_by(&self, views: Arc<dyn Views>) {
        // The first one counts, and there is one.
        let _ = self.ports.watched.set(views);
    }

    /// As [`House::watched_by`], of a watcher in another process or of an earlier life. Nothing waits for it.
    pub fn watched_by_another(&self, place: &Place) {
        match watched(place) {
            Ok(views) => views.into_iter().for_each(|views| self.watched_by(views)),
            Err(trouble) => warn!("open signals are not known here, so they keep no artifact: {trouble}"),
        }
    }

    /// The actor of an operating-system user, introduced to the journal if it is new; the person's whose user it is.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn os_actor(&self, uid: rustix::process::Uid) -> Result<ActorId, Trouble> {
        let name = who::os_name(uid);
        let actor = who::actor_of(&self.key, &name);
        let accounts = self.ports.accounts.accounts().await?;
        if let Some(person) = Persons(&accounts).of(actor) {
            return Ok(person.actor);
        }
        who::introduce(&self.ports, actor, &name).await?;
        Ok(actor)
    }

    /// The door of this site. Its memory of failures is its own: a server has one.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn door(&self) -> Result<Doorkeeper, Trouble> {
        let identity = Identity::new(&self.key.sealing());
        let identity = identity.map_err(|e| Trouble::start(format!("the system gave no threads ({e})")))?;
        let key = self.key.clone();
        Ok(Doorkeeper {
            journal: self.ports.journal.clone(),
            accounts: self.store.opened().accounts,
            proofs: Arc::new(identity),
            clock: self.ports.clock.clone(),
            chance: self.ports.chance.clone(),
            definitions: self.ports.definitions.clone(),
            host_user: Arc::new(move |user| {
                let name = who::named(user);
                let actor = who::actor_of(&key, &name);
                (name, actor)
            }),
            memory: door::Memory::default(),
        })
    }

    /// `public_url` without a slash at its end.
    pub fn in_force_url(&self) -> Option<String> {
        self.in_force.current().site.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned())
    }

    /// Closes the store so that nothing is left to recover.
    pub fn close(self) {
        drop(self.runs);
        drop(self.desk);
        drop(self.tokens);
        drop(self.ports);
        self.store.close();
    }
}

/// Reads a site's definitions without a data folder: for `check`, `plan` and the watcher.
///
/// # Errors
/// When the site file is broken.
pub fn definitions(files: &dyn Files, before: Option<&Loaded>) -> Result<Loaded, Trouble> {
    reload::read(files, before, RealClock.now()).map(|outcome| outcome.loaded).map_err(Trouble::start)
}
