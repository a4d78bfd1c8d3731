//! The VA-API encoder against a stand-in for a driver (`tests/drivers/va_driver`), under
//! the real libva: what it makes is decoded by FFmpeg and is, since the stand-in codes
//! without loss, the very picture that went in. The stand-in finds out what breaks the
//! interface's rules, and fails on order.
//!
//! libva reads its environment when it is loaded, so each test runs in a process of its
//! own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use earthshine::clock::Micros;
use earthshine::ipc::picture::RawPicture;
use earthshine::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use earthshine::units::{Bitrate, FrameRate, Size};
use earthshine::worker::encode::vaapi::VaapiEncoder;
use earthshine::worker::encode::{Encoder, FrameRequest};
use earthshine::worker::frame::{EncodedFrame, Frame, FrameKind, PixelFormat, Pixels};

/// Runs `work` in a process whose GPU is the stand-in, ordered as `faults` say. To the
/// test's own process, which `test` names, the answer is what the stand-in reported; in
/// the other one there is none.
fn with_driver(test: &str, faults: &str, work: impl FnOnce()) -> Option<Vec<String>> {
    with_environment(test, faults, &[], work)
}

fn with_environment(
    test: &str,
    faults: &str,
    environment: &[(&str, &str)],
    work: impl FnOnce(),
) -> Option<Vec<String>> {
    if std::env::var_os(CONTROL).is_some() {
        work();
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    fs::write(path.join("faults"), faults).expect("orders");
    let executable = std::env::current_exe().expect("a path of this test");
    let examples = executable.parent().and_then(Path::parent).expect("a target directory").join("examples");
    for (built, name) in [("libva_driver.so", "earthshine_drv_video.so"), ("libva_drm.so", "libva-drm.so.2")] {
        let built = examples.join(built);
        assert!(built.exists(), "no {}; cargo build -p earthshine-drivers --examples", built.display());
        symlink(built, path.join(name)).expect("a link");
    }
    let output = Command::new(executable)
        .args([test, "--exact", "--nocapture"])
        .env(CONTROL, path)
        .env("LD_LIBRARY_PATH", path)
        .env("LIBVA_DRIVERS_PATH", path)
        .env("LIBVA_DRIVER_NAME", "earthshine")
        .env("EARTHSHINE_RENDER_NODES", "/dev/null")
        .envs(environment.iter().copied())
        .output()
        .expect("the test runs again");
    let said = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.0.contains("1 passed"), "{}\n{}", said.0, said.1);
    let ledger = fs::read_to_string(path.join("ledger")).unwrap_or_default();
    Some(ledger.lines().map(|line| line.split_once(' ').expect("a process comes first").1.to_owned()).collect())
}

/// Where the stand-in reads orders, in the process that has it.
fn control() -> PathBuf {
    std::env::var_os(CONTROL).expect("the stand-in's directory").into()
}

/// Has the stand-in fail from now on, as lines of `tests/drivers/faults.rs` say.
fn order(faults: &str) {
    fs::write(control().join("faults"), faults).expect("orders");
}

/// What went wrong, in this process up to now.
fn complaints_here() -> Vec<String> {
    let ledger = fs::read_to_string(control().join("ledger")).unwrap_or_default();
    let lines = ledger.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned()));
    lines.filter(|line| is_complaint(line)).collect()
}

fn is_complaint(line: &str) -> bool {
    line.starts_with("violation ") || line.starts_with("leak ")
}

fn assert_clean(ledger: &[String]) {
    let complaints: Vec<_> = ledger.iter().filter(|line| is_complaint(line)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let count = |start: &str| ledger.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("open vaapi"), count("close vaapi"));
}

fn plan(width: u32, height: u32) -> VideoPlan {
    let plan = StreamPlan::small_test_card(vec![EncoderFamily::Vaapi]).video;
    VideoPlan { size: Size::new(width, height), slices: 3, ..plan }
}

/// An encoder, and what it was shown.
struct Stage {
    encoder: VaapiEncoder,
    size: Size,
    picture: u32,
}

impl Stage {
    fn open(plan: &VideoPlan) -> Self {
        let encoder = VaapiEncoder::open(plan).expect("an encoder");
        Self { encoder, size: plan.size, picture: 0 }
    }

