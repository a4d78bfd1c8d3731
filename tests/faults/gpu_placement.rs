//! A host with several GPUs, played by stand-ins for NVIDIA's driver and for one that
//! libva loads: streams go where room is or where their app or lobby belongs, a GPU that
//! is full or lost costs none of them its stream, those on the other notice nothing, and
//! everybody is told which GPU does the work and why.

use earthshine::bench::clients::player::{Player, Stream};
use earthshine::protocol::gamestream::answer::Verb;
use serde_json::{Value, json};

use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::events::Subscriber;
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, lobbies, needs};

const A: &str = "0000:01:00.0";
const B: &str = "0000:02:00.0";

/// A host with two GPUs that tell of themselves, and so many who play on it.
fn stage(encoders: &str, orders: &str, tables: &str, count: usize) -> (Drivers, Host, Vec<Player>) {
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order(&format!("devices 2\n{orders}"));
    let host = drivers.host(scratch, encoders, tables);
    let players = players::paired(&host, count, &[]);
    wait_for_idle_gpus(&host);
    (drivers, host, players)
}

/// The first canary may have a session for a moment.
fn wait_for_idle_gpus(host: &Host) {
    wait_for("figures of two idle GPUs", SOON, || {
        let gpus = api::get(host.api(), "/api/v1/capacity")["gpus"].clone();
        let idle = gpus["list"].as_array()?.iter().filter(|gpu| gpu["encoder_sessions"] == 0).count();
        (idle == 2 && gpus["available"] == true).then_some(())
    });
}

/// An app that belongs to a GPU.
fn app_on(title: &str, gpu: &str) -> String {
    format!("[[app]]\ntitle = \"{title}\"\ntest_card = true\ngpu = \"{gpu}\"\n\n")
}

/// The GPU of each session, in the order of their beginning.
fn gpus_of_streams(host: &Host) -> Vec<String> {
    let sessions = api::sessions(host.api());
    sessions.iter().map(|session| session["encoder_gpu"].as_str().expect("a text").to_owned()).collect()
}

fn placement(host: &Host, gpu: &str) -> Value {
    let capacity = api::get(host.api(), "/api/v1/capacity");
    let list = capacity["placement"].as_array().expect("a list");
    list.iter().find(|entry| entry["gpu"] == gpu).unwrap_or_else(|| panic!("no {gpu} in {capacity}")).clone()
}

fn count(list: &Value) -> usize {
    list.as_array().expect("a list").len()
}

async fn leave(streams: impl IntoIterator<Item = Stream>) {
    for stream in streams {
        stream.leave().await.expect("a client that leaves");
    }
}

