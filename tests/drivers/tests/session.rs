//! The encoder's stand-in: a correct program streams, and what others do is found out.

#[path = "support/nvenc.rs"]
mod nvenc;
mod support;

use earthshine_ffi::nvenc::bits;
use earthshine_ffi::nvenc::constants::*;
use earthshine_ffi::nvenc::sys::*;
use nvenc::{HEIGHT, Nvenc, WIDTH, call, zeros};
use support::cuda::{Cuda, Memory, fill_host};
use support::{complaints, ledger_of};

/// A picture of one colour in device memory, and its pinned source.
struct Input {
    host: usize,
    memory: Memory,
}

impl Input {
    fn new(cuda: &Cuda) -> Self {
        let rows = HEIGHT as usize * 3 / 2;
        let input = Self {
            host: cuda.allocate_host(WIDTH as usize * rows),
            memory: cuda.allocate(WIDTH as usize, rows).expect("memory"),
        };
        fill_host(input.host, &vec![90; WIDTH as usize * rows]);
        input
    }

    fn upload(&self, cuda: &Cuda) {
        let (width, rows) = (WIDTH as usize, HEIGHT as usize * 3 / 2);
        assert_eq!(cuda.upload(self.host, width, self.memory, width, rows), 0);
    }

    fn free(&self, cuda: &Cuda) {
        assert_eq!((cuda.free(self.memory), cuda.free_host(self.host)), (0, 0));
    }
}

/// Opens a session that is ready for pictures, lets `work` have it with a mapped input
/// and a bitstream, and gives everything back.
fn stream(work: impl FnOnce(&Cuda, &Nvenc, *mut std::ffi::c_void, *mut std::ffi::c_void)) {
    let cuda = Cuda::start();
    let input = Input::new(&cuda);
    input.upload(&cuda);
    assert_eq!(cuda.synchronize(), 0);
    let nvenc = Nvenc::open(&cuda).expect("a session");
    assert_eq!(nvenc.initialize(CODEC_H264), 0);
    let output = nvenc.bitstream();
    let resource = nvenc.register(input.memory).expect("a resource");
    let mapped = nvenc.map(resource);
    work(&cuda, &nvenc, mapped, output);
    let _ = call!(nvenc, nvEncUnmapInputResource, mapped);
    let _ = call!(nvenc, nvEncUnregisterResource, resource);
    let _ = call!(nvenc, nvEncDestroyBitstreamBuffer, output);
    let _ = nvenc.destroy();
    input.free(&cuda);
    cuda.end();
}

/// Has FFmpeg decode a stream, where there is one: the colour of a pixel, and how the
/// stream describes its colours.
fn decoded(stream: &[u8]) -> Option<(Vec<u8>, String)> {
    let file = tempfile::NamedTempFile::with_suffix(".h264").expect("a file");
    std::fs::write(file.path(), stream).expect("the stream is written");
    let run = |program: &str, before: &[&str], after: &[&str]| {
        std::process::Command::new(program).args(before).arg(file.path()).args(after).output().ok()
    };
    let pixels = run("ffmpeg", &["-v", "error", "-i"], &["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]);
    let entries = "stream=color_primaries,color_transfer,color_space,color_range";
    let colours = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "default=nw=1"], &[]);
    let (Some(pixels), Some(colours)) = (pixels, colours) else {
        eprintln!("SKIPPED: ffmpeg and ffprobe are not here, so nobody decodes the stream");
        return None;
    };
    Some((pixels.stdout, String::from_utf8_lossy(&colours.stdout).into_owned()))
}

