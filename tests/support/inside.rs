//! A program inside a desktop that does what a test asks it to.

use std::path::PathBuf;

use super::deadline::{SOON, wait_for};
use super::scratch::Scratch;

/// The program, and where it takes its orders.
#[derive(Debug)]
pub(crate) struct Inside {
    ask: PathBuf,
    answer: PathBuf,
    directory: PathBuf,
}

impl Inside {
    /// One of this name.
    pub(crate) fn new(scratch: &Scratch, name: &str) -> Self {
        let path = |end: &str| scratch.exchange(&format!("{name}.{end}"));
        Self { ask: path("ask"), answer: path("answer"), directory: scratch.exchange("") }
    }

    /// Its command line.
    pub(crate) fn command(&self) -> String {
        let (ask, answer) = (self.ask.display(), self.answer.display());
        format!(
            "while :; do if [ -e {ask} ]; then sh {ask} >{answer}.part 2>&1; rm -f {ask}; \
             mv {answer}.part {answer}; fi; sleep 0.05; done"
        )
    }

    /// Has a shell script run in the desktop; what it writes.
    ///
    /// # Panics
    /// If no answer comes.
    pub(crate) fn run(&self, script: &str) -> String {
        self.order(script);
        let answer = wait_for("an answer from inside the desktop", SOON, || std::fs::read_to_string(&self.answer).ok());
        std::fs::remove_file(&self.answer).expect("take the answer");
        answer
    }

    /// Has a shell script run and waits for nothing.
    pub(crate) fn order(&self, script: &str) {
        let part = self.directory.join("ask.part");
        std::fs::write(&part, script).expect("write the script");
        std::fs::rename(&part, &self.ask).expect("hand it over");
    }

    /// Calls the API from there by the socket that the environment names; HTTP
    /// status and body.
    pub(crate) fn call(&self, path: &str, body: Option<&str>) -> (u16, String) {
        self.call_by("$WOLF_SOCKET_PATH", path, body)
    }

    /// The same by another socket; status 0 if it cannot be reached.
    pub(crate) fn call_by(&self, socket: &str, path: &str, body: Option<&str>) -> (u16, String) {
        let data = body.map(|body| format!("--data '{body}'")).unwrap_or_default();
        let answer = self.run(&format!(
            "curl --silent --max-time 20 --unix-socket {socket} {data} --write-out '\\n%{{http_code}}' \
             http://localhost{path} || true"
        ));
        let (body, status) = answer.rsplit_once('\n').unwrap_or(("", "0"));
        (status.trim().parse().unwrap_or(0), body.to_owned())
    }
}
