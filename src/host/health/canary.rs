//! Runs the canary on an interval, and kills it when it does not come back.
//!
//! Where drivers have said which GPUs encode, each of these has its turn ([`turns`]), so
//! that one on which encoding fails is known by its name.
//!
//! One that is late has failed, but may come back yet: on a machine whose cores
//! are all in use it is slow, and new streams would be slow. Only one that stays
//! away is killed, and counts as a second failure.
//!
//! Never on the path of a request: requests read the last verdict. While a
//! canary cannot be killed there is no other: it would get stuck beside it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::config::HealthConfig;
use crate::config::live::LiveConfig;
use crate::host::encoders::Encoders;
use crate::host::gpus::Gpus;
use crate::host::health::Health;
use crate::host::health::turns::{self, Turn};
use crate::host::health::verdict::Status;
use crate::host::placement::Placement;
use crate::host::supervisor::helper_process::{self, HelperProcess, OURSELVES};
use crate::host::supervisor::quarantine::{Kind, Quarantine};
use crate::stream_plan::EncoderFamily;

/// What is run, and when.
#[derive(Debug)]
pub(crate) struct Canary {
    config: LiveConfig,
    /// What ours tries: the encoders that workers were told at the start.
    encoders: Vec<EncoderFamily>,
    /// Which GPUs there are, and what they encode.
    gpus: Gpus,
    able: Encoders,
    health: Health,
    quarantine: Quarantine,
    evidence: PathBuf,
}

/// How one canary did.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) took: Duration,
    /// Name of the encoder, empty if it did not get that far.
    pub(crate) encoder: String,
    /// What was wrong, empty if nothing was.
    pub(crate) error: String,
    /// It was well, but by an encoder that is not the GPU's.
    pub(crate) elsewhere: bool,
}

impl Canary {
    /// The operator's canary, or ours, which tries the encoders of the configuration on
    /// each of these GPUs that has said that it encodes.
    pub(crate) fn new(
        config: LiveConfig,
        (gpus, able): (Gpus, Encoders),
        health: Health,
        quarantine: Quarantine,
        evidence: PathBuf,
    ) -> Self {
        let encoders = config.now().video.encoders.clone();
        Self { config, encoders, gpus, able, health, quarantine, evidence }
    }

    /// Runs canaries until the task is dropped, as often as the operator wants
    /// them; what is changed counts for the next.
    pub(crate) async fn run(self) {
        let mut last = Turn::default();
        loop {
            let settings = self.config.now().health.clone();
            if settings.canary_interval.is_zero() {
                // What the last one said says nothing any more.
                self.health.no_canaries();
                sleep(LONGEST_PAUSE).await;
                continue;
            }
            let started = Instant::now();
            let mut ok = true;
            if let Some(turn) = self.next_turn(&settings, &last) {
                ok = self.run_once(started, &settings, &turn).await;
                last = turn;
            }
            sleep(SHORTEST_PAUSE).await;
            while let Some(left) = self.pause(ok).checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
                sleep(left.min(LONGEST_PAUSE)).await;
            }
        }
    }

    /// What the next canary tries; nothing, if streams need all sessions that there are. A
    /// GPU that failed once is looked at again before others are.
    fn next_turn(&self, settings: &HealthConfig, last: &Turn) -> Option<Turn> {
        let candidates = if settings.canary_command.is_empty() {
            Placement::now(self.config.now(), &self.gpus, &self.able).for_canaries()
        } else {
            Vec::new()
        };
        self.health.canaries_try(&candidates);
        turns::next(&candidates, last, self.health.is_unlucky(last))
    }

    /// From the begin of a canary to the next; one that failed is looked into
    /// soon.
    fn pause(&self, ok: bool) -> Duration {
        let interval = self.config.now().health.canary_interval;
        if ok { interval } else { interval.min(SECOND_LOOK) }
    }

    /// Program and arguments: the operator's canary, or ours.
    fn command(&self, settings: &HealthConfig, turn: &Turn) -> Vec<String> {
        if settings.canary_command.is_empty() {
            let names: Vec<_> = self.encoders.iter().map(|family| family.name()).collect();
            let mut command =
                vec![OURSELVES.to_owned(), "canary".to_owned(), format!("--encoders={}", names.join(","))];
            command.extend(turn.gpu.as_ref().map(|gpu| format!("--gpu={gpu}")));
            command
        } else {
            settings.canary_command.clone()
        }
    }

    /// Answers when the canary is gone. Returns whether it was well.
    async fn run_once(&self, started: Instant, settings: &HealthConfig, turn: &Turn) -> bool {
        let (command, deadline) = (self.command(settings, turn), settings.canary_deadline);
        let mut canary = match HelperProcess::spawn(Kind::Canary, &command) {
            Ok(canary) => canary,
            Err(error) => return self.note(turn, failed(started, format!("{}: {error}", command[0]))),
        };
        let pid = canary.pid();
        let finished = {
            let ending = finish(&mut canary);
            tokio::pin!(ending);
            match timeout(deadline, &mut ending).await {
                Ok(finished) => Some(finished),
                Err(_) => {
                    let text = format!("not done within {deadline:?}");
                    self.write_evidence(turn, pid, &text).await;
                    self.note(turn, failed(started, text));
                    timeout(deadline * MORE_DEADLINES, &mut ending).await.ok()
                }
            }
        };
        let outcome = match finished {
            Some(Ok((status, said))) => return self.note(turn, judge(started, status, &said).on(turn)),
            Some(Err(error)) => failed(started, error.to_string()),
            None => failed(started, format!("not done within {:?}", deadline * (1 + MORE_DEADLINES))),
        };
        // Said before the kill, which may take long.
        self.note(turn, outcome);
        let say_stuck = || {
            self.note(turn, failed(started, "it cannot be killed: it is stuck inside the kernel".to_owned()));
        };
        canary.remove(&self.quarantine, say_stuck).await;
        false
    }

    fn note(&self, turn: &Turn, outcome: Outcome) -> bool {
        let (ok, error, gpu) = (outcome.ok, outcome.error.clone(), turn.name());
        match self.health.canary_returned(turn, outcome) {
            Some(Status::Healthy) => info!("canaries are well again"),
            Some(status) => warn!(status = status.name(), gpu, error, "canary"),
            None => {}
        }
        ok
    }

    async fn write_evidence(&self, turn: &Turn, pid: Option<u32>, text: &str) {
        // Of a hang that lasts there is nothing new to say.
        if let Some(pid) = pid.filter(|_| self.health.is_well(turn)) {
            helper_process::write_evidence(Kind::Canary, pid, &self.evidence, text).await;
        }
    }
}

