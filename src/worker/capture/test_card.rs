//! A moving picture that needs no compositor: to try a network, a client, a
//! codec, and to measure.
//!
//! It runs on the frame rate's beat, and skips beats rather than falling behind.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::CaptureError;
use super::source::FrameSource;
use super::test_card_scene::{Area, Scene};
use crate::clock::Micros;
use crate::frame_marker::Marker;
use crate::units::{FrameRate, Size};
use crate::worker::frame::{Frame, PixelFormat, Pixels};

/// The test card, as a source of pictures.
#[derive(Debug)]
pub(crate) struct TestCard {
    scene: Scene,
    canvases: Vec<Canvas>,
    started: Instant,
    interval: Duration,
    next: u32,
}

/// A picture that frames may still use, and what was drawn over its background.
struct Canvas {
    pixels: Arc<[u8]>,
    dirty: Vec<Area>,
}

impl TestCard {
    /// A card of the stream's size and frame rate.
    pub(crate) fn new(size: Size, rate: FrameRate) -> Self {
        Self {
            scene: Scene::new(size),
            canvases: Vec::with_capacity(MOST_CANVASES),
            started: Instant::now(),
            interval: rate.interval(),
            next: 0,
        }
    }

    /// Draws frame `number` as it is shown at `presented`; `None` if every
    /// canvas is in use.
    fn draw(&mut self, number: u32, presented: Micros) -> Option<Frame> {
        let elapsed = self.interval.saturating_mul(number);
        let scene = &self.scene;
        let canvas = free_canvas(&mut self.canvases, scene)?;
        let pixels = Arc::get_mut(&mut canvas.pixels)?;
        for area in canvas.dirty.drain(..) {
            scene.restore(pixels, area);
        }
        scene.draw(pixels, elapsed, &mut canvas.dirty);
        Marker { number, time: presented }.draw(pixels, scene.stride(), scene.size());
        Some(Frame {
            pixels: Pixels::Owned(Arc::clone(&canvas.pixels)),
            size: scene.size(),
            stride: scene.stride(),
            format: PixelFormat::Bgrx,
            bottom_up: false,
            number: 0,
            changed: None,
            presented,
            captured: Micros::now(),
        })
    }

    /// When the next frame is due. Beats long missed are skipped.
    fn next_due(&mut self) -> Instant {
        let beats = self.started.elapsed().as_nanos() / self.interval.as_nanos().max(1);
        self.next = self.next.max(u32::try_from(beats).unwrap_or(u32::MAX));
        self.started + self.interval.saturating_mul(self.next)
    }
}

impl FrameSource for TestCard {
    fn next_frame(&mut self, patience: Duration) -> Result<Option<Frame>, CaptureError> {
        let wait = self.next_due().saturating_duration_since(Instant::now());
        if wait > patience {
            sleep(patience);
            return Ok(None);
        }
        sleep(wait);
        let frame = self.draw(self.next, Micros::now());
        self.next = self.next.saturating_add(1);
        Ok(frame)
    }
}

impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canvas").field("bytes", &self.pixels.len()).finish_non_exhaustive()
    }
}

fn free_canvas<'a>(canvases: &'a mut Vec<Canvas>, scene: &Scene) -> Option<&'a mut Canvas> {
    let free = canvases.iter_mut().position(|canvas| Arc::get_mut(&mut canvas.pixels).is_some());
    let index = match free {
        Some(index) => index,
        None if canvases.len() < MOST_CANVASES => {
            canvases.push(Canvas { pixels: scene.background().into(), dirty: Vec::new() });
            canvases.len() - 1
        }
        None => return None,
    };
    canvases.get_mut(index)
}

/// One being drawn, one waiting, one being read.
const MOST_CANVASES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(640, 360);

    fn card() -> TestCard {
        TestCard::new(SIZE, FrameRate::from_hz(1000))
    }

    fn next(card: &mut TestCard) -> Frame {
        std::iter::from_fn(|| Some(card.next_frame(Duration::from_secs(1)).unwrap())).flatten().next().unwrap()
    }

    #[test]
    fn every_frame_carries_its_number_and_time() {
        let mut card = card();
        let mut last = None;
        for _ in 0..10 {
            let frame = next(&mut card);
            let marker = Marker::read_bgrx(&frame.read().unwrap(), frame.stride, frame.size).unwrap();
            assert_eq!(marker.time, frame.presented);
            assert!(frame.captured >= frame.presented);
            assert!(last < Some(marker.number));
            last = Some(marker.number);
        }
    }

    #[test]
    fn a_canvas_in_use_is_not_drawn_over() {
        let mut card = card();
        let held: Vec<Frame> = (0..MOST_CANVASES).map(|_| next(&mut card)).collect();
        let before = held[0].read().unwrap().to_vec();
        assert!(card.draw(1000, Micros(1)).is_none());
        assert_eq!(held[0].read().unwrap()[..], before);
        drop(held);
        assert!(card.draw(1001, Micros(1)).is_some());
    }

    #[test]
    fn a_reused_canvas_shows_what_a_fresh_one_would() {
        let mut used = card();
        for number in 0..20 {
            used.draw(number * 7, Micros(1)).unwrap();
        }
        let reused = used.draw(200, Micros(2)).unwrap();
        let mut fresh = card();
        assert!(*reused.read().unwrap() == *fresh.draw(200, Micros(2)).unwrap().read().unwrap());
    }
}
