//! One case: keys and buttons pressed one after the other, each waited for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::bench::canvas::{frame_and_answers, luma_of, patch_color};
use crate::bench::local_host::LocalHost;
use crate::bench::shown::Shown;
use crate::bench::usage::ProcessorTime;
use crate::bench::viewer::{Mode, Viewer, Watching};
use crate::clock::Micros;
use crate::protocol::control::input_event::{InputEvent, MouseButton};

/// What a round has shown.
#[derive(Debug, Default)]
pub(super) struct Round {
    waits: Vec<Wait>,
    pub(super) unanswered: u32,
    pub(super) wrong: u32,
    pub(super) drawn_a_second: f64,
    pub(super) processors: BTreeMap<&'static str, f64>,
}

/// For one answer, in milliseconds since the press.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) drawn: f64,
    pub(super) first_packet: f64,
    pub(super) decoded: f64,
}

/// The newest picture that shows the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Newest {
    frame: u32,
    answers: u32,
}

/// Launches, presses, and quits.
pub(super) async fn measure(
    host: &LocalHost,
    viewer: &Viewer,
    app: &str,
    mode: Mode,
    presses: u32,
) -> anyhow::Result<Round> {
    let mut watching = viewer.watch(app, mode, u32::MAX).await?;
    let outcome = press_all(host, &mut watching, presses).await;
    let quit = viewer.quit(watching).await;
    let round = outcome?;
    quit.context("quitting")?;
    Ok(round)
}

async fn press_all(host: &LocalHost, watching: &mut Watching, presses: u32) -> anyhow::Result<Round> {
    watching.pictures.appear().await?;
    // Onto the window, which gets buttons from then on.
    watching.play(InputEvent::MousePosition { x: 1, y: 1, width: 2, height: 2 }).await?;
    let mut newest = watch_for(watching, WARM_UP).await.context("no picture of the window")?;
    let processes = tokio::task::block_in_place(|| host.processes())?;
    let (began, frame, before) = (Instant::now(), newest.frame, ProcessorTime::look(&processes));
    let mut round = Round::default();
    for number in 0..presses {
        newest = watch_for(watching, pause(number)).await.unwrap_or(newest);
        let wanted = (newest.answers + 1) & 0xFF;
        let pressed = Micros::now();
        watching.play(event(number, true)).await?;
        match answer(watching, wanted).await {
            Some(shown) if is_in_color(&shown, wanted) => round.waits.push(Wait::of(&shown, pressed)),
            Some(_) => round.wrong += 1,
            None => round.unanswered += 1,
        }
        watching.play(event(number, false)).await?;
    }
    newest = watch_for(watching, pause(0)).await.unwrap_or(newest);
    let seconds = began.elapsed().as_secs_f64();
    round.processors = ProcessorTime::look(&processes).percent_since(&before, seconds);
    round.drawn_a_second = f64::from(newest.frame.saturating_sub(frame)) / seconds;
    Ok(round)
}

/// Looks on for so long; the last picture of the window.
async fn watch_for(watching: &mut Watching, length: Duration) -> Option<Newest> {
    let end = Instant::now() + length;
    let mut newest = None;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let marker = watching.pictures.next_within(left).await.and_then(|shown| shown.marker);
        let parts = marker.map(|marker| frame_and_answers(marker.number));
        newest = parts.map(|(frame, answers)| Newest { frame, answers }).or(newest);
    }
    newest
}

/// The first picture with so many answers.
async fn answer(watching: &mut Watching, wanted: u32) -> Option<Shown> {
    let end = Instant::now() + ANSWER;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let Some(shown) = watching.pictures.next_within(left).await else { break };
        if shown.marker.is_some_and(|marker| frame_and_answers(marker.number).1 == wanted) {
            return Some(shown);
        }
    }
    None
}

/// Coding changes a flat colour by a few steps.
fn is_in_color(shown: &Shown, answers: u32) -> bool {
    shown.patch.abs_diff(luma_of(patch_color(answers))) < 16
}

/// In turn a key and a button.
const fn event(number: u32, pressed: bool) -> InputEvent {
    if number.is_multiple_of(2) {
        InputEvent::Key { code: VK_A, pressed, modifiers: 0, not_normalized: false }
    } else {
        InputEvent::MouseButton { button: MouseButton::Left, pressed }
    }
}

/// Between an answer and the next press: never in step with any frame rate.
fn pause(number: u32) -> Duration {
    Duration::from_micros(120_000 + u64::from(number.wrapping_mul(7919) % 1009) * 97)
}

impl Wait {
    #[allow(clippy::cast_precision_loss, reason = "microseconds of a round")]
    fn of(shown: &Shown, pressed: Micros) -> Self {
        let since = |time: Micros| time.since(pressed) as f64 / 1e3;
        let drawn = shown.marker.map_or(pressed, |marker| marker.time);
        Self { drawn: since(drawn), first_packet: since(shown.arrived.first), decoded: since(shown.decoded) }
    }
}

impl Round {
    /// A time of every answer.
    pub(super) fn millis(&self, time: impl Fn(&Wait) -> f64) -> Vec<f64> {
        self.waits.iter().map(time).collect()
    }
}

/// Rate control has found its level.
const WARM_UP: Duration = Duration::from_secs(2);
/// A player would press again.
const ANSWER: Duration = Duration::from_secs(3);
const VK_A: u8 = 0x41;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_are_short() {
        let pauses: std::collections::BTreeSet<_> = (0..100).map(pause).collect();
        assert_eq!(pauses.len(), 100);
        assert!(pauses.iter().all(|pause| (120..220).contains(&pause.as_millis())), "{pauses:?}");
    }

    #[test]
    fn keys_and_buttons_take_turns_and_are_let_go() {
        assert!(matches!(event(0, true), InputEvent::Key { code: VK_A, pressed: true, .. }));
        assert!(matches!(event(1, false), InputEvent::MouseButton { pressed: false, .. }));
    }
}
