//! One channel's order: what may be delivered now, and what waits.
//!
//! Reliable messages count up. Unreliable ones name the reliable one they came
//! after, and count up from it: they wait for it, and those that are late are
//! dropped (`peer.c`, `enet_peer_queue_incoming_command` and the functions that
//! dispatch).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::enet::account::Account;
use crate::protocol::enet::assembly::Assembly;
use crate::protocol::enet::command::Fragment;
use crate::protocol::enet::limits::MESSAGE_OVERHEAD;

/// Numbers of both directions, and messages that wait for an earlier one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Channel {
    /// Reliable number that was given to a message of ours last.
    sent: u16,
    /// Reliable number that was delivered last.
    delivered: u16,
    /// Unreliable number that was delivered last since.
    unreliable: u16,
    /// In the order of their distance from `delivered`.
    held: VecDeque<Held>,
    /// In the order of distance and unreliable number.
    held_unreliable: VecDeque<Held>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    reliable: u16,
    unreliable: u16,
    body: Body,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Body {
    Whole(Vec<u8>),
    Parts(Assembly),
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Delivered or held: acknowledge it.
    New,
    /// It came before: acknowledge it again.
    Old,
    /// Neither new nor old for certain: leave it to the peer's next attempt.
    Beyond,
    /// Not possible, or no memory for it: the rest of the datagram is void.
    Refused,
}

/// Where a reliable number is.
enum Place {
    Old,
    Ahead(u16),
    Beyond,
}

/// Where messages go.
pub(super) trait Deliver {
    /// Takes the next message of the channel.
    fn deliver(&mut self, message: Vec<u8>);
}

impl Channel {
    /// The number of our next reliable message.
    pub(super) const fn next_number(&mut self) -> u16 {
        self.sent = self.sent.wrapping_add(1);
        self.sent
    }

    /// Whether a reliable command with this number is acknowledged at all: one
    /// half of a window apart could be very old or very new.
    pub(super) const fn acknowledges(&self, number: u16) -> bool {
        !matches!(self.place(number), Place::Beyond)
    }

    /// A reliable message.
    pub(super) fn reliable(
        &mut self,
        number: u16,
        message: &[u8],
        account: &mut Account,
        to: &mut impl Deliver,
    ) -> Taken {
        let distance = match self.place(number) {
            Place::Old => return Taken::Old,
            Place::Beyond => return Taken::Beyond,
            Place::Ahead(distance) => distance,
        };
        let charge = message.len() + MESSAGE_OVERHEAD;
        if distance == 1 && self.position(distance).is_err() {
            if !account.fits(charge) {
                return Taken::Refused;
            }
            self.delivered = number;
            to.deliver(message.to_vec());
            self.settle(true, account, to);
            return Taken::New;
        }
        match self.position(distance) {
            Ok(_) => Taken::Old,
            Err(_) if !account.take(charge) => Taken::Refused,
            Err(at) => {
                self.held.insert(at, Held { reliable: number, unreliable: 0, body: Body::Whole(message.to_vec()) });
                Taken::New
            }
        }
    }

    /// Part of a reliable message of at most `limit` bytes. What it counts for
    /// as a command is up to [`acknowledges`](Self::acknowledges).
    pub(super) fn reliable_part(
        &mut self,
        part: &Fragment<'_>,
        limit: usize,
        account: &mut Account,
        to: &mut impl Deliver,
    ) -> Taken {
        let distance = match self.place(part.start) {
            Place::Old => return Taken::Old,
            Place::Beyond => return Taken::Beyond,
            Place::Ahead(distance) => distance,
        };
        let at = match self.position(distance) {
            Ok(at) => at,
            Err(at) => match begin(part, limit, account) {
                Some(body) => {
                    self.held.insert(at, Held { reliable: part.start, unreliable: 0, body });
                    at
                }
                None => return Taken::Refused,
            },
        };
        let Body::Parts(assembly) = &mut self.held[at].body else { return Taken::Refused };
        if !assembly.add(part) {
            return Taken::Refused;
        }
        if assembly.is_complete() && distance == 1 {
            self.settle(false, account, to);
        }
        Taken::New
    }