#[test]
fn a_stream_decodes_to_the_pixels_of_the_device() {
    let ledger = ledger_of("a_stream_decodes_to_the_pixels_of_the_device", "", || {
        stream(|_, nvenc, input, output| {
            let mut bytes = Vec::new();
            for timestamp in 0..5 {
                assert_eq!(nvenc.encode(input, output, timestamp, 0), 0);
                bytes.extend(nvenc.fetch(output).expect("a picture").bytes);
            }
            let Some((pixels, colours)) = decoded(&bytes) else {
                return;
            };
            assert_eq!(pixels.len(), 5 * (WIDTH * HEIGHT * 3 / 2) as usize);
            assert!(pixels.iter().all(|pixel| pixel.abs_diff(90) <= 2), "not the colour that was sent");
            for word in ["color_range=tv", "color_space=bt709", "color_transfer=bt709", "color_primaries=bt709"] {
                assert!(colours.contains(word), "{word} in {colours}");
            }
        });
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn an_input_that_is_overwritten_too_early_is_found_out() {
    let ledger = ledger_of("an_input_that_is_overwritten_too_early_is_found_out", "", || {
        let cuda = Cuda::start();
        let input = Input::new(&cuda);
        let nvenc = Nvenc::open(&cuda).expect("a session");
        assert_eq!(nvenc.initialize(CODEC_H264), 0);
        let (output, resource) = (nvenc.bitstream(), nvenc.register(input.memory).expect("a resource"));
        let mapped = nvenc.map(resource);
        assert_eq!(nvenc.encode(mapped, output, 0, 0), 0);
        input.upload(&cuda);
        assert_eq!(cuda.synchronize(), 0);
        assert_eq!(nvenc.fetch(output).err(), Some(9));
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger)[0].contains("overwritten before its picture was fetched")));
}

fn kinds(bytes: &[u8]) -> Vec<u8> {
    bytes.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1f).collect()
}

#[test]
fn a_stream_is_h264_and_the_ledger_tells_its_settings() {
    let ledger = ledger_of("a_stream_is_h264_and_the_ledger_tells_its_settings", "", || {
        stream(|_, nvenc, input, output| {
            let forced = NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_FORCEIDR.0;
            let frames = [(0, true, 0), (1, false, 0), (2, true, forced)].map(|(timestamp, is_idr, flags)| {
                assert_eq!(nvenc.encode(input, output, timestamp, flags), 0);
                let fetched = nvenc.fetch(output).expect("a picture");
                assert_eq!((fetched.is_idr, fetched.slices), (is_idr, 2));
                kinds(&fetched.bytes)
            });
            assert_eq!(frames, [vec![7, 8, 5, 5], vec![1, 1], vec![7, 8, 5, 5]]);
        });
    });
    if let Some(ledger) = ledger {
        assert!(complaints(&ledger).is_empty(), "{ledger:?}");
        assert_eq!(ledger[1], "open nvenc");
        for word in [
            "codec=h264",
            "width=320",
            "height=180",
            "fps=60/1",
            "preset=P1",
            "tuning=ultra_low_latency",
            "rc=cbr",
            "bitrate=1000000",
            "gop=4294967295",
            "slices=3/2",
            "repeat_headers=1",
            "primaries=1",
            "full_range=0",
        ] {
            assert!(ledger[2].split(' ').any(|found| found == word), "{word} in {}", ledger[2]);
        }
        assert_eq!(ledger[3..], ["idr 2", "close nvenc", "context destroy"]);
    }
}

#[test]
fn a_frame_that_is_invalidated_is_followed_by_an_idr_frame() {
    let ledger = ledger_of("a_frame_that_is_invalidated_is_followed_by_an_idr_frame", "", || {
        stream(|_, nvenc, input, output| {
            for timestamp in [10, 20, 30] {
                assert_eq!(nvenc.encode(input, output, timestamp, 0), 0);
                assert_eq!(nvenc.fetch(output).expect("a picture").is_idr, timestamp != 20);
                if timestamp == 20 {
                    assert_eq!(call!(nvenc, nvEncInvalidateRefFrames, 20), 0);
                }
            }
            assert_eq!(call!(nvenc, nvEncInvalidateRefFrames, 25), 8);
        });
    });
    if let Some(ledger) = ledger {
        assert!(ledger.contains(&"invalidate 20".to_owned()), "{ledger:?}");
        assert_eq!(complaints(&ledger).len(), 1, "{ledger:?}");
    }
}

#[test]
fn a_picture_whose_copy_was_not_waited_for_is_refused() {
    let ledger = ledger_of("a_picture_whose_copy_was_not_waited_for_is_refused", "", || {
        let cuda = Cuda::start();
        let input = Input::new(&cuda);
        let nvenc = Nvenc::open(&cuda).expect("a session");
        assert_eq!(nvenc.initialize(CODEC_H264), 0);
        let (output, resource) = (nvenc.bitstream(), nvenc.register(input.memory).expect("a resource"));
        let mapped = nvenc.map(resource);
        input.upload(&cuda);
        assert_eq!(nvenc.encode(mapped, output, 0, 0), 8);
        assert_eq!(nvenc.destroy(), 0);
    });
    if let Some(ledger) = ledger {
        let complaints = complaints(&ledger);
        assert!(complaints[0].contains("a copy into it was not waited for"), "{complaints:?}");
        let leaks = ["registered resources", "mapped resources", "bitstream buffers"];
        assert_eq!(complaints[1..], leaks.map(|what| format!("leak {what} at nvEncDestroyEncoder: 1 left")));
    }
}

#[test]
fn mistakes_in_order_are_found() {
    let ledger = ledger_of("mistakes_in_order_are_found", "", || {
        stream(|cuda, nvenc, input, output| {
            assert_eq!(nvenc.fetch(output).err(), Some(9));
            assert_eq!(nvenc.encode(input, output, 5, 0), 0);
            assert_eq!(nvenc.encode(input, output, 6, 0), 9);
            assert!(nvenc.fetch(output).is_ok());
            assert_eq!(nvenc.encode(input, output, 5, 0), 8);
            assert_eq!(nvenc.encode(output, output, 7, 0), 25);
            assert_eq!(nvenc.initialize(CODEC_H264), 9);
            let other = cuda.create_context();
            assert_eq!(nvenc.encode(input, output, 8, 0), 4);
            assert_eq!(cuda.destroy_context(other), 0);
        });
    });
    if let Some(ledger) = ledger {
        let complaints = complaints(&ledger);
        for (complaint, text) in complaints.iter().zip([
            "no picture was encoded into the buffer",
            "holds a picture that was not fetched",
            "timestamp 5 does not ascend",
            "the input is not mapped",
            "initialized already",
            "is current on this thread",
        ]) {
            assert!(complaint.contains(text), "{text} in {complaint}");
        }
        assert_eq!(complaints.len(), 6, "{complaints:?}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let faults = "cap WIDTH_MAX 1920\ncap NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE 0";
    let ledger = ledger_of("settings_that_cannot_be_are_refused", faults, || {
        let cuda = Cuda::start();
        let nvenc = Nvenc::open(&cuda).expect("a session");
        let refuses = |change: fn(&mut NV_ENC_INITIALIZE_PARAMS, &mut NV_ENC_CONFIG), status: u32| {
            let mut config = nvenc.config(CODEC_H264);
            let mut parameters = nvenc.parameters(CODEC_H264, &mut config);
            change(&mut parameters, &mut config);
            parameters.encodeConfig = &raw mut *config;
            assert_eq!(call!(nvenc, nvEncInitializeEncoder, &raw mut parameters), status);
        };
        refuses(|parameters, _| parameters.version = 1, 15);
        refuses(|_, config| config.version = 1, 15);
        refuses(|parameters, _| parameters.reserved[7] = 1, 8);
        refuses(|parameters, _| parameters.encodeWidth = 1922, 12);
        refuses(|parameters, _| parameters.encodeHeight = 181, 8);
        refuses(|parameters, _| parameters.frameRateDen = 0, 8);
        refuses(|_, config| config.rcParams.vbvBufferSize = 100_000, 12);
        refuses(|_, config| config.profileGUID = HEVC_PROFILE_MAIN, 12);
        refuses(|parameters, _| parameters.presetGUID = CODEC_H264, 12);
        assert_eq!(nvenc.destroy(), 0);
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).len() == 9));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let ledger =
        ledger_of("settings_that_contradict_each_other_are_refused", "cap SINGLE_SLICE_INTRA_REFRESH 0", || {
            let cuda = Cuda::start();
            let nvenc = Nvenc::open(&cuda).expect("a session");
            let refuses = |codec, change: fn(&mut NV_ENC_INITIALIZE_PARAMS, &mut NV_ENC_CONFIG), status: u32| {
                let mut config = nvenc.config(codec);
                let mut parameters = nvenc.parameters(codec, &mut config);
                change(&mut parameters, &mut config);
                parameters.encodeConfig = &raw mut *config;
                assert_eq!(call!(nvenc, nvEncInitializeEncoder, &raw mut parameters), status);
            };
            refuses(CODEC_H264, |_, config| with_wave(config, (0, 61, 60)), 8);
            refuses(CODEC_H264, |_, config| with_wave(config, (1, 60, 60)), 8);
            refuses(CODEC_H264, |_, config| with_wave(config, (1, 61, 0)), 8);
            refuses(
                CODEC_H264,
                |_, config| {
                    with_wave(config, (1, 61, 60));
                    config.gopLength = 600;
                },
                8,
            );
            refuses(
                CODEC_H264,
                |_, config| {
                    with_wave(config, (1, 61, 60));
                    single_slice(config);
                },
                12,
            );
            refuses(
                CODEC_H264,
                |parameters, _| bits::initialize::SPLIT_ENCODE_MODE.set(&mut parameters.bitFields, 15),
                8,
            );
            refuses(
                CODEC_HEVC,
                |parameters, _| bits::initialize::SPLIT_ENCODE_MODE.set(&mut parameters.bitFields, 4),
                8,
            );
            refuses(
                CODEC_HEVC,
                |parameters, _| {
                    bits::initialize::SPLIT_ENCODE_MODE.set(&mut parameters.bitFields, 2);
                    bits::initialize::ENABLE_SUB_FRAME_WRITE.set(&mut parameters.bitFields, 1);
                },
                12,
            );
            refuses(
                CODEC_AV1,
                |_, config| {
                    config.encodeCodecConfig.av1Config.transferCharacteristics.0 = 16;
                },
                8,
            );
            assert_eq!(nvenc.destroy(), 0);
            cuda.end();
        });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).len() == 9));
}

