//! A session's stream: it begins with ANNOUNCE, and its workers are replaced
//! until they die too often.

use std::sync::Arc;
use std::time::Instant;

use tracing::{error, info, warn};

use crate::gpu::GpuAddress;
use crate::host::events::Event;
use crate::host::gpus::placed::Work;
use crate::host::placement::InsteadOf;
use crate::host::scope::Scope;
use crate::host::sessions::command::Ending;
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::plan::{self, Circumstances};
use crate::host::sessions::session::Session;
use crate::host::sessions::stream::{Cause, Stream, StreamEvent};
use crate::host::sessions::told;
use crate::ipc::message::PassedOver;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::stream_plan::Source;

impl Session {
    /// What the worker shows: a lobby, the session's own desktop as it is now,
    /// or the test card.
    pub(super) fn source(&self) -> Source {
        let own = || self.desktop.source().unwrap_or(Source::TestCard);
        self.visiting.source().cloned().unwrap_or_else(own)
    }

    /// Starts the stream that the client announced. Returns whether it did.
    pub(super) async fn start_stream(&mut self, announced: &StreamParameters) -> bool {
        let mode = (announced.video.size, announced.video.frame_rate);
        if self.mode != mode {
            self.mode = mode;
            if let Err(error) = self.desktop.set_mode(mode.0, mode.1).await {
                warn!(session = %self.id, %error, "desktop keeps its mode; its picture will be scaled");
            }
        }
        let (gpus, instead_of) = self.gpus_to_encode();
        self.shared.tell_instead_of(Scope::Session(self.id), instead_of, gpus.first());
        let source = self.source();
        let pointer = self.record.settings(self.shared.preferences.get(self.client).settings).pointer_speed();
        let Some(connection) = &mut self.connection else { return false };
        if connection.stream.is_some() {
            return false;
        }
        let ticket = &connection.ticket;
        let config = self.shared.config.now();
        let mut plan = plan::plan(
            announced,
            Circumstances {
                session: self.id,
                source,
                key: &ticket.key,
                rikeyid: connection.rikeyid,
                config: &config.video,
                pointer,
                real_time: config.host.real_time,
                gpus: &gpus,
            },
        );
        plan.video.fec = connection.fec.unwrap_or(plan.video.fec);
        info!(session = %self.id, codec = plan.video.profile.codec.name(), size = %plan.video.size,
            rate = %plan.video.frame_rate, bitrate = %plan.video.bitrate, sealed = plan.video.encrypted,
            channels = plan.audio.layout.channels, "stream planned");
        match Stream::start(plan, ticket, &self.shared) {
            Ok(stream) => {
                self.place.works(Work::Starts);
                self.record.set_stream(Some((Arc::clone(stream.counters()), Arc::clone(stream.network()))));
                for event in told::stream_begins(stream.plan(), connection.ticket.peer, self.shared.ports) {
                    self.shared.events.publish(event);
                }
                connection.begin(stream, self.shared.ports);
                self.publish(SessionPhase::Streaming);
                true
            }
            Err(error) => {
                error!(session = %self.id, %error, "worker does not start");
                false
            }
        }
    }

    /// GPUs for a stream that begins: that of the desktop which it shows, then others.
    /// A session without a desktop goes where room is now.
    fn gpus_to_encode(&mut self) -> (Vec<GpuAddress>, Option<InsteadOf>) {
        let (scope, name) = (Scope::Session(self.id), self.app.gpu.as_ref());
        let placement = self.shared.placement();
        let of_lobby = self.visiting.lobby().map(|lobby| self.shared.supervision.gpus.place_of(Scope::Lobby(lobby)));
        if of_lobby.is_none()
            && !self.desktop.is_running()
            && let Ok(decision) = placement.decide(name, scope)
        {
            self.place.moves(decision.gpu);
        }
        let drawn = of_lobby.unwrap_or_else(|| self.place.gpu().cloned());
        placement.to_encode(name, drawn.as_ref(), scope)
    }

    /// An encoder is open. On another GPU than the picture is drawn on, pictures go
    /// through the host's memory, and everybody is told.
    fn encodes(&self, passed_over: &[PassedOver]) {
        let Some(stream) = self.connection.as_ref().and_then(|connection| connection.stream.as_ref()) else { return };
        let on = stream.gpu().cloned();
        self.place.works(Work::Encodes { on: on.clone(), since: Instant::now() });
        let left = stream.left_gpu().map(|left| (left.gpu.clone(), left.reason.clone()));
        let tried = || {
            let gpu = stream.plan().video.gpu.clone()?;
            let here = || passed_over.iter().filter(|tried| tried.gpu.as_ref().is_some_and(|tried| tried.is(&gpu)));
            let reasons: Vec<_> = here().map(|tried| format!("{}: {}", tried.encoder.name(), tried.reason)).collect();
            (!reasons.is_empty()).then(|| (gpu, reasons.join("; ")))
        };
        let Some((wanted, reason)) = left.or_else(tried) else { return };
        if on.as_ref().is_some_and(|on| on.is(&wanted)) {
            return;
        }
        // One that has left the bus is not there any more, which looks like nobody's fault.
        self.shared.supervision.gpus.doubt(wanted.clone());
        let instead_of = InsteadOf { gpu: wanted.to_string(), reason };
        self.shared.tell_instead_of(Scope::Session(self.id), Some(instead_of), on.as_ref());
    }

