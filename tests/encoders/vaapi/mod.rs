//! VA-API: a driver (`tests/drivers/va_driver`) under the real libva.

mod av1;
mod converted;
mod exported;
mod failures;
mod hevc;
mod streams;

use earthshine::stream_plan::{Conversion, EncoderFamily, VideoPlan};

fn plan(width: u32, height: u32) -> VideoPlan {
    VideoPlan { conversion: Conversion::Cpu, ..crate::stage::plan(EncoderFamily::Vaapi, width, height) }
}
