//! The audio thread: sound in, datagrams out, whatever happens.
//!
//! It ends only when it is told to. The sequence number is in the shared
//! counters page before a packet leaves, so that a successor goes on from it;
//! it starts at the next multiple of four, where the client expects a block of
//! the audio FEC to start (moonlight-common-c `RtpAudioQueue.c`).

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tracing::{error, info, warn};

use super::clock::Departures;
use super::feed::Feed;
use super::opus::{OpusEncoder, OpusError};
use crate::clock::Micros;
use crate::ipc::counters_page::{Counter, CountersPage};
use crate::ipc::flight_recorder::What;
use crate::protocol::audio::packetizer::{AudioDatagrams, AudioPacketizer, AudioPacketizerConfig, AudioSealConfig};
use crate::stream_plan::{Source, StreamPlan};
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};
use crate::worker::send::media_socket::{Dscp, MediaSocket};

/// Sends sound from the arrival of the first socket until it is told to stop.
///
/// A socket that arrives replaces the one before it; a source that arrives on
/// `switch` does so between two packets. Never fatal for the stream: an encoder
/// that cannot be opened means a stream without sound.
pub fn run(plan: &StreamPlan, sockets: Receiver<UdpSocket>, switch: Receiver<Source>, pulse: &Pulse) {
    let Some(first) = first_socket(&sockets, pulse) else { return };
    let priority = plan.audio.dscp.then_some(Dscp::Audio);
    let mut socket = MediaSocket::new(first, priority);
    let mut sender = match AudioSender::open(plan, pulse.counters()) {
        Ok(sender) => sender,
        Err(error) => {
            error!(%error, "stream without sound");
            return idle(pulse);
        }
    };
    let duration = Duration::from_millis(plan.audio.packet_duration_ms.into());
    let mut feed = Feed::new(&plan.source, plan.audio.layout.channels, duration);
    let mut departures = Departures::new(Micros::now(), duration);
    while pulse.beat() {
        if let Some(newer) = sockets.try_iter().last() {
            socket = MediaSocket::new(newer, priority);
        }
        if let Some(source) = switch.try_iter().last() {
            info!("sound from another source");
            feed = Feed::new(&source, plan.audio.layout.channels, duration);
        }
        let lost = feed.gather(departures.next(Micros::now()));
        if lost > 0 {
            pulse.note(What::SoundLost, 0, lost);
        }
        pulse.counters().add(Counter::AudioInterruptions, lost);
        pulse.counters().set(Counter::SoundServerHangs, feed.hangs());
        sender.send(&mut feed, &mut socket);
        socket.drain();
    }
}

/// Waits for the host to hand the client's socket over. `None`: end.
fn first_socket(sockets: &Receiver<UdpSocket>, pulse: &Pulse) -> Option<UdpSocket> {
    while pulse.beat() {
        match sockets.recv_timeout(LONGEST_WAIT) {
            Ok(socket) => return Some(socket),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

/// Shows that the thread lives, and does nothing else.
fn idle(pulse: &Pulse) {
    while pulse.beat() {
        std::thread::sleep(LONGEST_WAIT / 2);
    }
}

/// Encodes, numbers and sends packets.
#[derive(Debug)]
struct AudioSender<'a> {
    counters: &'a CountersPage,
    encoder: OpusEncoder,
    packetizer: AudioPacketizer,
    channels: usize,
    pcm: Vec<f32>,
    datagrams: AudioDatagrams,
    /// The last packet failed: say so once, not 200 times a second.
    failing: bool,
}

impl<'a> AudioSender<'a> {
    /// Goes on where the counters page stands.
    fn open(plan: &StreamPlan, counters: &'a CountersPage) -> Result<Self, OpusError> {
        let audio = &plan.audio;
        let encoder = OpusEncoder::open(audio)?;
        let seal = audio.encrypted.then(|| AudioSealConfig { key: plan.key.clone(), rikeyid: audio.rikeyid });
        let packetizer = AudioPacketizer::new(&AudioPacketizerConfig {
            packet_duration_ms: audio.packet_duration_ms,
            seal,
            first_sequence: counters.get(Counter::NextAudioSequence),
        });
        let pcm = vec![0.0; encoder.samples()];
        let channels = audio.layout.channels.into();
        let datagrams = AudioDatagrams::new();
        Ok(Self { counters, encoder, packetizer, channels, pcm, datagrams, failing: false })
    }

    fn send(&mut self, feed: &mut Feed, socket: &mut MediaSocket) {
        feed.take(&mut self.pcm, self.channels);
        let made = self.make_datagrams();
        match &made {
            Err(error) if !self.failing => warn!(%error, "sound packet dropped"),
            _ => {}
        }
        self.failing = made.is_err();
        if self.failing {
            return;
        }
        self.counters.set(Counter::NextAudioSequence, self.packetizer.next_sequence());
        for datagram in self.datagrams.iter() {
            let outcome = socket.send(datagram, datagram.len(), Duration::ZERO);
            self.counters.add(Counter::SendErrors, outcome.refusals);
            if outcome.datagrams == 1 {
                self.counters.add(Counter::AudioPackets, 1);
                self.counters.add(Counter::AudioBytes, datagram.len() as u64);
            }
        }
    }

    fn make_datagrams(&mut self) -> Result<(), PacketError> {
        let opus = self.encoder.encode(&self.pcm)?;
        Ok(self.packetizer.push(opus, &mut self.datagrams)?)
    }
}

/// One packet could not be made.
#[derive(Debug, thiserror::Error)]
enum PacketError {
    #[error(transparent)]
    Opus(#[from] OpusError),
    #[error(transparent)]
    Push(#[from] crate::protocol::audio::packetizer::AudioPushError),
}
