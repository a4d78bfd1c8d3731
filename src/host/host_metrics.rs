//! Metrics of the host as a whole: health, quarantine, capacity, events.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;

use crate::host::api::system;
use crate::host::context::Context;
use crate::host::supervisor::quarantine::Kind;

/// All that is known of the host itself. Reads what was collected.
#[derive(Debug)]
pub(crate) struct HostMetrics {
    pub(crate) context: Arc<Context>,
}

impl Collector for HostMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.encode_events(encoder)?;
        self.encode_quarantine(encoder)?;
        self.encode_health(encoder)?;
        self.encode_capacity(encoder)
    }
}

impl HostMetrics {
    fn encode_events(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Events by name, as told on the stream of events";
        let mut metric = encoder.encode_descriptor("earthshine_events", help, None, MetricType::Counter)?;
        for (name, count) in self.context.events.counts() {
            let labels = [("event", name.rsplit("::").next().unwrap_or(name))];
            metric.encode_family(&labels)?.encode_counter::<NoLabels, _, u64>(&count, None)?;
        }
        let events = &self.context.events;
        let help = "Who listens to the stream of events";
        gauge(encoder, "earthshine_event_subscribers", help, &whole(events.subscribers()))?;
        counter(encoder, "earthshine_events_lost", "Events that subscribers were too slow for", events.lost())
    }

    fn encode_quarantine(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Processes that cannot be killed";
        let mut metric = encoder.encode_descriptor("earthshine_quarantined", help, None, MetricType::Gauge)?;
        for kind in Kind::ALL {
            let count = self.context.supervision.quarantine.count_of(kind);
            metric.encode_family(&[("kind", kind.name())])?.encode_gauge(&whole(count))?;
        }
        Ok(())
    }

    fn encode_health(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let supervision = &self.context.supervision;
        let view = supervision.health.view(&supervision.quarantine, supervision.capacity.quarantine_limit());
        let healthy = view.overall_status as i64;
        gauge(encoder, "earthshine_health", "0 healthy, 1 degraded, 2 critical", &healthy)?;
        gauge(encoder, "earthshine_canary", "What canaries say: as earthshine_health", &(view.canary.status as i64))?;
        counter(encoder, "earthshine_canary_runs", "Canaries", view.canary.runs)?;
        counter(encoder, "earthshine_canary_failures", "Canaries that failed", view.canary.failures)?;
        gauge(encoder, "earthshine_stuck_threads", "Threads that stand still", &whole(view.stuck_thread_count))?;
        let lag = supervision.health.longest_lag().as_secs_f64();
        gauge(encoder, "earthshine_longest_lag_seconds", "Longest that a task of the host waited beyond its time", &lag)
    }

    fn encode_capacity(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let view = system::capacity_view(&self.context);
        let available = i64::from(view.available);
        gauge(encoder, "earthshine_capacity_measured", "1 if use is measured, 0 if that does not work", &available)?;
        if let Some(age) = view.age_seconds {
            gauge(encoder, "earthshine_capacity_age_seconds", "Age of the figures of use", &age)?;
            gauge(encoder, "earthshine_used_cores", "Cores that sessions and lobbies use", &view.used_cores)?;
            let used = i64::try_from(view.used_bytes).unwrap_or(i64::MAX);
            gauge(encoder, "earthshine_used_memory_bytes", "Memory that sessions and lobbies have", &used)?;
        }
        gauge(encoder, "earthshine_sessions_that_fit", "Sessions that still fit", &whole(view.sessions_that_fit))
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: &impl EncodeGaugeValue) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(value)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    metric.encode_counter::<NoLabels, _, u64>(&value, None)
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Label set of exemplars, which we do not use.
type NoLabels = [(&'static str, &'static str); 0];