    /// Tells the worker what to show now.
    pub(super) fn show_source(&mut self) {
        let source = self.source();
        if let Some(stream) = self.stream() {
            stream.switch(source);
            let home = || self.id.to_string();
            let interpipe_src_id = self.visiting.lobby().map_or_else(home, |lobby| lobby.to_string());
            self.tell(Event::SwitchStreamProducer { session_id: self.id, interpipe_src_id });
        }
    }

    /// The stream of the current connection.
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        self.connection.as_mut()?.stream.as_mut()
    }

    /// Something happened to its worker.
    pub(super) async fn stream_event(&mut self, event: StreamEvent) -> Option<Ending> {
        match event {
            StreamEvent::Ready { passed_over } => {
                self.publish_worker();
                self.encodes(&passed_over);
                for PassedOver { encoder, gpu, reason, .. } in passed_over.into_iter().filter(|tried| !tried.absent) {
                    let gpu = gpu.map(|gpu| gpu.to_string()).unwrap_or_default();
                    self.tell(Event::EncoderPassedOver { session_id: self.id, encoder: encoder.name(), gpu, reason });
                }
                if let Some(stream) = self.stream() {
                    let (pid, encoder) = (stream.worker_pid(), stream.encoder().to_owned());
                    self.tell(Event::WorkerReady { session_id: self.id, pid, encoder });
                }
                None
            }
            StreamEvent::Shows => self.shows().await,
            StreamEvent::Down(cause) => self.worker_down(cause).await,
            StreamEvent::Due => {
                let replaced = self.stream()?.succeed();
                self.worker_replaced(replaced)
            }
        }
    }

    /// A compositor that was killed is noticed by its end. One that hangs is
    /// noticed by workers that fail one after the other and blame it.
    pub(super) async fn worker_down(&mut self, cause: Cause) -> Option<Ending> {
        error!(session = %self.id, cause = cause.text(), "worker down");
        let pid = self.stream().map_or(0, |stream| stream.worker_pid());
        let (session_id, text) = (self.id, cause.text().to_owned());
        if matches!(cause, Cause::Hung(_)) {
            self.tell(Event::WorkerHung { session_id, pid, cause: text.clone() });
        }
        self.tell(Event::WorkerFailed { session_id, pid, cause: text });
        if let Some(blame) = self.stream().and_then(|stream| stream.blame(&cause)) {
            if self.visiting.is_under_way() {
                return self.lobby_fails(cause, blame).await;
            }
            if self.desktop.is_running() && self.desktop.is_blamed(blame) {
                error!(session = %self.id, "desktop cannot be captured");
                if let Some(ending) = self.replace_desktop("it cannot be captured".to_owned()).await {
                    return Some(ending);
                }
            }
        }
        self.replace_worker(&cause).await
    }

    /// Starts the worker's successor.
    pub(super) async fn replace_worker(&mut self, cause: &Cause) -> Option<Ending> {
        let shared = Arc::clone(&self.shared);
        let replaced = self.stream()?.replace(cause, &shared).await;
        self.worker_replaced(replaced)
    }

    pub(super) fn worker_replaced(&mut self, replaced: std::io::Result<bool>) -> Option<Ending> {
        match replaced {
            Ok(true) => {
                let (pid, restarts) = self.stream().map(|stream| (stream.worker_pid(), stream.restarts()))?;
                // None yet, if it has to wait.
                if pid != 0 {
                    self.tell(Event::WorkerReplaced { session_id: self.id, pid, restarts });
                }
                self.publish_worker();
                None
            }
            Ok(false) => {
                error!(session = %self.id, "worker died too often");
                Some(Ending::Broken)
            }
            Err(error) => {
                error!(session = %self.id, %error, "worker does not start again");
                Some(Ending::Broken)
            }
        }
    }

    pub(super) fn publish_worker(&self) {
        let Some(stream) = self.connection.as_ref().and_then(|connection| connection.stream.as_ref()) else { return };
        let plan = stream.plan();
        self.record.update(|view| {
            view.worker_pid = stream.worker_pid();
            view.worker_restarts = self.past_restarts + stream.restarts();
            stream.encoder().clone_into(&mut view.encoder);
            view.encoder_gpu = stream.gpu().map(ToString::to_string).unwrap_or_default();
            view.set_mode((plan.video.size, plan.video.frame_rate), plan.audio.layout.channels);
        });
    }
}