    /// An unreliable message that came after the reliable one of this number.
    pub(super) fn unreliable(
        &mut self,
        (reliable, unreliable): (u16, u16),
        message: &[u8],
        account: &mut Account,
        to: &mut impl Deliver,
    ) -> Taken {
        let distance = reliable.wrapping_sub(self.delivered);
        let charge = message.len() + MESSAGE_OVERHEAD;
        if distance >= AHEAD || (distance == 0 && unreliable <= self.unreliable) {
            return Taken::Old;
        }
        if distance == 0 {
            if !account.fits(charge) {
                return Taken::Refused;
            }
            self.unreliable = unreliable;
            to.deliver(message.to_vec());
            self.settle_unreliable(account, to);
            return Taken::New;
        }
        match self.unreliable_position(distance, unreliable) {
            Ok(_) => Taken::Old,
            Err(_) if !account.take(charge) => Taken::Refused,
            Err(at) => {
                let held = Held { reliable, unreliable, body: Body::Whole(message.to_vec()) };
                self.held_unreliable.insert(at, held);
                Taken::New
            }
        }
    }

    /// Part of an unreliable message of at most `limit` bytes.
    pub(super) fn unreliable_part(
        &mut self,
        reliable: u16,
        part: &Fragment<'_>,
        limit: usize,
        account: &mut Account,
        to: &mut impl Deliver,
    ) -> Taken {
        let distance = reliable.wrapping_sub(self.delivered);
        if distance >= AHEAD || (distance == 0 && part.start <= self.unreliable) {
            return Taken::Old;
        }
        let at = match self.unreliable_position(distance, part.start) {
            Ok(at) => at,
            Err(at) => match begin(part, limit, account) {
                Some(body) => {
                    self.held_unreliable.insert(at, Held { reliable, unreliable: part.start, body });
                    at
                }
                None => return Taken::Refused,
            },
        };
        let Body::Parts(assembly) = &mut self.held_unreliable[at].body else { return Taken::Refused };
        if !assembly.add(part) {
            return Taken::Refused;
        }
        if assembly.is_complete() && distance == 0 {
            self.settle_unreliable(account, to);
        }
        Taken::New
    }

