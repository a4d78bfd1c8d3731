//! Which GPU a session or a lobby draws on, and which its streams are encoded on: what
//! was asked for, or what has most room; and what follows if that cannot be.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::VideoProfile;
use crate::config::Config;
use crate::gpu::{GpuAddress, GpuName};
use crate::host::encoders::Encoders;
use crate::host::gpus::choice::{self, Standing};
use crate::host::gpus::known::{self, KnownGpu, NoSuchGpu};
use crate::host::gpus::placed::Work;
use crate::host::gpus::{GpuLimits, Gpus};
use crate::host::health::turns::{Candidate, Turn};
use crate::host::scope::Scope;
use crate::ipc::abilities::FamilyReport;
use crate::stream_plan::EncoderFamily;

/// All that decides, at this moment.
#[derive(Debug)]
pub(crate) struct Placement<'a> {
    config: Arc<Config>,
    gpus: &'a Gpus,
    encoders: &'a Encoders,
    known: Vec<KnownGpu>,
}

/// Where something goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The GPU, if any is known.
    pub(crate) gpu: Option<GpuAddress>,
    /// The one that should have been it, and why it is not.
    pub(crate) instead_of: Option<InsteadOf>,
}

/// A GPU that something was not placed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InsteadOf {
    pub(crate) gpu: String,
    pub(crate) reason: String,
}

/// A GPU as `GET /api/v1/capacity` shows who is placed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlacementView {
    /// Its place on the PCI bus; its render node, where it is on none.
    pub gpu: String,
    /// Its render node, empty if it has none that is known.
    pub render_node: String,
    /// Name of the product, empty if it is not known.
    pub name: String,
    /// What its drivers say that it encodes, by encoder, e.g. `nvenc: h264 8 bit 4:2:0`.
    pub encodes: Vec<String>,
    /// Sessions whose streams are encoded on it, or are about to be.
    pub streams: Vec<String>,
    /// Sessions that are placed on it: with a desktop, it draws here.
    pub sessions: Vec<String>,
    /// Lobbies that are placed on it.
    pub lobbies: Vec<String>,
    /// Streams for which it still has encode sessions; `null` if nothing limits them, or
    /// it does not tell.
    pub streams_that_fit: Option<usize>,
    /// Why it takes no more streams, empty if it does.
    pub full: String,
    /// A stream had to leave it a moment ago: it comes after others for a while.
    pub doubted: bool,
}

impl<'a> Placement<'a> {
    /// With all that is known now.
    pub(crate) fn now(config: Arc<Config>, gpus: &'a Gpus, encoders: &'a Encoders) -> Self {
        let figures = gpus.figures().map(|(_, figures)| figures).unwrap_or_default();
        let known = known::known(&gpus.nodes(), &figures, &encoders.reports());
        Self { config, gpus, encoders, known }
    }

    /// The GPU that a name means; none for `auto`.
    ///
    /// # Errors
    /// [`NoSuchGpu`], with those that there are.
    pub(crate) fn find(&self, name: &GpuName) -> Result<Option<&KnownGpu>, NoSuchGpu> {
        if name.is_fixed() { known::find(&self.known, name).map(Some) } else { Ok(None) }
    }

    /// The name that counts: the host's default where none is given.
    pub(crate) fn name<'n>(&'n self, given: Option<&'n GpuName>) -> &'n GpuName {
        given.unwrap_or(&self.config.video.gpu)
    }

    /// The one GPU that streams of this name must be encoded on, if they must.
    ///
    /// # Errors
    /// [`NoSuchGpu`].
    pub(crate) fn only(&self, given: Option<&GpuName>) -> Result<Option<&GpuAddress>, NoSuchGpu> {
        if self.config.video.gpu_fallback {
            return Ok(None);
        }
        Ok(self.find(self.name(given))?.map(|gpu| &gpu.address))
    }