/// What a launch is refused with.
async fn refusal(player: &Player, app: &str) -> String {
    let app = player.app(app).await.expect("the app");
    match player.begin(Verb::Launch, app).await {
        Ok(_) => panic!("it was launched"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn streams_are_spread_and_a_lost_gpu_costs_a_worker_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage("\"nvenc\"", "", "", 2);
    let encoders = api::get(host.api(), "/api/v1/encoders");
    let devices: Vec<_> = encoders["encoders"].as_array().expect("a list").iter().map(|one| &one["gpu"]).collect();
    assert_eq!(devices, [A, B], "{encoders}");
    let opened = |on: &str| drivers.reports("open nvenc").iter().filter(|report| *report == on).count();
    let (on_a, on_b) = (opened(""), opened("on 1"));
    block_on(async {
        let mut first = stream(&players[0], TEST_CARD).await;
        let mut second = stream(&players[1], TEST_CARD).await;
        assert_eq!(gpus_of_streams(&host), [A, B]);
        // The canary may have been on the first.
        assert!(opened("") > on_a && opened("on 1") == on_b + 1, "{:?}", drivers.reports("open nvenc"));
        assert!(drivers.reports("context create").iter().any(|report| report == "on 1"));
        for gpu in [A, B] {
            let placed = placement(&host, gpu);
            assert_eq!((count(&placed["streams"]), count(&placed["sessions"])), (1, 1), "{placed}");
            assert!(placed["encodes"].to_string().contains("nvenc: h264 8 bit 4:2:0"), "{placed}");
        }
        let events = Subscriber::new(host.api(), None);
        let idr_before = idr_frames(&first);
        drivers.order("devices 2\ndevice 1 lost");
        let told = events.wait("GpuPassedOver", |_| true).data;
        assert_eq!((&told["wanted"], &told["gpu"]), (&json!(B), &json!(A)), "{told}");
        more_frames(&mut second, 20).await;
        more_frames(&mut first, 20).await;
        assert_eq!(gpus_of_streams(&host), [A, A]);
        let sessions = api::sessions(host.api());
        let restarts: Vec<_> = sessions.iter().map(|session| session["worker_restarts"].as_u64()).collect();
        assert_eq!(restarts[0], Some(0), "who was on the other GPU noticed nothing");
        assert!(restarts[1] > Some(0) && restarts[1] <= Some(2), "{restarts:?}");
        let counts = first.seen().counts;
        assert_eq!(
            (counts.frames_lost, counts.frames_undecodable, counts.idr_frames),
            (0, 0, idr_before),
            "{counts:?}"
        );
        assert_eq!(placement(&host, B)["doubted"], true);

        // It comes back, and is for newcomers again once its driver says that all is well.
        drivers.order("devices 2");
        leave([first, second]).await;
    });
    drivers.assert_clean();
}

#[test]
fn a_gpu_on_which_workers_die_is_left_for_the_other() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage("\"nvenc\"", "", &app_on("On B", B), 1);
    block_on(async {
        let mut stream = stream(&players[0], "On B").await;
        assert_eq!(gpus_of_streams(&host), [B]);
        let events = Subscriber::new(host.api(), None);
        // Whatever is opened fails a little later, again and again.
        drivers.order("devices 2\nnvEncEncodePicture fail 5 after 90");
        let told = events.wait("GpuPassedOver", |_| true).data;
        assert_eq!((&told["wanted"], &told["gpu"]), (&json!(B), &json!(A)), "{told}");
        assert!(told["reason"].as_str().is_some_and(|reason| reason.contains("nvEncEncodePicture")), "{told}");
        drivers.order("devices 2");
        more_frames(&mut stream, 20).await;
        stream.leave().await.expect("a client that leaves");
    });
    drivers.assert_clean();
}

#[test]
fn a_gpu_without_a_free_session_leads_to_the_other_and_says_so() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let tables = format!("{}{}", app_on("On B", B), app_on("On nothing", "0000:09:00.0"));
    let (drivers, host, players) = stage("\"nvenc\", \"software\"", "limit sessions 1 on 1", &tables, 4);
    let events = Subscriber::new(host.api(), None);
    block_on(async {
        let first = stream(&players[0], "On B").await;
        let second = stream(&players[1], "On B").await;
        assert_eq!(gpus_of_streams(&host), [B, A]);
        let told = events.wait("EncoderPassedOver", |_| true).data;
        assert_eq!((&told["encoder"], &told["gpu"]), (&json!("nvenc"), &json!(B)), "{told}");
        let told = events.wait("GpuPassedOver", |_| true).data;
        assert_eq!((&told["wanted"], &told["gpu"]), (&json!(B), &json!(A)), "{told}");
        // A GPU that is not there: where room is, and everybody is told what there is.
        let third = stream(&players[2], "On nothing").await;
        let told = events.wait("GpuPassedOver", |told| told.data["wanted"] == "0000:09:00.0").data;
        assert!(told["reason"].to_string().contains(&format!("there are {A}")), "{told}");
        assert_eq!(gpus_of_streams(&host)[2], A, "the other is in doubt");
        // The processor comes after all GPUs.
        drivers.order("devices 2\nlimit sessions 0");
        let fourth = stream(&players[3], "On B").await;
        let last = api::sessions(host.api()).pop().expect("a session");
        assert_eq!((&last["encoder"], &last["encoder_gpu"]), (&json!("software/openh264"), &json!("")), "{last}");
        assert_eq!(last["gpu"], B, "where it was placed");
        leave([first, second, third, fourth]).await;
    });
    drivers.assert_clean();
}

#[test]
fn a_gpu_that_is_full_by_the_operators_limit_gets_no_stream_before_the_other_is() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let tables = format!("encoder_sessions = 1\n\n{}", app_on("On B", B));
    let (drivers, host, players) = stage("\"nvenc\"", "", &tables, 3);
    block_on(async {
        let first = stream(&players[0], "On B").await;
        let second = stream(&players[1], "On B").await;
        assert_eq!(gpus_of_streams(&host), [B, A]);
        let refused = refusal(&players[2], TEST_CARD).await;
        assert!(refused.contains("No GPU of this host has room") && refused.contains("encoder_sessions"), "{refused}");
        assert_eq!(placement(&host, A)["streams_that_fit"], 0);
        assert!(placement(&host, B)["full"].as_str().is_some_and(|full| full.contains("encode sessions")));
        leave([first, second]).await;
    });
    drivers.assert_clean();
}

#[test]
fn without_fallback_a_stream_is_on_its_gpu_or_nowhere() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let tables = format!("encoder_sessions = 1\n\n{}{}", app_on("On B", B), app_on("On nothing", "0000:09:00.0"));
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order("devices 2");
    let host = drivers.host_with_video(scratch, "encoders = [\"nvenc\"]\ngpu_fallback = false", &tables);
    let players = players::paired(&host, 2, &[]);
    wait_for_idle_gpus(&host);
    block_on(async {
        let refused = refusal(&players[0], "On nothing").await;
        assert!(refused.contains("There is no GPU 0000:09:00.0 on this host"), "{refused}");
        let first = stream(&players[0], "On B").await;
        assert_eq!(gpus_of_streams(&host), [B]);
        let refused = refusal(&players[1], "On B").await;
        assert!(refused.contains("No GPU of this host has room"), "{refused}");
        let second = stream(&players[1], TEST_CARD).await;
        assert_eq!(gpus_of_streams(&host), [B, A], "an app that names none goes where room is");
        leave([first, second]).await;
    });
    drivers.assert_clean();
}

