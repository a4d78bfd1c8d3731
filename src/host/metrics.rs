//! `GET /metrics` in Prometheus text format, from the workers' counter pages.
//!
//! A scrape reads shared memory and nothing else: no worker is asked, so none
//! can make it wait.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::host::context::Context;
use crate::host::host_metrics::HostMetrics;
use crate::host::life::Life;
use crate::host::sessions::Sessions;
use crate::host::sessions::network::NetworkView;
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::view::SessionView;
use crate::ipc::counters_page::{BUCKETS, Counter, CountersPage, Stage, bucket_bound};

/// Serves metrics until the task is dropped.
pub(crate) async fn listen(listener: TcpListener, context: Arc<Context>) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Streams { sessions: context.sessions.clone() }));
    registry.register_collector(Box::new(HostMetrics { context }));
    let registry = Arc::new(registry);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let registry = Arc::clone(&registry);
                tokio::spawn(async move {
                    if timeout(CONNECTION_DEADLINE, serve(stream, registry)).await.is_err() {
                        debug!("metrics connection took too long");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "metrics accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, registry: Arc<Registry>) {
    let answer = service_fn(move |request| {
        let response = respond(&request, &registry);
        async move { Ok::<_, io::Error>(response) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).keep_alive(false);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        debug!(%error, "metrics connection");
    }
}

fn respond(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut body = String::new();
    if text::encode(&mut body, registry).is_err() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    }
    response.headers_mut().insert(CONTENT_TYPE, CONTENT_FORMAT);
    *response.body_mut() = Full::from(body);
    response
}

/// Everything the counter pages know, one series per session.
#[derive(Debug)]
struct Streams {
    sessions: Sessions,
}

/// One session at the time of a scrape.
struct Sample {
    view: SessionView,
    counters: Option<Arc<CountersPage>>,
}

impl Sample {
    fn labels(&self) -> [(&'static str, &str); 3] {
        [("session", &self.view.session_id), ("client", &self.view.paired_client_id), ("app", &self.view.app)]
    }
}

impl Collector for Streams {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let samples: Vec<_> = self
            .sessions
            .records()
            .into_iter()
            .map(|(_, record)| Sample { view: record.view(), counters: record.counters() })
            .collect();
        encode_states(&mut encoder, &samples)?;
        encode_restarts(&mut encoder, &samples)?;
        encode_life(&mut encoder, self.sessions.life())?;
        for (name, help, counter) in COUNTERS {
            encode_counter(&mut encoder, &samples, name, help, counter)?;
        }
        encode_networks(&mut encoder, &samples)?;
        encode_stages(&mut encoder, &samples)
    }
}

fn encode_states(encoder: &mut DescriptorEncoder<'_>, samples: &[Sample]) -> fmt::Result {
    let help = "Sessions by state";
    let mut metric = encoder.encode_descriptor("earthshine_sessions", help, None, MetricType::Gauge)?;
    for state in SessionPhase::ALL {
        let count = samples.iter().filter(|sample| sample.view.state == state).count();
        let labels = [("state", state.name())];
        metric.encode_family(&labels)?.encode_gauge(&i64::try_from(count).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

fn encode_life(encoder: &mut DescriptorEncoder<'_>, life: &Life) -> fmt::Result {
    let help = "1 for the phase that the host is in: serving, draining, leaving";
    let mut metric = encoder.encode_descriptor("earthshine_host_state", help, None, MetricType::Gauge)?;
    for state in ["serving", "draining", "leaving"] {
        let labels = [("state", state)];
        metric.encode_family(&labels)?.encode_gauge(&i64::from(life.phase().name() == state))?;
    }
    let help = "Requests and connections refused, by the limit that was reached";
    let mut metric = encoder.encode_descriptor("earthshine_refused", help, None, MetricType::Counter)?;
    for (limit, count) in life.refusals() {
        metric.encode_family(&[("limit", limit)])?.encode_counter::<NoLabels, _, u64>(&count, None)?;
    }
    Ok(())
}

fn encode_restarts(encoder: &mut DescriptorEncoder<'_>, samples: &[Sample]) -> fmt::Result {
    let help = "Workers started in place of a dead or hung one";
    let mut metric = encoder.encode_descriptor("earthshine_worker_restarts", help, None, MetricType::Counter)?;
    for sample in samples {
        let labels = sample.labels();
        let restarts = u64::from(sample.view.worker_restarts);
        metric.encode_family(&labels)?.encode_counter::<NoLabels, _, u64>(&restarts, None)?;
    }
    Ok(())
}

fn encode_counter(
    encoder: &mut DescriptorEncoder<'_>,
    samples: &[Sample],
    name: &str,
    help: &str,
    counter: Counter,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for sample in samples {
        let Some(counters) = &sample.counters else { continue };
        let labels = sample.labels();
        metric.encode_family(&labels)?.encode_counter::<NoLabels, _, u64>(&counters.get(counter), None)?;
    }
    Ok(())
}

/// A figure of a stream's network, if there is one.
type NetworkFigure = fn(&NetworkView) -> Option<f64>;

fn encode_networks(encoder: &mut DescriptorEncoder<'_>, samples: &[Sample]) -> fmt::Result {
    let gauges: [(&str, &str, NetworkFigure); 6] = [
        ("earthshine_asked_bitrate_kbps", "Bit rate of the picture that the client asked for", |network| {
            Some(network.asked_kbps.into())
        }),
        ("earthshine_bitrate_kbps", "Bit rate that the encoder is set to", |network| Some(network.bitrate_kbps.into())),
        ("earthshine_fec_percent", "Parity packets per hundred data packets", |network| {
            Some(network.fec_percent.into())
        }),
        ("earthshine_round_trip_seconds", "The client's newest round trip", |network| {
            network.round_trip_ms.map(|millis| millis / 1e3)
        }),
        ("earthshine_network_queue_seconds", "What packets wait in the queue on the way", |network| {
            Some(network.queue_ms / 1e3)
        }),
        ("earthshine_network_loss_ratio", "Part of the last second's packets that were lost", |network| {
            Some(network.loss)
        }),
    ];
    for (name, help, figure) in gauges {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for sample in samples {
            let Some(value) = sample.view.network.as_ref().and_then(figure) else { continue };
            metric.encode_family(&sample.labels())?.encode_gauge(&value)?;
        }
    }
    let help = "Times that the bit rate was taken back for the network";
    let mut metric = encoder.encode_descriptor("earthshine_back_offs", help, None, MetricType::Counter)?;
    for sample in samples {
        let Some(network) = &sample.view.network else { continue };
        let labels = sample.labels();
        metric.encode_family(&labels)?.encode_counter::<NoLabels, _, u64>(&network.back_offs, None)?;
    }
    Ok(())
}

fn encode_stages(encoder: &mut DescriptorEncoder<'_>, samples: &[Sample]) -> fmt::Result {
    let help = "Time from a frame's capture to each stage; captured: from presentation; ours: all but the encoder's";
    let mut metric = encoder.encode_descriptor("earthshine_stage_seconds", help, None, MetricType::Histogram)?;
    for sample in samples {
        let Some(counters) = &sample.counters else { continue };
        for stage in Stage::ALL {
            let [session, client, app] = sample.labels();
            let labels = [session, client, app, ("stage", stage.name())];
            encode_histogram(&mut metric.encode_family(&labels)?, counters, stage)?;
        }
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "microseconds of a process's life fit f64")]
fn encode_histogram(metric: &mut MetricEncoder<'_>, counters: &CountersPage, stage: Stage) -> fmt::Result {
    let histogram = counters.histogram(stage);
    let mut buckets: Vec<_> =
        (0..BUCKETS).map(|index| (bucket_bound(index) as f64 / 1e6, histogram.buckets[index])).collect();
    // The last bucket holds everything above it too.
    if let Some(last) = buckets.last_mut() {
        last.0 = f64::MAX;
    }
    metric.encode_histogram::<NoLabels>(histogram.sum_micros as f64 / 1e6, histogram.count(), &buckets, None)
}

/// Label set of exemplars, which we do not use.
type NoLabels = [(&'static str, &'static str); 0];

const COUNTERS: [(&str, &str, Counter); 16] = [
    ("earthshine_frames_captured", "Frames taken from the compositor", Counter::FramesCaptured),
    ("earthshine_frames_replaced", "Frames a newer one replaced before encoding", Counter::FramesReplaced),
    ("earthshine_frames_encoded", "Frames encoded", Counter::FramesEncoded),
    ("earthshine_idr_frames", "IDR frames encoded", Counter::IdrFrames),
    ("earthshine_idr_requests", "IDR requests served", Counter::IdrRequests),
    ("earthshine_frames_sent", "Frames handed to the network", Counter::FramesSent),
    ("earthshine_frames_dropped", "Encoded frames that sending had no room for", Counter::FramesDropped),
    ("earthshine_encoded_bytes", "Bytes of access units", Counter::EncodedBytes),
    ("earthshine_video_packets", "Video datagrams, parity included", Counter::VideoPackets),
    ("earthshine_video_bytes", "Video bytes, headers and parity included", Counter::VideoBytes),
    ("earthshine_audio_packets", "Audio datagrams, parity included", Counter::AudioPackets),
    ("earthshine_audio_bytes", "Audio bytes, headers and parity included", Counter::AudioBytes),
    ("earthshine_send_errors", "Sends the kernel refused", Counter::SendErrors),
    ("earthshine_input_events", "Input events played", Counter::InputEvents),
    ("earthshine_input_ignored", "Input events that could not be played", Counter::InputIgnored),
    ("earthshine_audio_interruptions", "Times the sound server was lost", Counter::AudioInterruptions),
];

const CONTENT_FORMAT: hyper::header::HeaderValue =
    hyper::header::HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const MOST_CONNECTIONS: usize = 16;
const CONNECTION_DEADLINE: Duration = Duration::from_secs(10);