    /// Bytes that are held.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.iter().chain(&self.held_unreliable).map(Held::charge).sum()
    }

    /// Whether it is what the functions above leave behind.
    pub(super) fn is_sound(&self, limit: usize) -> bool {
        let reliable = self.held.iter().map(|held| self.distance(held));
        let unreliable = self.held_unreliable.iter().map(|held| (self.distance(held), held.unreliable));
        let next_is_missing = self.held.front().is_none_or(|first| self.distance(first) > 1 || !first.is_complete());
        let current_are_open = self.held_unreliable.iter().take_while(|held| self.distance(held) == 0);
        let mut current_are_open =
            current_are_open.map(|held| !held.is_complete() && held.unreliable > self.unreliable);
        reliable.clone().is_sorted_by(|a, b| a < b)
            && unreliable.clone().is_sorted_by(|a, b| a < b)
            && reliable.clone().all(|distance| (1..AHEAD).contains(&distance))
            && unreliable.clone().all(|(distance, _)| distance < AHEAD)
            && next_is_missing
            && current_are_open.all(|open| open)
            && self.held.iter().chain(&self.held_unreliable).all(|held| held.is_sound(limit))
    }

    const fn place(&self, number: u16) -> Place {
        match number.wrapping_sub(self.delivered) {
            0 => Place::Old,
            distance if distance < AHEAD => Place::Ahead(distance),
            distance if distance < OLD => Place::Beyond,
            _ => Place::Old,
        }
    }

    const fn distance(&self, held: &Held) -> u16 {
        held.reliable.wrapping_sub(self.delivered)
    }

    /// Where the message at this distance is held, or would be.
    fn position(&self, distance: u16) -> Result<usize, usize> {
        // Most come in order, after all that is held.
        if self.held.back().is_none_or(|last| self.distance(last) < distance) {
            return Err(self.held.len());
        }
        self.held.binary_search_by_key(&distance, |held| self.distance(held))
    }

    fn unreliable_position(&self, distance: u16, unreliable: u16) -> Result<usize, usize> {
        let key = |held: &Held| (self.distance(held), held.unreliable);
        self.held_unreliable.binary_search_by_key(&(distance, unreliable), key)
    }

    /// Delivers what nothing is missing before any more.
    fn settle(&mut self, mut progress: bool, account: &mut Account, to: &mut impl Deliver) {
        while let Some(first) = self.held.front() {
            let distance = self.distance(first);
            let stale = distance == 0 || distance >= AHEAD;
            if !stale && (distance > 1 || !first.is_complete()) {
                break;
            }
            let Some(first) = self.held.pop_front() else { break };
            account.release(first.charge());
            if !stale {
                self.delivered = self.delivered.wrapping_add(first.numbers());
                to.deliver(first.into_message());
                progress = true;
            }
        }
        if progress {
            self.unreliable = 0;
            self.settle_unreliable(account, to);
        }
    }

    /// Delivers unreliable messages that waited for the last reliable one, and
    /// drops those that are late now.
    fn settle_unreliable(&mut self, account: &mut Account, to: &mut impl Deliver) {
        let late = self.held_unreliable.iter().take_while(|held| self.distance(held) >= AHEAD).count();
        self.held_unreliable.drain(..late).for_each(|held| account.release(held.charge()));
        let current = self.held_unreliable.iter().take_while(|held| self.distance(held) == 0).count();
        let delivered = |held: &Held| held.is_complete() || held.unreliable <= self.unreliable;
        let Some(last) = (0..current).rev().find(|at| delivered(&self.held_unreliable[*at])) else { return };
        for held in self.held_unreliable.drain(..=last) {
            account.release(held.charge());
            if held.is_complete() && held.unreliable > self.unreliable {
                self.unreliable = held.unreliable;
                to.deliver(held.into_message());
            }
        }
    }
}

impl Held {
    fn charge(&self) -> usize {
        match &self.body {
            Body::Whole(message) => message.len() + MESSAGE_OVERHEAD,
            Body::Parts(assembly) => assembly.charge(),
        }
    }

    const fn is_complete(&self) -> bool {
        match &self.body {
            Body::Whole(_) => true,
            Body::Parts(assembly) => assembly.is_complete(),
        }
    }

    /// How many reliable numbers it takes.
    fn numbers(&self) -> u16 {
        match &self.body {
            Body::Whole(_) => 1,
            // No message has more parts than bytes, and those fit.
            Body::Parts(assembly) => u16::try_from(assembly.count()).unwrap_or(u16::MAX),
        }
    }

    fn into_message(self) -> Vec<u8> {
        match self.body {
            Body::Whole(message) => message,
            Body::Parts(assembly) => assembly.into_message(),
        }
    }

    fn is_sound(&self, limit: usize) -> bool {
        match &self.body {
            Body::Whole(message) => message.len() <= limit,
            Body::Parts(assembly) => assembly.is_sound(limit),
        }
    }
}

fn begin(part: &Fragment<'_>, limit: usize, account: &mut Account) -> Option<Body> {
    let assembly = Assembly::begin(part, limit)?;
    // Ask before it is kept: its buffer is no larger than one message.
    account.take(assembly.charge()).then_some(Body::Parts(assembly))
}

/// Numbers ahead that are new: seven of ENet's windows of 4096, as many as a
/// sender has under way.
const AHEAD: u16 = 7 * 4096;
/// From here on they are old ones again; between the two nobody can tell.
const OLD: u16 = 9 * 4096;

#[cfg(test)]
mod tests {
    use super::*;