fn with_wave(config: &mut NV_ENC_CONFIG, (on, period, count): (u32, u32, u32)) {
    // SAFETY: the preset is H.264's.
    let h264 = unsafe { &mut config.encodeCodecConfig.h264Config };
    bits::h264::ENABLE_INTRA_REFRESH.set(&mut h264.bitFields, on);
    (h264.intraRefreshPeriod, h264.intraRefreshCnt) = (period, count);
}

fn single_slice(config: &mut NV_ENC_CONFIG) {
    // SAFETY: the preset is H.264's.
    let h264 = unsafe { &mut config.encodeCodecConfig.h264Config };
    bits::h264::SINGLE_SLICE_INTRA_REFRESH.set(&mut h264.bitFields, 1);
}

#[test]
fn messages_and_waves_that_make_no_sense_are_found() {
    let ledger = ledger_of("messages_and_waves_that_make_no_sense_are_found", "", || {
        stream(|_, nvenc, input, output| {
            let mut bytes = [0; 24];
            let mut payload = NV_ENC_SEI_PAYLOAD { payloadSize: 24, payloadType: 137, payload: bytes.as_mut_ptr() };
            let refuses = |timestamp, change: &dyn Fn(&mut NV_ENC_PIC_PARAMS_H264)| {
                let status = nvenc.encode_with(input, output, timestamp, |parameters| {
                    // SAFETY: all zeros, which is a value of each member.
                    change(unsafe { &mut parameters.codecPicParams.h264PicParams });
                });
                assert_eq!(status, 8);
            };
            refuses(0, &|part| part.seiPayloadArrayCnt = 1);
            refuses(1, &|part| part.forceIntraRefreshWithFrameCnt = 60);
            let messages = &raw mut payload;
            // No colours; then the right length of what nobody knows; and no HDR.
            refuses(2, &|part| (part.seiPayloadArrayCnt, part.seiPayloadArray) = (1, messages));
            payload.payloadType = 5;
            let messages = &raw mut payload;
            refuses(3, &|part| (part.seiPayloadArrayCnt, part.seiPayloadArray) = (1, messages));
            (payload.payloadType, payload.payloadSize) = (144, 4);
            let messages = &raw mut payload;
            refuses(4, &|part| (part.seiPayloadArrayCnt, part.seiPayloadArray) = (1, messages));
            assert_eq!(nvenc.encode(input, output, 5, 0), 0);
            assert!(nvenc.fetch(output).is_ok());
            refuses(6, &|part| (part.seiPayloadArrayCnt, part.seiPayloadArray) = (1, messages));
        });
    });
    let Some(ledger) = ledger else { return };
    let complaints = complaints(&ledger);
    for (complaint, text) in complaints.iter().zip([
        "1 payloads, and an array: false",
        "without their switch",
        "is no colour",
        "message 5 is not known",
        "not PQ",
        "where no decoder begins",
    ]) {
        assert!(complaint.contains(text), "{text} in {complaint}");
    }
    assert_eq!(complaints.len(), 6, "{complaints:?}");
}

