//! Metrics of the host as a whole: health, quarantine, capacity, GPUs, events.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;

use crate::host::api::system;
use crate::host::context::Context;
use crate::host::gpus::GpusView;
use crate::host::supervisor::quarantine::Kind;
use crate::ipc::gpu_report::Gpu;

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
        gauge(encoder, "earthshine_sessions_that_fit", "Sessions that still fit", &whole(view.sessions_that_fit))?;
        encode_gpus(encoder, &view.gpus)
    }
}

/// Series of each GPU, as long as its figures are new.
fn encode_gpus(encoder: &mut DescriptorEncoder<'_>, view: &GpusView) -> fmt::Result {
    let help = "1 if GPUs tell of themselves, 0 if there is none or they do not";
    gauge(encoder, "earthshine_gpus_measured", help, &i64::from(view.available))?;
    let help = "Processes that ask GPUs, started in place of one that hung or died";
    counter(encoder, "earthshine_gpu_watch_restarts", help, view.restarts)?;
    if let Some(age) = view.age_seconds {
        gauge(encoder, "earthshine_gpus_age_seconds", "Age of the figures of GPUs", &age)?;
    }
    let gpus = if view.available { view.list.as_slice() } else { &[] };
    for (name, help, value) in GPU_GAUGES {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for gpu in gpus {
            let Some(value) = value(gpu) else { continue };
            let labels = [("gpu", gpu.bus_id.as_str()), ("name", gpu.label())];
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

/// Name, help, and where the value is.
type GpuGauge = (&'static str, &'static str, fn(&Gpu) -> Option<f64>);

#[allow(clippy::cast_precision_loss, reason = "bytes of a GPU fit f64")]
const GPU_GAUGES: [GpuGauge; 7] = [
    ("earthshine_gpu_memory_total_bytes", "Memory of a GPU", |gpu| gpu.memory_total_bytes.map(|bytes| bytes as f64)),
    ("earthshine_gpu_memory_used_bytes", "Memory of a GPU that is in use, by all programs", |gpu| {
        gpu.memory_used_bytes.map(|bytes| bytes as f64)
    }),
    ("earthshine_gpu_busy_ratio", "Part of the time in which something ran on a GPU", |gpu| {
        gpu.busy_percent.map(|percent| f64::from(percent) / 100.0)
    }),
    ("earthshine_gpu_encoder_busy_ratio", "Part of the time in which a GPU's encode engines worked", |gpu| {
        gpu.encoder_percent.map(|percent| f64::from(percent) / 100.0)
    }),
    ("earthshine_gpu_encoder_sessions", "Open encode sessions of a GPU, of all programs", |gpu| {
        gpu.encoder_sessions.map(f64::from)
    }),
    ("earthshine_gpu_encoder_fps", "Frames per second of a GPU's encode sessions, on average", |gpu| {
        gpu.encoder_average_fps.map(f64::from)
    }),
    ("earthshine_gpu_encoder_latency_seconds", "Time that a frame takes to encode on a GPU, on average", |gpu| {
        gpu.encoder_average_latency_microseconds.map(|micros| f64::from(micros) / 1e6)
    }),
];

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