async fn finish(canary: &mut HelperProcess) -> std::io::Result<(ExitStatus, String)> {
    let mut said = Vec::new();
    if let Some(output) = canary.output() {
        output.take(LONGEST_REPORT).read_to_end(&mut said).await?;
    }
    Ok((canary.wait().await?, String::from_utf8_lossy(&said).into_owned()))
}

/// The exit status decides; what was said is for people.
fn judge(started: Instant, status: ExitStatus, said: &str) -> Outcome {
    let report: Value = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let word = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
    let error = match (status.success(), word("error")) {
        (true, _) => String::new(),
        (false, error) if error.is_empty() => status.to_string(),
        (false, error) => error,
    };
    Outcome { ok: status.success(), took: started.elapsed(), encoder: word("encoder"), error, elsewhere: false }
}

fn failed(started: Instant, error: String) -> Outcome {
    Outcome { ok: false, took: started.elapsed(), encoder: String::new(), error, elsewhere: false }
}

impl Outcome {
    /// Judged by what was tried: a GPU that encodes and leaves it to the processor is not
    /// well.
    fn on(mut self, turn: &Turn) -> Self {
        if self.ok && turn.gpu.is_some() && self.encoder.starts_with(EncoderFamily::Software.name()) {
            (self.ok, self.elsewhere) = (false, true);
            self.error = format!("{} encoded, and not the GPU", self.encoder);
        }
        self
    }
}

/// After a failure the next canary follows so soon at least.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// How long one that is late is waited for, in deadlines.
const MORE_DEADLINES: u32 = 2;

/// Whatever the deadline and interval are.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// After which the configuration is looked at again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Bytes of a canary's output that are read.
const LONGEST_REPORT: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_exit_status_decides() {
        let ok = r#"{"ok":true,"milliseconds":9,"encoder":"software/openh264","frames":3,"bytes":900}"#;
        let outcome = judge(Instant::now(), ExitStatus::from_raw(0), &format!("noise\n{ok}\n"));
        assert!(outcome.ok && outcome.encoder == "software/openh264" && outcome.error.is_empty());
        let outcome = judge(Instant::now(), ExitStatus::from_raw(1 << 8), ok);
        assert!(!outcome.ok);
        assert_eq!(outcome.error, "exit status: 1");
        let outcome = judge(Instant::now(), ExitStatus::from_raw(1 << 8), r#"{"ok":false,"error":"no encoder"}"#);
        assert_eq!(outcome.error, "no encoder");
        assert!(judge(Instant::now(), ExitStatus::from_raw(0), "[]").ok, "an operator's canary may say nothing");
    }

    #[test]
    fn a_gpu_that_leaves_the_work_to_the_processor_is_not_well() {
        let said =
            |encoder: &str| judge(Instant::now(), ExitStatus::from_raw(0), &format!("{{\"encoder\":\"{encoder}\"}}"));
        let turn = Turn { gpu: Some(crate::gpu::GpuAddress::at("0000:01:00.0")) };
        assert!(said("nvenc").on(&turn).ok && said("software/openh264").on(&Turn::default()).ok);
        let outcome = said("software/openh264").on(&turn);
        assert!(!outcome.ok && outcome.elsewhere && outcome.error.contains("software/openh264 encoded"), "{outcome:?}");
    }
}
