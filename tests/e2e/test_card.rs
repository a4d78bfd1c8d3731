//! The built-in test card needs no compositor: its pictures carry numbers that
//! go up, and its tone is heard without a gap.

use earthshine::units::Size;

use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::sound::{Sound, assert_continuous, first_sound, level};
use crate::support::{api, needs, picture};

use super::sound::hear_for_a_while;

#[test]
fn test_card_is_seen_and_heard_without_a_compositor() {
    let Some(_turn) = needs::whole_machine(&["ffmpeg"]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted { fps: 60, ..Wanted::app("Test card") });
    assert!(api::the_session(host.api())["desktop"].is_null(), "no compositor is started");
    let files = stream.files.clone();
    hear_for_a_while(&mut stream);
    stream.quit();

    let markers = picture::markers(&files.video, Size::new(1280, 720));
    let numbers: Vec<u32> = markers.iter().flatten().map(|marker| marker.number).collect();
    assert_eq!(numbers.len(), markers.len(), "every picture carries its number");
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "the numbers go up: {numbers:?}");

    files.decode_audio();
    let sound = Sound::read(&files.wav);
    let left = sound.channel(0);
    let begin = first_sound(&left).expect("a tone");
    let steady = &left[begin + 48_000..];
    assert!(level(steady) > -40.0, "the tone is at {} dB", level(steady));
    assert_continuous(steady, sound.rate, "the tone");
    host.assert_nothing_left(&before);
}

#[test]
fn sizes_slices_and_packet_sizes_are_taken_as_asked() {
    let Some(_turn) = needs::whole_machine(&["ffmpeg"]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    for (width, height, slices, packet_size) in [(1280, 720, 4, 1024), (1366, 768, 1, 1392), (2340, 1080, 2, 1200)] {
        let wanted = Wanted { width, height, slices, packet_size, ..Wanted::app("Test card") };
        let mut stream = device.stream(&wanted);
        stream.wait_frames(20);
        let files = stream.files.clone();
        stream.quit();
        let size = Size::new(width, height);
        assert_eq!(picture::declared_size(&files.video), size);
        let markers = picture::markers(&files.video, size);
        assert!(markers.iter().all(Option::is_some), "{size}: {markers:?}");
    }
}
