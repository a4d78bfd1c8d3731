//! Which format a picture is captured in, and which ways its bytes may lie.

use super::feedback::Formats;
use super::refusal::Refusal;
use crate::worker::capture::copier::DmaBufOffer;
use crate::worker::capture::pixel_format;
use crate::worker::dma_buffer::MODIFIER_INVALID;
use crate::worker::frame::PixelFormat;
use crate::worker::imports::Importable;

/// What every buffer of a pool looks like, but for the modifier, which the device's
/// driver picks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// DRM format code.
    pub(crate) fourcc: u32,
    /// As we name it.
    pub(crate) pixels: PixelFormat,
    /// Modifiers that all sides understand, in the compositor's order.
    pub(crate) modifiers: Vec<u64>,
    /// Memory without a modifier will do: both ends have the same driver.
    pub(crate) implicit: bool,
}

/// Chooses the first of the compositor's formats that we can read and for which
/// there is a modifier that it understands, and so does the encoder if it imports.
pub(crate) fn choose(
    offers: &[DmaBufOffer],
    formats: &Formats,
    imports: Option<&Importable>,
) -> Result<Choice, Refusal> {
    if offers.is_empty() {
        return Err(Refusal::NotOffered);
    }
    let mut readable =
        offers.iter().filter_map(|offer| Some((offer, pixel_format::of_fourcc(offer.fourcc)?))).peekable();
    if readable.peek().is_none() {
        let offered = offers.iter().map(|offer| pixel_format::fourcc_text(offer.fourcc)).collect::<Vec<_>>().join(", ");
        return Err(Refusal::UnsupportedFormat { offered });
    }
    let choices = readable.map(|(offer, pixels)| {
        let fourcc = offer.fourcc;
        let mut modifiers = understood(offer, formats);
        if let Some(imports) = imports {
            modifiers.retain(|modifier| imports.formats.contains(&(fourcc, *modifier)));
        }
        let implicit = modifiers.contains(&MODIFIER_INVALID);
        modifiers.retain(|modifier| *modifier != MODIFIER_INVALID);
        Choice { fourcc, pixels, modifiers, implicit }
    });
    let usable = |choice: &Choice| choice.implicit || !choice.modifiers.is_empty();
    choices.into_iter().find(usable).ok_or(Refusal::NoModifier { imports: imports.is_some() })
}

/// What it says about capturing counts more than what it says about buffers in
/// general, but one that it does not take at all is of no use.
fn understood(offer: &DmaBufOffer, formats: &Formats) -> Vec<u64> {
    let general: Vec<u64> = formats.modifiers(offer.fourcc).collect();
    let Some(special) = &offer.modifiers else { return general };
    let both: Vec<u64> = special.iter().copied().filter(|modifier| general.contains(modifier)).collect();
    if both.is_empty() { special.clone() } else { both }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const XR24: u32 = u32::from_le_bytes(*b"XR24");
    const XB24: u32 = u32::from_le_bytes(*b"XB24");
    const XR30: u32 = u32::from_le_bytes(*b"XR30");

    fn formats(pairs: &[(u32, u64)]) -> Formats {
        Formats { device: None, pairs: pairs.to_vec() }
    }

    fn offer(fourcc: u32, modifiers: Option<&[u64]>) -> DmaBufOffer {
        DmaBufOffer { fourcc, modifiers: modifiers.map(<[u64]>::to_vec) }
    }

    fn importable(formats: &[(u32, u64)]) -> Importable {
        Importable { device: None, formats: formats.to_vec(), fenced: true }
    }

    #[test]
    fn a_compositor_without_modifiers_gets_buffers_without() {
        // As wlroots on virtio-gpu.
        let choice = choose(&[offer(XR24, None)], &formats(&[(XR24, MODIFIER_INVALID)]), None).unwrap();
        assert_eq!((choice.modifiers.len(), choice.implicit, choice.pixels), (0, true, PixelFormat::Bgrx));
    }

    #[test]
    fn a_session_s_own_modifiers_count_and_those_that_no_buffer_may_have_do_not() {
        let known = formats(&[(XR24, 1), (XR24, 2), (XR24, 3)]);
        let modifiers = |special: Option<&[u64]>| choose(&[offer(XR24, special)], &known, None).unwrap().modifiers;
        assert_eq!(modifiers(None), [1, 2, 3]);
        assert_eq!(modifiers(Some(&[3, 2, 9])), [3, 2]);
        assert_eq!(modifiers(Some(&[9])), [9]);
    }

    #[test]
    fn an_importing_encoder_narrows_it_down_and_may_choose_another_format() {
        let known = formats(&[(XR24, 1), (XR24, MODIFIER_INVALID), (XB24, 0)]);
        let offers = [offer(XR24, None), offer(XB24, None)];
        let choice = |imports: &[(u32, u64)]| choose(&offers, &known, Some(&importable(imports)));
        assert_eq!(choice(&[(XR24, 1)]).unwrap().modifiers, [1]);
        let swapped = choice(&[(XB24, 0), (XB24, 1)]).unwrap();
        assert_eq!((swapped.fourcc, swapped.pixels, swapped.implicit), (XB24, PixelFormat::Rgbx, false));
        assert!(matches!(choice(&[(XR24, 2)]), Err(Refusal::NoModifier { imports: true })));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let error = choose(&[offer(XR30, None)], &formats(&[(XR30, 0)]), None).unwrap_err();
        assert!(error.to_string().contains("XR30"), "{error}");
        assert!(matches!(choose(&[], &formats(&[]), None), Err(Refusal::NotOffered)));
        let error = choose(&[offer(XR24, None)], &formats(&[]), None).unwrap_err();
        assert!(matches!(error, Refusal::NoModifier { imports: false }));
    }

    proptest! {
        #[test]
        fn a_choice_is_something_that_every_side_understands(
            known in vec((prop::sample::select(vec![XR24, XB24, XR30]), 0..5_u64), 0..12),
            special in prop::option::of(vec(0..5_u64, 0..5)),
            imported in prop::option::of(vec((prop::sample::select(vec![XR24, XB24]), 0..5_u64), 0..6)),
        ) {
            let known: Vec<_> = known.into_iter().map(|(fourcc, modifier)| {
                (fourcc, if modifier == 4 { MODIFIER_INVALID } else { modifier })
            }).collect();
            let imports = imported.as_deref().map(importable);
            let offers = [offer(XR30, None), offer(XR24, special.as_deref()), offer(XB24, None)];
            if let Ok(choice) = choose(&offers, &formats(&known), imports.as_ref()) {
                prop_assert!(choice.implicit || !choice.modifiers.is_empty());
                let implicit = choice.implicit.then_some(MODIFIER_INVALID);
                for modifier in choice.modifiers.into_iter().chain(implicit) {
                    let pair = (choice.fourcc, modifier);
                    let named = special.as_ref().is_some_and(|special| special.contains(&modifier));
                    prop_assert!(known.contains(&pair) || (choice.fourcc == XR24 && named));
                    prop_assert!(imports.as_ref().is_none_or(|imports| imports.formats.contains(&pair)));
                }
            }
        }
    }
}
