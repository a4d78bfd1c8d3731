//! What programs of VA-API do in every codec.

use std::rc::Rc;

use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, CodedBuffer, Config, Context, Display, Surface, VaError};

use crate::support::complaints;

pub(crate) const SIZE: (u32, u32) = (64, 48);

/// What is open while pictures are encoded.
pub(crate) struct Opened {
    pub(crate) context: Rc<Context>,
    /// What pictures are kept in.
    pub(crate) targets: Vec<Rc<Surface>>,
    pub(crate) input: Rc<Surface>,
    pub(crate) coded: CodedBuffer,
}

pub(crate) fn display() -> Rc<Display> {
    Display::open(std::fs::File::open("/dev/null").expect("a file").into()).expect("a display")
}

impl Opened {
    /// In 4:2:0, with attributes beside the format.
    pub(crate) fn open(
        display: &Rc<Display>,
        profile: VAProfile,
        ten_bit: bool,
        attributes: &[(VAConfigAttribType, u32)],
    ) -> Self {
        let (format, fourcc) =
            if ten_bit { (VA_RT_FORMAT_YUV420_10, VA_FOURCC_P010) } else { (VA_RT_FORMAT_YUV420, VA_FOURCC_NV12) };
        let attributes = [&[(VAConfigAttribType::VAConfigAttribRTFormat, format)], attributes].concat();
        let entrypoint = VAEntrypoint::VAEntrypointEncSlice;
        let config = Config::create(display, profile, entrypoint, &attributes).expect("a configuration");
        let surface = || Surface::create(display, format, fourcc, SIZE).expect("a surface");
        let targets: Vec<_> = (0..3).map(|_| surface()).collect();
        let context = Context::create(&config, SIZE, targets.clone()).expect("a context");
        let coded = CodedBuffer::create(&context, 1 << 16).expect("a buffer");
        let input = surface();
        Self { context, targets, input, coded }
    }

    pub(crate) fn draw(&self, shade: u8) {
        let mut image = self.input.derive().expect("an image");
        let mut mapping = image.map().expect("memory");
        mapping.bytes().fill(shade);
        mapping.unmap().expect("back");
    }

    /// Encodes what was drawn, and waits for it.
    pub(crate) fn encode(&mut self, buffers: &[Buffer]) -> Result<Vec<u8>, VaError> {
        self.context.encode(&self.input, buffers)?;
        self.input.sync()?;
        let mut bytes = Vec::new();
        self.coded.read(&mut bytes)?;
        Ok(bytes)
    }
}

/// That all mistakes, and nothing else, were complained about with these words.
pub(crate) fn assert_found<'a>(ledger: &[String], texts: impl IntoIterator<Item = &'a str>) {
    let complaints = complaints(ledger);
    let texts: Vec<_> = texts.into_iter().collect();
    for (text, complaint) in texts.iter().zip(&complaints) {
        assert!(complaint.contains(text), "{text} in {complaint}");
    }
    assert_eq!(complaints.len(), texts.len(), "{complaints:#?}");
}
