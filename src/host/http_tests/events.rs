//! The stream of events: replay, gaps, subscribers that do not read, the end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::host::events::Event;
use crate::host::http::admission::ConnectionLimits;
use crate::host::http::connection::Deadlines;
use crate::host::http_tests::client::api;
use crate::host::http_tests::fixture::Host;
use crate::host::pairing::pending::PairingLimits;
use crate::ids::SessionId;

/// A subscriber that reads line by line.
struct Reader {
    lines: BufReader<UnixStream>,
    head: String,
}

#[derive(Debug, PartialEq)]
struct Told {
    id: u64,
    name: String,
    data: Value,
}

impl Reader {
    async fn subscribe(host: &Host, target: &str, header: &str) -> Self {
        let mut stream = UnixStream::connect(&host.api).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reader = Self { lines: BufReader::new(stream), head: String::new() };
        loop {
            let line = reader.line().await.unwrap();
            if line.is_empty() {
                return reader;
            }
            reader.head = format!("{}{line}\n", reader.head);
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.lines.read_line(&mut line)).await.expect("a line in time");
        (read.unwrap() > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event; `None` at the end. Comments are passed over.
    async fn next(&mut self) -> Option<Told> {
        let mut told = Told { id: 0, name: String::new(), data: Value::Null };
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                Some(("id", id)) => told.id = id.parse().unwrap(),
                Some(("event", name)) => told.name = name.to_owned(),
                Some(("data", data)) => told.data = serde_json::from_str(data).unwrap(),
                None if line.is_empty() && !told.name.is_empty() => return Some(told),
                None if line.is_empty() || line.starts_with(':') => {}
                _ => panic!("{line}"),
            }
        }
    }
}

fn publish(host: &Host, sessions: std::ops::Range<u64>) {
    for session in sessions {
        host.context.events.publish(Event::StopStream { session_id: SessionId(session) });
    }
}

fn stopped(id: u64, session: u64) -> Told {
    let name = "wolf::core::events::StopStreamEvent".to_owned();
    Told { id, name, data: json!({"session_id": session.to_string()}) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_replayed_and_go_on() {
    let host = Host::start().await;
    publish(&host, 1..4);
    let mut live = Reader::subscribe(&host, "/api/v1/events", "").await;
    assert!(live.head.starts_with("HTTP/1.0 200 OK\n"), "{}", live.head);
    assert!(live.head.contains("content-type: text/event-stream"), "{}", live.head);
    let hello = live.next().await.unwrap();
    assert_eq!((hello.name.as_str(), hello.id), ("earthshine::Hello", 3));
    assert_eq!(hello.data, json!({"instance": "test", "sequence": 3, "keepalive_seconds": 15}));
    let mut by_query = Reader::subscribe(&host, "/api/v1/events?after=1", "").await;
    let mut by_header = Reader::subscribe(&host, "/api/v1/events?after=0", "Last-Event-ID: 2\r\n").await;
    let mut of_another = Reader::subscribe(&host, "/api/v1/events?after=3&instance=other", "").await;
    publish(&host, 4..5);
    assert_eq!(live.next().await, Some(stopped(4, 4)));
    for (reader, first) in [(&mut by_query, 2), (&mut by_header, 3), (&mut of_another, 1)] {
        assert_eq!(reader.next().await.unwrap().id, first - 1, "the beginning");
        for id in first..=4 {
            assert_eq!(reader.next().await, Some(stopped(id, id)));
        }
    }
    let junk = api(&host, "GET", "/api/v1/events?after=x", "").await;
    assert!(junk.starts_with("HTTP/1.0 500 OK\r\n") && junk.contains("number of an event"), "{junk}");
    host.stop().await;
    assert_eq!(live.next().await, None, "the host's end is the stream's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_named_and_signs_of_life_come() {
    let deadlines = Deadlines { keepalive: Duration::from_millis(20), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, ConnectionLimits::default()).await;
    publish(&host, 0..5000);
    let mut reader = Reader::subscribe(&host, "/api/v1/events?after=10", "").await;
    reader.next().await.unwrap();
    let gap = reader.next().await.unwrap();
    assert_eq!((gap.name.as_str(), gap.id, gap.data), ("earthshine::Gap", 904, json!({"first": 11, "last": 904})));
    assert_eq!(reader.next().await, Some(stopped(905, 904)));
    while reader.next().await.unwrap().id < 5000 {}
    assert_eq!(reader.line().await.unwrap(), ":keepalive");
    assert_eq!(host.context.events.lost(), 894);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_cut_and_slows_nobody() {
    let deadlines = Deadlines { write: Duration::from_millis(200), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, ConnectionLimits::default()).await;
    let mut sleeper = Reader::subscribe(&host, "/api/v1/events", "").await;
    let mut reader = Reader::subscribe(&host, "/api/v1/events", "").await;
    reader.next().await.unwrap();
    // More than a socket's buffers hold, in steps that the ring holds.
    for step in 0..40 {
        publish(&host, step * 1000..(step + 1) * 1000);
        while reader.next().await.unwrap().id < (step + 1) * 1000 {}
    }
    let gone = async {
        while host.context.events.subscribers() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the sleeper is cut");
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = sleeper.lines.read_to_end(&mut rest).await;
    publish(&host, 0..1);
    assert_eq!(reader.next().await.unwrap().id, 40_001);
    drop(reader);
    let all_gone = async {
        while host.context.events.subscribers() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, all_gone).await.expect("one that hangs up is noticed");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_are_limited() {
    let host = Host::start().await;
    let mut held = Vec::new();
    while host.context.events.subscribers() < 32 {
        held.push(Reader::subscribe(&host, "/api/v1/events", "").await);
    }
    let refused = api(&host, "GET", "/api/v1/events", "").await;
    assert!(refused.starts_with("HTTP/1.0 500 OK\r\n") && refused.contains("the limit"), "{refused}");
    assert!(api(&host, "GET", "/api/v1/sessions", "").await.contains("\"success\":true"));
    host.stop().await;
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
