//! docs/reliability.md, 28: launching the same app again, in order or out of the blue,
//! finds the same application, the same compositor and the same session.

use earthshine::units::Size;

use crate::support::host::Host;
use crate::support::players::{self, block_on, more_frames, stream};
use crate::support::{api, needs};

#[test]
fn a_second_launch_of_the_same_app_is_the_same_desktop() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    let mut same = None;
    for round in 0..4 {
        let size = if round == 2 { Size::new(640, 360) } else { Size::new(320, 180) };
        let mut stream = block_on(stream(&player.with_mode(size, 30), "Desktop"));
        block_on(more_frames(&mut stream, 3));
        let session = api::the_session(host.api());
        let now = (session["session_id"].clone(), session["desktop"].clone());
        assert_eq!(same.get_or_insert_with(|| now.clone()), &now);
        if round % 2 == 0 {
            block_on(stream.leave()).expect("a client that leaves");
        }
    }
    block_on(player.cancel()).expect("cancel");
}
