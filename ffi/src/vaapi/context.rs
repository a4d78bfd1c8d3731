//! An open encoder of the driver's.

use std::rc::Rc;

use super::buffer::Buffer;
use super::config::Config;
use super::display::{Display, call};
use super::error::VaError;
use super::surface::Surface;
use super::sys::*;

/// An encoder for pictures of one size.
#[derive(Debug)]
pub struct Context {
    raw: VAContextID,
    config: Rc<Config>,
    // The driver may keep their numbers: they go after it.
    _targets: Vec<Rc<Surface>>,
}

impl Context {
    /// Opens an encoder that reconstructs its pictures in `targets`.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create(
        config: &Rc<Config>,
        (width, height): (u32, u32),
        targets: Vec<Rc<Surface>>,
    ) -> Result<Rc<Self>, VaError> {
        let mut ids: Vec<_> = targets.iter().map(|target| target.id()).collect();
        let (width, height) = (width.cast_signed(), height.cast_signed());
        let (progressive, mut raw) = (VA_PROGRESSIVE.cast_signed(), VA_INVALID_ID);
        let count = i32::try_from(ids.len()).unwrap_or(0);
        let display = config.display();
        call!(
            display,
            vaCreateContext(config.raw(), width, height, progressive, ids.as_mut_ptr(), count, &raw mut raw)
        )?;
        Ok(Rc::new(Self { raw, config: Rc::clone(config), _targets: targets }))
    }

    /// Has a picture encoded as `buffers` say, in their order. The GPU works on it when
    /// this returns; [`Surface::sync`] of `input` waits for that.
    ///
    /// # Errors
    /// [`VaError`]; the encoder must not be used again.
    pub fn encode(&self, input: &Surface, buffers: &[Buffer]) -> Result<(), VaError> {
        let mut ids: Vec<_> = buffers.iter().map(Buffer::id).collect();
        let count = i32::try_from(ids.len()).unwrap_or(0);
        call!(self.display(), vaBeginPicture(self.raw, input.id()))?;
        let rendered = call!(self.display(), vaRenderPicture(self.raw, ids.as_mut_ptr(), count));
        // A picture that was begun has to be ended, come what may.
        let ended = call!(self.display(), vaEndPicture(self.raw));
        rendered.and(ended)
    }

    pub(crate) fn display(&self) -> &Rc<Display> {
        self.config.display()
    }

    pub(crate) const fn raw(&self) -> VAContextID {
        self.raw
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = call!(self.display(), vaDestroyContext(self.raw));
    }
}
