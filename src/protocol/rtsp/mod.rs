//! The RTSP handshake: what a client learns about the host before it streams,
//! and what it decides.
//!
//! GameStream's RTSP is RTSP by its looks only: one TCP connection per request,
//! targets no URL parser accepts, an SDP body that is a bag of lines, and (when
//! the session URL says `rtspenc://`) an encryption layer of its own. So the
//! parsers here are small and made for it.

pub mod announce_error;
pub mod announcement;
pub mod answer;
mod attributes;
pub mod client_handshake;
pub mod handshake;
pub mod message;
pub mod sdp;
pub mod sealer;
pub mod stream_parameters;
pub mod surround;
