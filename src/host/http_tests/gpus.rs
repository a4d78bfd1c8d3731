//! GPUs in the API: named in the fields that Wolf has for them, and refused with those
//! that there are.

use serde_json::{Value, json};

use crate::host::http_tests::contract::{call, post, refusal, stream_session};
use crate::host::http_tests::fixture::Host;
use crate::ipc::gpu_report::{Gpu, GpuReport, GpuVendor};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gpus_are_named_in_wolfs_fields_and_have_to_be_here() {
    let host = Host::start().await;
    let gpus = ["0000:01:00.0", "0000:02:00.0"].map(|place| Gpu::unknown(GpuVendor::Nvidia, place.to_owned()));
    host.context.supervision.gpus.tell_for_tests(GpuReport { gpus: gpus.into(), ..GpuReport::default() });
    let app = |gpu: &str| {
        json!({"title": "Game", "id": "5", "render_node": gpu, "start_virtual_compositor": false,
            "runner": {"type": "process", "run_cmd": ""}})
    };
    for (gpu, part) in [
        ("gpu1", "render_node: \"gpu1\" names no GPU"),
        ("/dev/dri/renderD999", "there is no GPU /dev/dri/renderD999 on this host; there are"),
        ("09:00.0", "0000:02:00.0"),
    ] {
        let (_, error) = refusal(&host, "/api/v1/apps/add", app(gpu)).await;
        assert!(error.contains(part), "{error}");
    }
    for gpu in ["", "auto", "00000000:02:00.0"] {
        post(&host, "/api/v1/apps/add", app(gpu)).await;
    }
    let (_, listed) = call(&host, "GET", "/api/v1/apps", &Value::Null).await;
    let added = listed["apps"].as_array().unwrap().iter().find(|app| app["id"] == "5").unwrap();
    assert_eq!(added["render_node"], "00000000:02:00.0", "as it was written");

    let mut session = stream_session("5");
    session["aes_key"] = json!("");
    let begun = post(&host, "/api/v1/sessions/add", session).await;
    let (_, sessions) = call(&host, "GET", "/api/v1/sessions", &Value::Null).await;
    let session = &sessions["sessions"][0];
    assert_eq!((&session["gpu"], &session["encoder_gpu"]), (&json!("0000:02:00.0"), &json!("")));
    let (_, capacity) = call(&host, "GET", "/api/v1/capacity", &Value::Null).await;
    let placed = capacity["placement"].as_array().unwrap().iter().find(|entry| entry["gpu"] == "0000:02:00.0").unwrap();
    assert_eq!(placed["sessions"], json!([begun["session_id"]]), "{capacity}");

    let lobby = |wayland: &str, runner: &str| {
        json!({"name": "Agent", "audio_settings": {"channel_count": 2},
            "video_settings": {"width": 640, "height": 480, "refresh_rate": 30, "wayland_render_node": wayland,
                "runner_render_node": runner},
            "runner": {"type": "process", "run_cmd": ""}})
    };
    for (wayland, runner, part) in [
        ("gpu1", "", "video_settings: wayland_render_node: \"gpu1\" names no GPU"),
        ("", "gpu1", "video_settings: runner_render_node: \"gpu1\" names no GPU"),
        ("01:00.0", "02:00.0", "a lobby is on one GPU"),
        ("09:00.0", "", "there is no GPU 0000:09:00.0 on this host; there are"),
    ] {
        let (_, error) = refusal(&host, "/api/v1/lobbies/create", lobby(wayland, runner)).await;
        assert!(error.contains(part), "{error}");
    }
    host.stop().await;
}
