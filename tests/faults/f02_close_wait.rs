//! docs/reliability.md, 2: connections that end in every state leave no socket, no
//! descriptor and no memory. Those that stall are in `half_open_tls`.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use earthshine::bench::clients::player::Player;
use tokio::io::AsyncWriteExt;

use super::half_open_tls::HALF_HELLO;
use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::players::{self, block_on};
use crate::support::{needs, process};

#[test]
fn connections_that_end_in_any_state_leave_nothing() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    // The first round teaches allocator and runtime how much they will need.
    end_in_every_state(&host, &player, 30);
    let before = host.holdings().but_threads();
    let memory = process::resident_kib(host.pid());
    end_in_every_state(&host, &player, 60);
    settle("what ended connections leave", SOON, || host.holdings().not_more_than(&before));
    let states = process::tcp_states(host.pid());
    assert!(!states.contains(&process::CLOSE_WAIT), "{states:?}");
    let grown = process::resident_kib(host.pid()).saturating_sub(memory);
    eprintln!("f02: 360 connections ended in six states; resident memory grew by {grown} KiB");
    assert!(grown < 8 * 1024, "{grown} KiB");
}

fn end_in_every_state(host: &Host, player: &Player, rounds: usize) {
    for _ in 0..rounds {
        drop(connect(host.ready.https));
        let mut half = connect(host.ready.https);
        half.write_all(HALF_HELLO).expect("write");
        reset(&half);
        drop(half);
        let mut unread = connect(host.ready.http);
        unread.write_all(b"GET /serverinfo HTTP/1.1\r\nHost: h\r\n\r\n").expect("write");
    }
    block_on(async {
        for _ in 0..rounds {
            drop(player.tls().await.expect("TLS"));
            let mut half = player.tls().await.expect("TLS");
            half.write_all(b"GET /serverinfo?uniqueid=1 HTTP/1.1\r\nHo").await.expect("write");
            half.flush().await.expect("write");
            drop(half);
            let mut unread = player.tls().await.expect("TLS");
            unread.write_all(b"GET /serverinfo HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("write");
            unread.flush().await.expect("write");
            reset(unread.get_ref().0);
        }
        player.standing().await.expect("a whole request");
    });
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect")
}

/// Closing with a zero linger time sends RST instead of FIN.
fn reset(socket: impl std::os::fd::AsFd) {
    rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).expect("linger");
}
