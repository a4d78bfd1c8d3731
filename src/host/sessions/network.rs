//! What a stream does on a bad network: the controller of
//! [`crate::protocol::adaptation`] between the client's control connection, the worker's
//! counters and the worker's channel.
//!
//! The control thread tells it what the client says and when pings come back, and asks it
//! to decide ([`Network::tick`]). It waits for nobody: counters are read from the shared
//! page, and what does not fit into the worker's channel is said again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tracing::debug;

use crate::clock::Micros;
use crate::config::NetworkConfig;
use crate::host::events::seldom::Seldom;
use crate::host::events::{Event, Events};
use crate::host::supervisor::worker_link::WorkerLink;
use crate::ids::SessionId;
use crate::ipc::counters_page::{Counter, CountersPage, Stage};
use crate::ipc::message::ToWorker;
use crate::protocol::adaptation::references::{self, Answer};
use crate::protocol::adaptation::{Adaptation, Bounds, Sent, Target, Terms};
use crate::protocol::control::client_stats::FecStatus;
use crate::stream_plan::VideoPlan;
use crate::units::{Bitrate, FecPercent};

/// One connection's stream over its network.
#[derive(Debug)]
pub(crate) struct Network {
    session: SessionId,
    asked: Bitrate,
    /// Nothing is changed, but all is watched.
    fixed: bool,
    bounds: Bounds,
    counters: Arc<CountersPage>,
    worker: WorkerLink,
    events: Events,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    adaptation: Adaptation,
    target: Target,
    /// What the worker was told last, and when.
    told: Option<(Target, Micros)>,
    back_offs: u64,
    telling: Seldom,
}

/// What is to be said, once nobody waits for the state.
#[derive(Debug, Default)]
struct Decision {
    bitrate: Option<Bitrate>,
    fec: Option<FecPercent>,
    back_off: Option<Event>,
}

/// A stream's network as the API shows it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct NetworkView {
    /// Bit rate and parity follow the network.
    pub adapts: bool,
    /// Bit rate in kbit/s that the client asked for, as far as it is for the picture.
    pub asked_kbps: u32,
    /// What the encoder is set to.
    pub bitrate_kbps: u32,
    /// Parity packets per hundred data packets.
    pub fec_percent: u8,
    /// The client's newest round trip; `null` if none is known.
    pub round_trip_ms: Option<f64>,
    /// How long packets wait in the queue that stands on the way.
    pub queue_ms: f64,
    /// Part of the last second's packets that were lost.
    pub loss: f64,
    /// What the narrowest link was last found to carry, in kbit/s of datagrams; `null` if
    /// it was never full.
    pub capacity_kbps: Option<u64>,
    /// How often the bit rate was taken back.
    pub back_offs: u64,
    /// Why, the last time: `queue`, `silence`, `loss` or `no_room`; empty if never.
    pub last_back_off: String,
}

impl Network {
    /// Of a stream that begins, or is adopted.
    pub(crate) fn new(
        session: SessionId,
        plan: &VideoPlan,
        config: NetworkConfig,
        counters: Arc<CountersPage>,
        worker: WorkerLink,
        events: Events,
    ) -> Arc<Self> {
        let terms = Terms { asked: plan.bitrate, fec: plan.fec, frame_rate: plan.frame_rate };
        let target = Target { bitrate: plan.bitrate, fec: plan.fec };
        let state = State {
            adaptation: Adaptation::new(terms, Micros::now()),
            target,
            told: None,
            back_offs: 0,
            telling: Seldom::new(1, BACK_OFFS_TOLD),
        };
        Arc::new(Self {
            session,
            asked: plan.bitrate,
            fixed: !config.adapt,
            bounds: Bounds {
                least: Bitrate::from_kbps(config.minimum_bitrate_kbps),
                most_fec: FecPercent(config.maximum_fec_percent),
            },
            counters,
            worker,
            events,
            state: Mutex::new(state),
        })
    }

    /// How a block arrived.
    pub(crate) fn fec_status(&self, status: &FecStatus) {
        self.lock().adaptation.handle_fec_status(status, Micros::now());
    }

    /// A ping leaves.
    pub(crate) fn probed(&self) {
        self.lock().adaptation.handle_probe(Micros::now());
    }

