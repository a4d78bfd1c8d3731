//! What the encoders of this machine make, as `earthshine encoders` has learned from
//! their drivers, in a process of its own and with a deadline.
//!
//! Until it answers, clients are offered what every device of a family can; and so
//! they are if it never does. Nobody waits for it.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::codec::VideoProfile;
use crate::gpu::GpuAddress;
use crate::host::supervisor::helper_process::{HelperProcess, OURSELVES};
use crate::host::supervisor::quarantine::{Kind, Quarantine};
use crate::ipc::abilities::{self, FamilyReport};
use crate::stream_plan::EncoderFamily;

/// Handle to what is known; cheap to clone.
#[derive(Debug, Clone)]
pub struct Encoders {
    families: Arc<[EncoderFamily]>,
    known: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    reports: Vec<FamilyReport>,
    at: Option<Instant>,
    error: String,
}

/// A family of the preference list, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EncoderView {
    /// `nvenc`, `vaapi`, `vulkan` or `software`.
    pub name: &'static str,
    /// The device that it encodes on; empty if not known.
    pub device: String,
    /// The same by its place on the PCI bus or its render node; empty if it is no GPU.
    pub gpu: String,
    /// What it makes, e.g. `hevc 10 bit 4:2:0`.
    pub profiles: Vec<String>,
    /// Whether its driver was asked; if not, the profiles are what every device of the
    /// family makes.
    pub asked: bool,
    /// Why it cannot be used; empty if it can, or if nobody knows.
    pub error: String,
}

/// The preference list, and what is known of its encoders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EncodersView {
    /// In the order in which a stream tries them; one for each GPU that a family works on.
    pub encoders: Vec<EncoderView>,
    /// Age of the drivers' answers; `null` before the first.
    pub age_seconds: Option<u64>,
    /// Why there is no newer answer; empty if all is well.
    pub error: String,
}

impl Encoders {
    /// Nobody was asked yet.
    #[must_use]
    pub fn new(families: &[EncoderFamily]) -> Self {
        Self { families: families.into(), known: Arc::default() }
    }

    /// What clients may ask for: never empty, because they refuse a host without any.
    #[must_use]
    pub fn profiles(&self) -> Vec<VideoProfile> {
        self.profiles_on(None)
    }

    /// The same on one GPU, and with what needs none; on all, if none is given.
    #[must_use]
    pub fn profiles_on(&self, gpu: Option<&GpuAddress>) -> Vec<VideoProfile> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut profiles: Vec<VideoProfile> = Vec::new();
        for &family in self.families.iter() {
            for profile in known.profiles(family, gpu) {
                if !profiles.contains(&profile) {
                    profiles.push(profile);
                }
            }
        }
        if profiles.is_empty() {
            // What no encoder opens is refused with each one's reason.
            profiles.push(VideoProfile::H264);
        }
        profiles
    }

    /// What drivers have said, a report for each family and GPU.
    pub(crate) fn reports(&self) -> Vec<FamilyReport> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).reports.clone()
    }

    /// Whether drivers were asked, and have answered; or need not be asked.
    pub(crate) fn have_answered(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.at.is_some() || self.families.iter().all(|family| *family == EncoderFamily::Software)
    }

    #[cfg(test)]
    pub(crate) fn answered_for_tests(&self, reports: Vec<FamilyReport>) {
        self.learned(Ok(reports));
    }

    /// All that is known.
    #[must_use]
    pub fn view(&self) -> EncodersView {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let unasked = |family: EncoderFamily| EncoderView {
            name: family.name(),
            device: String::new(),
            gpu: String::new(),
            profiles: family.certain_profiles().iter().map(VideoProfile::name).collect(),
            asked: false,
            error: String::new(),
        };
        let view = |report: &FamilyReport| EncoderView {
            name: report.family.name(),
            device: report.abilities.device.clone(),
            gpu: report.abilities.gpu.as_ref().map(ToString::to_string).unwrap_or_default(),
            profiles: offered(report).map(|profile| profile.name()).collect(),
            asked: true,
            error: report.error.clone(),
        };
        let views = |&family: &EncoderFamily| {
            let views: Vec<_> = known.of(family).map(view).collect();
            if views.is_empty() { vec![unasked(family)] } else { views }
        };
        EncodersView {
            encoders: self.families.iter().flat_map(views).collect(),
            age_seconds: known.at.map(|at| at.elapsed().as_secs()),
            error: known.error.clone(),
        }
    }

    /// Asks until every driver has answered, then no more: what a GPU can does not
    /// change. One that is missing may come yet.
    pub(crate) async fn learn(self, quarantine: Quarantine) {
        if self.families.iter().all(|family| *family == EncoderFamily::Software) {
            return;
        }
        loop {
            let answer = self.ask(&quarantine).await;
            let is_complete = matches!(&answer, Ok(reports) if reports.iter().all(|report| report.error.is_empty()));
            self.learned(answer);
            if is_complete {
                return;
            }
            sleep(ASK_AGAIN).await;
        }
    }

    fn learned(&self, answer: Result<Vec<FamilyReport>, String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(reports) => {
                for report in reports.iter().filter(|report| !known.reports.contains(report)) {
                    let makes: Vec<_> = report.abilities.able.iter().map(|able| able.profile.name()).collect();
                    let (family, device, error) = (report.family.name(), &report.abilities.device, &report.error);
                    info!(family, device, makes = makes.join(", "), error, "encoder");
                }
                *known = Known { reports, at: Some(Instant::now()), error: String::new() };
            }
            Err(error) => {
                warn!(error, "encoders do not say what they make");
                known.error = error;
            }
        }
    }

    async fn ask(&self, quarantine: &Quarantine) -> Result<Vec<FamilyReport>, String> {
        let names: Vec<_> = self.families.iter().map(|family| family.name()).collect();
        let arguments = [OURSELVES, "encoders", "--json", "--encoders", &names.join(",")].map(str::to_owned);
        let mut process = HelperProcess::spawn(Kind::Encoders, &arguments).map_err(|error| error.to_string())?;
        let said = match timeout(DEADLINE, said(&mut process)).await {
            Ok(said) => said.map_err(|error| error.to_string())?,
            Err(_) => {
                process.remove(quarantine, || {}).await;
                return Err(format!("no answer within {DEADLINE:?}: a driver hangs"));
            }
        };
        let line = said.lines().last().unwrap_or_default();
        let reports = abilities::read(line).map_err(|error| format!("an answer that means nothing: {error}"))?;
        Ok(reports.into_iter().filter(|report| self.families.contains(&report.family)).collect())
    }
}

