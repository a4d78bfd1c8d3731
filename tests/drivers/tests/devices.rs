//! Several devices of the stand-ins: each is told from the others everywhere, has its
//! own sessions, and is lost alone.

#[allow(dead_code, reason = "no test needs all of it")]
mod support;

use std::rc::Rc;

use earthshine_ffi::cuda::{Context, Device, Driver};
use earthshine_ffi::nvenc::{Api, Codec, Colour, Encoder, EncoderError, Request, Samples, Settings, Split};
use earthshine_ffi::nvml::Nvml;
use support::{complaints, ledger_of};

const SETTINGS: Settings = Settings {
    codec: Codec::H264,
    samples: Samples { ten_bit: false, yuv444: false },
    width: 320,
    height: 180,
    frame_rate: (60, 1),
    bitrate: 2_000_000,
    preset: 1,
    slices: 1,
    references: 5,
    spatial_aq: false,
    two_pass: true,
    colour: Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false },
    hdr: None,
    intra_refresh: None,
    split: Split::Never,
};

fn devices() -> (Driver, Vec<Device>) {
    let driver = Driver::open().expect("a driver");
    let devices = driver.devices().expect("devices");
    (driver, devices)
}

fn open(driver: &Driver, device: &Device) -> Result<Encoder, EncoderError> {
    let context: Rc<Context> = Context::create(driver, device).expect("a context");
    Encoder::open(&Api::open().expect("an interface"), &context, &SETTINGS)
}

#[test]
fn devices_are_told_apart_and_count_their_own_sessions() {
    let orders = "devices 2\nlimit sessions 1 on 1";
    let ledger = ledger_of("devices_are_told_apart_and_count_their_own_sessions", orders, || {
        let (driver, devices) = devices();
        let places: Vec<_> = devices.iter().map(|device| device.bus_id.as_str()).collect();
        assert_eq!(places, ["0000:01:00.0", "0000:02:00.0"]);
        assert_ne!(devices[0].uuid, devices[1].uuid);
        let nvml = Nvml::open().expect("the library");
        assert_eq!(nvml.device(1).and_then(|gpu| gpu.bus_id()).as_deref(), Ok("00000000:02:00.0"));
        let first = open(&driver, &devices[1]).expect("the only session of the second");
        let error = open(&driver, &devices[1]).expect_err("it has no other").to_string();
        assert!(error.contains("another GPU"), "{error}");
        let second = open(&driver, &devices[0]).expect("the first has some");
        let sessions = |number| nvml.device(number).and_then(|gpu| gpu.encoder_stats()).expect("figures");
        assert_eq!([0, 1].map(|number| sessions(number).map(|stats| stats.sessions)), [Some(1), Some(1)]);
        drop((second, first));
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    for line in ["context create", "context create on 1", "open nvenc", "open nvenc on 1"] {
        assert!(ledger.iter().any(|found| found == line), "no {line} in {ledger:?}");
    }
}

#[test]
fn a_lost_device_is_lost_alone() {
    let orders = "devices 2\ndevice 1 lost";
    let ledger = ledger_of("a_lost_device_is_lost_alone", orders, || {
        let (driver, devices) = devices();
        assert_eq!(devices.iter().map(|device| device.bus_id.as_str()).collect::<Vec<_>>(), ["0000:01:00.0"]);
        drop(open(&driver, &devices[0]).expect("an encoder"));
        let nvml = Nvml::open().expect("the library");
        assert!(nvml.device(0).is_ok() && nvml.device(1).is_err());
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn what_is_open_on_a_device_that_is_lost_fails_and_is_given_back() {
    let ledger = ledger_of("what_is_open_on_a_device_that_is_lost_fails_and_is_given_back", "devices 2", || {
        let (driver, devices) = devices();
        let mut encoder = open(&driver, &devices[1]).expect("an encoder");
        let directory = std::env::var_os(earthshine_drivers::ledger::VARIABLE).expect("a directory");
        std::fs::write(std::path::Path::new(&directory).join("faults"), "devices 2\ndevice 1 lost").expect("orders");
        let mut out = Vec::new();
        let request = Request { picture: 1, idr: false, refresh: false };
        assert!(encoder.encode(request, &mut out).is_err());
        drop(encoder);
        assert!(Context::create(&driver, &devices[1]).is_err(), "and no other");
        drop(open(&driver, &devices[0]).expect("the other works on"));
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}
