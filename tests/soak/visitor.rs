//! A client of the churn: launches, streams, switches, leaves in every manner,
//! and comes again, until time is up. Whatever a user's own second attempt would
//! mend is no failure; what would need an operator is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use earthshine::bench::clients::player::{Player, Stream};
use earthshine::protocol::gamestream::answer::Verb;
use earthshine::units::Size;
use serde_json::json;

use crate::support::api;
use crate::support::chance::Chance;
use crate::support::players::TEST_CARD;

/// What visitors count together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) launches: AtomicU64,
    pub(crate) second_attempts: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) switches: AtomicU64,
    pub(crate) refused_switches: AtomicU64,
    pub(crate) ended_by_host: AtomicU64,
    pub(crate) slowest_first_frame_ms: AtomicU64,
}

/// One client.
pub(crate) struct Visitor {
    pub(crate) player: Player,
    pub(crate) chance: Chance,
    pub(crate) socket: std::path::PathBuf,
    pub(crate) tally: Arc<Tally>,
    pub(crate) until: Instant,
}

impl Visitor {
    /// Until time is up.
    ///
    /// # Errors
    /// What an operator would have to look into.
    pub(crate) async fn run(mut self) -> Result<(), String> {
        while Instant::now() < self.until {
            let app = *self.chance.of(&[TEST_CARD, TEST_CARD, TEST_CARD, "Desktop"]).expect("some");
            let (width, height) = *self.chance.of(&[(320, 180), (480, 270), (640, 360)]).expect("some");
            self.player = self.player.with_mode(Size::new(width, height), 30);
            let mut stream = self.start(Verb::Launch, app).await?;
            self.look_around(&mut stream).await;
            // Leave, and half of the time come back to the same.
            let stays = self.chance.below(2) == 0;
            self.part(stream).await;
            if stays {
                tokio::time::sleep(self.chance.millis(0, 2000)).await;
                let mut again = self.start(Verb::Launch, app).await?;
                self.look_around(&mut again).await;
                self.part(again).await;
            }
            if self.chance.below(3) > 0 {
                // A teardown that hits a kill may say so; the next launch tells.
                let _ = self.player.cancel().await;
            }
            tokio::time::sleep(self.chance.millis(0, 3000)).await;
        }
        self.player.cancel().await.map_err(|error| format!("the last cancel: {error:#}"))
    }

    /// Gets a picture, as a user who tries a few times.
    async fn start(&mut self, verb: Verb, app: &str) -> Result<Stream, String> {
        let mut why = String::new();
        for attempt in 0..ATTEMPTS {
            self.tally.second_attempts.fetch_add(u64::from(attempt > 0), Ordering::Relaxed);
            self.tally.launches.fetch_add(1, Ordering::Relaxed);
            let started = async {
                let app = self.player.app(app).await?;
                let mut stream = self.player.begin(verb, app).await?.stream().await?;
                let took = stream.first_frame(FIRST_FRAME).await?;
                anyhow::Ok((stream, took))
            };
            match started.await {
                Ok((stream, took)) => {
                    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    self.tally.slowest_first_frame_ms.fetch_max(millis, Ordering::Relaxed);
                    return Ok(stream);
                }
                Err(error) => why = format!("{error:#}"),
            }
        }
        Err(format!("{app}: {why}"))
    }

    /// Watches, and goes to a lobby and back.
    async fn look_around(&mut self, stream: &mut Stream) {
        for _ in 0..=self.chance.below(3) {
            tokio::time::sleep(self.chance.millis(500, 5000)).await;
            if stream.is_over() {
                return;
            }
            if let Some((session, lobby)) = self.somewhere_to_go(stream).await {
                let body = json!({"lobby_id": lobby, "moonlight_session_id": session});
                for verb in ["join", "leave"] {
                    let path = format!("/api/v1/lobbies/{verb}");
                    let (socket, body) = (self.socket.clone(), body.clone());
                    let asked = tokio::task::spawn_blocking(move || api::request(&socket, &path, Some(&body))).await;
                    let done = matches!(asked, Ok(Ok(answer)) if answer.status == 200);
                    let count = if done { &self.tally.switches } else { &self.tally.refused_switches };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(self.chance.millis(300, 3000)).await;
                }
            }
        }
    }

    /// Our session and a lobby, half of the time.
    async fn somewhere_to_go(&mut self, _stream: &Stream) -> Option<(String, String)> {
        if self.chance.below(2) == 0 {
            return None;
        }
        let socket = self.socket.clone();
        let seen = tokio::task::spawn_blocking(move || {
            let lobbies = api::request(&socket, "/api/v1/lobbies", None).ok()?;
            let sessions = api::request(&socket, "/api/v1/sessions", None).ok()?;
            let lobbies: serde_json::Value = serde_json::from_slice(&lobbies.body).ok()?;
            let sessions: serde_json::Value = serde_json::from_slice(&sessions.body).ok()?;
            Some((lobbies, sessions))
        });
        let (lobbies, sessions) = seen.await.ok()??;
        let lobbies: Vec<_> = lobbies["lobbies"].as_array()?.iter().filter_map(|lobby| lobby["id"].as_str()).collect();
        // Anybody's session will do: operators move people about.
        let streaming = |session: &&serde_json::Value| session["state"] == "streaming";
        let sessions: Vec<_> = sessions["sessions"].as_array()?.iter().filter(streaming).collect();
        let session = self.chance.of(&sessions)?["session_id"].as_str()?.to_owned();
        Some((session, (*self.chance.of(&lobbies)?).to_owned()))
    }

    async fn part(&mut self, stream: Stream) {
        let seen = stream.seen().counts.frames_complete;
        self.tally.frames.fetch_add(seen, Ordering::Relaxed);
        if stream.is_over() {
            self.tally.ended_by_host.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.chance.below(3) == 0 {
            // In order; otherwise as in a power cut.
            let _ = tokio::time::timeout(FIRST_FRAME, stream.leave()).await;
        }
    }
}

const FIRST_FRAME: Duration = Duration::from_secs(20);

/// What a user would try before calling somebody.
const ATTEMPTS: u32 = 4;
