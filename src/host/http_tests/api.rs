//! The Unix-socket API, in the shapes of Wolf.

use tokio::net::UnixStream;

use crate::host::http_tests::client::{Client, api, element, exchange};
use crate::host::http_tests::fixture::Host;
use crate::ids::ClientId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_look_like_wolfs() {
    let host = Host::start().await;
    let reply = api(&host, "GET", "/api/v1/clients", "").await;
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with(r#"{"clients":[],"success":true}"#), "{reply}");
    assert!(!reply.to_ascii_lowercase().contains("content-type"), "{reply}");
    let unknown = api(&host, "GET", "/api/v1/nothing", "").await;
    assert!(unknown.starts_with("HTTP/1.0 404 OK\r\n") && unknown.ends_with("\r\n\r\n"), "{unknown}");
    assert!(api(&host, "POST", "/api/v1/clients", "").await.starts_with("HTTP/1.0 404 OK\r\n"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_500_with_the_reason() {
    let host = Host::start().await;
    let long = "x".repeat((1 << 20) + 1);
    for (path, body, reason) in [
        ("/api/v1/pair/client", "not json", "expected"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1"}"#, "missing field `pin`"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1","pin":"12"}"#, "four digits"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1","pin":"1234","extra":1}"#, "pair secret"),
        ("/api/v1/sessions/stop", r#"{"session_id":"12"}"#, "Invalid session_id"),
        ("/api/v1/sessions/stop", r#"{"session_id":12}"#, "Invalid session_id"),
        ("/api/v1/sessions/stop", &long, "longer than"),
        ("/api/v1/apps/add", r#"{"title":"a","id":"1"}"#, "missing field `runner`"),
        ("/api/v1/apps/add", r#"{"title":"a","id":"1","runner":{"type":"process"}}"#, "missing field `run_cmd`"),
        ("/api/v1/apps/add", r#"{"title":"a","id":"07","runner":{"type":"process","run_cmd":""}}"#, "same number"),
        ("/api/v1/apps/delete", "{}", "missing field `id`"),
        ("/api/v1/profiles/add", r#"{"id":"a","name":"b"}"#, "missing field `apps`"),
        ("/api/v1/profiles/add", r#"{"id":"moonlight-profile-id","name":"b","apps":[]}"#, "use apps/add"),
        ("/api/v1/profiles/remove", "{}", "missing field `id`"),
        ("/api/v1/host/drain", r#"{"deadline_seconds":18446744073709551615}"#, "too far away"),
    ] {
        let reply = api(&host, "POST", path, body).await;
        assert!(reply.starts_with("HTTP/1.0 500 OK\r\n"), "{path}: {reply}");
        assert!(reply.contains(r#""success":false"#) && reply.contains(reason), "{path}: {reply}");
    }
    let chunked = "POST /api/v1/sessions/stop HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let reply = exchange(UnixStream::connect(&host.api).await.unwrap(), chunked).await;
    assert!(reply.contains("Chunked encoding not supported, use HTTP/1.0 instead"), "{reply}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_and_sessions_are_listed() {
    let host = Host::start().await;
    let apps = api(&host, "GET", "/api/v1/apps", "").await;
    assert!(apps.contains(r#""id":"7""#) && apps.contains(r#""title":"Test & card""#), "{apps}");
    assert!(apps.contains(r#""runner":{"run_cmd":"","type":"process"}"#), "{apps}");
    let sessions = api(&host, "GET", "/api/v1/sessions", "").await;
    assert!(sessions.ends_with(r#"{"sessions":[],"success":true}"#), "{sessions}");
    let pending = api(&host, "GET", "/api/v1/pair/pending", "").await;
    assert!(pending.ends_with(r#"{"requests":[],"success":true}"#), "{pending}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpaired_clients_lose_their_rights_at_once() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let id = ClientId(client.fingerprint()).short();
    let listed = api(&host, "GET", "/api/v1/clients", "").await;
    assert!(listed.contains(&format!(r#""client_id":"{id}""#)) && listed.contains(r#""run_uid":60000"#), "{listed}");
    let body = format!(r#"{{"client_id":"{id}"}}"#);
    assert!(api(&host, "POST", "/api/v1/unpair/client", &body).await.ends_with(r#"{"success":true}"#));
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some("0"));
    let again = api(&host, "POST", "/api/v1/unpair/client", &body).await;
    assert!(again.starts_with("HTTP/1.0 404 OK\r\n") && again.contains("Client not found"), "{again}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_are_added_listed_launched_and_deleted() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let add = |body: &'static str| api(&host, "POST", "/api/v1/apps/add", body);
    let card = r#"{"title":"My card","id":"78","support_hdr":false,"start_virtual_compositor":false,
        "h264_gst_pipeline":"videotestsrc","runner":{"type":"process","run_cmd":"sleep 1"},"default_display_fps":60}"#;
    assert!(add(card).await.ends_with(r#"{"success":true}"#));
    let container = r#"{"title":"Container","id":79,"support_hdr":false,
        "runner":{"type":"docker","name":"n","image":"i","env":["HELIX_SESSION_ID=ses_1"],"mounts":[],"devices":[],"ports":[]}}"#;
    assert!(add(container).await.ends_with(r#"{"success":true}"#));
    let listed = api(&host, "GET", "/api/v1/apps", "").await;
    for part in [
        r#""id":"78""#,
        r#""h264_gst_pipeline":"videotestsrc""#,
        r#""default_display_fps":60"#,
        r#""env":["HELIX_SESSION_ID=ses_1"]"#,
        r#""id":"7""#,
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let xml = client.https(&host, "/applist").await;
    assert!(xml.contains("<AppTitle>My card</AppTitle>") && xml.contains("<ID>79</ID>"), "{xml}");
    let launch = |app: u32| {
        let key = "000102030405060708090a0b0c0d0e0f";
        format!("/launch?appid={app}&mode=1280x720x60&rikey={key}&rikeyid=1&surroundAudioInfo=196610")
    };
    let refused = client.https(&host, &launch(79)).await;
    assert!(refused.contains("containers are not supported by this host"), "{refused}");
    let launched = client.https(&host, &launch(78)).await;
    assert_eq!(element(&launched, "gamesession"), Some("1"), "{launched}");
    for id in [r#"{"id":"78"}"#, r#"{"id":78}"#, r#"{"id":"7"}"#, r#"{"id":"nobody"}"#] {
        assert!(api(&host, "POST", "/api/v1/apps/delete", id).await.ends_with(r#"{"success":true}"#), "{id}");
    }
    let listed = api(&host, "GET", "/api/v1/apps", "").await;
    assert!(!listed.contains("card") && listed.contains("Desktop"), "{listed}");
    let sessions = api(&host, "GET", "/api/v1/sessions", "").await;
    assert!(sessions.contains(r#""app":"My card""#), "a session outlives its app: {sessions}");
    assert!(
        api(&host, "POST", "/api/v1/sessions/stop", r#"{"session_id":"1"}"#).await.ends_with(r#"{"success":true}"#)
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_capacity_have_the_keys_that_callers_look_for() {
    let host = Host::start().await;
    let body = |reply: String| -> serde_json::Value {
        let (_, body) = reply.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    };
    for path in ["/api/v1/system/health", "/api/v1/wolf/health"] {
        let health = body(api(&host, "GET", path, "").await);
        assert_eq!(health["success"], true);
        assert_eq!(health["can_create_new_pipelines"], true);
        assert!(["healthy", "degraded"].contains(&health["overall_status"].as_str().unwrap()), "{health}");
        for key in ["process_uptime_seconds", "stuck_thread_count", "total_thread_count"] {
            assert!(health[key].is_u64(), "{key}: {health}");
        }
        let thread = &health["threads"][0];
        for key in ["tid", "name", "details", "seconds_since_heartbeat", "seconds_alive", "heartbeat_count", "is_stuck"]
            .into_iter()
            .chain(["current_request_path", "request_duration_seconds", "has_active_request", "stack_trace"])
        {
            assert!(!thread[key].is_null(), "{key}: {thread}");
        }
    }
    let capacity = body(api(&host, "GET", "/api/v1/capacity", "").await);
    assert_eq!((&capacity["available"], &capacity["error"]), (&false.into(), &"not measured yet".into()));
    assert_eq!((&capacity["sessions_that_fit"], &capacity["limited_by"]), (&4.into(), &"host.max_sessions".into()));
    assert_eq!(capacity["limits"]["cpu_percent"], serde_json::Value::Null, "switched off");
    let latency = api(&host, "GET", "/api/v1/sessions/latency", "").await;
    assert!(latency.ends_with(r#"{"sessions":[],"success":true}"#), "{latency}");
    let unknown = api(&host, "GET", "/api/v1/sessions/latency?session_id=7", "").await;
    assert!(unknown.contains("Invalid session_id"), "{unknown}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_are_added_listed_and_removed() {
    let host = Host::start().await;
    let empty = api(&host, "GET", "/api/v1/profiles", "").await;
    assert!(empty.ends_with(r#"{"profiles":[],"success":true}"#), "{empty}");
    // As Wolf UI writes them: nulls for what it does not know.
    let ann = r#"{"id":"u-1","name":"Ann","pin":[1,2,3,4],"apps":[{"icon_png_path":null,"start_virtual_compositor":true,
        "title":"Game","id":"g-1","runner":{"type":"docker","name":"n","image":"i","env":["A=b"]},"render_node":null}]}"#;
    assert!(api(&host, "POST", "/api/v1/profiles/add", ann).await.ends_with(r#"{"success":true}"#));
    let listed = api(&host, "GET", "/api/v1/profiles", "").await;
    for part in [r#""id":"u-1""#, r#""pin":[1,2,3,4]"#, r#""env":["A=b"]"#, r#""icon_png_path":"""#] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let remove = |id: &'static str| api(&host, "POST", "/api/v1/profiles/remove", id);
    assert!(remove(r#"{"id":"u-1"}"#).await.ends_with(r#"{"success":true}"#));
    assert!(remove(r#"{"id":"u-1"}"#).await.ends_with(r#"{"success":true}"#));
    let emptied = api(&host, "GET", "/api/v1/profiles", "").await;
    assert!(emptied.ends_with(r#"{"profiles":[],"success":true}"#), "{emptied}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_clients_are_kept_and_shown() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let id = ClientId(client.fingerprint()).short();
    let set = |body: String| {
        let host = &host;
        async move { api(host, "POST", "/api/v1/clients/settings", &body).await }
    };
    let done = set(format!(
        r#"{{"client_id":"{id}","app_state_folder":"games","settings":{{"run_gid":7,
        "controllers_override":["PS"],"mouse_acceleration":2.5,"unknown":1}}}}"#
    ));
    assert!(done.await.ends_with(r#"{"success":true}"#));
    assert!(set(format!(r#"{{"client_id":{id},"settings":{{"v_scroll_acceleration":0.5}}}}"#)).await.contains("true"));
    let listed = api(&host, "GET", "/api/v1/clients", "").await;
    for part in [
        r#""app_state_folder":"games""#,
        r#""controllers_override":["PS"]"#,
        r#""h_scroll_acceleration":1.0"#,
        r#""mouse_acceleration":2.5"#,
        r#""run_gid":7"#,
        r#""run_uid":60000"#,
        r#""v_scroll_acceleration":0.5"#,
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let stranger = set(r#"{"client_id":"1"}"#.to_owned()).await;
    assert!(stranger.starts_with("HTTP/1.0 404 OK") && stranger.contains("Client not found"), "{stranger}");
    let nonsense = set("{}".to_owned()).await;
    assert!(nonsense.starts_with("HTTP/1.0 400 OK") && nonsense.contains("missing field `client_id`"), "{nonsense}");
    let wild = set(format!(r#"{{"client_id":"{id}","settings":{{"mouse_acceleration":1000}}}}"#)).await;
    assert!(wild.contains("mouse_acceleration is 1000, expected 0 to 100"), "{wild}");
    host.stop().await;
}
