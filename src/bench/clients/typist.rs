//! Input that an application notices and that does no harm: a mouse that goes
//! in circles, and Shift once a second.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::protocol::control::client_session::channel;
use crate::protocol::control::input_event::InputEvent;

/// One client's user.
#[derive(Debug)]
pub(super) struct Typist {
    moves: Interval,
    moved: usize,
    due: VecDeque<InputEvent>,
}

impl Typist {
    /// A user who begins at once.
    pub(super) fn new() -> Self {
        let mut moves = interval(MOVE_INTERVAL);
        moves.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { moves, moved: 0, due: VecDeque::new() }
    }

    /// What the user does next, when it is time. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> InputEvent {
        if let Some(due) = self.due.pop_front() {
            return due;
        }
        self.moves.tick().await;
        self.moved += 1;
        if self.moved.is_multiple_of(MOVES_PER_KEY) {
            self.due.extend([true, false].map(shift));
        }
        let (dx, dy) = CIRCLE[self.moved % CIRCLE.len()];
        InputEvent::MouseMove { dx, dy }
    }

    /// The channel that a client sends such an event on.
    pub(super) const fn channel(event: &InputEvent) -> u8 {
        match event {
            InputEvent::Key { .. } | InputEvent::Text(_) => channel::KEYBOARD,
            _ => channel::MOUSE,
        }
    }
}

const fn shift(pressed: bool) -> InputEvent {
    InputEvent::Key { code: VK_LSHIFT, pressed, modifiers: pressed as u8, not_normalized: false }
}

/// Steps that lead back to where they began.
const CIRCLE: [(i16, i16); 8] = [(3, 0), (2, 2), (0, 3), (-2, 2), (-3, 0), (-2, -2), (0, -3), (2, -2)];

/// A mouse that is moved reports about as often as a screen shows it.
const MOVE_INTERVAL: Duration = Duration::from_millis(16);

const MOVES_PER_KEY: usize = 60;

const VK_LSHIFT: u8 = 0xA0;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_mouse_comes_back_and_no_key_stays_down() {
        let mut typist = Typist::new();
        // Without waiting: what comes does not depend on the time.
        typist.moves = interval(Duration::from_nanos(1));
        let (mut at, mut held, mut keys) = ((0, 0), 0, 0);
        for _ in 0..(8 * 60 + 2 * 8) {
            match typist.next().await {
                InputEvent::MouseMove { dx, dy } => at = (at.0 + dx, at.1 + dy),
                InputEvent::Key { pressed, .. } => {
                    held += if pressed { 1 } else { -1 };
                    keys += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((at, held, keys), ((0, 0), 0, 16));
    }
}
