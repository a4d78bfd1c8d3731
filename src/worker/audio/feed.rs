//! Where the next packet's samples come from.
//!
//! A tone, silence, or a sound server that may come, go and hang as it likes:
//! the packets get silence meanwhile, and the connection is tried again with
//! growing pauses.

use std::path::PathBuf;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::capture::SoundCapture;
use super::sample_queue::SampleQueue;
use super::tone::{TEST_CARD_FREQUENCY, Tone};
use crate::clock::Micros;
use crate::stream_plan::Source;

/// The present source of sound.
#[derive(Debug)]
pub enum Feed {
    /// Nothing is played.
    Silence,
    /// The test card.
    TestCard(Tone),
    /// A desktop's sound server.
    Server(Box<Server>),
}

impl Feed {
    /// Sound of `source`; nothing is connected yet.
    #[must_use]
    pub fn new(source: &Source, channels: u8, packet: Duration) -> Self {
        match source {
            Source::TestCard => Self::TestCard(Tone::new(TEST_CARD_FREQUENCY)),
            Source::Desktop { sound: Some(socket), .. } => {
                Self::Server(Box::new(Server::new(socket.clone(), channels, packet)))
            }
            Source::Desktop { sound: None, .. } => Self::Silence,
        }
    }

    /// Waits until `due`, collecting what the source delivers. Returns how often
    /// the source was lost meanwhile.
    pub fn gather(&mut self, due: Micros) -> u64 {
        match self {
            Self::Server(server) => server.gather(due),
            Self::Silence | Self::TestCard(_) => {
                sleep_until(due);
                0
            }
        }
    }

    /// How often the source was connected and delivered nothing at all, so that
    /// only a new sound server helps.
    #[must_use]
    pub const fn hangs(&self) -> u64 {
        match self {
            Self::Server(server) => server.hangs,
            Self::Silence | Self::TestCard(_) => 0,
        }
    }

    /// Fills one packet of interleaved samples.
    pub fn take(&mut self, packet: &mut [f32], channels: usize) {
        match self {
            Self::Silence => packet.fill(0.0),
            Self::TestCard(tone) => tone.fill(packet, channels),
            Self::Server(server) => {
                server.queue.take(packet);
            }
        }
    }
}

/// A sound server and the connection to it.
#[derive(Debug)]
pub struct Server {
    socket: PathBuf,
    channels: u8,
    packet: Duration,
    queue: SampleQueue,
    connection: Connection,
    /// The pause before the next attempt.
    pause: Duration,
    hangs: u64,
}

#[derive(Debug)]
enum Connection {
    /// Not connected; the next attempt is due.
    Waiting { retry: Micros },
    /// Connected, or about to be.
    Open {
        capture: Box<SoundCapture>,
        /// When it last delivered, or was opened.
        heard: Micros,
        /// It has delivered, and not been silent for long since.
        flowing: bool,
    },
}

impl Server {
    fn new(socket: PathBuf, channels: u8, packet: Duration) -> Self {
        let queue = SampleQueue::new(channels.into());
        let connection = Connection::Waiting { retry: Micros(0) };
        Self { socket, channels, packet, queue, connection, pause: FIRST_PAUSE, hangs: 0 }
    }

    fn gather(&mut self, due: Micros) -> u64 {
        let mut lost = 0;
        loop {
            let now = Micros::now();
            let left = Duration::from_micros(due.since(now));
            match &mut self.connection {
                Connection::Waiting { retry } if *retry <= now => self.connect(now),
                Connection::Waiting { retry } => sleep_until(due.min(*retry)),
                Connection::Open { .. } => lost += u64::from(self.listen(left)),
            }
            if Micros::now() >= due {
                return lost;
            }
        }
    }

    fn connect(&mut self, now: Micros) {
        match SoundCapture::connect(&self.socket, self.channels, self.packet) {
            Ok(capture) => {
                self.connection = Connection::Open { capture: Box::new(capture), heard: now, flowing: false };
            }
            Err(error) => {
                debug!(%error, "no connection to the sound server");
                self.give_up(now);
            }
        }
    }

    /// Returns whether sound broke off.
    fn listen(&mut self, patience: Duration) -> bool {
        let Connection::Open { capture, heard, flowing } = &mut self.connection else { return false };
        let pumped = capture.pump(patience, &mut self.queue);
        let now = Micros::now();
        let was_flowing = *flowing;
        match pumped {
            Ok(true) => {
                if !was_flowing {
                    info!("sound arrives");
                }
                (*heard, *flowing, self.pause) = (now, true, FIRST_PAUSE);
                false
            }
            Ok(false) if now.since(*heard) > HUNG => {
                warn!("the sound server hangs");
                self.hangs += 1;
                self.give_up(now);
                was_flowing
            }
            Ok(false) if was_flowing && now.since(*heard) > LATE => {
                warn!("the sound server delivers nothing");
                *flowing = false;
                true
            }
            Ok(false) => false,
            Err(error) => {
                if was_flowing {
                    warn!(%error, "sound lost");
                }
                self.give_up(now);
                was_flowing
            }
        }
    }

    fn give_up(&mut self, now: Micros) {
        let pause = u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX);
        self.connection = Connection::Waiting { retry: Micros(now.0.saturating_add(pause)) };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

fn sleep_until(due: Micros) {
    std::thread::sleep(Duration::from_micros(due.since(Micros::now())));
}

/// A server that is only restarting is back by then.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Between attempts; sound should be back within three seconds of the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Microseconds without a delivery that are an interruption.
const LATE: u64 = 500_000;
/// Microseconds after which the connection is made anew. An idle null sink of
/// PulseAudio takes two seconds to notice its first listener.
const HUNG: u64 = 3_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_gives_silence_in_time() {
        let sound = Some(PathBuf::from("/nonexistent/earthshine/native"));
        let source = Source::Desktop { wayland: PathBuf::new(), sound, seat: None };
        let mut feed = Feed::new(&source, 2, Duration::from_millis(5));
        let mut packet = [1.0; 480];
        for _ in 0..20 {
            let due = Micros(Micros::now().0 + 5000);
            assert_eq!(feed.gather(due), 0);
            assert!(Micros::now() >= due);
            feed.take(&mut packet, 2);
            assert_eq!(packet, [0.0; 480]);
        }
        let Feed::Server(server) = feed else { unreachable!("a server was asked for") };
        assert!(server.pause > FIRST_PAUSE);
    }

    #[test]
    fn pauses_between_attempts_grow_to_their_limit() {
        let mut server = Server::new(PathBuf::new(), 2, Duration::from_millis(5));
        let mut now = Micros(0);
        for expected in [50, 100, 200, 400, 800, 1000, 1000] {
            server.give_up(now);
            let Connection::Waiting { retry } = server.connection else { unreachable!("just given up") };
            assert_eq!(retry.since(now), expected * 1000);
            now = retry;
        }
    }
}
