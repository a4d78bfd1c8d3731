//! Capture of a compositor that is played.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::ipc::counters_page::{CountersPage, WorkerThread};
use crate::stream_plan::CaptureMemory;
use crate::units::Size;
use crate::worker::capture::buffers::DMA_BUFS;
use crate::worker::capture::dma_buf::{Allocator, Choice};
use crate::worker::capture::fake_compositor::{Conduct, FakeCompositor};
use crate::worker::dma_buffer::{MODIFIER_LINEAR, Plane};
use crate::worker::frame::Pixels;

/// Gives memory that is no device's, or none.
#[derive(Debug)]
struct FakeAllocator {
    works: bool,
}

impl Allocator for FakeAllocator {
    fn allocate(&mut self, _: Option<u64>, size: Size, choice: &Choice) -> Result<DmaBuffer, Refusal> {
        if !self.works {
            return Err(Refusal::NoNode);
        }
        assert_eq!((&choice.modifiers[..], choice.implicit), (&[MODIFIER_LINEAR][..], true));
        let fd = rustix::fs::memfd_create("no DMA-BUF", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let plane = Plane { fd, offset: 0, stride: size.width * 4 };
        Ok(DmaBuffer::from_planes(vec![plane], size, choice.fourcc, MODIFIER_LINEAR))
    }
}

fn open(compositor: &FakeCompositor, memory: CaptureMemory, works: bool) -> Desktop {
    let counters = Arc::new(CountersPage::create().unwrap());
    let pulse = Pulse::new(WorkerThread::Capture, counters, Arc::new(AtomicBool::new(false)));
    let dma_bufs = DmaBufs::new(memory, Arc::default(), Box::new(FakeAllocator { works }));
    Desktop::open(&compositor.socket(), FrameRate::from_hz(1000), dma_bufs, &pulse).unwrap().unwrap()
}

fn next(desktop: &mut Desktop) -> Frame {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(frame) = desktop.next_frame(Duration::from_millis(50)).unwrap() {
            return frame;
        }
    }
    panic!("no frame came from {desktop:?}")
}

#[test]
fn whatever_is_wrong_with_dma_bufs_pictures_come() {
    for (conduct, memory, works, in_dma_bufs) in [
        (Conduct::Good, CaptureMemory::DmaBuf, true, true),
        (Conduct::Good, CaptureMemory::Shm, true, false),
        (Conduct::Good, CaptureMemory::Auto, true, false),
        (Conduct::Good, CaptureMemory::DmaBuf, false, false),
        (Conduct::Unaware, CaptureMemory::DmaBuf, true, false),
        (Conduct::FailsToCreate, CaptureMemory::DmaBuf, true, false),
        (Conduct::HangsUp, CaptureMemory::DmaBuf, true, false),
        (Conduct::FailsToCopy, CaptureMemory::DmaBuf, true, false),
        (Conduct::HasNoModifiers, CaptureMemory::DmaBuf, true, false),
    ] {
        let compositor = FakeCompositor::start(conduct);
        let mut desktop = open(&compositor, memory, works);
        for _ in 0..5 {
            let frame = next(&mut desktop);
            assert_eq!(frame.size, Size::new(64, 32));
            let is_dma_buf = matches!(frame.pixels, Pixels::DmaBuf(_));
            assert_eq!(is_dma_buf, in_dma_bufs, "{conduct:?} {memory:?} {works}");
        }
    }
}

#[test]
fn dma_bufs_come_back_to_their_pool_even_if_an_importer_keeps_them() {
    let compositor = FakeCompositor::start(Conduct::Good);
    let mut desktop = open(&compositor, CaptureMemory::DmaBuf, true);
    let (mut imported, mut numbers) = (Vec::new(), HashSet::new());
    for _ in 0..10 {
        let frame = next(&mut desktop);
        let Pixels::DmaBuf(lease) = &frame.pixels else { panic!("{frame:?}") };
        numbers.insert(lease.number());
        imported.push(Arc::clone(lease.buffer()));
    }
    assert!(numbers.len() <= DMA_BUFS, "{numbers:?}");
    let held: Vec<_> = (0..DMA_BUFS).map(|_| next(&mut desktop)).collect();
    assert!(desktop.next_frame(Duration::from_millis(100)).unwrap().is_none(), "all are out");
    drop(held);
    next(&mut desktop);
}

#[test]
fn stamps_of_another_clock_are_not_believed() {
    let captured = Micros(50_000_000);
    assert!(is_plausible(Micros(49_999_000), captured));
    assert!(!is_plausible(Micros(50_000_001), captured));
    assert!(!is_plausible(Micros(1_000), captured));
}
