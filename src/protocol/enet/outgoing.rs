//! Reliable commands on their way to a peer, until it acknowledges them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::enet::command::{
    ACKNOWLEDGE_LEN, Command, CommandHeader, Connect, Fragment, SEND_FRAGMENT_LEN, SEND_RELIABLE_LEN,
    VERIFY_CONNECT_LEN,
};
use crate::protocol::enet::limits::{LONGEST_WAIT, MESSAGE_OVERHEAD, OUTGOING_BYTES, TIMEOUT};
use crate::protocol::enet::round_trip::RoundTrip;

/// Commands that wait to be sent, and commands that wait to be acknowledged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Outgoing {
    queued: VecDeque<Item>,
    in_flight: VecDeque<Item>,
    /// Payload bytes in flight.
    under_way: u32,
    /// When the oldest command was sent that the peer has not acknowledged, in
    /// ms; nothing was acknowledged since.
    earliest_timeout: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    channel: u8,
    number: u16,
    what: What,
    /// Milliseconds.
    sent_at: u64,
    /// Milliseconds before it is sent again; 0 before the first time.
    wait: u32,
}

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    VerifyConnect,
    Ping,
    Disconnect { data: u32 },
    Message(Vec<u8>),
    Part { start: u16, count: u32, index: u32, total: u32, offset: u32, payload: Vec<u8> },
}

/// What a command was that is acknowledged now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    VerifyConnect,
    Disconnect,
    Other,
}

impl Outgoing {
    /// Queues a command.
    pub(super) fn push(&mut self, channel: u8, number: u16, what: What) {
        self.queued.push_back(Item { channel, number, what, sent_at: 0, wait: 0 });
    }

    /// Whether messages of so many bytes in so many parts may be queued.
    pub(super) fn has_room(&self, bytes: usize, parts: usize) -> bool {
        bytes + parts * MESSAGE_OVERHEAD + self.bytes() <= OUTGOING_BYTES
    }

    /// How many commands wait for their acknowledgement, or to be sent.
    pub(super) fn len(&self) -> usize {
        self.queued.len() + self.in_flight.len()
    }

