//! What is combined.

use crate::bench::report::short;
use crate::cli::EncodeArgs;
use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::content::Content;
use crate::stream_plan::EncoderFamily;
use crate::units::Size;

/// One case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Combination {
    pub(super) family: EncoderFamily,
    pub(super) profile: VideoProfile,
    pub(super) size: Size,
    pub(super) fps: u32,
    pub(super) kbps: u32,
    pub(super) preset: u8,
    pub(super) content: Content,
}

impl Combination {
    /// The same in every run that is asked for the same.
    pub(super) fn name(&self) -> String {
        let Self { family, profile, size, fps, kbps, preset, content } = self;
        let preset = if *family == EncoderFamily::Nvenc { format!(", P{preset}") } else { String::new() };
        let rate = short(f64::from(*kbps) / 1000.0);
        format!("{}{preset}, {}, {size} at {fps} Hz, {rate} Mbit/s, {}", family.name(), profile.name(), content.name())
    }
}

/// All that make sense: only NVENC has presets, and the software encoder makes H.264 only.
pub(super) fn of(args: &EncodeArgs) -> Vec<Combination> {
    let mut all = Vec::new();
    for family in &args.encoders {
        let presets: &[u8] = if *family == EncoderFamily::Nvenc { &args.presets } else { &[1] };
        for codec in args.codecs.iter().filter(|codec| makes(*family, **codec)) {
            let profile = VideoProfile { codec: *codec, chroma: Chroma::Yuv420, ten_bit: args.ten_bit };
            for size in &args.sizes {
                for fps in &args.fps {
                    for kbps in &args.bitrates {
                        for preset in presets {
                            all.extend(args.contents.iter().map(|content| Combination {
                                family: *family,
                                profile,
                                size: *size,
                                fps: *fps,
                                kbps: *kbps,
                                preset: *preset,
                                content: *content,
                            }));
                        }
                    }
                }
            }
        }
    }
    all
}

fn makes(family: EncoderFamily, codec: VideoCodec) -> bool {
    family != EncoderFamily::Software || codec == VideoCodec::H264
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{BenchArgs, BenchCommand, Cli, Command};

    fn combinations(flags: &str) -> Vec<String> {
        let line = format!("earthshine bench encode {flags}");
        match Cli::parse_from(line.split_whitespace()).command {
            Command::Bench(BenchArgs { command: BenchCommand::Encode(args) }) => {
                of(&args).iter().map(Combination::name).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_is_combined_with_all_that_it_goes_with() {
        let names = combinations("--encoders software,nvenc --codecs h264,hevc --content still,game --presets 1,4");
        // The software encoder with one codec and no preset, NVENC with two of each.
        assert_eq!(names.len(), 2 + 2 * 2 * 2);
        assert_eq!(names[0], "software, h264 8 bit 4:2:0, 1920x1080 at 60 Hz, 20.0 Mbit/s, still");
        assert!(names.iter().any(|name| name.starts_with("nvenc, P4, hevc")), "{names:?}");
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
