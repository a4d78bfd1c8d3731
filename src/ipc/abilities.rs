//! What the encoders of this machine can do, as the process says that asked their
//! drivers (`earthshine encoders --json`): one line of JSON.

use serde::{Deserialize, Serialize};

use crate::codec::VideoProfile;
use crate::gpu::GpuAddress;
use crate::stream_plan::EncoderFamily;
use crate::units::Size;

/// What one family can do on one device of this machine, or why nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyReport {
    /// Which family.
    pub family: EncoderFamily,
    /// Where it encodes, and what; nothing if there is an error.
    #[serde(flatten)]
    pub abilities: Abilities,
    /// Why it cannot be used, empty if it can.
    pub error: String,
}

/// What a family does on its device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// The device, for people to read.
    pub device: String,
    /// Where it is, if it is a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuAddress>,
    /// What it makes.
    pub able: Vec<Ability>,
}

/// A profile that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// Codec, depth and chroma.
    pub profile: VideoProfile,
    /// Sides of the largest picture, if that is said.
    pub most: Option<Size>,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub fn read(line: &str) -> Result<Vec<FamilyReport>, serde_json::Error> {
    serde_json::from_str(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let able = vec![Ability { profile: VideoProfile::H264, most: Some(Size::new(4096, 4096)) }];
        let reports = vec![
            FamilyReport {
                family: EncoderFamily::Nvenc,
                abilities: Abilities { device: "GPU".to_owned(), gpu: Some(GpuAddress::at("0000:01:00.0")), able },
                error: String::new(),
            },
            FamilyReport {
                family: EncoderFamily::Vaapi,
                abilities: Abilities::default(),
                error: "no \"render\" node".to_owned(),
            },
        ];
        let line = serde_json::to_string(&reports).unwrap();
        assert_eq!(read(&line).unwrap(), reports);
        for cut in 0..line.len() {
            assert!(read(&line[..cut]).is_err(), "{cut}");
        }
        assert!(read("[{\"family\":\"nvenc\",\"device\":\"\",\"able\":[{}],\"error\":\"\"}]").is_err());
    }
}
