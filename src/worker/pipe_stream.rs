//! `earthshine pipe-stream`: raw pictures from standard input through one encoder and the
//! packetizer to a socket.
//!
//! `earthshine bench peers` runs it: other programs take pictures so, and what is compared
//! must come the same way. Conversion, encoder, packets, parity and sending are a worker's.

use std::io::{self, Read};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Micros;
use crate::codec::VideoProfile;
use crate::protocol::video::frame_header::FrameType;
use crate::protocol::video::packetizer::{
    PacketSizeError, PacketizeError, Packetizer, PacketizerConfig, PictureToSend,
};
use crate::protocol::video::shard_batch::ShardBatch;
use crate::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use crate::units::{Bitrate, FecPercent, FrameIndex, FrameRate, RtpTimestamp, Size};
use crate::worker::encode::select::{self, OpenEncoderError};
use crate::worker::encode::{EncodeError, FrameRequest};
use crate::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};
use crate::worker::send::media_socket::MediaSocket;

/// What is streamed, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Whose encoder.
    pub family: EncoderFamily,
    /// Of the pictures, and of the stream.
    pub size: Size,
    /// Frames a second that the bit rate is spread over.
    pub frame_rate: FrameRate,
    /// At most.
    pub bitrate: Bitrate,
    /// UDP port of this machine.
    pub port: u16,
    /// Bytes of a packet behind its RTP part.
    pub packet_size: u16,
}

/// Streams until standard input ends.
#[must_use]
pub fn main(wanted: &Wanted) -> ExitCode {
    match run(wanted, io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("earthshine pipe-stream: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why it ends early.
#[derive(Debug, thiserror::Error)]
enum PipeError {
    #[error(transparent)]
    Open(#[from] OpenEncoderError),
    #[error("{0}")]
    Encode(#[from] EncodeError),
    #[error("{0}")]
    PacketSize(#[from] PacketSizeError),
    #[error("{0}")]
    Packetize(#[from] PacketizeError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn run(wanted: &Wanted, mut input: impl Read) -> Result<(), PipeError> {
    let Wanted { family, size, frame_rate, bitrate, port, packet_size } = *wanted;
    let plan = VideoPlan {
        profile: VideoProfile::H264,
        size,
        frame_rate,
        bitrate,
        ..StreamPlan::small_test_card(vec![family]).video
    };
    let mut encoder = select::open(&plan)?.encoder;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    let mut socket = MediaSocket::new(socket, None);
    let config =
        PacketizerConfig { packet_size, fec: FecPercent(20), minimum_parity: 2, seal: None, first_packet_index: 0 };
    let (mut packetizer, mut batch) = (Packetizer::new(&config)?, ShardBatch::new());
    let bytes = size.width as usize * size.height as usize * 4;
    let (began, mut number) = (Instant::now(), FrameIndex(0));
    let mut pixels: Arc<[u8]> = Arc::from(vec![0; bytes]);
    loop {
        // Nobody has it any more, unless an encoder keeps pictures.
        let Some(free) = Arc::get_mut(&mut pixels) else {
            pixels = Arc::from(vec![0; bytes]);
            continue;
        };
        match input.read_exact(free) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let captured = Micros::now();
        let frame = frame(Arc::clone(&pixels), size, number, captured);
        encoder.load(&frame)?;
        let request = FrameRequest { picture: number.0, idr: number.0 == 0, repeated: false, captured };
        let encoded = encoder.encode(request)?;
        number = number.next();
        let kind = if encoded.kind == FrameKind::Idr { FrameType::Idr } else { FrameType::Predicted };
        let picture = PictureToSend {
            data: &encoded.data,
            kind,
            frame_index: number,
            rtp_timestamp: RtpTimestamp::from_elapsed(began.elapsed()),
            latency_100us: 1,
        };
        packetizer.packetize(&picture, &mut batch)?;
        socket.send(batch.bytes(), batch.datagram_size(), PATIENCE);
    }
}

fn frame(pixels: Arc<[u8]>, size: Size, number: FrameIndex, captured: Micros) -> Frame {
    Frame {
        pixels: Pixels::Owned(pixels),
        size,
        stride: size.width as usize * 4,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: number.0.into(),
        changed: None,
        presented: Micros(0),
        captured,
    }
}

/// A frame interval is longer.
const PATIENCE: Duration = Duration::from_millis(4);

#[cfg(test)]
mod tests {
    use earthshine_ffi::openh264::Decoder;

    use super::*;
    use crate::protocol::video::assembler::{Assembler, Event};

    #[test]
    fn every_picture_comes_out_as_it_went_in() {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let wanted = Wanted {
            family: EncoderFamily::Software,
            size: Size::new(64, 48),
            frame_rate: FrameRate::from_hz(30),
            bitrate: Bitrate::from_kbps(2000),
            port: receiver.local_addr().unwrap().port(),
            packet_size: 1392,
        };
        let pictures: Vec<u8> = [40, 120, 200].iter().flat_map(|shade| vec![*shade; 64 * 48 * 4]).collect();
        run(&wanted, pictures.as_slice()).unwrap();
        let (mut assembler, mut decoder) = (Assembler::new(1392).keeping_pictures(), Decoder::open().unwrap());
        let (mut shades, mut packet) = (Vec::new(), [0; 2048]);
        while shades.len() < 3 {
            let length = receiver.recv(&mut packet).unwrap();
            if assembler.handle_packet(&packet[..length]).any(|event| matches!(event, Event::Frame(_))) {
                let unit = assembler.picture().unwrap();
                let luma = decoder.decode(unit).unwrap();
                shades.push(luma.samples[luma.stride * 20 + 20]);
            }
        }
        // Grey in limited range: 16 and 219/255 of it.
        for (shade, wanted) in shades.iter().zip([50_u8, 119, 188]) {
            assert!(shade.abs_diff(wanted) <= 3, "{shades:?}");
        }
    }
}
