//! docs/reliability.md, 10: serverinfo, launch, resume, cancel, the steps of RTSP and
//! control, of three clients in any order: every call has a defined answer, the
//! states are those of a small model, and nothing is left over.
//!
//! Orders are random with a fixed seed; `PROPTEST_CASES` asks for more of them.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use earthshine::bench::clients::player::{Connection, ControlReport, Player, Receiving};
use earthshine::ids::AppId;
use earthshine::protocol::gamestream::answer::Verb;
use earthshine::protocol::rtsp::client_handshake::Step;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn any_order_of_calls_has_defined_answers() {
    let _turn = needs::turn_without_client();
    let host = Host::with_apps(Scratch::new(), &format!("[[app]]\ntitle = \"{OTHER_CARD}\"\ntest_card = true\n"));
    let players = players::paired(&host, CLIENTS, &["--size", "160x90", "--fps", "10", "--bitrate", "500"]);
    let apps = block_on(async {
        let player = &players[0];
        [player.app(TEST_CARD).await.expect("the app"), player.app(OTHER_CARD).await.expect("the app")]
    });
    let before = host.holdings().but_threads();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let orders = prop::collection::vec((0..CLIENTS, call()), 12..28);
    let outcome = runner.run(&orders, |calls| {
        block_on(play(&host, &players, apps, &calls)).map_err(TestCaseError::fail)?;
        settle("what an order of calls leaves", SOON, || host.holdings().not_more_than(&before));
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, calls)) => panic!("{why}\nafter {calls:#?}\n{}", host.log()),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// What a client may do.
#[derive(Debug, Clone, Copy)]
enum Call {
    ServerInfo,
    Launch {
        other: bool,
    },
    Resume,
    Cancel,
    Rtsp(Step),
    /// As many steps as it takes to ANNOUNCE.
    Handshake,
    Control,
    Disconnect,
    Vanish,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => Just(Call::ServerInfo),
        4 => any::<bool>().prop_map(|other| Call::Launch { other }),
        3 => Just(Call::Resume),
        2 => Just(Call::Cancel),
        6 => prop::sample::select(Step::ALL.to_vec()).prop_map(Call::Rtsp),
        4 => Just(Call::Handshake),
        4 => Just(Call::Control),
        2 => Just(Call::Disconnect),
        1 => Just(Call::Vanish),
    ]
}

/// What the host should think of a client's newest connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rtsp {
    Opening,
    SettingUp {
        audio: bool,
        video: bool,
        control: bool,
    },
    Announced,
    /// The connection is over: nobody answers it.
    Gone,
}

impl Rtsp {
    /// After a step: the new state, or a refusal.
    fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Gone, _) => None,
            (_, Step::Options) => Some(self),
            (Self::Opening, Step::Describe) => Some(Self::SettingUp { audio: false, video: false, control: false }),
            (Self::SettingUp { .. }, Step::Describe) => Some(self),
            (Self::SettingUp { video, control, .. }, Step::SetupAudio) => {
                Some(Self::SettingUp { audio: true, video, control })
            }
            (Self::SettingUp { audio, control, .. }, Step::SetupVideo) => {
                Some(Self::SettingUp { audio, video: true, control })
            }
            (Self::SettingUp { audio, video, .. }, Step::SetupControl) => {
                Some(Self::SettingUp { audio, video, control: true })
            }
            (Self::SettingUp { audio: true, video: true, control: true }, Step::Announce) => Some(Self::Announced),
            (Self::Announced, Step::Play) => Some(self),
            _ => None,
        }
    }
}

/// A client, and what the model knows of it.
struct Actor<'a> {
    host: &'a Host,
    player: &'a Player,
    /// Its number in the API.
    client: String,
    apps: [AppId; 2],
    running: Option<AppId>,
    connection: Option<Connection>,
    rtsp: Rtsp,
    /// SETUP has told where control is.
    knows_control: bool,
    control: Option<Receiving<anyhow::Result<ControlReport>>>,
    since: Instant,
}

