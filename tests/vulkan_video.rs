//! The Vulkan Video encoder against a stand-in for an engine (`tests/drivers/vulkan_video`),
//! a layer under the real loader and over Vulkan on the CPU: pictures are converted by the
//! real shaders, and what is made of them is decoded by FFmpeg and is, since the stand-in
//! codes without loss, the very picture that was converted. The stand-in finds out what
//! breaks the interface's rules, and fails on order.
//!
//! The loader reads its environment when an instance is made, so each test runs in a
//! process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use earthshine::clock::Micros;
use earthshine::ipc::picture::RawPicture;
use earthshine::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use earthshine::units::{Bitrate, Size};
use earthshine::worker::encode::vulkan::VulkanEncoder;
use earthshine::worker::encode::{Encoder, FrameRequest};
use earthshine::worker::frame::{EncodedFrame, Frame, FrameKind, PixelFormat, Pixels};

/// Runs `work` in a process whose GPU is the stand-in, ordered as `faults` say. To the
/// test's own process, which `test` names, the answer is what the stand-in reported; in
/// the other one, and where Vulkan has no device at all, there is none.
fn with_engine(test: &str, faults: &str, work: impl FnOnce()) -> Option<Vec<String>> {
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
    if let Err(error) = earthshine_ffi::vulkan::Instance::open()
        .and_then(|instance| instance.device(earthshine_ffi::vulkan::Selection::Any))
    {
        assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "not here, and needed: {error}");
        eprintln!("SKIPPED: {error}");
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    fs::write(path.join("faults"), faults).expect("orders");
    let executable = std::env::current_exe().expect("a path of this test");
    let examples = executable.parent().and_then(Path::parent).expect("a target directory").join("examples");
    write_manifest(path, &examples.join("libvulkan_video.so"));
    let above = std::env::var("VK_INSTANCE_LAYERS").ok();
    let output = Command::new(executable)
        .args([test, "--exact", "--nocapture"])
        .env(CONTROL, path)
        .env("VK_ADD_LAYER_PATH", path)
        // Below whatever else is named: Khronos' validation of a newer Vulkan, say.
        .env("VK_INSTANCE_LAYERS", above.map_or(LAYER.to_owned(), |above| format!("{above}:{LAYER}")))
        .env("EARTHSHINE_RENDER_NODES", "/dev/null")
        .envs(environment.iter().copied())
        .output()
        .expect("the test runs again");
    let said = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let ledger = fs::read_to_string(path.join("ledger")).unwrap_or_default();
    let passed = output.status.success() && said.0.contains("1 passed");
    assert!(passed, "{}\n{}\n{ledger}", said.0, said.1);
    Some(ledger.lines().map(|line| line.split_once(' ').expect("a process comes first").1.to_owned()).collect())
}

/// What the loader finds a layer by.
fn write_manifest(directory: &Path, library: &Path) {
    assert!(library.exists(), "no {}; cargo build -p earthshine-drivers --examples", library.display());
    let manifest = format!(
        "{{\"file_format_version\": \"1.2.0\", \"layer\": {{\"name\": \"{LAYER}\", \"type\": \"INSTANCE\", \
         \"library_path\": \"{}\", \"api_version\": \"1.3.239\", \"implementation_version\": \"1\", \
         \"description\": \"an engine that encodes\"}}}}",
        library.display()
    );
    fs::write(directory.join("vulkan_video.json"), manifest).expect("a manifest");
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
    assert_eq!(count("open vulkan"), count("close vulkan"));
}

fn plan(width: u32, height: u32) -> VideoPlan {
    let plan = StreamPlan::small_test_card(vec![EncoderFamily::Vulkan]).video;
    VideoPlan { size: Size::new(width, height), slices: 3, ..plan }
}

/// An encoder, and what it was shown.
struct Stage {
    encoder: VulkanEncoder,
    size: Size,
    picture: u32,
}

impl Stage {
    fn open(plan: &VideoPlan) -> Self {
        let encoder = VulkanEncoder::open(plan).expect("an encoder");
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
        let frame = frame(bytes, self.size, self.picture.into());
        self.encoder.load(&frame).expect("a picture is taken");
    }

    fn encode(&mut self, idr: bool) -> EncodedFrame {
        let request = FrameRequest { picture: self.picture, idr, repeated: false, captured: Micros(0) };
        self.picture += 1;
        self.encoder.encode(request).expect("a picture is encoded")
    }

    /// The next picture, coded, and as it was converted.
    fn next(&mut self, idr: bool) -> (EncodedFrame, RawPicture) {
        self.show();
        let coded = self.encode(idr);
        (coded, self.encoder.picture().expect("a picture"))
    }

