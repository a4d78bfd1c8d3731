//! Receives a client's sound: opens, repairs and counts Opus packets.

use serde::Serialize;
use tokio::sync::watch;

use crate::bench::clients::media_socket::{BATCH, LARGEST_DATAGRAM, MediaSocket};
use crate::protocol::audio::assembler::AudioAssembler;
use crate::protocol::audio::sealer::AudioSealer;

/// One client's sound.
pub(super) struct AudioReceiver {
    socket: MediaSocket,
    assembler: AudioAssembler,
    datagrams: u64,
    bytes: u64,
}

/// All about a client's sound.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct AudioReport {
    /// Datagrams, parity included.
    pub datagrams: u64,
    /// Their payload in bytes.
    pub bytes: u64,
    /// Opus packets that came.
    pub packets: u64,
    /// Opus packets that parity gave back.
    pub repaired: u64,
    /// Opus packets that are lost.
    pub lost: u64,
    /// Opus packets that could not be decrypted.
    pub undecryptable: u64,
    /// Datagrams that came too late, twice or made no sense.
    pub unused: u64,
}

impl AudioReceiver {
    /// For sealed sound with a sealer.
    pub(super) fn new(socket: MediaSocket, sealer: Option<AudioSealer>) -> Self {
        Self { socket, assembler: AudioAssembler::new(sealer), datagrams: 0, bytes: 0 }
    }

    /// Receives until `stop` says so.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> AudioReport {
        let mut buffer = [0; LARGEST_DATAGRAM];
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return self.report(),
                () = self.socket.readable() => {}
            }
            for _ in 0..BATCH {
                let Some(datagram) = self.socket.receive(&mut buffer) else { break };
                self.datagrams += 1;
                self.bytes += datagram.len() as u64;
                self.assembler.handle_packet(datagram);
            }
        }
    }

    const fn report(&self) -> AudioReport {
        let counts = self.assembler.counts();
        AudioReport {
            datagrams: self.datagrams,
            bytes: self.bytes,
            packets: counts.packets,
            repaired: counts.repaired,
            lost: counts.lost,
            undecryptable: counts.undecryptable,
            unused: counts.ignored,
        }
    }
}