    /// A picture of which one part is different each time, and the rest stays.
    fn show(&mut self) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let at = self.picture as usize * 5;
        let mut bytes = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            for x in 0..width {
                let moves = (x + width - at % width) % width < 24 && y % 64 < 20;
                let shade = if moves { 40 + at % 200 } else { (x * 3 + y * 5) % 160 };
                let shade = u8::try_from(shade).expect("a shade");
                bytes.extend_from_slice(&[shade, shade / 2 + 60, 255 - shade, 0]);
            }
        }
        let frame = Frame {
            pixels: Pixels::Owned(Arc::from(bytes)),
            size: self.size,
            stride: width * 4,
            format: PixelFormat::Bgrx,
            bottom_up: false,
            number: self.picture.into(),
            changed: None,
            presented: Micros(0),
            captured: Micros(0),
        };
        self.encoder.load(&frame).expect("a picture is taken");
    }

    fn encode(&mut self, idr: bool) -> EncodedFrame {
        let request = FrameRequest { picture: self.picture, idr, repeated: false, captured: Micros(0) };
        self.picture += 1;
        self.encoder.encode(request).expect("a picture is encoded")
    }

    /// The next picture, coded, and as it went in.
    fn next(&mut self, idr: bool) -> (EncodedFrame, RawPicture) {
        self.show();
        let coded = self.encode(idr);
        (coded, self.encoder.picture().expect("a picture"))
    }
}

/// What FFmpeg decodes: I420, one after the other.
fn decode(stream: &[u8], size: usize) -> Vec<Vec<u8>> {
    let file = tempfile::NamedTempFile::with_suffix(".h264").expect("a file");
    fs::write(file.path(), stream).expect("the stream is written");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-flags", "+low_delay", "-i"])
        .arg(file.path())
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .output()
        .expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks(size).map(<[u8]>::to_vec).collect()
}

