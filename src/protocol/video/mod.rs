//! From a coded picture to the datagrams of one frame.
//!
//! [`packetizer::Packetizer`] cuts a picture into equal packets, adds parity
//! per FEC block, seals if negotiated, and leaves everything in a
//! [`shard_batch::ShardBatch`] in sending order. Packet layout: moonlight-common-c
//! `Video.h` (`RTP_PACKET`, `NV_VIDEO_PACKET`) and `RtpVideoQueue.c`; the code is
//! checked against packets the real client accepted (`tests/wire/video.rs`).

pub mod assembler;
pub mod fec_blocks;
pub mod frame_header;
mod gcm;
mod open_block;
pub mod packet_header;
pub mod packetizer;
pub mod rtp;
pub mod sealer;
mod sequences;
pub mod shard_batch;
