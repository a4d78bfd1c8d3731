//! What a round has shown, whoever was measured.

use super::Peer;
use crate::bench::report::{Better, Case, Plot, PlotKind, Series, quantile};
use crate::bench::viewer::interval_ms;
use crate::cli::PeersArgs;

/// Of one program and one content.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// From handing over or drawing to the last packet, of every frame that came.
    pub(super) millis: Vec<f64>,
    pub(super) kilobytes: Vec<f64>,
    pub(super) processor_millis: f64,
    pub(super) memory: f64,
    pub(super) kbps: f64,
    pub(super) missing_a_second: f64,
    pub(super) wrong: u64,
    pub(super) psnr: Vec<f64>,
    pub(super) ssim: Vec<f64>,
    pub(super) screen: Option<OnScreen>,
}

/// What only those have shown who capture a screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnScreen {
    /// From the first that was seen to the last: a screen that is slowed down shows fewer.
    pub(super) drawn_a_second: f64,
    pub(super) seen_a_second: f64,
    pub(super) repeated_a_second: f64,
    /// Of the compositor, which copies for whoever captures.
    pub(super) compositor_percent: f64,
}

impl Round {
    /// Adds its figures to those of the rounds before.
    #[allow(clippy::cast_precision_loss, reason = "a few frames")]
    pub(super) fn add_to(&self, case: &mut Case, peer: &Peer) {
        use Better::{Less, More, Neither};
        let way = peer.way();
        case.add(&format!("{way}, median"), "ms", Less, quantile(&self.millis, 0.5));
        case.add(&format!("{way}, 99 of 100"), "ms", Less, quantile(&self.millis, 0.99));
        case.add("processor time of a frame", "ms", Less, self.processor_millis);
        case.add("memory, resident", "MiB", Less, self.memory);
        case.add("bit rate of pictures", "kbit/s", Neither, self.kbps);
        case.add("largest frame", "kB", Less, self.kilobytes.iter().copied().fold(0.0, f64::max));
        if let Some(screen) = self.screen {
            case.add("frames drawn", "1/s", Neither, screen.drawn_a_second);
            case.add("frames seen", "1/s", More, screen.seen_a_second);
            case.add("pictures repeated", "1/s", Neither, screen.repeated_a_second);
            case.add("processor time, compositor", "% of a core", Less, screen.compositor_percent);
        }
        case.add("frames that did not come", "1/s", Less, self.missing_a_second);
        case.add("pictures wrong", "", Less, self.wrong as f64);
        case.add("PSNR of luma, mean", "dB", More, mean(&self.psnr));
        case.add("SSIM of luma, mean", "", More, mean(&self.ssim));
        if self.wrong > 0 {
            case.problem = format!("{} pictures were not what they should be", self.wrong);
        }
    }

    /// Latency and size of each frame.
    pub(super) fn plots(&self, peer: &Peer, args: &PeersArgs) -> [Plot; 2] {
        let plot = |title: &str, unit: &str, target, name: &str, values: &[f64]| Plot {
            title: title.to_owned(),
            kind: PlotKind::Timeline,
            unit: unit.to_owned(),
            target: Some(target),
            series: vec![Series { name: name.to_owned(), values: values.to_vec() }],
        };
        let (interval, share) = (interval_ms(args.fps), f64::from(args.bitrate) / 8.0 / f64::from(args.fps));
        [
            plot("Latency of each frame; the aim is a frame interval", "ms", interval, peer.way(), &self.millis),
            plot("Size of each frame; the aim is its share of the bit rate", "kB", share, "size", &self.kilobytes),
        ]
    }
}

#[allow(clippy::cast_precision_loss, reason = "a number of frames")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Seconds until rate control has found its level.
pub(super) const WARM_UP: u32 = 2;
/// Frames of a round that are compared with what was drawn.
pub(super) const COMPARED: u32 = 24;
