//! The Opus encoder, set as GameStream clients need it.
//!
//! Multistream with the layout that RTSP agreed, restricted low delay (no
//! speech mode, 2.5 ms less), and *hard* constant bit rate without
//! discontinuous transmission: the audio FEC needs four packets of the same
//! length, and moonlight-common-c switches it off for good when one differs
//! (`RtpAudioQueue.c`).

use opus::{Application, Bitrate, MSEncoder};

use super::{SAMPLE_RATE, SAMPLES_PER_MS};
use crate::stream_plan::AudioPlan;

/// Encodes packets of one duration and one size.
#[derive(Debug)]
pub struct OpusEncoder {
    encoder: MSEncoder,
    samples: usize,
    packet: Vec<u8>,
}

impl OpusEncoder {
    /// An encoder for what was negotiated.
    ///
    /// # Errors
    /// When the layout or the rate is not possible in Opus, or one packet would
    /// not fit into a datagram.
    pub fn open(plan: &AudioPlan) -> Result<Self, OpusError> {
        let bits = plan.bitrate.bps() * u64::from(plan.packet_duration_ms) / 1000;
        let size = usize::try_from(bits / 8).unwrap_or(usize::MAX);
        if size > LARGEST_PACKET {
            return Err(OpusError::PacketTooLarge { size });
        }
        let layout = &plan.layout;
        if layout.mapping.len() != usize::from(layout.channels) {
            return Err(OpusError::Mapping { channels: layout.channels, mapped: layout.mapping.len() });
        }
        let mut encoder =
            MSEncoder::new(SAMPLE_RATE, layout.streams, layout.coupled, &layout.mapping, Application::LowDelay)?;
        encoder.set_bitrate(Bitrate::Bits(i32::try_from(plan.bitrate.bps()).unwrap_or(i32::MAX)))?;
        encoder.set_vbr(false)?;
        encoder.set_dtx(false)?;
        encoder.set_inband_fec(false)?;
        let samples = usize::from(plan.packet_duration_ms) * SAMPLES_PER_MS * usize::from(layout.channels);
        Ok(Self { encoder, samples, packet: vec![0; LARGEST_PACKET] })
    }

    /// Interleaved samples in a packet, over all channels.
    #[must_use]
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Encodes one packet of exactly [`OpusEncoder::samples`] samples.
    ///
    /// # Errors
    /// When there are more or fewer samples, or Opus refuses.
    pub fn encode(&mut self, pcm: &[f32]) -> Result<&[u8], OpusError> {
        if pcm.len() != self.samples {
            return Err(OpusError::Samples { got: pcm.len(), want: self.samples });
        }
        let len = self.encoder.encode_float(pcm, &mut self.packet)?;
        Ok(&self.packet[..len])
    }
}

/// Opus does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum OpusError {
    /// The library said so.
    #[error("opus: {0}")]
    Library(#[from] opus::Error),
    /// Rate times duration does not fit into a datagram.
    #[error("an Opus packet of {size} bytes does not fit into {LARGEST_PACKET}")]
    PacketTooLarge {
        /// Bytes of a packet.
        size: usize,
    },
    /// The layout contradicts itself.
    #[error("a mapping of {mapped} channels for {channels} channels")]
    Mapping {
        /// Channels of the layout.
        channels: u8,
        /// Length of the mapping.
        mapped: usize,
    },
    /// The caller's packet has another length.
    #[error("{got} samples instead of {want}")]
    Samples {
        /// Samples given.
        got: usize,
        /// Samples in a packet.
        want: usize,
    },
}

/// 1400 bytes of a datagram (`MAX_PACKET_SIZE` of moonlight-common-c) without
/// RTP header (12) and padding of the cipher (at most 16).
const LARGEST_PACKET: usize = 1400 - 12 - 16;

#[cfg(test)]
mod tests {
    use opus::MSDecoder;

    use super::super::tone::{Tone, strongest_tone};
    use super::*;
    use crate::stream_plan::AudioLayout;
    use crate::units::Bitrate as Kbps;

