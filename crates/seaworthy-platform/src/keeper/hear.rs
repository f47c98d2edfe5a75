//! The part of the loop that talks: takes connections, hears what is asked, sends answers.
//!
//! Must not know how an attempt goes on.

use rustix::event::epoll;

use super::{
    client::Client,
    round::{CLIENT, KIND_BITS, Round},
    wire::{Answer, Ask},
};
use crate::held::folder;

/// Connections at the same time: one for each node.
const CLIENTS_MAX: usize = 128;
impl Round {
    pub(super) fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let client = match Client::of(stream) {
                Ok(client) if self.clients.len() < CLIENTS_MAX => client,
                _ => continue,
            };
            self.number += 1;
            if self.watch(&client.stream, CLIENT, self.number).is_ok() {
                self.clients.insert(self.number, client);
            }
        }
    }

    pub(super) fn hear(&mut self, number: u64) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        let (asks, open) = client.read(&mut self.buffer);
        for ask in asks {
            let Some(client) = self.clients.get_mut(&number) else { return };
            match (ask, client.protocol) {
                (Ask::Hello { v }, _) => {
                    client.protocol = Some(v);
                    let (v, pid) = (self.host.protocol, std::process::id());
                    let site = folder::place(&self.host.data).ok();
                    client.say(&Answer::Hello { v, pid, site });
                }
                (_, None) => drop(self.clients.remove(&number)),
                (Ask::Start(wanted), _) => self.starts.push_back((number, wanted)),
                (Ask::Adopt { attempt }, _) => self.adopt(number, attempt, false),
                (Ask::Stop { attempt }, _) => self.adopt(number, attempt, true),
                (Ask::Noted { attempts }, _) => attempts.iter().for_each(|attempt| self.records.noted(attempt)),
            }
        }
        if !open {
            self.clients.remove(&number);
        }
    }

    fn adopt(&mut self, client: u64, name: String, stop: bool) {
        // One whose turn to start has not come comes first.
        while let Some(at) = self.starts.iter().position(|(_, wanted)| wanted.attempt == name) {
            if let Some((by, wanted)) = self.starts.remove(at) {
                self.begin_attempt(by, &wanted);
            }
        }
        if let Some(number) = self.names.get(&name).copied() {
            if let Some(attempt) = self.attempts.get_mut(&number)
                && !attempt.waiting.contains(&client)
            {
                attempt.waiting.push(client);
            }
            if stop {
                self.stop(number);
            }
            return;
        }
        let answer = match self.records.of(&name).flatten() {
            Some(acted) => Answer::Ended { attempt: name, acted: Box::new(acted.clone()) },
            None => Answer::Unknown { attempt: name },
        };
        self.say(client, &answer);
    }

    pub(super) fn say(&mut self, client: u64, answer: &Answer) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.say(answer);
        }
    }

    pub(super) fn answer(&mut self) {
        let mut gone = vec![];
        for (number, client) in &mut self.clients {
            let flags = match client.flush() {
                Ok(true) => epoll::EventFlags::IN,
                Ok(false) => epoll::EventFlags::IN | epoll::EventFlags::OUT,
                Err(error) => {
                    tracing::debug!(%error, "a connection of the keeper is closed");
                    gone.push(*number);
                    continue;
                }
            };
            if client.flags != flags {
                client.flags = flags;
                let data = epoll::EventData::new_u64(*number << KIND_BITS | CLIENT);
                let _ = epoll::modify(&self.poll, &client.stream, data, flags);
            }
        }
        gone.into_iter().for_each(|number| drop(self.clients.remove(&number)));
    }
}