    /// What left then has been acknowledged.
    pub(crate) fn answered(&self, sent: Micros, heard: Micros) {
        self.lock().adaptation.handle_answer(sent, heard);
    }

    /// What answers a client that wants an IDR frame.
    pub(crate) fn idr_wanted(&self) -> Answer {
        if self.fixed {
            return Answer::Idr;
        }
        let last = Micros(self.counters.get(Counter::LastIdr));
        let least_round_trip = self.lock().adaptation.least_round_trip();
        references::idr_wanted(last, least_round_trip, Micros::now())
    }

    /// Decides, and has the worker do it. To be called every
    /// [`PROBE_INTERVAL`](crate::protocol::adaptation::PROBE_INTERVAL).
    pub(crate) fn tick(&self) {
        let Decision { bitrate, fec, back_off } = self.decide(Micros::now());
        if let Some(bitrate) = bitrate {
            self.worker.send(&ToWorker::SetBitrate(bitrate), None);
        }
        if let Some(fec) = fec {
            self.worker.send(&ToWorker::SetFec(fec), None);
        }
        if let Some(event) = back_off {
            self.events.publish(event);
        }
    }

    /// What is known now.
    pub(crate) fn view(&self) -> NetworkView {
        let state = self.lock();
        let view = state.adaptation.view(Micros::now());
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        let kbps = u32::try_from(self.counters.get(Counter::BitrateKbps)).unwrap_or(u32::MAX);
        NetworkView {
            adapts: !self.fixed,
            asked_kbps: self.asked.kbps(),
            bitrate_kbps: kbps,
            fec_percent: self.parity().unwrap_or(state.target.fec).0,
            round_trip_ms: view.round_trip.map(millis),
            queue_ms: millis(view.queue),
            loss: view.loss,
            capacity_kbps: view.capacity_kbps,
            back_offs: if self.fixed { 0 } else { view.back_offs },
            last_back_off: view.cause.filter(|_| !self.fixed).map_or("", |cause| cause.name()).to_owned(),
        }
    }

    fn sent(&self) -> Sent {
        let get = |counter| self.counters.get(counter);
        let (whole, coded) = (self.counters.histogram(Stage::LastPacket), self.counters.histogram(Stage::Encoded));
        Sent {
            packets: get(Counter::VideoPackets),
            wire_bytes: get(Counter::VideoBytes),
            coded_bytes: get(Counter::EncodedBytes),
            frames: whole.count(),
            send_micros: whole.sum_micros.saturating_sub(coded.sum_micros),
            refused: get(Counter::FramesDropped).saturating_add(get(Counter::SendErrors)),
        }
    }

    fn decide(&self, now: Micros) -> Decision {
        let mut state = self.lock();
        state.adaptation.handle_sent(self.sent(), now);
        let target = state.adaptation.handle_timeout(self.bounds, now);
        if self.fixed {
            return Decision::default();
        }
        state.target = target;
        let (bitrate, fec) = self.orders(&mut state, now);
        Decision { bitrate, fec, back_off: self.back_off(&mut state, now) }
    }

    /// What the worker is not set to yet. That is in its counters: a message that was lost,
    /// and a worker that was replaced, are made up for.
    fn orders(&self, state: &mut State, now: Micros) -> (Option<Bitrate>, Option<FecPercent>) {
        let target = state.target;
        let recently = |(told, at): (Target, Micros)| told == target && now.since(at) < REPEATED_AFTER;
        if state.told.is_some_and(recently) {
            return (None, None);
        }
        let current = self.counters.get(Counter::BitrateKbps);
        // 0 until its encoder is open.
        let new_rate = current != 0 && current != u64::from(target.bitrate.kbps());
        let new_parity = self.parity().is_some_and(|parity| parity != target.fec);
        if new_rate || new_parity {
            debug!(session = %self.session, bitrate = %target.bitrate, fec = target.fec.0, "adapted to the network");
            state.told = Some((target, now));
        }
        (new_rate.then_some(target.bitrate), new_parity.then_some(target.fec))
    }

    /// What the sender is set to; `None` of one that cannot be told another.
    fn parity(&self) -> Option<FecPercent> {
        let set = self.counters.get(Counter::ParitySet).checked_sub(1)?;
        u8::try_from(set).ok().map(FecPercent)
    }