    #[test]
    fn packets_of_every_layout_are_equal_in_size_and_carry_each_speaker_in_its_place() {
        for (channels, streams, coupled, kbps) in LAYOUTS {
            for duration in [5, 10] {
                if u64::from(kbps) * u64::from(duration) / 8 > LARGEST_PACKET as u64 {
                    continue;
                }
                let plan = plan(channels, streams, coupled, kbps, duration);
                let heard = through(&plan);
                for (speaker, tone) in heard.iter().enumerate() {
                    let (frequency, level) = strongest_tone(tone);
                    let what = format!("{channels} channels, {streams} streams, {duration} ms, speaker {speaker}");
                    assert!((frequency - frequency_of(speaker)).abs() < 3.0, "{what}: {frequency} Hz");
                    assert!((level + 12.0).abs() < 1.0, "{what}: {level} dBFS");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        let too_large = OpusEncoder::open(&plan(8, 8, 0, 2048, 10));
        assert!(matches!(too_large, Err(OpusError::PacketTooLarge { size: 2560 })));
        let odd_layout = OpusEncoder::open(&plan(6, 1, 1, 256, 5));
        assert!(matches!(odd_layout, Err(OpusError::Library(_))));
        let mut short = plan(6, 4, 2, 256, 5);
        short.layout.mapping.pop();
        assert!(matches!(OpusEncoder::open(&short), Err(OpusError::Mapping { channels: 6, mapped: 5 })));
        let mut stereo = OpusEncoder::open(&plan(2, 1, 1, 96, 5)).unwrap();
        assert!(matches!(stereo.encode(&[0.0; 100]), Err(OpusError::Samples { got: 100, want: 480 })));
    }

    /// Every speaker plays a tone of its own; returns what each decodes to.
    fn through(plan: &AudioPlan) -> Vec<Vec<f32>> {
        let layout = &plan.layout;
        let speakers = usize::from(layout.channels);
        let mut encoder = OpusEncoder::open(plan).unwrap();
        let mut decoder = MSDecoder::new(SAMPLE_RATE, layout.streams, layout.coupled, &layout.mapping).unwrap();
        let mut tones: Vec<_> = (0..speakers).map(|speaker| Tone::new(frequency_of(speaker))).collect();
        let mut heard = vec![Vec::new(); speakers];
        let mut pcm = vec![0.0; encoder.samples()];
        let mut size = None;
        for packet in 0..200 {
            for frame in pcm.chunks_exact_mut(speakers) {
                for (sample, tone) in frame.iter_mut().zip(&mut tones) {
                    *sample = tone.next_sample();
                }
            }
            let coded = encoder.encode(&pcm).unwrap();
            assert_eq!(*size.get_or_insert(coded.len()), coded.len(), "packet {packet}");
            let frames = decoder.decode_float(coded, &mut pcm, false).unwrap();
            assert_eq!(frames * speakers, pcm.len());
            if packet >= 20 {
                for frame in pcm.chunks_exact(speakers) {
                    heard.iter_mut().zip(frame).for_each(|(tone, sample)| tone.push(*sample));
                }
            }
        }
        heard
    }

    fn frequency_of(speaker: usize) -> f64 {
        [440.0, 554.0, 659.0, 110.0, 880.0, 1109.0, 1319.0, 1760.0][speaker]
    }

    fn plan(channels: u8, streams: u8, coupled: u8, kbps: u32, packet_duration_ms: u8) -> AudioPlan {
        let layout = AudioLayout { channels, streams, coupled, mapping: (0..channels).collect() };
        let bitrate = Kbps::from_kbps(kbps);
        AudioPlan { layout, bitrate, packet_duration_ms, encrypted: false, rikeyid: 0, dscp: false }
    }

    const LAYOUTS: [(u8, u8, u8, u32); 6] =
        [(2, 1, 1, 96), (2, 1, 1, 512), (6, 4, 2, 256), (6, 6, 0, 1536), (8, 5, 3, 450), (8, 8, 0, 2048)];
}
