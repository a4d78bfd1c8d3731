//! What the coding of macroblocks works on. They are coded as in the stand-in for VA
//! drivers, by the same files.

/// A picture in whole macroblocks: luma, and chroma in pairs.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) luma: Vec<u8>,
    pub(crate) chroma: Vec<u8>,
}
