//! Which encoder a stream's next worker begins with, after what became of the last one.
//!
//! A driver cannot be asked whether it is to blame: an encoder that is never open is
//! passed over at once, because the client waits for its first frame; one that was open
//! when two workers died may have had its part in it.

use crate::stream_plan::EncoderFamily;

/// What is known of the encoders of one stream's workers.
#[derive(Debug, Default)]
pub(crate) struct EncoderOrder {
    /// What the worker began to open and has not opened yet.
    opens: Option<EncoderFamily>,
    /// A worker has died of that already.
    opened_badly: bool,
}

impl EncoderOrder {
    /// The worker begins to open a family's encoder.
    pub(crate) const fn opens(&mut self, family: EncoderFamily) {
        self.opens = Some(family);
    }

    /// One is open.
    pub(crate) const fn is_open(&mut self) {
        self.opens = None;
    }

    /// What the worker opens now.
    pub(crate) const fn opening(&self) -> Option<EncoderFamily> {
        self.opens
    }

    /// The worker is gone, and said that no encoder opened if `failed`: it has tried
    /// them all then. Otherwise, if it was opening one, the next worker begins with the
    /// one after it; and after the second of that kind, with the one that needs no
    /// driver. Returns whether that was so.
    pub(crate) fn worker_died(&mut self, failed: bool, order: &mut [EncoderFamily]) -> bool {
        let Some(family) = self.opens.take().filter(|_| !failed) else { return false };
        let again = std::mem::replace(&mut self.opened_badly, true);
        let certain = place(order, EncoderFamily::Software).filter(|_| again);
        begin_with(order, certain.unwrap_or_else(|| place_after(order, family)));
        true
    }
}

/// A second death may be the doing of the encoder's driver, whatever it looked like: the
/// next worker begins with the encoder after the one named `encoder`, and comes back to
/// it only if none of the others will do. Where none got as far as to be open, it begins
/// with the one that needs no driver.
pub(crate) fn pass_over(encoder: &str, order: &mut [EncoderFamily]) {
    let is_in_use = |family: &EncoderFamily| encoder.split('/').next() == Some(family.name());
    let first = match order.iter().copied().find(is_in_use) {
        Some(family) => place_after(order, family),
        None => place(order, EncoderFamily::Software).unwrap_or(0),
    };
    begin_with(order, first);
}

fn place(order: &[EncoderFamily], family: EncoderFamily) -> Option<usize> {
    order.iter().position(|other| *other == family)
}

fn place_after(order: &[EncoderFamily], family: EncoderFamily) -> usize {
    place(order, family).map_or(0, |place| (place + 1) % order.len())
}

fn begin_with(order: &mut [EncoderFamily], place: usize) {
    order.rotate_left(place);
}

#[cfg(test)]
mod tests {
    use EncoderFamily::{Nvenc, Software, Vaapi, Vulkan};

    use super::*;

    #[test]
    fn an_encoder_that_does_not_open_is_passed_over_and_after_two_all_drivers_are() {
        let (mut known, mut order) = (EncoderOrder::default(), [Nvenc, Vaapi, Vulkan, Software]);
        known.opens(Nvenc);
        assert!(known.worker_died(false, &mut order));
        assert_eq!(order, [Vaapi, Vulkan, Software, Nvenc]);
        known.opens(Vaapi);
        assert!(known.worker_died(false, &mut order));
        assert_eq!(order, [Software, Nvenc, Vaapi, Vulkan]);
    }

    #[test]
    fn who_was_open_or_has_tried_them_all_is_no_such_case() {
        let (mut known, mut order) = (EncoderOrder::default(), [Nvenc, Software]);
        known.opens(Nvenc);
        known.is_open();
        assert!(!known.worker_died(false, &mut order));
        known.opens(Software);
        assert!(!known.worker_died(true, &mut order));
        assert!(!known.worker_died(false, &mut order), "that was another worker");
        assert_eq!(order, [Nvenc, Software]);
    }

    #[test]
    fn one_that_was_open_changes_places_and_without_one_no_driver_comes_first() {
        let mut order = [Nvenc, Vaapi, Software];
        pass_over("nvenc", &mut order);
        assert_eq!(order, [Vaapi, Software, Nvenc]);
        pass_over("", &mut order);
        assert_eq!(order, [Software, Nvenc, Vaapi]);
        pass_over("software/openh264", &mut order);
        assert_eq!(order, [Nvenc, Vaapi, Software]);
        let mut alone = [Nvenc];
        for encoder in ["nvenc", ""] {
            pass_over(encoder, &mut alone);
            assert_eq!(alone, [Nvenc]);
        }
        let mut none: [EncoderFamily; 0] = [];
        pass_over("nvenc", &mut none);
    }
}