impl Known {
    fn of(&self, family: EncoderFamily) -> impl Iterator<Item = &FamilyReport> {
        self.reports.iter().filter(move |report| report.family == family)
    }

    /// What a family makes, on one GPU if that is given and the family needs one.
    fn profiles(&self, family: EncoderFamily, gpu: Option<&GpuAddress>) -> Vec<VideoProfile> {
        if self.of(family).next().is_none() {
            return family.certain_profiles().to_vec();
        }
        let is_there = |report: &&FamilyReport| match (&report.abilities.gpu, gpu) {
            (Some(its), Some(gpu)) => its.is(gpu),
            _ => true,
        };
        self.of(family).filter(is_there).flat_map(offered).collect()
    }
}

fn offered(report: &FamilyReport) -> impl Iterator<Item = VideoProfile> {
    report.abilities.able.iter().map(|able| able.profile)
}

async fn said(process: &mut HelperProcess) -> io::Result<String> {
    let mut said = String::new();
    if let Some(output) = process.output() {
        output.take(LONGEST_ANSWER).read_to_string(&mut said).await?;
    }
    process.wait().await?;
    Ok(said)
}

/// A driver that was never used on this machine takes seconds.
const DEADLINE: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_secs(600);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Chroma, VideoCodec};
    use crate::ipc::abilities::{Abilities, Ability};

    const HEVC: VideoProfile = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit: true };

    fn report(family: EncoderFamily, profiles: &[VideoProfile], error: &str) -> FamilyReport {
        let able = profiles.iter().map(|&profile| Ability { profile, most: None });
        let abilities = Abilities { device: "a GPU".to_owned(), gpu: None, able: able.collect() };
        FamilyReport { family, abilities, error: error.to_owned() }
    }

    #[test]
    fn clients_are_offered_what_is_certain_and_then_what_drivers_say() {
        let encoders = Encoders::new(&[EncoderFamily::Nvenc, EncoderFamily::Software]);
        assert_eq!(encoders.profiles(), [VideoProfile::H264]);
        encoders.learned(Ok(vec![
            report(EncoderFamily::Nvenc, &[HEVC, VideoProfile::H264], ""),
            report(EncoderFamily::Software, &[VideoProfile::H264], ""),
        ]));
        assert_eq!(encoders.profiles(), [HEVC, VideoProfile::H264]);
        let view = encoders.view();
        assert_eq!(view.encoders[0].profiles, ["hevc 10 bit 4:2:0", "h264 8 bit 4:2:0"]);
        encoders.learned(Err("no answer".to_owned()));
        assert_eq!(encoders.profiles(), [HEVC, VideoProfile::H264], "what was said still counts");
        assert_eq!(encoders.view().error, "no answer");
    }

    #[test]
    fn clients_are_offered_what_any_gpu_makes_or_the_one_that_they_are_bound_to() {
        let encoders = Encoders::new(&[EncoderFamily::Nvenc]);
        let on = |place: &str, profiles: &[VideoProfile]| {
            let mut report = report(EncoderFamily::Nvenc, profiles, "");
            report.abilities.gpu = Some(GpuAddress::at(place));
            report
        };
        encoders.learned(Ok(vec![on("a", &[VideoProfile::H264]), on("b", &[VideoProfile::H264, HEVC])]));
        assert_eq!(encoders.profiles(), [VideoProfile::H264, HEVC]);
        assert_eq!(encoders.profiles_on(Some(&GpuAddress::at("a"))), [VideoProfile::H264]);
        let view = encoders.view();
        let gpus: Vec<_> = view.encoders.iter().map(|encoder| (encoder.name, encoder.gpu.as_str())).collect();
        assert_eq!(gpus, [("nvenc", "a"), ("nvenc", "b")]);
    }

    #[test]
    fn a_host_without_any_encoder_still_offers_something_to_be_refused() {
        let encoders = Encoders::new(&[EncoderFamily::Nvenc]);
        encoders.learned(Ok(vec![report(EncoderFamily::Nvenc, &[], "no GPU")]));
        assert_eq!(encoders.profiles(), [VideoProfile::H264]);
        assert_eq!(encoders.view().encoders[0].error, "no GPU");
    }
}
