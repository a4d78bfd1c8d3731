//! Which output is captured, and how large it is now.
//!
//! A desktop of ours has one output. Should there be more, the oldest is ours
//! until it goes.

use wayland_client::protocol::wl_output::{self, Mode, WlOutput};
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Dispatch, QueueHandle, WEnum};

use super::wayland::Globals;
use crate::units::Size;

/// The output in use.
#[derive(Debug)]
pub(crate) struct Output {
    /// To name it in requests.
    pub(crate) shown: WlOutput,
    global: u32,
    mode: Option<Size>,
}

impl Output {
    /// The oldest output, if there is one.
    pub(crate) fn bind<S>(globals: &Globals, registry: &WlRegistry, handle: &QueueHandle<S>) -> Option<Self>
    where
        S: Dispatch<WlOutput, ()> + 'static,
    {
        let (global, offered) = globals.of("wl_output").next()?;
        let shown = registry.bind(global, offered.min(VERSION), handle, ());
        Some(Self { shown, global, mode: None })
    }

    /// Whether this is the global of that name.
    pub(crate) const fn is(&self, global: u32) -> bool {
        self.global == global
    }

    /// Its mode in pixels, once the compositor has told.
    pub(crate) const fn mode(&self) -> Option<Size> {
        self.mode
    }

    /// Learns from an event.
    pub(crate) fn on_event(&mut self, event: &wl_output::Event) {
        if let wl_output::Event::Mode { flags: WEnum::Value(flags), width, height, .. } = *event
            && flags.contains(Mode::Current)
            && let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height))
        {
            self.mode = Some(Size::new(width, height));
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        use wayland_client::Proxy;
        if self.shown.version() >= RELEASE_SINCE {
            self.shown.release();
        }
    }
}

/// Mode, scale and name are all we could use.
const VERSION: u32 = 4;

const RELEASE_SINCE: u32 = 3;