    /// Where something with this name goes, which is `scope`'s.
    ///
    /// # Errors
    /// [`NoSuchGpu`], where another GPU must not take its place.
    pub(crate) fn decide(&self, given: Option<&GpuName>, scope: Scope) -> Result<Decision, NoSuchGpu> {
        let name = self.name(given);
        let reason = match self.find(name) {
            Ok(None) => return Ok(Decision { gpu: self.best(scope), instead_of: None }),
            Ok(Some(gpu)) => match gpu.figures.as_ref().filter(|figures| !figures.error.is_empty()) {
                Some(figures) if self.config.video.gpu_fallback => figures.error.clone(),
                _ => return Ok(Decision { gpu: Some(gpu.address.clone()), instead_of: None }),
            },
            Err(missing) if self.config.video.gpu_fallback => missing.to_string(),
            Err(missing) => return Err(missing),
        };
        let instead_of = InsteadOf { gpu: name.to_string(), reason };
        Ok(Decision { gpu: self.best(scope), instead_of: Some(instead_of) })
    }

    /// GPUs to encode on, for a stream of `scope` whose picture is drawn on `drawn`; and
    /// why that is not the first. None for any: nobody knows yet what there is.
    pub(crate) fn to_encode(
        &self,
        given: Option<&GpuName>,
        drawn: Option<&GpuAddress>,
        scope: Scope,
    ) -> (Vec<GpuAddress>, Option<InsteadOf>) {
        let Some(drawn) = drawn else { return (Vec::new(), None) };
        if !self.name(given).is_fixed() && !self.encoders.have_answered() {
            return (Vec::new(), None);
        }
        let mut gpus = vec![drawn.clone()];
        if !self.config.video.gpu_fallback {
            return (gpus, None);
        }
        let order = self.order(scope);
        let encodes = |gpu: &&KnownGpu| gpu.first_family(&self.config.video.encoders).is_some();
        let others: Vec<_> = order.iter().filter(|gpu| !gpu.address.is(drawn)).copied().filter(encodes).collect();
        gpus.extend(others.iter().map(|gpu| gpu.address.clone()));
        // One that is full by the operator's limits is not tried before one that is not.
        let full = |gpu: &KnownGpu| choice::full(gpu, self.limits(), self.standing(&gpu.address, scope));
        let reason = self.known.iter().find(|gpu| gpu.address.is(drawn)).and_then(full);
        match (reason, others.first()) {
            (Some(reason), Some(next)) if full(next).is_none() => {
                gpus.rotate_left(1);
                (gpus, Some(InsteadOf { gpu: drawn.to_string(), reason: reason.to_string() }))
            }
            _ => (gpus, None),
        }
    }

    /// GPUs that have said that they encode, and why one must not be tried just now: what
    /// its last session or its last memory is for are streams.
    pub(crate) fn for_canaries(&self) -> Vec<Candidate> {
        let wanted = &self.config.video.encoders;
        let encodes = |report: &FamilyReport| wanted.contains(&report.family) && !report.abilities.able.is_empty();
        let able = self.known.iter().filter(|gpu| gpu.reports.iter().any(encodes));
        able.map(|gpu| {
            let mut standing = self.gpus.standing(&gpu.address, None);
            // Its own session counts, and one is left beside it.
            standing.pending += 1;
            let full = choice::full(gpu, self.limits(), standing);
            let spared = full.map(|full| format!("what is left is for streams: {full}")).unwrap_or_default();
            Candidate { turn: Turn { gpu: Some(gpu.address.clone()) }, spared }
        })
        .collect()
    }

    /// Whether whoever is placed there had better go elsewhere when it has the choice.
    pub(crate) fn is_troubled(&self, gpu: &GpuAddress, scope: Scope) -> bool {
        let figures = self.known.iter().find(|known| known.address.is(gpu)).and_then(|known| known.figures.as_ref());
        self.standing(gpu, scope).doubted || figures.is_some_and(|figures| !figures.error.is_empty())
    }

    /// What clients may ask for: what any GPU makes, or the one that they are bound to.
    pub(crate) fn profiles(
        config: Arc<Config>,
        gpus: &'a Gpus,
        encoders: &'a Encoders,
        given: Option<&GpuName>,
    ) -> Vec<VideoProfile> {
        if config.video.gpu_fallback || !given.unwrap_or(&config.video.gpu).is_fixed() {
            return encoders.profiles();
        }
        let placement = Self::now(config, gpus, encoders);
        encoders.profiles_on(placement.only(given).ok().flatten())
    }

