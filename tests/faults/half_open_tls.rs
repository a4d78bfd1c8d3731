//! Two hundred TLS handshakes that never go on, and sockets that say nothing:
//! real clients are served meanwhile, and later none of them is left. Where such
//! sockets take all places there are, a client is told.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::SOON;
use crate::support::host::{Host, metrics};
use crate::support::needs;
use crate::support::scratch::Scratch;

/// A TLS record header that announces a ClientHello, and its first bytes.
pub(super) const HALF_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 0x5A, 0x5A];

#[test]
fn two_hundred_stalled_handshakes_hold_up_nobody() {
    let Some(_turn) = needs::whole_machine(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    device.run(&["applist"]).expect("applist");
    let before = host.holdings();
    let stalled: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, host.ready.https)).expect("connect");
            socket.write_all(&HALF_HELLO[..number % HALF_HELLO.len()]).expect("write");
            socket
        })
        .collect();
    for _ in 0..5 {
        device.run(&["applist"]).expect("applist while handshakes stall");
    }
    another_client_can_start(&host);
    // They stay open on our side: it is the host that must let go.
    host.assert_nothing_left(&before);
    drop(stalled);
}

#[test]
fn sockets_that_close_or_reset_at_every_step_leave_nothing() {
    let Some(_turn) = needs::whole_machine(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    for port in host.ready.tcp() {
        for number in 0..100_usize {
            let Ok(mut socket) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
            let half: &[u8] = if number % 2 == 0 { HALF_HELLO } else { b"GET /serverinfo?uniqueid=1 HTTP/1.1\r\nHo" };
            let _ = socket.write_all(&half[..number % half.len()]);
            if number % 3 == 0 {
                // Closing with a zero linger time sends RST instead of FIN.
                let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(std::time::Duration::ZERO));
            }
        }
    }
    device.run(&["applist"]).expect("applist");
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
}

#[test]
fn an_rtsp_handshake_over_the_limit_is_refused_and_the_next_one_served() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let config = "[host]\ndiscovery = false\n[limits]\nrtsp_connections = 1\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let device = Device::paired(&host, "device");
    let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, host.ready.rtsp)).expect("connect");
    let refused = device.start_stream(&Wanted::small_test_card());
    let failed = refused.wait_for("the failure", SOON, |event| event["state"] == "failed");
    assert_eq!(failed["code"], 503, "{failed}");
    let counted = "earthshine_refused_total{limit=\"limits.rtsp_connections\"} ";
    assert!(metrics(&host).contains(counted), "no {counted}");
    drop(silent);
    device.stream(&Wanted::small_test_card()).quit();
}