    /// Goes on until something fails: what it says.
    fn break_down(&mut self) -> String {
        let pixels = vec![9; self.size.width as usize * self.size.height as usize * 4];
        if let Err(error) = self.encoder.load(&frame(pixels, self.size, 99)) {
            return error.to_string();
        }
        let request = FrameRequest { picture: 99, idr: false, repeated: false, captured: Micros(0) };
        self.encoder.encode(request).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
    }
}

fn frame(bytes: Vec<u8>, size: Size, number: u64) -> Frame {
    Frame {
        pixels: Pixels::Owned(Arc::from(bytes)),
        size,
        stride: size.width as usize * 4,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number,
        changed: None,
        presented: Micros(0),
        captured: Micros(0),
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
fn pictures_decode_to_the_very_pixels_whatever_the_engine_can() {
    let name = "pictures_decode_to_the_very_pixels_whatever_the_engine_can";
    let engines = [
        ("", "profile=100"),
        ("cap profiles 3", "profile=77"),
        ("cap profiles 1", "profile=66"),
        ("cap cabac 0", "cabac=0"),
        ("cap transforms 0", "transforms=0"),
        ("cap overrides 1", "transforms=0"),
        ("cap rates 5", "mode=4"),
        ("cap rates 1", "mode=1"),
        ("cap slices 2", "slices=2"),
        ("cap slices 1", "slices=1"),
        ("cap slots 3", "references=2"),
        ("cap slots 2", "references=1"),
        ("cap level 6", "level=22"),
        ("cap granularity 64", "slices=3"),
        ("cap memories 0", "quality=0"),
        ("cap memories 5", "buffer=17"),
    ];
    let ledger = with_engine(name, "", || {
        for (orders, _) in engines {
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
            // The same again, which is not converted or copied again.
            stream.extend(stage.encode(false).data);
            shown.extend(shown.last().cloned());
            drop(stage);
            let decoded = decode(&stream, shown[0].len());
            assert_eq!(decoded.len(), shown.len(), "{orders}");
            assert!(decoded == shown, "other pixels, with an engine of {orders:?}");
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let told: Vec<_> = ledger.iter().filter(|line| line.starts_with("stream ")).collect();
    for ((orders, word), told) in engines.iter().zip(&told) {
        assert!(told.split(' ').any(|found| found == *word), "{word} with an engine of {orders:?}: {told}");
    }
    assert_eq!(told.len(), engines.len());
}

#[test]
fn an_idr_picture_begins_with_nothing_but_parameter_sets() {
    let ledger = with_engine("an_idr_picture_begins_with_nothing_but_parameter_sets", "", || {
        let mut stage = Stage::open(&VideoPlan { slices: 1, ..plan(64, 48) });
        for idr in [true, false, true] {
            let data = stage.next(idr).0.data;
            let starts = (0..data.len() - 3).filter(|&at| data[at..at + 3] == [0, 0, 1]);
            let units: Vec<_> = starts.map(|at| data[at + 3] & 0x1F).collect();
            assert_eq!(units, if idr { vec![7, 8, 5] } else { vec![1] });
        }
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

#[test]
fn numbers_wrap_around_in_a_long_stream() {
    let ledger = with_engine("numbers_wrap_around_in_a_long_stream", "", || {
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
    let ledger = with_engine("pictures_that_a_client_lost_are_not_referred_to", "", || {
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
    let ledger = with_engine("without_a_sound_picture_an_idr_picture_comes", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        for _ in 0..8 {
            stage.next(false);
        }
        assert!(!stage.encoder.invalidate_references(3), "five pictures are kept");
        assert_eq!(stage.next(false).0.kind, FrameKind::Idr);
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        drop(stage);
        let mut stage = Stage::open(&VideoPlan { single_reference: true, ..plan(64, 48) });
        stage.next(false);
        stage.next(false);
        assert!(!stage.encoder.invalidate_references(1));
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let kept: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("stream "))
        .map(|line| line.split(' ').find_map(|word| word.strip_prefix("references=")))
        .collect();
    assert_eq!(kept, [Some("5"), Some("1")]);
}

#[test]
fn the_bit_rate_changes_without_an_idr_picture() {
    let ledger = with_engine("the_bit_rate_changes_without_an_idr_picture", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        stage.next(false);
        stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect("another rate");
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        stage.next(false);
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
        drop(stage);
        order("cap rates 1");
        let mut stage = Stage::open(&plan(64, 48));
        let error = stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect_err("no rate");
        assert!(error.to_string().contains("no rate control"), "{error}");
        stage.next(false);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let changes: Vec<_> = ledger.iter().filter(|line| line.starts_with("bitrate ")).collect();
    assert_eq!(changes, ["bitrate 1234000 picture=1"]);
}

/// Every call that opens an encoder, and every one that encodes.
const OPENING: &[&str] = &[
    "vkCreateDevice",
    "vkGetPhysicalDeviceVideoCapabilitiesKHR",
    "vkGetPhysicalDeviceVideoFormatPropertiesKHR",
    "vkCreateVideoSessionKHR",
    "vkGetVideoSessionMemoryRequirementsKHR",
    "vkBindVideoSessionMemoryKHR",
    "vkCreateVideoSessionParametersKHR",
    "vkGetEncodedVideoSessionParametersKHR",
    "vkCreateImage",
    "vkBindImageMemory",
    "vkCreateImageView",
    "vkCreateBuffer",
    "vkCreateQueryPool",
];
const ENCODING: &[&str] = &["vkQueueSubmit", "vkGetQueryPoolResults"];

/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` and `VK_ERROR_DEVICE_LOST`, as orders have codes.
const NO_MEMORY: u32 = u32::MAX - 1;
const LOST: u32 = u32::MAX - 3;

#[test]
fn a_call_that_fails_is_an_error_and_leaves_nothing() {
    let ledger = with_engine("a_call_that_fails_is_an_error_and_leaves_nothing", "", || {
        for call in OPENING {
            order(&format!("{call} fail {NO_MEMORY} times 1"));
            let error = VulkanEncoder::open(&plan(64, 48)).expect_err(call).to_string();
            assert!(error.contains(call), "{call}: {error}");
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        for call in ENCODING {
            order("");
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(&format!("{call} fail {LOST} times 1"));
            let error = stage.break_down();
            assert!(error.contains(call) && error.contains("DEVICE_LOST"), "{call}: {error}");
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        order("");
        Stage::open(&plan(64, 48)).next(false);
    });
    assert!(ledger.is_none_or(|ledger| {
        // What a lost device may work on still is not given back.
        let complaints: Vec<_> = ledger.iter().filter(|line| is_complaint(line)).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        true
    }));
}

/// The loader loads the stand-in anew for each encoder, and with it the count of calls.
#[test]
fn memory_that_is_not_there_is_an_error_and_leaves_nothing() {
    let ledger = with_engine("memory_that_is_not_there_is_an_error_and_leaves_nothing", "", || {
        for after in 0.. {
            order(&format!("vkAllocateMemory fail {NO_MEMORY} after {after} times 1"));
            let opened = VulkanEncoder::open(&plan(64, 48));
            match opened {
                Ok(_) => {
                    assert!(after >= 6, "only {after} pieces");
                    break;
                }
                Err(error) => assert!(error.to_string().contains("vkAllocateMemory"), "{error}"),
            }
            assert_eq!(complaints_here(), [""; 0], "{after}");
        }
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

#[test]
fn an_engine_that_does_not_finish_is_given_up_in_time() {
    let ledger = with_engine("an_engine_that_does_not_finish_is_given_up_in_time", "", || {
        for (orders, said) in [("cap stalls 1", "did not finish in time"), ("cap status -1", "did not encode")] {
            order("");
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(orders);
            let began = Instant::now();
            let error = stage.break_down();
            assert!(error.contains(said), "{orders}: {error}");
            assert!(began.elapsed() < Duration::from_secs(20), "a wait without an end");
            // What the engine may still use is never given back, and nothing is asked of it.
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{orders}");
        }
    });
    assert!(ledger.is_none_or(|ledger| ledger.iter().all(|line| !is_complaint(line))));
}

#[test]
fn what_an_engine_lacks_is_said() {
    let ledger = with_engine("what_an_engine_lacks_is_said", "", || {
        for (orders, size, said) in [
            ("cap video 0", (64, 48), "no queue that encodes"),
            ("cap profiles 0", (64, 48), "does not encode that"),
            ("cap slots 1", (64, 48), "no pictures that refer to others"),
            ("cap references 0", (64, 48), "no pictures that refer to others"),
            ("cap most_width 1920", (1922, 48), "to 1920x4096, not 1922x48"),
            ("cap node 4", (64, 48), "no Vulkan device of render node 1:3"),
        ] {
            order(orders);
            let error = VulkanEncoder::open(&plan(size.0, size.1)).expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
            assert!(error.contains("/dev/null") || orders.contains("most_width"), "{orders}: {error}");
        }
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

const CONTROL: &str = "EARTHSHINE_DRIVERS";
const LAYER: &str = "VK_LAYER_EARTHSHINE_video";
