//! From Opus packets to datagrams.
//!
//! [`packetizer::AudioPacketizer`] puts an RTP header in front of each Opus
//! packet, seals it if negotiated, and adds two parity datagrams after every
//! fourth. Layout and rules: moonlight-common-c `RtpAudioQueue.{c,h}` and
//! `AudioStream.c`; the real client repaired dropped packets of this form.

pub mod assembler;
pub mod fec_window;
pub mod packet_header;
pub mod packetizer;
pub mod sealer;
