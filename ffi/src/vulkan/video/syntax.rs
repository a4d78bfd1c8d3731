//! What differs from codec to codec: what calls are told of a stream, beside what they are
//! told of every one.

use ash::vk;

use super::encoder::Settings;

/// A stream in one codec.
///
/// What is chained points to more, which lives for as long as the function runs that it is
/// handed to.
pub(super) trait Syntax: std::fmt::Debug {
    /// The parameter sets, as they are created.
    fn with_sets(&self, settings: &Settings, create: &mut Create<'_>) -> vk::Result;

    /// All of them, as they are asked for.
    fn with_question(&self, ask: &mut Ask<'_>) -> vk::Result;

    /// A picture, as it is encoded.
    fn with_picture(&self, coding: &Coding, write: &mut dyn FnMut(Picture<'_>));

    /// What every picture begins with, before what the driver writes.
    fn beginning(&self) -> &'static [u8] {
        &[]
    }
}

/// Chains parameter sets to a call.
pub(super) type Create<'f> =
    dyn for<'a> FnMut(&'a mut (dyn vk::ExtendsVideoSessionParametersCreateInfoKHR + 'a)) -> vk::Result + 'f;

/// Chains a question for them to a call, where there is something to choose from.
pub(super) type Ask<'f> =
    dyn for<'a> FnMut(Option<&'a mut (dyn vk::ExtendsVideoEncodeSessionParametersGetInfoKHR + 'a)>) -> vk::Result + 'f;

/// What is chained when a picture is encoded.
pub(super) struct Picture<'a> {
    /// To the picture itself.
    pub(super) picture: &'a mut (dyn vk::ExtendsVideoEncodeInfoKHR + 'a),
    /// To the slot that it is kept in.
    pub(super) setup: &'a mut (dyn vk::ExtendsVideoReferenceSlotInfoKHR + 'a),
    /// To the slot that it refers to, if there is one.
    pub(super) reference: &'a mut (dyn vk::ExtendsVideoReferenceSlotInfoKHR + 'a),
}

/// How a picture is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// The picture that it refers to; `None` for an IDR picture.
    pub reference: Option<Reference>,
    /// Where it is kept: in none that is.
    pub slot: u8,
    /// Pictures since the last IDR picture: 0 for that itself.
    pub order: u32,
    /// Counts IDR pictures.
    pub idr: u16,
    /// All that decoders keep before it, newest first.
    pub kept: Vec<Reference>,
}

/// A picture that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub slot: u8,
    /// Pictures since the last IDR picture.
    pub order: u32,
}

/// Rows of blocks, of which there are so many, in slices: the first row of each.
pub(super) fn slices(rows: u32, slices: u32) -> Vec<u32> {
    let each = rows.div_ceil(slices.clamp(1, rows.max(1))).max(1);
    (0..rows).step_by(each as usize).collect()
}

/// A place of a list without a picture.
pub(super) const NOBODY: u8 = 0xFF;

/// `video_format` of what was never analogue.
pub(super) const UNSPECIFIED_FORMAT: u8 = 5;

#[cfg(test)]
mod tests {
    use super::slices;

    #[test]
    fn slices_are_whole_rows() {
        assert_eq!(slices(68, 1), [0]);
        assert_eq!(slices(68, 0), [0]);
        assert_eq!(slices(68, 4), [0, 17, 34, 51]);
        assert_eq!(slices(68, 99).len(), 68);
    }
}