    /// The event about a back-off that is new, seldom enough.
    fn back_off(&self, state: &mut State, now: Micros) -> Option<Event> {
        let view = state.adaptation.view(now);
        let before = std::mem::replace(&mut state.back_offs, view.back_offs);
        (view.back_offs > before && state.telling.allows(Instant::now())).then(|| Event::BitrateReduced {
            session_id: self.session,
            asked_kbps: self.asked.kbps(),
            bitrate_kbps: state.target.bitrate.kbps(),
            reason: view.cause.map_or("", |cause| cause.name()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a session's back-offs are told.
const BACK_OFFS_TOLD: Duration = Duration::from_secs(10);
/// Microseconds after which a worker is told again what it has not done.
const REPEATED_AFTER: u64 = 500_000;

#[cfg(test)]
mod tests {
    use tokio::io::unix::AsyncFd;

    use super::*;
    use crate::ipc::channel::Channel;
    use crate::stream_plan::StreamPlan;

    /// A stream whose worker is played by the test.
    struct Stand {
        network: Arc<Network>,
        counters: Arc<CountersPage>,
        worker: Channel,
    }

    fn stand(adapt: bool) -> Stand {
        let (ours, worker) = Channel::pair().unwrap();
        let link = WorkerLink::default();
        #[allow(deprecated, reason = "as in WorkerProcess")]
        link.set(Some(Arc::new(AsyncFd::new(ours).unwrap())));
        let counters = Arc::new(CountersPage::create().unwrap());
        counters.set(Counter::BitrateKbps, 10_000);
        counters.set(Counter::ParitySet, 21);
        let config = NetworkConfig { adapt, minimum_bitrate_kbps: 1000, maximum_fec_percent: 50 };
        let video = StreamPlan::small_test_card(Vec::new()).video;
        let plan = VideoPlan { bitrate: Bitrate::from_kbps(10_000), fec: FecPercent(20), ..video };
        let network = Network::new(SessionId(1), &plan, config, Arc::clone(&counters), link, Events::new("test"));
        Stand { network, counters, worker }
    }

    impl Stand {
        fn told(&self) -> Vec<ToWorker> {
            let next = || self.worker.receive::<ToWorker>().ok().flatten().map(|(message, _)| message);
            std::iter::from_fn(next).collect()
        }

        /// Has the machine itself refuse to send.
        fn refuse(&self) {
            self.network.tick();
            self.counters.add(Counter::SendErrors, 1);
            self.network.tick();
        }
    }

    #[tokio::test]
    async fn a_worker_is_told_until_it_does_what_it_is_told() {
        let stand = stand(true);
        stand.network.tick();
        assert_eq!(stand.told(), []);
        stand.refuse();
        let told = stand.told();
        let [ToWorker::SetBitrate(less)] = told[..] else { panic!("{told:?}") };
        assert!(less.kbps() < 10_000);
        assert_eq!(stand.network.view().last_back_off, "no_room");
        stand.network.tick();
        assert_eq!(stand.told(), [], "not at once again");
        stand.counters.set(Counter::BitrateKbps, less.kbps().into());
        assert_eq!(stand.network.view().bitrate_kbps, less.kbps());
    }

    #[tokio::test]
    async fn switched_off_it_watches_and_does_nothing() {
        let stand = stand(false);
        stand.counters.set(Counter::LastIdr, Micros::now().0);
        stand.network.answered(Micros(Micros::now().0 - 400_000), Micros::now());
        assert_eq!(stand.network.idr_wanted(), Answer::Idr);
        stand.refuse();
        assert_eq!(stand.told(), []);
        let view = stand.network.view();
        assert_eq!((view.adapts, view.back_offs, view.bitrate_kbps, view.fec_percent), (false, 0, 10_000, 20));
        assert!(view.round_trip_ms.is_some_and(|trip| trip >= 400.0));
    }

    #[tokio::test]
    async fn an_idr_frame_on_its_way_is_not_sent_twice() {
        let stand = stand(true);
        stand.network.answered(Micros(Micros::now().0 - 400_000), Micros::now());
        assert_eq!(stand.network.idr_wanted(), Answer::Idr, "there was none");
        stand.counters.set(Counter::LastIdr, Micros::now().0);
        assert_eq!(stand.network.idr_wanted(), Answer::Nothing);
    }
}