#[test]
fn a_lobby_has_a_gpu_of_its_own_which_encodes_for_its_visitors() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let (drivers, host, players) = stage("\"nvenc\"", "", "", 1);
    let said = host.scratch.exchange("gpu");
    let run_cmd = format!("printf %s \"$EARTHSHINE_GPU $DRI_PRIME\" >{}; exec sleep 1000", said.display());
    let mut wanted = json!({
        "name": "On B",
        "stop_when_everyone_leaves": false,
        "video_settings": {"width": 640, "height": 360, "refresh_rate": 30, "wayland_render_node": B},
        "audio_settings": {"channel_count": 2},
        "runner": {"type": "process", "run_cmd": run_cmd},
    });
    let lobby = lobbies::create(&host, &wanted);
    assert_eq!(lobbies::list(&host)[0]["gpu"], B);
    assert_eq!(placement(&host, B)["lobbies"], json!([lobby]));
    let environment =
        wait_for("the app's environment", SOON, || std::fs::read_to_string(&said).ok().filter(|text| !text.is_empty()));
    assert_eq!(environment, format!("{B} pci-0000_02_00_0"));
    lobbies::expect(&host, 0, &lobby);
    block_on(async {
        let mut stream = stream(&players[0], TEST_CARD).await;
        assert_eq!(gpus_of_streams(&host), [B], "where the picture is");
        more_frames(&mut stream, 5).await;
        stream.leave().await.expect("a client that leaves");
    });
    wanted["video_settings"]["wayland_render_node"] = json!("/dev/dri/renderD999");
    let refused = api::request(host.api(), "/api/v1/lobbies/create", Some(&wanted)).expect("an answer");
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(refused.status != 200 && text.contains(&format!("there are {A}")), "{text}");
    lobbies::stop(&host, &lobby);
    drivers.assert_clean();
}

#[test]
fn an_app_is_encoded_on_the_render_node_that_it_names() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::with_nodes(&scratch, &["renderD128", "renderD129"]);
    let node = |name: &str| drivers.node(name);
    let tables = format!("{}{}", app_on("First", &node("renderD128")), app_on("Second", &node("renderD129")));
    let host = drivers.host(scratch, "\"vaapi\"", &tables);
    let players = players::paired(&host, 2, &[]);
    let displays = |name: &str| drivers.reports("display ").iter().filter(|report| *report == name).count();
    block_on(async {
        let before = (displays("renderD128"), displays("renderD129"));
        let first = stream(&players[0], "Second").await;
        let second = stream(&players[1], "First").await;
        assert_eq!(gpus_of_streams(&host), [node("renderD129"), node("renderD128")]);
        // The first canary may have been on the first.
        assert!(displays("renderD128") > before.0 && displays("renderD129") == before.1 + 1);
        leave([first, second]).await;
        for player in &players {
            player.cancel().await.expect("cancel");
        }
        drivers.order("node renderD129 lost");
        let first = stream(&players[0], "Second").await;
        assert_eq!(gpus_of_streams(&host), [node("renderD128")]);
        first.leave().await.expect("a client that leaves");
    });
    drivers.assert_clean();
}

#[test]
fn people_see_which_gpu_does_what() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage("\"nvenc\"", "", "encoder_sessions = 3\n", 1);
    block_on(async {
        let stream = stream(&players[0], TEST_CARD).await;
        let command = |arguments: &[&str]| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_earthshine"))
                .args(arguments)
                .args(["--api-socket", host.api().to_str().expect("UTF-8")])
                .output()
                .expect("the command");
            String::from_utf8(output.stdout).expect("text")
        };
        let capacity = command(&["capacity"]);
        assert!(capacity.contains("PLACED ON") && capacity.contains(B), "{capacity}");
        let sessions = command(&["sessions"]);
        assert!(sessions.contains(A), "{sessions}");
        stream.leave().await.expect("a client that leaves");
    });
    let doctor = std::process::Command::new(env!("CARGO_BIN_EXE_earthshine"))
        .args(["doctor", "--config", host.scratch.join("config.toml").to_str().expect("UTF-8")])
        .envs(drivers.environment())
        .output()
        .expect("doctor");
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.contains(A) && doctor.contains(B) && doctor.contains("encode session"), "{doctor}");
    drivers.assert_clean();
}
