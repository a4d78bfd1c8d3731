//! docs/reliability.md, 6 and 7: many clients behind one address, whose certificates
//! name the same subject, are told apart by their keys and secrets: each gets
//! its own session and its own packets. Old clients that send no secrets are
//! served where only one can be meant, and refused with a line in the log where
//! not.

use std::collections::BTreeSet;

use earthshine::protocol::gamestream::answer::Verb;
use earthshine::protocol::rtsp::client_handshake::Step;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream, stream_all};
use crate::support::{api, needs};

#[test]
fn clients_of_one_address_and_one_subject_get_their_own_packets() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, CLIENTS, &["--encrypt"]);
    block_on(async {
        let mut streams = stream_all(&players, TEST_CARD).await;
        let sessions = api::sessions(host.api());
        let clients: BTreeSet<_> = sessions.iter().map(|session| session["paired_client_id"].to_string()).collect();
        assert_eq!(clients.len(), CLIENTS, "one session for each certificate: {sessions:?}");
        for stream in &mut streams {
            more_frames(stream, 30).await;
        }
        for stream in streams {
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            // Every client has another key: what is not its own does not open.
            assert_eq!((video.counts.packets_undecryptable, audio.undecryptable), (0, 0), "{video:?}");
            assert_eq!(video.counts.frames_lost, 0, "{video:?}");
        }
    });
}

#[test]
fn an_old_client_is_served_alone_and_refused_where_two_could_be_meant() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, 3, &[]);
    let [new, one, two] = &players[..] else { panic!("three") };
    let (one, two) = (one.of_old(), two.of_old());
    block_on(async {
        let mut modern = stream(new, TEST_CARD).await;
        // It sends neither payload nor connect data: the only one of its kind.
        let mut old = stream(&one, TEST_CARD).await;
        more_frames(&mut old, 20).await;
        old.leave().await.expect("a client that leaves");
        one.cancel().await.expect("cancel");

        // Two of them in the handshake: nobody can tell whose a request is.
        let app = one.app(TEST_CARD).await.expect("the app");
        let mut first = one.begin(Verb::Launch, app).await.expect("launch");
        let mut second = two.begin(Verb::Launch, app).await.expect("launch");
        for connection in [&mut first, &mut second] {
            assert!(connection.step(Step::Options).await.is_err());
        }
        assert!(host.log().contains("several sessions wait at this address"), "{}", host.log());
        two.cancel().await.expect("cancel");
        first.step(Step::Options).await.expect("alone again");
        one.cancel().await.expect("cancel");
        more_frames(&mut modern, 20).await;
        let (video, ..) = modern.leave().await.expect("a client that leaves");
        assert_eq!(video.counts.frames_lost, 0);
    });
}

const CLIENTS: usize = 8;
