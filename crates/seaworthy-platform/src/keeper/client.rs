//! One connection of a keeper: what came and is not whole yet, what is still to go.
//!
//! Must not know what is asked.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use rustix::{event::epoll::EventFlags, net::sockopt::socket_peercred};

use super::wire::{Answer, Ask, MESSAGE_BYTES_MAX, pack, unpack};

/// What may wait for somebody who does not read: beyond it the connection is closed, and the ends stay on record.
const OUT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What is read of one connection before the others have their turn.
const TURN_BYTES_MAX: usize = 1024 * 1024;

/// A connection.
pub(super) struct Client {
    pub(super) stream: UnixStream,
    /// What it speaks, once it said so.
    pub(super) protocol: Option<u32>,
    /// What is waited for.
    pub(super) flags: EventFlags,
    come: Vec<u8>,
    go: Vec<u8>,
}

impl Client {
    /// Only our own user and root are listened to, by the kernel's word.
    pub(super) fn of(stream: UnixStream) -> io::Result<Client> {
        let (peer, own) = (socket_peercred(&stream)?.uid, rustix::process::geteuid());
        if peer != own && !peer.is_root() {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        stream.set_nonblocking(true)?;
        Ok(Client { stream, protocol: None, flags: EventFlags::IN, come: vec![], go: vec![] })
    }

    /// What is asked by now. `false`: the connection is over; what was asked before that counts.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> (Vec<Ask>, bool) {
        let mut open = true;
        let mut turn = 0;
        while turn < TURN_BYTES_MAX && self.come.len() < MESSAGE_BYTES_MAX + 4 {
            match self.stream.read(buffer) {
                Ok(0) => open = false,
                Ok(bytes) => {
                    turn += bytes;
                    self.come.extend_from_slice(&buffer[..bytes]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => open = false,
            }
            break;
        }
        let (mut asks, mut used) = (vec![], 0);
        loop {
            match unpack(&self.come[used..]) {
                Ok(Some((ask, bytes))) => {
                    used += bytes;
                    asks.push(ask);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "a connection of the keeper is closed");
                    open = false;
                    break;
                }
            }
        }
        self.come.drain(..used);
        (asks, open)
    }

    pub(super) fn say(&mut self, answer: &Answer) {
        match pack(answer) {
            Ok(bytes) => self.go.extend_from_slice(&bytes),
            Err(error) => tracing::error!(%error, "an answer cannot be said"),
        }
    }

    /// Sends what there is. `Ok(true)`: all of it. `Err`: nobody takes it.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let mut sent = 0;
        while sent < self.go.len() {
            match self.stream.write(&self.go[sent..]) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.go.drain(..sent);
        if self.go.len() > OUT_BYTES_MAX {
            return Err(io::Error::other("it does not read"));
        }
        Ok(self.go.is_empty())
    }
}
