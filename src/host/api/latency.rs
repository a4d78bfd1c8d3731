//! `/api/v1/sessions/latency`: the way of each session's frames, stage by stage.

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::context::Context;
use crate::ids::SessionId;
use crate::ipc::counters_page::{BUCKETS, CountersPage, Stage, bucket_bound};

/// `GET /api/v1/sessions/latency`, of all sessions that stream, or of
/// `session_id=..`.
pub fn list(context: &Context, query: &str) -> ApiAnswer {
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "session_id");
    let wanted = match wanted.map(|(_, id)| id.parse::<SessionId>()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return ApiAnswer::failed("Invalid session_id"),
    };
    let mut records = context.sessions.records();
    records.retain(|(session, _)| wanted.is_none_or(|wanted| wanted == *session));
    if wanted.is_some() && records.is_empty() {
        return ApiAnswer::failed("Invalid session_id");
    }
    records.sort_by_key(|(session, _)| *session);
    let streams = records.into_iter().filter_map(|(session, record)| Some((session, record.counters()?)));
    let latencies: Vec<_> = streams.map(|(session, counters)| LatencyView::of(session, &counters)).collect();
    ApiAnswer::list("sessions", &latencies)
}

/// How long the frames of one stream took, since it began.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LatencyView {
    /// Number of the session.
    pub session_id: String,
    /// Each stage of a frame's way.
    pub stages: Vec<StageView>,
}

/// How long frames took to reach a stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StageView {
    /// `captured` (since the frame was presented), `converted`, `encoded`,
    /// `first_packet`, `last_packet` (since it was captured), or `ours` (the last
    /// without the encoder's time).
    pub stage: &'static str,
    /// Frames.
    pub count: u64,
    /// Mean in microseconds.
    pub mean_us: u64,
    /// Half of them took at most so many microseconds.
    pub p50_us: u64,
    /// Nine of ten took at most so many.
    pub p90_us: u64,
    /// All but one in a hundred took at most so many.
    pub p99_us: u64,
    /// How many took how long; empty buckets are left out.
    pub buckets: Vec<BucketView>,
}

/// Frames that took longer than the bucket before this allows, and no longer than
/// this one does.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BucketView {
    /// Microseconds at most; `null` for the last bucket, which has no bound.
    pub up_to_us: Option<u64>,
    /// Frames.
    pub count: u64,
}

impl LatencyView {
    fn of(session: SessionId, counters: &CountersPage) -> Self {
        let stages = Stage::ALL.map(|stage| StageView::of(stage, counters)).into();
        Self { session_id: session.to_string(), stages }
    }
}

impl StageView {
    fn of(stage: Stage, counters: &CountersPage) -> Self {
        let histogram = counters.histogram(stage);
        let bound = |index| (index < BUCKETS - 1).then(|| bucket_bound(index));
        let filled = histogram.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        Self {
            stage: stage.name(),
            count: histogram.count(),
            mean_us: histogram.sum_micros.checked_div(histogram.count()).unwrap_or(0),
            p50_us: histogram.quantile(0.5),
            p90_us: histogram.quantile(0.9),
            p99_us: histogram.quantile(0.99),
            buckets: filled.map(|(index, count)| BucketView { up_to_us: bound(index), count: *count }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_the_last_has_no_bound() {
        let page = CountersPage::create().unwrap();
        for micros in [3, 1000, 1000, 60_000_000] {
            page.record(Stage::Encoded, micros);
        }
        let view = LatencyView::of(SessionId(4), &page);
        assert_eq!((view.session_id.as_str(), view.stages.len()), ("4", 6));
        let stage = view.stages.iter().find(|stage| stage.stage == "encoded").unwrap();
        assert_eq!((stage.count, stage.mean_us), (4, 60_002_003 / 4));
        assert_eq!(stage.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 4);
        assert_eq!(stage.buckets.iter().map(|bucket| bucket.up_to_us).collect::<Vec<_>>(), [Some(4), Some(1024), None]);
        assert!(stage.p50_us <= stage.p90_us && stage.p90_us <= stage.p99_us);
        assert!(view.stages[0].buckets.is_empty() && view.stages[0].mean_us == 0);
    }
}
