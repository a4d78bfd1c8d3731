//! `GET /api/v1/events`: what happens, as server-sent events (WHATWG HTML,
//! 9.2).
//!
//! As with Wolf, a comment `:keepalive` comes every 15 s. Beyond it, each event
//! has its number as `id`; `Last-Event-ID` or `?after=N` asks for what came
//! after one; `earthshine::Hello` comes first and says which start of the host
//! the numbers are of; `earthshine::Gap` says what is lost.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use hyper::ext::ReasonPhrase;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response as HttpResponse, Version};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::host::api::answer::ApiAnswer;
use crate::host::events::{Events, Heard, Published, Subscription};
use crate::host::http::Response;
use crate::host::http::body::ResponseBody;
use crate::host::scope::Scope;

/// Subscribes a caller.
pub(super) fn subscribe(events: &Events, scope: Scope, head: &Parts, keepalive: Duration) -> Response {
    let start = match Start::of(head) {
        Ok(start) => start,
        Err(error) => return ApiAnswer::failed(error.to_string()).into_response(),
    };
    match events.subscribe(scope, start.after(events.instance())) {
        Ok(subscription) => stream(EventStream::new(events.instance(), scope, subscription, keepalive)),
        Err(error) => ApiAnswer::failed(error.to_string()).into_response(),
    }
}

fn stream(events: EventStream) -> Response {
    let mut response = HttpResponse::new(ResponseBody::stream(events));
    *response.version_mut() = Version::HTTP_10;
    response.extensions_mut().insert(ReasonPhrase::from_static(b"OK"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where a subscriber wants to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    after: Option<u64>,
    /// Start of the host that the number is of, if it says.
    instance: Option<String>,
}

/// What a subscriber asks for makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}, but must be the number of an event")]
pub struct StartError {
    name: &'static str,
    value: String,
}

impl Start {
    fn of(head: &Parts) -> Result<Self, StartError> {
        let header = head.headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes);
        Self::parse(head.uri.query().unwrap_or_default(), header)
    }

    /// From the query and the value of `Last-Event-ID`. A client that reconnects
    /// by itself repeats its old query and adds the header, so the header counts.
    ///
    /// # Errors
    /// [`StartError`] for what is no number.
    pub fn parse(query: &str, last_event_id: Option<&[u8]>) -> Result<Self, StartError> {
        let in_query = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let header = last_event_id.map(String::from_utf8_lossy);
        let after = match (header.filter(|id| !id.is_empty()), in_query("after")) {
            (Some(id), _) => Some(number(LAST_EVENT_ID, &id)?),
            (None, Some(after)) => Some(number("after", &after)?),
            (None, None) => None,
        };
        Ok(Self { after, instance: in_query("instance") })
    }

    /// A number of another start of the host means all there is.
    #[must_use]
    pub fn after(&self, instance: &str) -> Option<u64> {
        let is_of_another = self.instance.as_ref().is_some_and(|of| of != instance);
        self.after.map(|after| if is_of_another { 0 } else { after })
    }
}

fn number(name: &'static str, value: &str) -> Result<u64, StartError> {
    value.trim().parse().map_err(|_| StartError { name, value: value.chars().take(MOST_SHOWN).collect() })
}

/// A body of events.
struct EventStream {
    scope: Scope,
    hello: Option<Bytes>,
    /// The next event with its subscription; `None` after the last.
    next: Option<Next>,
    keepalive: Interval,
}

type Next = Pin<Box<dyn Future<Output = Option<(Subscription, Heard)>> + Send>>;

impl EventStream {
    fn new(instance: &str, scope: Scope, subscription: Subscription, every: Duration) -> Self {
        let position = subscription.position();
        let hello = json!({"instance": instance, "sequence": position, "keepalive_seconds": every.as_secs()});
        let mut keepalive = interval_at(Instant::now() + every, every);
        keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            scope,
            hello: Some(frame(position, "earthshine::Hello", &hello.to_string())),
            next: Some(next(subscription)),
            keepalive,
        }
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(hello));
        }
        let Some(waiting) = &mut self.next else { return Poll::Ready(None) };
        if let Poll::Ready(heard) = waiting.as_mut().poll(cx) {
            let Some((subscription, heard)) = heard else {
                self.next = None;
                return Poll::Ready(None);
            };
            self.next = Some(next(subscription));
            return Poll::Ready(Some(told(self.scope, &heard)));
        }
        self.keepalive.poll_tick(cx).map(|_| Some(Bytes::from_static(b":keepalive\n\n")))
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn next(mut subscription: Subscription) -> Next {
    Box::pin(async move { subscription.next().await.map(|heard| (subscription, heard)) })
}

fn told(scope: Scope, heard: &Heard) -> Bytes {
    match heard {
        Heard::Event(published) => {
            let Published { sequence, event, .. } = &**published;
            frame(*sequence, event.name(), &published.json(scope))
        }
        Heard::Gap { first, last } => {
            let gap = format!("{{\"first\":{first},\"last\":{last}}}");
            frame(*last, "earthshine::Gap", &gap)
        }
    }
}

/// One event. JSON has no line breaks outside of strings, and escapes them
/// inside.
fn frame(sequence: u64, name: &str, data: &str) -> Bytes {
    Bytes::from(format!("id: {sequence}\nevent: {name}\ndata: {data}\n\n"))
}

const LAST_EVENT_ID: &str = "last-event-id";

/// Characters of a wrong value that the answer repeats.
const MOST_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn start(query: &str, header: Option<&str>) -> Result<Start, StartError> {
        Start::parse(query, header.map(str::as_bytes))
    }

    #[test]
    fn header_counts_before_the_query_and_junk_is_an_error() {
        assert_eq!(start("", None).unwrap().after, None);
        assert_eq!(start("after=7", None).unwrap().after, Some(7));
        assert_eq!(start("after=7", Some("9")).unwrap().after, Some(9));
        assert_eq!(start("after=7", Some("")).unwrap().after, Some(7));
        assert!(start("after=-1", None).unwrap_err().to_string().contains("after is \"-1\""));
        assert!(start("", Some("x")).is_err());
    }

    #[test]
    fn numbers_of_another_start_ask_for_everything() {
        let here = start("after=7&instance=a", None).unwrap();
        assert_eq!((here.after("a"), here.after("b")), (Some(7), Some(0)));
        assert_eq!(start("instance=b", None).unwrap().after("a"), None);
    }
}
