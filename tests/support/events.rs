//! A subscriber to the host's stream of events.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::deadline::{SOON, wait_for};

/// An event as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Told {
    /// The name without its namespace.
    pub(crate) fn short(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

/// Collects events until the host closes the stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    heard: Arc<Mutex<Vec<Told>>>,
    connection: UnixStream,
}

impl Subscriber {
    /// Subscribes to what comes from now on, or after `after`; returns when the
    /// host has said hello.
    ///
    /// # Panics
    /// If it does not.
    pub(crate) fn new(socket: &Path, after: Option<u64>) -> Self {
        let mut connection = UnixStream::connect(socket).expect("connect to the API");
        let header = after.map(|after| format!("Last-Event-ID: {after}\r\n")).unwrap_or_default();
        write!(connection, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{header}\r\n").expect("subscribe");
        let heard: Arc<Mutex<Vec<Told>>> = Arc::default();
        let lines = BufReader::new(connection.try_clone().expect("a second handle")).lines();
        std::thread::spawn({
            let heard = Arc::clone(&heard);
            move || collect(lines.map_while(Result::ok), &heard)
        });
        let subscriber = Self { heard, connection };
        subscriber.wait("Hello", |_| true);
        subscriber
    }

    /// All that has been heard.
    pub(crate) fn heard(&self) -> Vec<Told> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an event with this short name.
    ///
    /// # Panics
    /// If it does not come.
    pub(crate) fn wait(&self, name: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        wait_for(&format!("event {name}"), SOON, || {
            self.heard().into_iter().find(|told| told.short() == name && wanted(told))
        })
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.connection.shutdown(std::net::Shutdown::Both);
    }
}

fn collect(lines: impl Iterator<Item = String>, heard: &Mutex<Vec<Told>>) {
    let mut told = Told { id: 0, name: String::new(), data: Value::Null };
    for line in lines {
        match line.split_once(": ") {
            Some(("id", id)) => told.id = id.parse().expect("a number"),
            Some(("event", name)) => name.clone_into(&mut told.name),
            Some(("data", data)) => {
                told.data = serde_json::from_str(data).expect("JSON");
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(told.clone());
            }
            _ => {}
        }
    }
}