#[test]
fn pictures_decode_to_the_very_pixels_whatever_the_driver_can() {
    let name = "pictures_decode_to_the_very_pixels_whatever_the_driver_can";
    let drivers = [
        ("", "profile=100"),
        ("cap profiles 3", "profile=77"),
        ("cap profiles 1", "profile=66"),
        ("cap entrypoints 2", "low_power=1"),
        ("cap derive 0", "packed=5"),
        ("cap EncPackedHeaders 0", "packed=0"),
        ("cap EncPackedHeaders 1", "packed=1"),
        ("cap EncPackedHeaders 4", "packed=0"),
        ("cap EncPackedHeaders -1", "packed=0"),
        ("cap RateControl 20", "rc=4"),
        ("cap RateControl 16", "rc=16"),
        ("cap EncMaxSlices 2", "slices=2"),
        ("cap EncMaxSlices -1", "slices=1"),
        ("cap EncSliceStructure 1", "slices=3"),
        ("cap EncQualityRange -1\ncap MaxPictureWidth -1", "profile=100"),
    ];
    let ledger = with_driver(name, "", || {
        for (orders, _) in drivers {
            order(orders);
            // Not whole macroblocks, and not even an even number of pixels.
            let mut stage = Stage::open(&plan(333, 187));
            let (mut stream, mut shown) = (Vec::new(), Vec::new());
            for picture in 0..6 {
                let (coded, pixels) = stage.next(picture == 4);
                let expected = if picture % 4 == 0 { FrameKind::Idr } else { FrameKind::Predicted };
                assert_eq!(coded.kind, expected, "{orders}");
                stream.extend(coded.data);
                shown.push(pixels.samples);
            }
            drop(stage);
            let decoded = decode(&stream, shown[0].len());
            assert_eq!(decoded.len(), shown.len(), "{orders}");
            assert!(decoded == shown, "other pixels, with a driver of {orders:?}");
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let told: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("settings ") || line.starts_with("stream "))
        .collect::<Vec<_>>()
        .chunks(2)
        .map(|two| format!("{} {}", two[0], two[1]))
        .collect();
    for ((orders, word), told) in drivers.iter().zip(&told) {
        assert!(told.split(' ').any(|found| found == *word), "{word} with a driver of {orders:?}: {told}");
    }
    assert_eq!(told.len(), drivers.len());
}

#[test]
fn numbers_wrap_around_in_a_long_stream() {
    let ledger = with_driver("numbers_wrap_around_in_a_long_stream", "", || {
        let mut stage = Stage::open(&VideoPlan { slices: 1, ..plan(64, 48) });
        let (mut stream, mut shown) = (Vec::new(), Vec::new());
        for _ in 0..600 {
            let (coded, pixels) = stage.next(false);
            stream.extend(coded.data);
            shown.push(pixels.samples);
        }
        assert!(decode(&stream, shown[0].len()) == shown, "other pixels");
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        ledger.iter().filter(|line| line.starts_with("idr ")).count() == 1
    }));
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_driver("pictures_that_a_client_lost_are_not_referred_to", "", || {
        let mut stage = Stage::open(&plan(320, 180));
        let (mut stream, mut last) = (Vec::new(), Vec::new());
        let mut sent = 0;
        // Pictures 5, and 10 to 12, and 260 are lost, and the client says so after the last.
        for picture in 0..300 {
            let lost = matches!(picture, 5 | 10..=12 | 260);
            let (coded, pixels) = stage.next(false);
            let expected = match picture {
                0 => FrameKind::Idr,
                6 | 13 | 261 => FrameKind::Recovered,
                _ => FrameKind::Predicted,
            };
            assert_eq!(coded.kind, expected, "picture {picture}");
            if !lost {
                stream.extend(coded.data);
                last = pixels.samples;
                sent += 1;
            }
            match picture {
                5 => assert!(stage.encoder.invalidate_references(5)),
                12 => assert!(stage.encoder.invalidate_references(10)),
                260 => assert!(stage.encoder.invalidate_references(260)),
                _ => {}
            }
            // A mistake does not heal by itself: every part of the picture is compared
            // that was drawn before the loss and not after.
            if matches!(picture, 6 | 13 | 20 | 261 | 299) {
                let decoded = decode(&stream, last.len());
                assert!(decoded.len() >= sent, "{} of {sent} pictures", decoded.len());
                assert!(decoded.last() == Some(&last), "other pixels in picture {picture}");
            }
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let referred: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("refer ")).collect();
    assert_eq!(referred, ["2 picture=6", "4 picture=13", "2 picture=261"]);
}

#[test]
fn without_a_sound_picture_an_idr_picture_comes() {
    let ledger = with_driver("without_a_sound_picture_an_idr_picture_comes", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        for _ in 0..8 {
            stage.next(false);
        }
        assert!(!stage.encoder.invalidate_references(3), "five pictures are kept");
        assert_eq!(stage.next(false).0.kind, FrameKind::Idr);
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        drop(stage);
        // One reference, and drivers that write slice headers themselves.
        for (orders, single_reference) in [("", true), ("cap EncPackedHeaders 1", false)] {
            order(orders);
            let mut stage = Stage::open(&VideoPlan { single_reference, ..plan(64, 48) });
            stage.next(false);
            stage.next(false);
            assert!(!stage.encoder.invalidate_references(1));
            let (coded, _) = stage.next(true);
            assert_eq!(coded.kind, FrameKind::Idr);
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let kept: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("stream "))
        .map(|line| line.split(' ').find_map(|word| word.strip_prefix("references=")))
        .collect();
    assert_eq!(kept, [Some("5"), Some("1"), Some("1")]);
}

#[test]
fn the_bit_rate_changes_without_an_idr_picture() {
    let ledger = with_driver("the_bit_rate_changes_without_an_idr_picture", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        stage.next(false);
        stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect("another rate");
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert!(stage.encoder.set_frame_rate(FrameRate::from_hz(30)).expect("another frame rate"));
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
        drop(stage);
        order("cap RateControl 16");
        let mut stage = Stage::open(&plan(64, 48));
        let error = stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect_err("no rate");
        assert!(error.to_string().contains("no rate control"), "{error}");
        stage.next(false);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let changes: Vec<_> = ledger.iter().filter(|line| line.starts_with("bitrate ")).collect();
    assert_eq!(changes, ["bitrate 1234000 idr=0"]);
}

/// Every call that opens an encoder, and every one that encodes.
const OPENING: &[&str] = &[
    "vaGetDisplayDRM",
    "vaInitialize",
    "vaQueryConfigProfiles",
    "vaQueryConfigEntrypoints",
    "vaGetConfigAttributes",
    "vaCreateConfig",
    "vaCreateSurfaces",
    "vaCreateContext",
    "vaCreateBuffer",
];
const ENCODING: &[&str] = &[
    "vaMapBuffer",
    "vaUnmapBuffer",
    "vaCreateBuffer",
    "vaBeginPicture",
    "vaRenderPicture",
    "vaEndPicture",
    "vaSyncSurface",
];
/// Those that only drivers get whose surfaces are no memory of ours.
const COPYING: &[&str] = &["vaQueryImageFormats", "vaCreateImage", "vaPutImage"];
const GIVING_BACK: &[&str] =
    &["vaDestroyBuffer", "vaDestroyContext", "vaDestroyConfig", "vaDestroySurfaces", "vaDestroyImage", "vaTerminate"];

#[test]
fn a_call_that_fails_is_an_error_and_leaves_nothing() {
    let ledger = with_driver("a_call_that_fails_is_an_error_and_leaves_nothing", "", || {
        for (call, derive) in OPENING.iter().map(|call| (call, 1)).chain(COPYING[..2].iter().map(|call| (call, 0))) {
            order(&format!("cap derive {derive}\n{call} fail 1 times 1"));
            assert!(VaapiEncoder::open(&plan(64, 48)).is_err(), "{call}");
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        // Each of the surfaces: those that were made before go again. The stand-in counts
        // from the start of the process, where the first one failed above.
        let mut called = calls_of_surfaces();
        for after in 0..SURFACES {
            order(&format!("vaCreateSurfaces fail 1 after {} times 1", called + after));
            assert!(VaapiEncoder::open(&plan(64, 48)).is_err(), "{after}");
            assert_eq!(complaints_here(), [""; 0], "{after}");
            called += after + 1;
        }
        for (call, derive) in ENCODING.iter().map(|call| (call, 1)).chain(COPYING[2..].iter().map(|call| (call, 0))) {
            order(&format!("cap derive {derive}"));
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(&format!("cap derive {derive}\n{call} fail 1 times 1"));
            let error = break_down(&mut stage);
            assert!(error.contains(call), "{call}: {error}");
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        for call in GIVING_BACK {
            order("cap derive 0");
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(&format!("cap derive 0\n{call} fail 1"));
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        order("");
        Stage::open(&plan(64, 48)).next(false);
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

/// Surfaces of an encoder: five references, the next picture, the input.
const SURFACES: u64 = 7;

/// Surfaces that were asked for up to now: by encoders that failed later than that, and
/// once when it failed.
const fn calls_of_surfaces() -> u64 {
    // `vaCreateContext`, `vaCreateBuffer`, and the two of images.
    1 + SURFACES * 4
}

/// Goes on until something fails: what it says.
fn break_down(stage: &mut Stage) -> String {
    let (width, height) = (stage.size.width as usize, stage.size.height as usize);
    let frame = Frame {
        pixels: Pixels::Owned(Arc::from(vec![9; width * height * 4])),
        size: stage.size,
        stride: width * 4,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: 99,
        changed: None,
        presented: Micros(0),
        captured: Micros(0),
    };
    if let Err(error) = stage.encoder.load(&frame) {
        return error.to_string();
    }
    let request = FrameRequest { picture: 99, idr: false, repeated: false, captured: Micros(0) };
    stage.encoder.encode(request).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
}

#[test]
fn what_a_driver_lacks_is_said() {
    let ledger = with_driver("what_a_driver_lacks_is_said", "", || {
        for (orders, size, said) in [
            ("cap profiles 0", (64, 48), "encodes no h264"),
            ("cap entrypoints 0", (64, 48), "encodes no h264"),
            ("cap RTFormat 256", (64, 48), "encodes no h264"),
            ("cap MaxPictureWidth 1920", (1922, 48), "at most 1920x4096, not 1922x48"),
            ("vaInitialize fail 1", (64, 48), "mesa-va-drivers"),
            ("vaGetDisplayDRM fail 1", (64, 48), "has to be a render node"),
            ("vaCreateContext fail 2", (64, 48), "no memory or no engine left"),
        ] {
            order(orders);
            let error = VaapiEncoder::open(&plan(size.0, size.1)).expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
        }
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

#[test]
fn a_gpu_without_a_driver_is_named_with_what_libva_says() {
    let name = "a_gpu_without_a_driver_is_named_with_what_libva_says";
    let environment = [("LIBVA_DRIVER_NAME", "absent"), ("EARTHSHINE_RENDER_NODES", "/dev/null:/dev/zero")];
    let ledger = with_environment(name, "", &environment, || {
        let error = VaapiEncoder::open(&plan(64, 48)).expect_err("no driver").to_string();
        for said in ["/dev/null: vaInitialize", "/dev/zero: vaInitialize", "install the VA driver"] {
            assert!(error.contains(said), "{error}");
        }
    });
    assert!(ledger.is_none_or(|ledger| ledger.is_empty()));
}

const CONTROL: &str = "EARTHSHINE_DRIVERS";
