//! A store on threads of its own, asked so that the answer is always there when the question returns: one seed then gives
//! one history on the real file as well.
//!
//! This module must not know what is asked.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use seaworthy_model::{
    checkpoint::Checkpoint,
    entry::{Entry, Stream},
    id::{ActorId, RunId},
    port::{Batch, Fut, Journal, StoreError, Views},
    run::Kind,
    time::At,
    tree::Frontier,
    view::{
        EndedRun, LiveRun, MessageRow, OutboxRow, ProcessView, Raised, RunQuery, ScheduleRow, SignalRow, SkippedRow,
    },
};
use seaworthy_store::Opened;
use tokio::runtime::{Builder, Runtime};

/// Both ports of one store.
pub struct Patient {
    journal: Arc<dyn Journal>,
    views: Arc<dyn Views>,
}

impl Patient {
    pub fn of(opened: Opened) -> Arc<Patient> {
        Arc::new(Patient { journal: opened.journal, views: opened.views })
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer on this thread.
pub fn now<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match answer.as_mut().poll(&mut cx) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// Its threads do the reading of all stores on files.
static ASIDE: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime without drivers needs nothing"));

fn done<'a, T: Send + 'a>(answer: impl Future<Output = T> + Send + 'a) -> Fut<'a, T> {
    Box::pin(async move {
        let _inside = ASIDE.enter();
        now(answer)
    })
}

type Answer<'a, T> = Fut<'a, Result<T, StoreError>>;

impl Journal for Patient {
    fn append(&self, batch: Batch) -> Answer<'_, u64> {
        done(self.journal.append(batch))
    }
    fn stream(&self, stream: &Stream, after: u64) -> Answer<'_, Vec<Entry>> {
        done(self.journal.stream(stream, after))
    }
    fn from(&self, position: u64, limit: usize) -> Answer<'_, Vec<Entry>> {
        done(self.journal.from(position, limit))
    }
    fn past(&self, position: u64) -> Answer<'_, u64> {
        // Whoever waits for more waits until somebody writes it.
        self.journal.past(position)
    }
    fn frontier(&self) -> Answer<'_, Frontier> {
        done(self.journal.frontier())
    }
    fn seal(&self, checkpoint: Checkpoint, note: String) -> Answer<'_, ()> {
        done(self.journal.seal(checkpoint, note))
    }
    fn checkpoints(&self, from: u64, limit: usize) -> Answer<'_, Vec<String>> {
        done(self.journal.checkpoints(from, limit))
    }
    fn outbox(&self, now: At, limit: usize) -> Answer<'_, Vec<OutboxRow>> {
        done(self.journal.outbox(now, limit))
    }
    fn outbox_next(&self) -> Answer<'_, Option<At>> {
        done(self.journal.outbox_next())
    }
    fn person(&self, actor: ActorId) -> Answer<'_, Option<(String, String)>> {
        done(self.journal.person(actor))
    }
    fn erase_person(&self, actor: ActorId) -> Answer<'_, ()> {
        done(self.journal.erase_person(actor))
    }
}

impl Views for Patient {
    fn live_runs(&self) -> Answer<'_, Vec<LiveRun>> {
        done(self.views.live_runs())
    }
    fn ended_runs(&self, query: RunQuery) -> Answer<'_, Vec<EndedRun>> {
        done(self.views.ended_runs(query))
    }
    fn ended_run(&self, run: RunId) -> Answer<'_, Option<EndedRun>> {
        done(self.views.ended_run(run))
    }
    fn process(&self, name: &str) -> Answer<'_, ProcessView> {
        done(self.views.process(name))
    }
    fn verified_measures(&self, process: &str, kind: Kind, limit: usize) -> Answer<'_, Vec<EndedRun>> {
        done(self.views.verified_measures(process, kind, limit))
    }
    fn schedule(&self, process: &str) -> Answer<'_, Option<ScheduleRow>> {
        done(self.views.schedule(process))
    }
    fn skipped(&self, process: Option<&str>, limit: usize) -> Answer<'_, Vec<SkippedRow>> {
        done(self.views.skipped(process, limit))
    }
    fn signals(&self, which: Raised, limit: usize) -> Answer<'_, Vec<SignalRow>> {
        done(self.views.signals(which, limit))
    }
    fn messages(&self, run: Option<RunId>, limit: usize) -> Answer<'_, Vec<MessageRow>> {
        done(self.views.messages(run, limit))
    }
    fn runs_like(&self, text: &str) -> Answer<'_, Vec<RunId>> {
        done(self.views.runs_like(text))
    }
    fn ended_count(&self) -> Answer<'_, u64> {
        done(self.views.ended_count())
    }
}
