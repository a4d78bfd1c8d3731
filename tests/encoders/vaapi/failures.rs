//! Calls that fail, and drivers that lack something.

use std::sync::Arc;

use earthshine::clock::Micros;
use earthshine::worker::encode::FrameRequest;
use earthshine::worker::encode::vaapi::VaapiEncoder;
use earthshine::worker::frame::{Frame, PixelFormat, Pixels};

use super::plan;
use crate::process::{assert_clean, complaints_here, order, with_driver, with_environment};
use crate::stage::Stage;

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
    let ledger = with_driver("vaapi::failures::a_call_that_fails_is_an_error_and_leaves_nothing", "", || {
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
    let ledger = with_driver("vaapi::failures::what_a_driver_lacks_is_said", "", || {
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
    let name = "vaapi::failures::a_gpu_without_a_driver_is_named_with_what_libva_says";
    let environment = [("LIBVA_DRIVER_NAME", "absent"), ("EARTHSHINE_RENDER_NODES", "/dev/null:/dev/zero")];
    let ledger = with_environment(name, "", &environment, || {
        let error = VaapiEncoder::open(&plan(64, 48)).expect_err("no driver").to_string();
        for said in ["/dev/null: vaInitialize", "/dev/zero: vaInitialize", "install the VA driver"] {
            assert!(error.contains(said), "{error}");
        }
    });
    assert!(ledger.is_none_or(|ledger| ledger == ["display null", "display zero"]));
}
