//! An input thread of a test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use earthshine::ipc::counters_page::{Counter, CountersPage, WorkerThread};
use earthshine::protocol::control::input_event::InputEvent;
use earthshine::stream_plan::{PointerSpeed, Source};
use earthshine::units::Size;
use earthshine::worker::heartbeat::Pulse;
use earthshine::worker::input::{self, InputCommand};

use crate::sway::wait_for;

/// The thread and everything it talks to.
pub(crate) struct Playing {
    commands: Sender<InputCommand>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<CountersPage>,
}

impl Playing {
    /// Starts it.
    pub(crate) fn start(source: Source, stream: Size) -> Self {
        let counters = Arc::new(CountersPage::create().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (commands, received) = mpsc::channel();
        let pulse = Pulse::new(WorkerThread::Input, Arc::clone(&counters), Arc::clone(&stop));
        let thread =
            Some(thread::spawn(move || input::run(&source, stream, PointerSpeed::default(), &received, &pulse)));
        Self { commands, stop, thread, counters }
    }

    /// Gives it a command.
    pub(crate) fn command(&self, command: InputCommand) {
        self.commands.send(command).unwrap();
    }

    /// Gives it an event.
    pub(crate) fn play(&self, event: InputEvent) {
        self.command(InputCommand::Event(event));
    }

    /// Presses or releases a key, by Windows virtual-key code.
    pub(crate) fn key(&self, code: u8, pressed: bool, modifiers: u8) {
        self.play(InputEvent::Key { code, pressed, modifiers, not_normalized: false });
    }

    /// Types text.
    pub(crate) fn text(&self, text: &str) {
        text.chars().for_each(|character| self.play(InputEvent::Text(character)));
    }

    /// Waits until so many events were played, and so many ignored.
    pub(crate) fn wait_for_counts(&self, played: u64, ignored: u64) {
        let counts = || (self.counters.get(Counter::InputEvents), self.counters.get(Counter::InputIgnored));
        wait_for(Duration::from_secs(20), || (counts() == (played, ignored)).then_some(()));
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
