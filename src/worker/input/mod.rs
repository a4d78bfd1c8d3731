//! What the user does, played into the desktop.
//!
//! One thread: it takes events in their order and speaks to the compositor by
//! virtual-keyboard and virtual-pointer protocols. Nothing here ends a stream:
//! a compositor without virtual devices, or one that went away, leaves a
//! picture to look at, and the events are counted as ignored.

mod devices;
mod held_keys;
mod keyboard;
mod picture_area;
mod player;
mod pointer;
mod speed;
mod text;
mod virtual_keyboard;
mod virtual_pointer;

use std::sync::mpsc::{Receiver, RecvTimeoutError};

use crate::protocol::control::input_event::InputEvent;
use crate::stream_plan::{PointerSpeed, Source};
use crate::units::Size;
use crate::worker::heartbeat::Pulse;

use player::Player;

/// What the input thread is told.
#[derive(Debug, Clone, PartialEq)]
pub enum InputCommand {
    /// The user did something.
    Event(InputEvent),
    /// Release everything that is held down.
    ReleaseAll,
    /// Play into another desktop from now on; what is held is released first.
    Switch(Source),
}

/// The input thread: plays `commands` into `source` until the pulse says stop
/// or nobody can send any more. `stream` is the size of the video picture,
/// which absolute positions refer to, and `speed` how fast relative ones go.
pub fn run(source: &Source, stream: Size, speed: PointerSpeed, commands: &Receiver<InputCommand>, pulse: &Pulse) {
    let mut player = Player::new(source, stream, speed, pulse);
    while pulse.beat() {
        player.keep_up();
        match commands.recv_timeout(player.patience()) {
            Ok(command) => {
                player.obey(command);
                commands.try_iter().take(BATCH).for_each(|command| player.obey(command));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        player.flush();
    }
    player.part();
}

/// Commands played before they are sent together: a thousand-hertz mouse makes
/// a few per wake-up.
const BATCH: usize = 64;
