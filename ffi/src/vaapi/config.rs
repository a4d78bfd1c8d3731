//! What an encoder is to be made for.

use std::rc::Rc;

use super::display::{Display, call};
use super::error::VaError;
use super::sys::*;

/// A profile, the way in to it, and how it is used.
#[derive(Debug)]
pub struct Config {
    display: Rc<Display>,
    raw: VAConfigID,
}

impl Config {
    /// Asks the driver for it.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create(
        display: &Rc<Display>,
        profile: VAProfile,
        entrypoint: VAEntrypoint,
        attributes: &[(VAConfigAttribType, u32)],
    ) -> Result<Rc<Self>, VaError> {
        let mut attributes: Vec<_> = attributes.iter().map(|&(type_, value)| VAConfigAttrib { type_, value }).collect();
        let (mut raw, count) = (VA_INVALID_ID, i32::try_from(attributes.len()).unwrap_or(i32::MAX));
        call!(display, vaCreateConfig(profile, entrypoint, attributes.as_mut_ptr(), count, &raw mut raw))?;
        Ok(Rc::new(Self { display: Rc::clone(display), raw }))
    }

    pub(crate) const fn display(&self) -> &Rc<Display> {
        &self.display
    }

    pub(crate) const fn raw(&self) -> VAConfigID {
        self.raw
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = call!(&self.display, vaDestroyConfig(self.raw));
    }
}
