//! docs/reliability.md, 4: `/serverinfo` asks nothing of the system: no file, no netlink,
//! no name server.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::host::Host;
use crate::support::players::{self, block_on};
use crate::support::{needs, process};

#[test]
fn serverinfo_opens_no_file_and_no_socket() {
    let Some(_turn) = needs::turn(&["strace"]) else { return };
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    block_on(player.standing()).expect("a first one");

    let log = host.scratch.join("strace.log");
    let mut strace = Command::new("strace")
        .args(["-f", "-e", "trace=%file,socket,connect", "-p", &host.pid().to_string(), "-o"])
        .arg(&log)
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace");
    let mut said = BufReader::new(strace.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let attached = said.find(|line| line.contains("attached") || line.contains("not permitted"));
    let may = attached.as_ref().is_some_and(|line| line.contains("attached"));
    if may {
        block_on(async {
            for _ in 0..REQUESTS {
                player.standing().await.expect("serverinfo");
            }
        });
        // Something that does open a file: or strace has seen nothing at all.
        crate::support::api::get(host.api(), "/api/v1/pair/pending");
        block_on(async { drop(player.tls().await) });
    }
    process::signal(strace.id(), Signal::INT);
    strace.wait().expect("strace");
    assert!(may, "strace cannot look into the host: {attached:?}");
    let calls = std::fs::read_to_string(&log).expect("strace's log");
    // What the host measures of itself now and then is no request's doing; nor is
    // the size of a file that is open already.
    let own = ["---", "\"/proc", "\"/sys/fs/cgroup", "AT_EMPTY_PATH"];
    let asked: Vec<_> =
        calls.lines().filter(|line| line.contains('(') && !own.iter().any(|own| line.contains(own))).collect();
    assert_eq!(asked, [] as [&str; 0], "in {REQUESTS} requests");
}

const REQUESTS: usize = 50;
