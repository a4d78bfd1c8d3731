//! Stand-in for a Vulkan driver that encodes H.264, HEVC and AV1: a layer over any Vulkan
//! device, which is one on the CPU (lavapipe) in tests.
//!
//! The loader puts it between the program and the driver (`VK_INSTANCE_LAYERS`). To the
//! program the device has one more family of queues, which encodes, and the extensions of
//! Vulkan Video; everything else is the driver's. Pictures in two planes, sessions,
//! parameter sets and queries are kept here; commands about them are noted, and done when
//! a queue gets them. What is encoded is coded without loss, under headers that are made
//! of what the program says ([`codec`]): a mistake in a parameter set, in a list of
//! references or in a slot is a picture that decodes wrong, if it was not found out before.
//! The rules are those of the specification; where drivers are lenient, this one is not.
//!
//! What it can is ordered by `cap`: [`capabilities`] lists the names. It cannot show what
//! a real engine does with time, with bits, and with what it does not check.
//!
//! Every function leans on the same contract: pointers are null or valid for what the
//! specification says is written or read there.

#[path = "../va_driver/arithmetic.rs"]
mod arithmetic;
mod av1;
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
#[path = "../va_driver/bits.rs"]
mod bits;
mod buffer;
mod capabilities;
mod chain;
mod codec;
mod coding;
mod command;
mod device;
mod h264;
mod hevc;
mod image;
mod instance;
mod loader;
#[allow(dead_code, reason = "the other stand-in reads units, too")]
#[path = "../va_driver/nal.rs"]
mod nal;
mod parameters;
mod physical;
mod pixels;
#[path = "../va_driver/plane.rs"]
mod plane;
mod query;
mod queue;
mod recording;
mod rules;
mod session;

// As what is shared with the other stand-in calls it.
use rules as driver;