#[test]
fn a_lost_device_can_be_cleared_up() {
    let faults = "nvEncLockBitstream fail 5\nnvEncUnmapInputResource fail 5\nnvEncUnregisterResource fail 5\n\
                  nvEncDestroyBitstreamBuffer fail 5\nnvEncDestroyEncoder fail 5";
    let ledger = ledger_of("a_lost_device_can_be_cleared_up", faults, || {
        stream(|_, nvenc, input, output| {
            assert_eq!(nvenc.encode(input, output, 0, 0), 0);
            assert_eq!(nvenc.fetch(output).err(), Some(5));
        });
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn sessions_are_limited_and_an_old_driver_says_so() {
    let ledger = ledger_of("sessions_are_limited_and_an_old_driver_says_so", "limit sessions 1", || {
        let cuda = Cuda::start();
        let first = Nvenc::open(&cuda).expect("a session");
        assert_eq!(Nvenc::open(&cuda).err(), Some(10));
        assert_eq!(first.destroy(), 0);
        let second = Nvenc::open(&cuda).expect("a session");
        assert_eq!(second.destroy(), 0);
        let faults = earthshine_drivers::ledger::directory().expect("a directory").join("faults");
        std::fs::write(faults, "version 12 0").expect("the faults are written");
        assert_eq!(Nvenc::open(&cuda).err(), Some(15));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn hevc_and_av1_are_encoded_by_a_program() {
    let ledger = ledger_of("hevc_and_av1_are_encoded_by_a_program", "", || {
        let cuda = Cuda::start();
        let input = Input::new(&cuda);
        for codec in [CODEC_HEVC, CODEC_AV1] {
            let nvenc = Nvenc::open(&cuda).expect("a session");
            assert_eq!(nvenc.initialize(codec), 0);
            let (output, resource) = (nvenc.bitstream(), nvenc.register(input.memory).expect("a resource"));
            let mapped = nvenc.map(resource);
            assert_eq!(nvenc.encode(mapped, output, 0, 0), 0);
            assert!(nvenc.fetch(output).is_ok());
            assert_eq!(call!(nvenc, nvEncUnmapInputResource, mapped), 0);
            assert_eq!(call!(nvenc, nvEncUnregisterResource, resource), 0);
            assert_eq!(call!(nvenc, nvEncDestroyBitstreamBuffer, output), 0);
            assert_eq!(nvenc.destroy(), 0);
        }
        input.free(&cuda);
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn a_reconfiguration_changes_the_bitrate_and_no_more() {
    let ledger = ledger_of("a_reconfiguration_changes_the_bitrate_and_no_more", "", || {
        stream(|_, nvenc, input, output| {
            let mut config = nvenc.config(CODEC_H264);
            config.rcParams.averageBitRate = 500_000;
            let mut change: NV_ENC_RECONFIGURE_PARAMS = zeros();
            change.version = NV_ENC_RECONFIGURE_PARAMS::VERSION;
            change.reInitEncodeParams = nvenc.parameters(CODEC_H264, &mut config);
            assert_eq!(nvenc.encode(input, output, 0, 0), 0);
            assert!(nvenc.fetch(output).is_ok());
            assert_eq!(call!(nvenc, nvEncReconfigureEncoder, &raw mut change), 0);
            assert_eq!(nvenc.encode(input, output, 1, 0), 0);
            assert!(!nvenc.fetch(output).expect("a picture").is_idr);
            config.gopLength = 30;
            assert_eq!(call!(nvenc, nvEncReconfigureEncoder, &raw mut change), 8);
            config.gopLength = NVENC_INFINITE_GOPLENGTH;
            config.encodeCodecConfig.h264Config.sliceModeData = 3;
            assert_eq!(call!(nvenc, nvEncReconfigureEncoder, &raw mut change), 8);
        });
    });
    if let Some(ledger) = ledger {
        let line = ledger.iter().find(|line| line.starts_with("reconfigure ")).expect("a line");
        assert!(line.contains("bitrate=500000 ") && line.ends_with("reset=0 idr=0"), "{line}");
        assert_eq!(complaints(&ledger).len(), 2, "{ledger:?}");
    }
}
