//! The host's end: an encoder of which only the sizes of its frames are played, the real
//! packetizer, and the controller or settings that stay as they are.

use super::client::Request;
use super::link::unit;
use super::trace::Trace;
use crate::clock::Micros;
use crate::content::random::Random;
use crate::protocol::adaptation::references::{self, Answer};
use crate::protocol::adaptation::{Adaptation, Bounds, Sent, Target, Terms};
use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::video::frame_header::FrameType;
use crate::protocol::video::packetizer::{PacketSizeError, Packetizer, PacketizerConfig, PictureToSend};
use crate::protocol::video::shard_batch::ShardBatch;
use crate::units::{Bitrate, FecPercent, FrameIndex, FrameRate, RtpTimestamp};

/// One stream's sender.
#[derive(Debug)]
pub(super) struct Sender {
    adaptation: Option<Adaptation>,
    target: Target,
    packetizer: Packetizer,
    batch: ShardBatch,
    random: Random,
    picture: Vec<u8>,
    /// How much there is to code: the last frame's size over its share.
    busy: f64,
    next: FrameIndex,
    owed: Option<FrameType>,
    /// The newest frame that refers to nothing lost.
    sound: FrameIndex,
    last_idr: Micros,
    sent: Sent,
}

impl Sender {
    pub(super) fn new(trace: &Trace, adapts: bool, seed: u64) -> Result<Self, PacketSizeError> {
        let asked = Bitrate::from_kbps(trace.asked_kbps);
        let terms = Terms { asked, fec: USUAL_FEC, frame_rate: FRAME_RATE };
        let packetizer = Packetizer::new(&PacketizerConfig {
            packet_size: PACKET_SIZE,
            fec: USUAL_FEC,
            minimum_parity: MINIMUM_PARITY,
            seal: None,
            first_packet_index: 0,
        })?;
        Ok(Self {
            adaptation: adapts.then(|| Adaptation::new(terms, Micros(0))),
            target: Target { bitrate: asked, fec: USUAL_FEC },
            packetizer,
            batch: ShardBatch::new(),
            random: Random::new(seed),
            picture: Vec::new(),
            busy: 1.0,
            next: FrameIndex::FIRST,
            owed: Some(FrameType::Idr),
            sound: FrameIndex(0),
            last_idr: Micros(0),
            sent: Sent::default(),
        })
    }

    /// What it is set to.
    pub(super) const fn target(&self) -> Target {
        self.target
    }

    /// The datagrams of the next frame.
    pub(super) fn frame(&mut self, now: Micros) -> Vec<Vec<u8>> {
        let kind = self.owed.take().unwrap_or(FrameType::Predicted);
        let length = self.length(kind);
        self.picture.resize(length, 0);
        if kind != FrameType::Predicted {
            self.sound = self.next;
        }
        if kind == FrameType::Idr {
            self.last_idr = now;
        }
        let picture = PictureToSend {
            data: &self.picture,
            kind,
            frame_index: self.next,
            rtp_timestamp: RtpTimestamp::from_elapsed(std::time::Duration::from_micros(now.0)),
            latency_100us: 1,
        };
        // A frame is never so large here that the protocol could not carry it; if it
        // were, it would be dropped, as the send thread does.
        if self.packetizer.packetize(&picture, &mut self.batch).is_err() {
            self.owed = Some(FrameType::Idr);
            return Vec::new();
        }
        self.next = self.next.next();
        let datagrams: Vec<_> = self.batch.datagrams().map(<[u8]>::to_vec).collect();
        self.sent.frames += 1;
        self.sent.packets += datagrams.len() as u64;
        self.sent.wire_bytes += datagrams.iter().map(Vec::len).sum::<usize>() as u64;
        self.sent.coded_bytes += length as u64;
        datagrams
    }

    /// Bytes of datagrams until now.
    pub(super) const fn sent(&self) -> Sent {
        self.sent
    }

    /// A client asks.
    pub(super) fn request(&mut self, request: Request, now: Micros) {
        let answer = match (&self.adaptation, request) {
            (_, Request::Invalidate { first, last }) => references::lost(first, last),
            (Some(adaptation), Request::Idr) => {
                references::idr_wanted(self.last_idr, adaptation.least_round_trip(), now)
            }
            (None, Request::Idr) => Answer::Idr,
        };
        match answer {
            // As the encode thread: what was lost before a sound frame needs no other.
            Answer::Invalidate { last, .. } if last < self.sound => {}
            Answer::Invalidate { .. } => self.owed = self.owed.or(Some(FrameType::Recovered)),
            Answer::Idr => self.owed = Some(FrameType::Idr),
            Answer::Nothing => {}
        }
    }

    pub(super) fn status(&mut self, status: &FecStatus, now: Micros) {
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.handle_fec_status(status, now);
        }
    }

    pub(super) fn probed(&mut self, now: Micros) {
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.handle_probe(now);
        }
    }

    pub(super) fn answered(&mut self, sent: Micros, now: Micros) {
        if let Some(adaptation) = &mut self.adaptation {
            adaptation.handle_answer(sent, now);
        }
    }

    /// Has the controller decide.
    pub(super) fn tick(&mut self, now: Micros) {
        let Some(adaptation) = &mut self.adaptation else { return };
        adaptation.handle_sent(self.sent, now);
        self.target = adaptation.handle_timeout(BOUNDS, now);
        self.packetizer.set_fec(self.target.fec);
    }

    /// Sizes wander around their share of the bit rate, as those of a game do; an IDR
    /// frame has four shares, and one that leaves out lost references half as much again.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a frame")]
    fn length(&mut self, kind: FrameType) -> usize {
        let drawn = 0.6 + 0.8 * unit(&mut self.random);
        self.busy = 0.8 * self.busy + 0.2 * drawn;
        let noise = 0.85 + 0.3 * unit(&mut self.random);
        let shares = match kind {
            FrameType::Idr => 4.0,
            FrameType::Recovered => 1.5,
            _ => self.busy * noise,
        };
        let share = f64::from(self.target.bitrate.kbps()) * 125.0 / FRAME_RATE.hz();
        (share * shares) as usize
    }
}

pub(super) const FRAME_RATE: FrameRate = FrameRate::from_hz(60);
/// What hosts of the field send, whatever the network is.
pub(super) const USUAL_FEC: FecPercent = FecPercent(20);
pub(super) const PACKET_SIZE: u16 = 1392;
const MINIMUM_PARITY: u8 = 2;
/// The defaults of `[network]`.
const BOUNDS: Bounds = Bounds { least: Bitrate::from_kbps(1_000), most_fec: FecPercent(50) };