    /// Nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.in_flight.is_empty()
    }

    /// Nothing is acknowledged any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes an acknowledgement; `None` if it is for nothing. What is queued may
    /// be acknowledged too: it was sent before, or by an earlier process.
    pub(super) fn acknowledge(&mut self, channel: u8, number: u16) -> Option<Acknowledged> {
        self.earliest_timeout = None;
        let matches = |item: &Item| item.channel == channel && item.number == number;
        let item = if let Some(at) = self.in_flight.iter().position(matches) {
            let item = self.in_flight.remove(at)?;
            self.under_way = self.under_way.saturating_sub(item.what.payload_len());
            item
        } else {
            let at = self.queued.iter().position(matches)?;
            self.queued.remove(at)?
        };
        Some(match item.what {
            What::VerifyConnect => Acknowledged::VerifyConnect,
            What::Disconnect { .. } => Acknowledged::Disconnect,
            _ => Acknowledged::Other,
        })
    }

    /// Queues again what was not acknowledged in time; `false` if the peer is
    /// lost.
    pub(super) fn expire(&mut self, now: u64) -> bool {
        let late = |item: &Item| now.saturating_sub(item.sent_at) >= u64::from(item.wait);
        let Some(oldest) = self.in_flight.iter().filter(|item| late(item)).map(|item| item.sent_at).min() else {
            return true;
        };
        let earliest = self.earliest_timeout.map_or(oldest, |earliest| earliest.min(oldest));
        self.earliest_timeout = Some(earliest);
        if now.saturating_sub(earliest) >= TIMEOUT {
            return false;
        }
        // From the back, so that they are queued in their order.
        for at in (0..self.in_flight.len()).rev() {
            if late(&self.in_flight[at])
                && let Some(mut item) = self.in_flight.remove(at)
            {
                self.under_way = self.under_way.saturating_sub(item.what.payload_len());
                item.wait = item.wait.saturating_mul(2).min(LONGEST_WAIT);
                self.queued.push_front(item);
            }
        }
        true
    }

    /// When to look at it again, in ms.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.in_flight.iter().map(|item| item.sent_at.saturating_add(item.wait.into())).min()
    }

    /// Whether [`write`](Self::write) has something for a fresh datagram.
    pub(super) fn is_ready(&self, window: u32) -> bool {
        self.queued.front().is_some_and(|item| self.fits_window(item, window))
    }

    /// Appends what may be sent now to a datagram of at most `room` more bytes
    /// and `most` commands, and says how many it were.
    pub(super) fn write(&mut self, terms: &Terms<'_>, room: usize, most: usize, out: &mut Vec<u8>) -> usize {
        let (end, mut written) = (out.len() + room, 0);
        while written < most
            && let Some(item) = self.queued.front()
            && self.fits_window(item, terms.window)
            && out.len() + item.what.len() <= end
            && let Some(mut item) = self.queued.pop_front()
        {
            item.write(terms.verify, out);
            item.sent_at = terms.now;
            if item.wait == 0 {
                item.wait = terms.round_trip.first_wait();
            }
            self.under_way = self.under_way.saturating_add(item.what.payload_len());
            self.in_flight.push_back(item);
            written += 1;
        }
        written
    }

    /// Makes it what it is in a process that has sent nothing yet: all goes once
    /// more, and the peer has all the time again to answer.
    pub(super) fn restart(&mut self) {
        self.in_flight.append(&mut self.queued);
        self.queued = std::mem::take(&mut self.in_flight);
        self.queued.iter_mut().for_each(|item| item.wait = 0);
        (self.under_way, self.earliest_timeout) = (0, None);
    }

    /// Whether it is within its bounds, for messages of `limit` bytes on so many
    /// channels.
    pub(super) fn is_sound(&self, limit: usize, mtu: u16, channels: usize) -> bool {
        let fits = |item: &Item| {
            let message = matches!(item.what, What::Message(_) | What::Part { .. });
            item.what.payload_len() as usize <= limit
                && item.what.len() + 4 <= usize::from(mtu)
                && (!message || usize::from(item.channel) < channels)
        };
        self.bytes() <= OUTGOING_BYTES + 4 * MESSAGE_OVERHEAD && self.queued.iter().chain(&self.in_flight).all(fits)
    }

    fn bytes(&self) -> usize {
        let charge = |item: &Item| item.what.payload_len() as usize + MESSAGE_OVERHEAD;
        self.queued.iter().chain(&self.in_flight).map(charge).sum()
    }

    fn fits_window(&self, item: &Item, window: u32) -> bool {
        let payload = item.what.payload_len();
        payload == 0 || self.under_way.saturating_add(payload) <= window
    }
}

/// What datagrams are written with.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    /// Milliseconds.
    pub(super) now: u64,
    /// Payload bytes that may be under way.
    pub(super) window: u32,
    pub(super) round_trip: &'a RoundTrip,
    /// What VERIFY_CONNECT says.
    pub(super) verify: Connect,
}

impl Item {
    fn write(&self, verify: Connect, out: &mut Vec<u8>) {
        let command = match &self.what {
            What::VerifyConnect => Command::VerifyConnect(verify),
            What::Ping => Command::Ping,
            What::Disconnect { data } => Command::Disconnect { data: *data },
            What::Message(message) => Command::SendReliable(message),
            What::Part { start, count, index, total, offset, payload } => Command::SendFragment(Fragment {
                start: *start,
                count: *count,
                index: *index,
                total: *total,
                offset: *offset,
                payload,
            }),
        };
        let header =
            CommandHeader { acknowledge: true, unsequenced: false, channel: self.channel, number: self.number };
        command.write(header, out);
    }
}

impl What {
    /// Bytes in a datagram.
    fn len(&self) -> usize {
        match self {
            Self::VerifyConnect => VERIFY_CONNECT_LEN,
            Self::Ping | Self::Disconnect { .. } => ACKNOWLEDGE_LEN,
            Self::Message(message) => SEND_RELIABLE_LEN + message.len(),
            Self::Part { payload, .. } => SEND_FRAGMENT_LEN + payload.len(),
        }
    }

