//! docs/reliability.md, 26 and 27: creations that fail, at once or by their deadline,
//! leave no lobby, no process, no socket and no directory; a good one follows.

use serde_json::json;

use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::lobbies::{create, list, pattern_lobby, stop};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn creations_that_fail_leave_nothing_and_a_good_one_follows() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let (fails, stalls) = (scratch.exchange("fails"), scratch.exchange("stalls"));
    let compositor = format!(
        "test -e {} && exit 1; test -e {} && exec sleep 600; exec sway --unsupported-gpu --config {{config}}/sway",
        fails.display(),
        stalls.display()
    );
    let config = format!(
        "[host]\ndiscovery = false\n\n[desktop]\nready_deadline = 1\ncompositor_command = [\"sh\", \"-c\", {compositor:?}]\n\n[health]\ncanary_interval = 60\n"
    );
    let wanted = pattern_lobby(&scratch, &json!({"runner": {"type": "process", "run_cmd": "sleep 600"}}));
    let host = Host::with_config(scratch, &config, "127.0.0.1");
    let before = host.holdings().but_threads();
    for (flag, times) in [(Some(&fails), 8), (Some(&stalls), 2), (None, 4)] {
        let mut asked = wanted.clone();
        match flag {
            Some(flag) => std::fs::write(flag, "").expect("a flag"),
            None => asked["runner"] = json!({"type": "docker", "image": "none"}),
        }
        for _ in 0..times {
            let answer = api::request(host.api(), "/api/v1/lobbies/create", Some(&asked)).expect("an answer");
            assert_eq!(answer.status, 500, "{}", String::from_utf8_lossy(&answer.body));
            assert!(list(&host).is_empty(), "read your writes");
        }
        if let Some(flag) = flag {
            std::fs::remove_file(flag).expect("a flag");
        }
    }
    settle("what failed creations leave", SOON, || host.holdings().not_more_than(&before));
    // The deadline is short for a loaded machine: it may take another attempt.
    let lobby = (0..10)
        .find_map(|_| {
            let answer = api::request(host.api(), "/api/v1/lobbies/create", Some(&wanted)).expect("an answer");
            let value: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            value["lobby_id"].as_str().map(str::to_owned)
        })
        .unwrap_or_else(|| create(&host, &wanted));
    stop(&host, &lobby);
    settle("what a stopped lobby leaves", SOON, || host.holdings().not_more_than(&before));
}
