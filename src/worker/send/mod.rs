//! From access units to datagrams on the network.
//!
//! One thread owns the video socket and the packetizer. It gives frames their
//! numbers and times, cuts them, and lets large ones leave spread over a part
//! of the frame interval. It never waits for the network longer than a frame
//! is worth: what the kernel does not take is counted and given up, and the
//! client asks for what it misses.

pub mod media_socket;
pub mod pacer;
pub mod rtp_clock;
pub mod thread;
