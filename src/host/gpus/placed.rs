//! Who is placed on which GPU.
//!
//! A [`Place`] is taken before a desktop starts, so that of many who come at once each
//! finds those before it, and is given back when it is dropped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::gpu::GpuAddress;
use crate::host::gpus::Gpus;
use crate::host::gpus::choice::Standing;
use crate::host::scope::Scope;

/// The sessions and lobbies of this host, by GPU.
#[derive(Debug, Default)]
pub(super) struct Placed {
    tenants: HashMap<Scope, Tenant>,
    /// GPUs that streams had to leave, and when.
    doubts: HashMap<GpuAddress, Instant>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant {
    /// Where its desktop draws.
    pub(crate) placed: Option<GpuAddress>,
    pub(crate) work: Work,
}

/// What somebody encodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing.
    #[default]
    None,
    /// Nothing yet: a stream is about to begin.
    Starts,
    /// A stream, on this GPU or on none.
    Encodes {
        /// Where.
        on: Option<GpuAddress>,
        /// When its encoder was open.
        since: Instant,
    },
}

impl Tenant {
    /// The GPU that has its encoder or will.
    fn encodes_on(&self) -> Option<&GpuAddress> {
        match &self.work {
            Work::None => None,
            Work::Starts => self.placed.as_ref(),
            Work::Encodes { on, .. } => on.as_ref(),
        }
    }
}

impl Placed {
    /// What is done on a GPU; `counted`: what began before that is in its figures.
    pub(super) fn standing(&self, gpu: &GpuAddress, except: Option<Scope>, counted: Option<Instant>) -> Standing {
        let here = self.tenants.iter().filter(|(scope, _)| Some(**scope) != except);
        let here = here.filter(|(_, tenant)| tenant.encodes_on().is_some_and(|on| on.is(gpu)));
        let is_pending = |tenant: &Tenant| match tenant.work {
            Work::Encodes { since, .. } => counted.is_none_or(|counted| since >= counted),
            Work::None | Work::Starts => true,
        };
        let mut standing = Standing { doubted: self.is_doubted(gpu), ..Standing::default() };
        for (_, tenant) in here {
            standing.streams += 1;
            standing.pending += usize::from(is_pending(tenant));
        }
        standing
    }

    /// Sessions that start and are placed somewhere.
    pub(super) fn starting(&self) -> usize {
        let starts = |tenant: &&Tenant| tenant.work == Work::Starts && tenant.placed.is_some();
        self.tenants.values().filter(starts).count()
    }

    fn is_doubted(&self, gpu: &GpuAddress) -> bool {
        self.doubts.iter().any(|(doubted, since)| doubted.is(gpu) && since.elapsed() < DOUBTED_FOR)
    }
}

/// A place on a GPU, or on none that is known.
#[derive(Debug)]
pub(crate) struct Place {
    gpus: Gpus,
    scope: Scope,
    gpu: Option<GpuAddress>,
}

impl Place {
    /// Takes it, in place of one that `scope` had.
    pub(crate) fn take(gpus: &Gpus, scope: Scope, gpu: Option<GpuAddress>, work: Work) -> Self {
        let place = Self { gpus: gpus.clone(), scope, gpu: gpu.clone() };
        gpus.placed().tenants.insert(scope, Tenant { placed: gpu, work });
        place
    }

    /// Where.
    pub(crate) const fn gpu(&self) -> Option<&GpuAddress> {
        self.gpu.as_ref()
    }

    /// Goes elsewhere.
    pub(crate) fn moves(&mut self, gpu: Option<GpuAddress>) {
        self.gpu.clone_from(&gpu);
        if let Some(tenant) = self.gpus.placed().tenants.get_mut(&self.scope) {
            tenant.placed = gpu;
        }
    }

    /// Does something else now.
    pub(crate) fn works(&self, work: Work) {
        if let Some(tenant) = self.gpus.placed().tenants.get_mut(&self.scope) {
            tenant.work = work;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gpus.placed().tenants.remove(&self.scope);
    }
}

impl Gpus {
    /// Where somebody is placed.
    pub(crate) fn place_of(&self, scope: Scope) -> Option<GpuAddress> {
        self.placed().tenants.get(&scope)?.placed.clone()
    }

    /// A stream had to go elsewhere: others come here last, for a while.
    pub(crate) fn doubt(&self, gpu: GpuAddress) {
        let mut placed = self.placed();
        placed.doubts.retain(|_, since| since.elapsed() < DOUBTED_FOR);
        placed.doubts.insert(gpu, Instant::now());
    }

    /// All who are placed somewhere.
    pub(crate) fn tenants(&self) -> Vec<(Scope, Tenant)> {
        self.placed().tenants.iter().map(|(scope, tenant)| (*scope, tenant.clone())).collect()
    }
}

/// A driver has a few sessions free again sooner or later, and one that hangs costs
/// each newcomer seconds.
const DOUBTED_FOR: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SessionId;

    fn session(number: u64) -> Scope {
        Scope::Session(SessionId(number))
    }

    #[test]
    fn a_place_counts_until_it_is_given_back() {
        let (gpus, gpu) = (Gpus::default(), GpuAddress::at("0000:01:00.0"));
        let standing = |except| {
            let Standing { streams, pending, .. } = gpus.placed().standing(&gpu, except, Some(Instant::now()));
            (streams, pending)
        };
        let first = Place::take(&gpus, session(1), Some(gpu.clone()), Work::Starts);
        let second = Place::take(&gpus, session(2), Some(gpu.clone()), Work::None);
        assert_eq!((standing(None), standing(Some(session(1)))), ((1, 1), (0, 0)));
        assert_eq!(gpus.placed().starting(), 1);
        assert_eq!(gpus.place_of(session(2)), Some(gpu.clone()));
        first.works(Work::Encodes { on: Some(gpu.clone()), since: Instant::now() });
        assert_eq!(standing(None), (1, 0), "its session is counted by the driver");
        assert_eq!(gpus.placed().standing(&gpu, None, None).pending, 1, "nobody counts");
        first.works(Work::Encodes { on: None, since: Instant::now() });
        assert_eq!(standing(None), (0, 0), "on the processor");
        drop((first, second));
        assert!(gpus.tenants().is_empty());
    }

    #[test]
    fn a_gpu_that_was_left_is_in_doubt() {
        let gpus = Gpus::default();
        gpus.doubt(GpuAddress::at("0000:01:00.0"));
        let is_doubted = |place: &str| gpus.placed().standing(&GpuAddress::at(place), None, None).doubted;
        assert!(is_doubted("0000:01:00.0") && !is_doubted("0000:02:00.0"));
    }
}