    /// Each GPU with who is placed on it.
    pub(crate) fn views(&self) -> Vec<PlacementView> {
        let mut tenants = self.gpus.tenants();
        tenants.sort_by_key(|(scope, _)| id(*scope));
        self.known.iter().map(|gpu| self.view(gpu, &tenants)).collect()
    }

    fn view(&self, gpu: &KnownGpu, tenants: &[(Scope, crate::host::gpus::placed::Tenant)]) -> PlacementView {
        let GpuAddress { bus_id, render_node } = &gpu.address;
        let node = render_node.as_ref().map(|node| node.display().to_string()).unwrap_or_default();
        let is_here = |address: Option<&GpuAddress>| address.is_some_and(|address| address.is(&gpu.address));
        let here = || tenants.iter().filter(|(_, tenant)| is_here(tenant.placed.as_ref()));
        let streams = tenants.iter().filter(|(_, tenant)| match &tenant.work {
            Work::None => false,
            Work::Starts => is_here(tenant.placed.as_ref()),
            Work::Encodes { on, .. } => is_here(on.as_ref()),
        });
        let standing = self.gpus.standing(&gpu.address, None);
        let open = gpu.figures.as_ref().and_then(|figures| figures.encoder_sessions);
        let left = self.limits().encoder_sessions.zip(open).map(|(limit, open)| {
            let left = usize::try_from(limit.saturating_sub(open)).unwrap_or(usize::MAX);
            left.saturating_sub(standing.pending)
        });
        let full = choice::full(gpu, self.limits(), standing).map(|full| full.to_string()).unwrap_or_default();
        PlacementView {
            gpu: bus_id.clone().unwrap_or_else(|| node.clone()),
            render_node: node,
            name: gpu.figures.as_ref().map(|figures| figures.name.clone()).unwrap_or_default(),
            encodes: gpu.reports.iter().flat_map(made).collect(),
            streams: streams.map(|(scope, _)| id(*scope)).collect(),
            sessions: here().filter(|(scope, _)| matches!(scope, Scope::Session(_))).map(|(s, _)| id(*s)).collect(),
            lobbies: here().filter(|(scope, _)| matches!(scope, Scope::Lobby(_))).map(|(s, _)| id(*s)).collect(),
            streams_that_fit: left.map(|left| if full.is_empty() { left } else { 0 }),
            full,
            doubted: standing.doubted,
        }
    }

    fn best(&self, scope: Scope) -> Option<GpuAddress> {
        self.order(scope).first().map(|gpu| gpu.address.clone())
    }

    fn order(&self, scope: Scope) -> Vec<&KnownGpu> {
        choice::order(&self.known, &self.config.video.encoders, self.limits(), |gpu| self.standing(gpu, scope))
    }

    fn standing(&self, gpu: &GpuAddress, except: Scope) -> Standing {
        self.gpus.standing(gpu, Some(except))
    }

    fn limits(&self) -> GpuLimits {
        let admission = &self.config.admission;
        GpuLimits { memory_reserve_mb: admission.gpu_memory_reserve_mb, encoder_sessions: admission.encoder_sessions }
    }
}

fn made(report: &FamilyReport) -> Vec<String> {
    let family: EncoderFamily = report.family;
    report.abilities.able.iter().map(|able| format!("{}: {}", family.name(), able.profile.name())).collect()
}