    impl Deliver for Vec<Vec<u8>> {
        fn deliver(&mut self, message: Vec<u8>) {
            self.push(message);
        }
    }

    struct Case {
        channel: Channel,
        account: Account,
        out: Vec<Vec<u8>>,
    }

    impl Case {
        fn new() -> Self {
            Self { channel: Channel::default(), account: Account::new(0, 10_000), out: Vec::new() }
        }

        fn reliable(&mut self, number: u16) -> Taken {
            let taken = self.channel.reliable(number, &number.to_be_bytes(), &mut self.account, &mut self.out);
            self.check();
            taken
        }

        fn unreliable(&mut self, reliable: u16, unreliable: u16) -> Taken {
            let numbers = (reliable, unreliable);
            let message = [reliable.to_be_bytes(), unreliable.to_be_bytes()].concat();
            let taken = self.channel.unreliable(numbers, &message, &mut self.account, &mut self.out);
            self.check();
            taken
        }

        fn part(&mut self, reliable: Option<u16>, part: &Fragment<'_>) -> Taken {
            let (account, out) = (&mut self.account, &mut self.out);
            let taken = match reliable {
                None => self.channel.reliable_part(part, 1000, account, out),
                Some(number) => self.channel.unreliable_part(number, part, 1000, account, out),
            };
            self.check();
            taken
        }

        fn check(&self) {
            assert!(self.channel.is_sound(1000), "{:?}", self.channel);
            assert_eq!(self.account.held(), self.channel.held_bytes());
        }

        fn numbers(&mut self) -> Vec<u16> {
            let message = |message: Vec<u8>| u16::from_be_bytes(message[..2].try_into().unwrap());
            self.out.drain(..).map(message).collect()
        }
    }

