//! End to end: the built host, a real compositor and sound server, and the real
//! Moonlight client core. A scenario a file.

#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod desktop_1080p60;
mod desktop_720p30;
mod doors;
mod driven;
mod encrypted;
mod engine;
mod events;
mod lobby;
mod lossy;
mod mouse;
mod nvenc;
mod pair_right_pin;
mod pair_wrong_pin;
mod processes;
mod quit;
mod resume;
mod sound;
mod surround;
mod test_card;
mod typing;
mod vaapi;
mod vulkan_video;
mod watched;