fn id(scope: Scope) -> String {
    match scope {
        Scope::Host => String::new(),
        Scope::Session(session) => session.to_string(),
        Scope::Lobby(lobby) => lobby.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::host::gpus::placed::Place;
    use crate::ids::SessionId;
    use crate::ipc::abilities::{Abilities, Ability};
    use crate::ipc::gpu_report::{Gpu, GpuReport, GpuVendor};

    const A: &str = "0000:01:00.0";
    const B: &str = "0000:02:00.0";

    struct Stage {
        config: Arc<Config>,
        gpus: Gpus,
        encoders: Encoders,
    }

    impl Stage {
        /// Two GPUs of NVIDIA's.
        fn new(video: &str) -> Self {
            let text = format!("[video]\nencoders = [\"nvenc\"]\n{video}\n[admission]\nencoder_sessions = 2\n");
            let config = Arc::new(Config::parse(&text, Path::new("test.toml")).unwrap());
            let stage = Self { encoders: Encoders::new(&config.video.encoders), config, gpus: Gpus::default() };
            stage.tells(&[(A, 0, ""), (B, 0, "")]);
            stage.encoders.answered_for_tests(Vec::new());
            stage
        }

        fn tells(&self, gpus: &[(&str, u32, &str)]) {
            let gpu = |(place, sessions, error): &(&str, u32, &str)| Gpu {
                encoder_sessions: Some(*sessions),
                error: (*error).to_owned(),
                ..Gpu::unknown(GpuVendor::Nvidia, (*place).to_owned())
            };
            self.gpus.tell_for_tests(GpuReport { gpus: gpus.iter().map(gpu).collect(), ..GpuReport::default() });
        }

        /// Nothing of the machine that the test runs on.
        fn now(&self) -> Placement<'_> {
            let figures = self.gpus.figures().map(|(_, figures)| figures).unwrap_or_default();
            let known = known::known(&[], &figures, &self.encoders.reports());
            Placement { config: Arc::clone(&self.config), gpus: &self.gpus, encoders: &self.encoders, known }
        }

        fn decide(&self, name: Option<&str>) -> Result<(Option<String>, Option<String>), String> {
            let name = name.map(|name| name.parse().unwrap());
            let decision = self.now().decide(name.as_ref(), session(9)).map_err(|error| error.to_string())?;
            Ok((decision.gpu.map(|gpu| gpu.to_string()), decision.instead_of.map(|instead| instead.reason)))
        }
    }

    fn session(number: u64) -> Scope {
        Scope::Session(SessionId(number))
    }

    fn told(gpus: &[GpuAddress]) -> Vec<String> {
        gpus.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn canaries_try_gpus_that_encode_and_leave_each_its_last_session() {
        let stage = Stage::new("");
        assert_eq!(stage.now().for_canaries(), [], "none has said that it encodes");
        let report = |place: &str| {
            let able = vec![Ability { profile: VideoProfile::H264, most: None }];
            let abilities = Abilities { gpu: Some(GpuAddress::at(place)), able, ..Abilities::default() };
            FamilyReport { family: EncoderFamily::Nvenc, abilities, error: String::new() }
        };
        stage.encoders.answered_for_tests(vec![report(A), report(B)]);
        let spared = || {
            let all = stage.now().for_canaries().into_iter();
            all.map(|candidate| (candidate.turn.name(), !candidate.spared.is_empty())).collect::<Vec<_>>()
        };
        assert_eq!(spared(), [(A.to_owned(), false), (B.to_owned(), false)]);
        stage.tells(&[(A, 1, ""), (B, 0, "")]);
        assert_eq!(spared(), [(A.to_owned(), true), (B.to_owned(), false)], "two are allowed");
        let _starts = Place::take(&stage.gpus, session(1), Some(GpuAddress::at(B)), Work::Starts);
        assert_eq!(spared(), [(A.to_owned(), true), (B.to_owned(), true)], "a stream is on its way");
    }

    #[test]
    fn whoever_names_no_gpu_goes_where_room_is() {
        let stage = Stage::new("");
        assert_eq!(stage.decide(None), Ok((Some(A.to_owned()), None)));
        let _first = Place::take(&stage.gpus, session(1), Some(GpuAddress::at(A)), Work::Starts);
        assert_eq!(stage.decide(None), Ok((Some(B.to_owned()), None)));
        stage.tells(&[(A, 1, ""), (B, 0, "GPU is lost")]);
        assert_eq!(stage.decide(None), Ok((Some(A.to_owned()), None)));
        stage.gpus.none_for_tests();
        assert_eq!(stage.decide(None), Ok((None, None)), "no GPU is known");
    }

    #[test]
    fn a_name_of_the_app_counts_more_than_the_hosts() {
        let stage = Stage::new("gpu = \"02:00.0\"");
        assert_eq!(stage.decide(None), Ok((Some(B.to_owned()), None)));
        assert_eq!(stage.decide(Some(A)), Ok((Some(A.to_owned()), None)));
        assert_eq!(stage.decide(Some("auto")), Ok((Some(A.to_owned()), None)));
    }

    #[test]
    fn a_gpu_that_is_not_there_or_lost_is_replaced_and_the_reason_told_or_refused() {
        let stage = Stage::new("");
        let (gpu, reason) = stage.decide(Some("03:00.0")).unwrap();
        assert_eq!(gpu.as_deref(), Some(A));
        assert!(reason.unwrap().contains("there are 0000:01:00.0, 0000:02:00.0"));
        stage.tells(&[(A, 0, ""), (B, 0, "GPU is lost")]);
        assert_eq!(stage.decide(Some(B)), Ok((Some(A.to_owned()), Some("GPU is lost".to_owned()))));
        let strict = Stage::new("gpu_fallback = false");
        assert!(strict.decide(Some("03:00.0")).unwrap_err().starts_with("there is no GPU 0000:03:00.0 on this host"));
        strict.tells(&[(A, 0, ""), (B, 0, "GPU is lost")]);
        assert_eq!(strict.decide(Some(B)), Ok((Some(B.to_owned()), None)), "its driver has the last word");
    }

    #[test]
    fn a_stream_is_encoded_where_it_is_drawn_unless_that_gpu_is_full() {
        let stage = Stage::new("");
        let drawn = GpuAddress::at(B);
        let encode = |stage: &Stage| {
            let (gpus, instead) = stage.now().to_encode(None, Some(&drawn), session(9));
            (told(&gpus), instead.map(|instead| instead.reason))
        };
        assert_eq!(encode(&stage), (vec![B.to_owned(), A.to_owned()], None));
        stage.tells(&[(A, 0, ""), (B, 2, "")]);
        let (gpus, reason) = encode(&stage);
        assert_eq!(gpus, [A, B]);
        assert!(reason.unwrap().contains("2 encode sessions"));
        stage.tells(&[(A, 2, ""), (B, 2, "")]);
        assert_eq!(encode(&stage), (vec![B.to_owned(), A.to_owned()], None), "nobody has room: the driver decides");
        let strict = Stage::new("gpu_fallback = false");
        assert_eq!(encode(&strict).0, [B]);
        assert_eq!(told(&stage.now().to_encode(None, None, session(9)).0), [""; 0]);
    }

    #[test]
    fn before_encoders_have_answered_any_gpu_may_do() {
        let stage = Stage { encoders: Encoders::new(&[EncoderFamily::Nvenc]), ..Stage::new("") };
        let drawn = GpuAddress::at(A);
        assert!(stage.now().to_encode(None, Some(&drawn), session(9)).0.is_empty());
        let named = GpuName::BusId(A.to_owned());
        assert_eq!(told(&stage.now().to_encode(Some(&named), Some(&drawn), session(9)).0), [A, B]);
    }

    #[test]
    fn each_gpu_shows_who_is_on_it_and_what_still_fits() {
        let stage = Stage::new("");
        let first = Place::take(&stage.gpus, session(1), Some(GpuAddress::at(A)), Work::Starts);
        let _second = Place::take(&stage.gpus, session(2), Some(GpuAddress::at(A)), Work::Starts);
        let views = stage.now().views();
        assert_eq!(
            (views[0].gpu.as_str(), views[0].streams_that_fit, views[1].streams_that_fit),
            (A, Some(0), Some(2))
        );
        assert!(views[0].full.contains("2 encode sessions") && views[1].full.is_empty(), "{views:?}");
        first.works(Work::Encodes { on: Some(GpuAddress::at(B)), since: std::time::Instant::now() });
        let views = stage.now().views();
        assert_eq!((&views[0].streams[..], &views[1].streams[..]), (&["2".to_owned()][..], &["1".to_owned()][..]));
        assert_eq!(views[0].sessions, ["1", "2"], "where they are drawn");
    }
}