    const fn part(start: u16, count: u32, index: u32, payload: &[u8]) -> Fragment<'_> {
        Fragment { start, count, index, total: count * 2, offset: index * 2, payload }
    }

    #[test]
    fn reliable_messages_are_delivered_in_order_and_once() {
        let mut case = Case::new();
        for (number, taken) in [(3, Taken::New), (1, Taken::New), (1, Taken::Old), (3, Taken::Old)] {
            assert_eq!(case.reliable(number), taken, "{number}");
        }
        assert_eq!(case.numbers(), [1]);
        assert_eq!(case.reliable(2), Taken::New);
        assert_eq!(case.reliable(2), Taken::Old);
        assert_eq!(case.numbers(), [2, 3]);
    }

    #[test]
    fn numbers_wrap() {
        let mut case = Case::new();
        for number in 1..=70_000u32 {
            assert_eq!(case.reliable((number % 65_536).try_into().unwrap()), Taken::New, "{number}");
        }
        assert_eq!(case.out.len(), 70_000);
        assert_eq!(case.reliable(4000), Taken::Old);
    }

    #[test]
    fn half_a_window_away_nothing_is_said() {
        let mut case = Case::new();
        assert_eq!(case.reliable(AHEAD - 1), Taken::New);
        for number in [AHEAD, OLD - 1] {
            assert_eq!(case.reliable(number), Taken::Beyond);
            assert!(!case.channel.acknowledges(number));
        }
        assert_eq!(case.reliable(OLD), Taken::Old);
        assert!(case.channel.acknowledges(OLD));
    }

    #[test]
    fn what_there_is_no_memory_for_is_refused_and_can_come_again() {
        let mut case = Case::new();
        let taken: Vec<_> = (2..200).map(|number| case.reliable(number)).collect();
        let held = taken.iter().filter(|taken| **taken == Taken::New).count();
        assert_eq!(held, 10_000 / (MESSAGE_OVERHEAD + 2));
        assert!(taken[held..].iter().all(|taken| *taken == Taken::Refused));
        case.account = Account::new(case.account.held(), 20_000);
        assert_eq!(case.reliable(1), Taken::New);
        assert_eq!(case.out.len(), held + 1);
        assert_eq!(case.account.held(), 0);
    }

    #[test]
    fn unreliable_messages_wait_for_their_reliable_one_and_are_never_late() {
        let mut case = Case::new();
        assert_eq!(case.unreliable(0, 2), Taken::New);
        assert_eq!(case.unreliable(0, 1), Taken::Old);
        assert_eq!(case.unreliable(1, 2), Taken::New);
        assert_eq!(case.unreliable(1, 1), Taken::New);
        assert_eq!(case.unreliable(1, 1), Taken::Old);
        assert_eq!(case.unreliable(2, 1), Taken::New);
        assert_eq!(case.out.len(), 1);
        assert_eq!(case.reliable(1), Taken::New);
        assert_eq!(case.out[1..], [vec![0, 1], vec![0, 1, 0, 1], vec![0, 1, 0, 2]]);
        assert_eq!(case.reliable(2), Taken::New);
        assert_eq!(case.out.len(), 6);
        assert_eq!(case.unreliable(1, 9), Taken::Old);
    }

    #[test]
    fn parts_are_one_message_with_a_number_for_each() {
        let mut case = Case::new();
        assert_eq!(case.reliable(4), Taken::New);
        assert_eq!(case.part(None, &part(1, 3, 2, b"ef")), Taken::New);
        assert_eq!(case.part(None, &part(1, 3, 0, b"ab")), Taken::New);
        assert!(case.out.is_empty());
        assert_eq!(case.part(None, &part(1, 3, 1, b"cd")), Taken::New);
        assert_eq!(case.out, [b"abcdef".to_vec(), vec![0, 4]]);
        assert_eq!(case.part(None, &part(1, 3, 1, b"cd")), Taken::Old);
        assert_eq!(case.reliable(5), Taken::New);
    }

    #[test]
    fn parts_that_contradict_each_other_are_refused() {
        let mut case = Case::new();
        assert_eq!(case.part(None, &part(1, 3, 2, b"ef")), Taken::New);
        assert_eq!(case.part(None, &part(1, 4, 2, b"ef")), Taken::Refused);
        assert_eq!(case.reliable(1), Taken::Old);
        assert_eq!(case.reliable(2), Taken::New);
        assert_eq!(case.part(None, &part(2, 3, 2, b"ef")), Taken::Refused);
        assert_eq!(case.part(None, &part(5, 600, 2, b"ef")), Taken::Refused, "longer than any message");
        // The parts end where another message was said to begin.
        assert_eq!(case.part(None, &part(1, 3, 0, b"ab")), Taken::New);
        assert_eq!(case.part(None, &part(1, 3, 1, b"cd")), Taken::New);
        assert_eq!(case.out, [b"abcdef"]);
        assert_eq!(case.reliable(4), Taken::New);
    }

    #[test]
    fn unreliable_parts_that_are_not_complete_in_time_are_dropped() {
        let mut case = Case::new();
        assert_eq!(case.part(Some(0), &part(1, 2, 0, b"ab")), Taken::New);
        assert_eq!(case.part(Some(0), &part(2, 2, 0, b"cd")), Taken::New);
        assert_eq!(case.part(Some(0), &part(2, 2, 1, b"ef")), Taken::New);
        assert_eq!(case.out, [b"cdef"]);
        assert_eq!(case.part(Some(0), &part(1, 2, 1, b"xx")), Taken::Old);
        assert_eq!(case.part(Some(1), &part(1, 2, 0, b"gh")), Taken::New);
        assert_eq!(case.part(Some(1), &part(1, 2, 1, b"ij")), Taken::New);
        assert_eq!(case.part(Some(1), &part(2, 2, 0, b"kl")), Taken::New);
        assert_eq!(case.out.len(), 1);
        assert_eq!(case.reliable(1), Taken::New);
        assert_eq!(case.out[1..], [vec![0, 1], b"ghij".to_vec()]);
        assert_eq!(case.unreliable(1, 3), Taken::New);
        assert_eq!(case.account.held(), 0);
    }
}
