//! What is known of the host's own state, for all who ask or decide.

use std::path::Path;

use crate::config::live::LiveConfig;
use crate::host::capacity::Capacity;
use crate::host::encoders::Encoders;
use crate::host::events::Events;
use crate::host::gpus::{GpuWatch, Gpus};
use crate::host::health::Health;
use crate::host::health::canary::Canary;
use crate::host::supervisor::quarantine::Quarantine;

/// Handles, cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Supervision {
    /// What cannot be killed.
    pub(crate) quarantine: Quarantine,
    /// Whether new streams would work.
    pub(crate) health: Health,
    /// Whether there is room for them.
    pub(crate) capacity: Capacity,
    /// What GPUs say.
    pub(crate) gpus: Gpus,
}

impl Supervision {
    /// Nothing is known yet.
    pub(crate) fn new(config: &LiveConfig, events: &Events) -> Self {
        let quarantine = Quarantine::new(events.clone());
        let gpus = Gpus::new();
        let capacity = Capacity::new(config.clone(), quarantine.clone(), gpus.clone());
        Self { quarantine, health: Health::new(events.clone()), capacity, gpus }
    }

    /// The canaries of this host.
    pub(crate) fn canary(&self, config: &LiveConfig, encoders: &Encoders, evidence: &Path) -> Canary {
        let (health, quarantine) = (self.health.clone(), self.quarantine.clone());
        let gpus = (self.gpus.clone(), encoders.clone());
        Canary::new(config.clone(), gpus, health, quarantine, evidence.to_owned())
    }

    /// Who asks the GPUs.
    pub(crate) fn gpu_watch(&self, evidence: &Path) -> GpuWatch {
        GpuWatch::new(self.gpus.clone(), self.quarantine.clone(), evidence.to_owned())
    }
}