    fn payload_len(&self) -> u32 {
        match self {
            Self::Message(payload) | Self::Part { payload, .. } => u32::try_from(payload.len()).unwrap_or(u32::MAX),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bytes::Reader;
    use crate::protocol::enet::command::Throttle;

    const THROTTLE: Throttle = Throttle { interval: 5000, acceleration: 2, deceleration: 2 };
    const VERIFY: Connect = Connect {
        peer: 0,
        incoming_session: 0,
        outgoing_session: 0,
        mtu: 900,
        window: 4096,
        channels: 1,
        incoming_bandwidth: 0,
        outgoing_bandwidth: 0,
        throttle: THROTTLE,
        connect_id: 0,
        data: 0,
    };

    fn send(outgoing: &mut Outgoing, now: u64, window: u32) -> Vec<u16> {
        let round_trip = RoundTrip::new(THROTTLE);
        let terms = Terms { now, window, round_trip: &round_trip, verify: VERIFY };
        let mut out = Vec::new();
        let written = outgoing.write(&terms, 100, 32, &mut out);
        let mut reader = Reader::new(&out);
        let numbers: Vec<_> = (0..written).map(|_| Command::read(&mut reader).unwrap().0.number).collect();
        assert!(reader.rest().is_empty() && out.len() <= 100);
        numbers
    }

    fn three() -> Outgoing {
        let mut outgoing = Outgoing::default();
        (1..4).for_each(|number| outgoing.push(0, number, What::Message(vec![7; 30])));
        outgoing
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_later_and_later() {
        let mut outgoing = three();
        assert_eq!(send(&mut outgoing, 0, 4096), [1, 2]);
        assert_eq!(send(&mut outgoing, 0, 4096), [3]);
        assert_eq!(outgoing.acknowledge(0, 2), Some(Acknowledged::Other));
        assert_eq!(outgoing.acknowledge(0, 2), None);
        let mut times = Vec::new();
        loop {
            let at = outgoing.deadline().unwrap();
            if !outgoing.expire(at) {
                break;
            }
            assert_eq!(send(&mut outgoing, at, 4096), [1, 3]);
            times.push(at);
        }
        assert_eq!(times, [504, 1512, 3512, 5512, 7512, 9512]);
    }

    #[test]
    fn an_acknowledgement_of_anything_gives_more_time() {
        let mut outgoing = three();
        send(&mut outgoing, 0, 4096);
        assert!(outgoing.expire(9000));
        send(&mut outgoing, 9000, 4096);
        assert_eq!(outgoing.acknowledge(0, 1), Some(Acknowledged::Other));
        assert!(outgoing.expire(11_000));
        send(&mut outgoing, 11_000, 4096);
        assert!(outgoing.expire(18_000));
        send(&mut outgoing, 18_000, 4096);
        assert!(!outgoing.expire(20_900));
    }

    #[test]
    fn the_window_holds_messages_back_but_not_pings() {
        let mut outgoing = three();
        assert_eq!(send(&mut outgoing, 0, 59), [1]);
        assert!(!outgoing.is_ready(59));
        outgoing.acknowledge(0, 1);
        assert!(outgoing.is_ready(59));
        assert_eq!(send(&mut outgoing, 1, 59), [2]);
        outgoing.clear();
        outgoing.push(255, 9, What::Ping);
        assert_eq!(send(&mut outgoing, 2, 0), [9]);
    }

    #[test]
    fn another_process_sends_all_once_more_and_takes_acknowledgements_of_the_first() {
        let mut outgoing = three();
        send(&mut outgoing, 0, 4096);
        outgoing.expire(504);
        outgoing.restart();
        assert!(outgoing.is_sound(30, 576, 1) && !outgoing.is_sound(29, 576, 1) && !outgoing.is_sound(30, 576, 0));
        assert_eq!(outgoing.acknowledge(0, 1), Some(Acknowledged::Other));
        assert_eq!(send(&mut outgoing, 9000, 4096), [2, 3]);
        assert!(outgoing.expire(18_999));
    }

    #[test]
    fn only_so_much_may_wait() {
        let mut outgoing = Outgoing::default();
        let mut number = 0;
        while outgoing.has_room(1000, 1) {
            number += 1;
            outgoing.push(0, number, What::Message(vec![0; 1000]));
        }
        assert_eq!(usize::from(number), OUTGOING_BYTES / (1000 + MESSAGE_OVERHEAD));
    }
}
