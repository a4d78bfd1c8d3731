//! What processes of one host tell each other.

use earthshine::ipc::channel;
use earthshine::ipc::counters_page::{BUCKETS, Counter, CountersPage, Stage, WORDS, bucket_bound};
use earthshine::ipc::flight_recorder::EVENTS;
use earthshine::ipc::gpu_report::GpuReport;
use earthshine::ipc::keeping::{FromKeeper, ToKeeper};
use earthshine::ipc::log_ring::{LINES, LONGEST_LINE};
use earthshine::ipc::message::{FromWorker, ToWorker};
use earthshine::ipc::picture::RawPicture;
use earthshine_ffi::shared_memory::SharedCounters;
use std::sync::atomic::Ordering;

/// Messages between host and worker, whoever sends them.
pub fn ipc_message(data: &[u8]) {
    // Bytes are compared, because a coordinate may be no number.
    if let Ok(message) = channel::decode::<ToWorker>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        let again: ToWorker = channel::decode(&written).expect("what was written");
        assert_eq!(channel::encode(&again).ok(), Some(written));
    }
    if let Ok(message) = channel::decode::<FromWorker>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<FromWorker>(&written).ok(), Some(message));
    }
}

/// Messages between a host and its keeper.
pub fn keeper_message(data: &[u8]) {
    if let Ok(message) = channel::decode::<ToKeeper>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<ToKeeper>(&written).ok(), Some(message));
    }
    if let Ok(message) = channel::decode::<FromKeeper>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<FromKeeper>(&written).ok(), Some(message));
    }
}

/// A page of counters full of anything, as the host reads it.
pub fn counters_page(data: &[u8]) {
    let shared = SharedCounters::create(WORDS).expect("a page");
    // Over and over, so that few bytes reach the rings behind the counters.
    for (word, bytes) in shared.words().iter().zip(data.chunks(8).cycle()) {
        let mut number = [0; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(number), Ordering::Relaxed);
    }
    let fd = std::os::fd::AsFd::as_fd(&shared).try_clone_to_owned().expect("a descriptor");
    let page = CountersPage::from_fd(fd).expect("the same page");
    for stage in Stage::ALL {
        let histogram = page.histogram(stage);
        let quantiles = [0.0, 0.5, 0.99, 1.0].map(|at| histogram.quantile(at));
        assert!(quantiles.is_sorted() && quantiles[3] <= bucket_bound(BUCKETS - 1));
        assert_eq!(histogram.count() == 0, quantiles[3] == 0);
    }
    let _ = page.get(Counter::SoundServerHangs);
    let events = page.recorder().events();
    assert!(events.len() <= EVENTS && events.is_sorted_by_key(|event| event.number));
    let lines = page.log().lines();
    assert!(lines.len() <= LINES && lines.iter().all(|line| line.chars().count() <= LONGEST_LINE));
}

/// A picture out of a worker's pipe. The samples are whatever follows; those
/// of a head that wants more than there is are not made up.
pub fn raw_picture(data: &[u8]) {
    match RawPicture::read(data) {
        Ok(Some(picture)) => {
            let (width, height) = (picture.size.width, picture.size.height);
            assert!(width % 2 == 0 && height % 2 == 0 && width <= 8192 && height <= 8192);
            assert_eq!(picture.samples.len(), RawPicture::len_of(picture.size));
            let mut written = Vec::new();
            picture.write(&mut written).expect("a picture that was read");
            assert!(data.starts_with(&written));
        }
        Ok(None) => assert!(data.is_empty()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::InvalidData),
    }
}

/// A line of the process that asks GPUs.
pub fn gpu_report(data: &[u8]) {
    if let Ok(report) = GpuReport::read(data) {
        for gpu in &report.gpus {
            assert!(gpu.memory_left_bytes().is_none_or(|left| gpu.memory_total_bytes >= Some(left)));
            assert!(!gpu.to_string().contains(char::is_control));
        }
        // What was accepted needs no correction.
        let line = report.clone().write().expect("what was read");
        assert_eq!(GpuReport::read(line.as_bytes()).ok(), Some(report));
    }
}