/// Plays an order of calls.
async fn play(host: &Host, players: &[Player], apps: [AppId; 2], calls: &[(usize, Call)]) -> Result<(), String> {
    let clients = api::get(host.api(), "/api/v1/clients")["clients"].clone();
    let mut actors: Vec<_> = players
        .iter()
        .enumerate()
        .map(|(number, player)| Actor {
            host,
            player,
            client: clients[number]["client_id"].as_str().expect("an id").to_owned(),
            apps,
            running: None,
            connection: None,
            rtsp: Rtsp::Gone,
            knows_control: false,
            control: None,
            since: Instant::now(),
        })
        .collect();
    let mut outcome = Ok(());
    for (number, (client, call)) in calls.iter().enumerate() {
        let actor = &mut actors[*client];
        let played = tokio::time::timeout(SOON, actor.play(*call)).await;
        outcome = played.unwrap_or_else(|_| Err("no answer".into())).map_err(|why| format!("call {number}: {why}"));
        if outcome.is_err() {
            break;
        }
    }
    for actor in &mut actors {
        expected(Ok(()), actor.player.cancel().await, "the last cancel")?;
    }
    drop(actors);
    outcome?;
    // One that a launch of another app has superseded ends by itself; nobody waits for it.
    let end = Instant::now() + SOON;
    loop {
        let left = api::sessions(host.api());
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("left over: {left:?}"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Actor<'_> {
    async fn play(&mut self, call: Call) -> Result<(), String> {
        // One that did not get as far as control in time is given up by the host.
        if self.rtsp != Rtsp::Gone && self.control.is_none() && self.since.elapsed() > PATIENCE {
            self.begin(Verb::Launch, self.running.unwrap_or(self.apps[0])).await?;
        }
        match call {
            Call::ServerInfo => {}
            Call::Launch { other } => self.begin(Verb::Launch, self.apps[usize::from(other)]).await?,
            Call::Resume => match self.running {
                Some(app) => self.begin(Verb::Resume, app).await?,
                None => {
                    let refused = self.player.begin(Verb::Resume, self.apps[0]).await.map(drop);
                    expected(Err("No app of yours is running"), refused, "resume of nothing")?;
                }
            },
            Call::Cancel => {
                expected(Ok(()), self.player.cancel().await, "cancel")?;
                self.running = None;
                self.over();
            }
            Call::Rtsp(step) => self.step(step).await?,
            Call::Handshake => {
                for step in Step::ALL {
                    self.step(step).await?;
                }
            }
            Call::Control => self.connect().await?,
            Call::Disconnect => {
                if let Some(control) = self.control.take() {
                    control.finish().await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                    self.over();
                    self.wait_state("paused").await?;
                }
            }
            // The host notices much later; until then it takes it for alive.
            Call::Vanish => self.control = None,
        }
        self.look().await
    }

    /// `/launch` or `/resume` that must succeed.
    async fn begin(&mut self, verb: Verb, app: AppId) -> Result<(), String> {
        let begun = self.player.begin(verb, app).await;
        let connection = begun.map_err(|error| format!("{verb:?} of {app}: {error:#}"))?;
        // The last connection's control is over; its client hears of it.
        self.over();
        (self.connection, self.rtsp, self.running) = (Some(connection), Rtsp::Opening, Some(app));
        self.knows_control = false;
        self.since = Instant::now();
        Ok(())
    }

    fn over(&mut self) {
        self.rtsp = Rtsp::Gone;
        self.control = None;
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let answered = connection.step(step).await;
        match self.rtsp.after(step) {
            Some(next) => {
                expected(Ok(()), answered, step.name())?;
                self.rtsp = next;
                self.knows_control |= step == Step::SetupControl;
            }
            // The connection is closed, or it is a status that says so.
            None if self.rtsp == Rtsp::Gone => expected(Err("without an answer"), answered, step.name())?,
            None => expected(Err("status 455"), answered, step.name())?,
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), String> {
        let Some(connection) = self.connection.as_ref().filter(|_| self.knows_control) else { return Ok(()) };
        let Ok((mut control, _orders)) = connection.attend().await else {
            return match self.rtsp {
                Rtsp::Announced => Err("control is refused".into()),
                _ => Ok(()),
            };
        };
        if self.rtsp == Rtsp::Announced {
            self.control = Some(control);
            return Ok(());
        }
        // ENet lets everybody in; the host shows strangers the door.
        let report = control.over().await.map_err(|error| error.to_string())?;
        match report.map_err(|error| error.to_string())? {
            report if report.disconnected => Ok(()),
            report => Err(format!("control before ANNOUNCE goes on: {report:?}")),
        }
    }

    /// What the host says of this client is what the model says.
    async fn look(&self) -> Result<(), String> {
        let standing = self.player.standing().await.map_err(|error| format!("{error:#}"))?;
        let running = self.running.map_or(0, |app| app.0);
        if !standing.paired || standing.running != running {
            return Err(format!("{standing:?}, expected {running}"));
        }
        match (self.running, self.rtsp) {
            (None, _) => Ok(()),
            (Some(_), Rtsp::Gone) => self.wait_state("paused").await,
            (Some(_), Rtsp::Announced) => self.wait_state("streaming").await,
            (Some(_), _) => self.wait_state("handshake").await,
        }
    }

    /// The newest of its sessions; an older one may be on its way out.
    async fn wait_state(&self, wanted: &str) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let sessions = api::sessions(self.host.api());
            let own = sessions.iter().filter(|session| session["paired_client_id"] == self.client.as_str());
            let newest = own.max_by_key(|session| session["session_id"].as_str().and_then(|id| id.parse::<u64>().ok()));
            if newest.is_some_and(|session| session["state"] == wanted) {
                return Ok(());
            }
            // Only the end of a connection takes time.
            if wanted != "paused" || begin.elapsed() > SOON {
                return Err(format!("{newest:?} is not {wanted}"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Whether an outcome is as the model says: a success, or an error with that text.
fn expected<E: Debug + std::fmt::Display>(
    wanted: Result<(), &str>,
    outcome: Result<(), E>,
    what: &str,
) -> Result<(), String> {
    match (wanted, outcome) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(text), Err(error)) if format!("{error:#}").contains(text) => Ok(()),
        (wanted, outcome) => Err(format!("{what}: {outcome:?}, expected {wanted:?}")),
    }
}

const OTHER_CARD: &str = "Other card";
const CLIENTS: usize = 3;

/// In the everyday run.
const CASES: u32 = 10;

/// Less than the host gives a client to get as far as control.
const PATIENCE: Duration = Duration::from_secs(12);
