//! One client of a server: what is known of it, and what its commands do.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::protocol::enet::account::Account;
use crate::protocol::enet::channel::{Deliver, Taken};
use crate::protocol::enet::command::{ACKNOWLEDGE_LEN, Command, CommandHeader, Connect, SEND_FRAGMENT_LEN};
use crate::protocol::enet::header::{HEADER_ROOM, Header};
use crate::protocol::enet::limits::{Limits, MOST_ACKS, MOST_COMMANDS, NO_CHANNEL, PING_INTERVAL};
use crate::protocol::enet::outgoing::{Acknowledged, Terms, What};
use crate::protocol::enet::peer_state::{AdoptError, PeerState, Sessions};
use crate::protocol::enet::{PeerId, wire_time};

/// A peer in its place.
#[derive(Debug)]
pub(super) struct Peer {
    state: PeerState,
    stage: Stage,
    acks: VecDeque<Ack>,
    /// Bytes held for missing messages.
    held: usize,
    /// Something that must not be forgotten happened since the last look.
    changed: bool,
    /// When what was acknowledged since the last look was sent, and when that came.
    trips: VecDeque<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// VERIFY_CONNECT is on its way to a client that said this word.
    Greeting {
        data: u32,
    },
    Connected,
    /// Disconnects when all was acknowledged.
    Leaving {
        data: u32,
    },
    /// Our DISCONNECT is on its way.
    Parting,
    /// The client's DISCONNECT is to be acknowledged.
    Parted,
}

#[derive(Debug, Clone, Copy)]
struct Ack {
    channel: u8,
    number: u16,
    sent_time: u16,
}

/// What follows from a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next command.
    Next,
    /// What follows in the datagram is void.
    Stop,
    /// The peer, which said this word, is connected now; go on.
    Connected(u32),
    /// The peer is gone.
    Gone,
}

/// What a peer has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transmit {
    Nothing,
    /// A datagram that begins here in the buffer.
    Datagram(usize),
    /// The same, and the peer is gone.
    Last(usize),
    /// It did not acknowledge in time.
    Lost,
}

/// What commands work with.
pub(super) struct Context<'a, D> {
    pub(super) now: u64,
    pub(super) limits: &'a Limits,
    pub(super) account: Account,
    /// Takes messages of a channel.
    pub(super) inbox: D,
}

/// Where messages of any channel go.
pub(super) trait Inbox {
    /// Takes the next message of a channel.
    fn put(&mut self, channel: u8, message: Vec<u8>);
}

struct ChannelInbox<'a, D> {
    inbox: &'a mut D,
    channel: u8,
}

impl<D: Inbox> Deliver for ChannelInbox<'_, D> {
    fn deliver(&mut self, message: Vec<u8>) {
        self.inbox.put(self.channel, message);
    }
}

impl Peer {
    /// A client that said CONNECT, in a place whose last sessions are known.
    pub(super) fn greet(
        id: PeerId,
        address: SocketAddr,
        connect: &Connect,
        last: Sessions,
        limits: &Limits,
        now: u64,
    ) -> Self {
        let mut state = PeerState::new(id, address, connect, last, limits, now);
        let number = state.next_number();
        state.outgoing.push(NO_CHANNEL, number, What::VerifyConnect);
        let stage = Stage::Greeting { data: connect.data };
        Self { state, stage, acks: VecDeque::new(), held: 0, changed: false, trips: VecDeque::new() }
    }

    /// The peer of another process. All that was on its way goes once more.
    pub(super) fn adopt(mut state: PeerState, limits: &Limits, now: u64) -> Result<Self, AdoptError> {
        state.check(limits)?;
        state.outgoing.restart();
        state.heard = now;
        let held = state.held_bytes();
        let (stage, acks, trips) = (Stage::Connected, VecDeque::new(), VecDeque::new());
        Ok(Self { state, stage, acks, held, changed: true, trips })
    }

    pub(super) const fn state(&self) -> &PeerState {
        &self.state
    }

    pub(super) const fn held(&self) -> usize {
        self.held
    }

    pub(super) fn is_connected(&self) -> bool {
        self.stage == Stage::Connected
    }

    /// Nobody was told of it, nor knows that it is a client.
    pub(super) fn is_greeting(&self) -> bool {
        matches!(self.stage, Stage::Greeting { .. })
    }

    /// Whether datagrams with this header are its.
    pub(super) fn is_from(&self, address: SocketAddr, session: u8) -> bool {
        self.state.address == address && self.state.sessions.incoming == session
    }

    /// Whether this CONNECT made it.
    pub(super) fn is_made_by(&self, address: SocketAddr, connect: &Connect) -> bool {
        self.state.address == address && self.state.connect_id == connect.connect_id
    }

    pub(super) const fn is_changed(&self) -> bool {
        self.changed
    }

    pub(super) const fn take_change(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// Takes a command of a datagram that was sent at that time.
    pub(super) fn handle<D: Inbox>(
        &mut self,
        (header, command): (CommandHeader, Command<'_>),
        sent_time: Option<u16>,
        context: &mut Context<'_, D>,
    ) -> Flow {
        let taken = match command {
            Command::Acknowledge { number, sent_time } => {
                return self.acknowledged(header.channel, number, sent_time, context.now);
            }
            Command::Disconnect { .. } => return self.leave(header, sent_time),
            Command::Connect(_) => Taken::Refused,
            Command::VerifyConnect(_) => Taken::Old,
            _ if !matches!(self.stage, Stage::Connected | Stage::Leaving { .. }) => Taken::Refused,
            Command::Ping => Taken::Old,
            Command::BandwidthLimit { incoming, .. } => {
                self.state.incoming_bandwidth = incoming;
                Taken::New
            }
            Command::ThrottleConfigure(throttle) => {
                self.state.round_trip.configure(throttle);
                Taken::New
            }
            _ => self.take_message(header, &command, context),
        };
        self.held = context.account.held();
        match taken {
            Taken::Refused => return Flow::Stop,
            Taken::Beyond => return Flow::Next,
            Taken::New => self.changed = true,
            Taken::Old => {}
        }
        if !header.acknowledge {
            return Flow::Next;
        }
        let Some(sent_time) = sent_time else { return Flow::Stop };
        let channel = self.state.channels.get(usize::from(header.channel));
        let certain = channel.is_none_or(|channel| channel.acknowledges(header.number));
        let open = matches!(self.stage, Stage::Connected | Stage::Leaving { .. });
        if certain && open && self.acks.len() < MOST_ACKS {
            self.acks.push_back(Ack { channel: header.channel, number: header.number, sent_time });
        }
        Flow::Next
    }

    /// Queues a reliable message; `false` if too much waits already.
    pub(super) fn send(&mut self, channel: u8, message: &[u8]) -> bool {
        let most = usize::from(self.state.mtu) - HEADER_ROOM - SEND_FRAGMENT_LEN;
        let parts = message.len().div_ceil(most).max(1);
        let Some(numbers) = self.state.channels.get_mut(usize::from(channel)) else { return false };
        if !self.state.outgoing.has_room(message.len(), parts) {
            return false;
        }
        self.changed = true;
        if parts == 1 {
            self.state.outgoing.push(channel, numbers.next_number(), What::Message(message.to_vec()));
            return true;
        }
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut start = None;
        for (index, payload) in message.chunks(most).enumerate() {
            let number = numbers.next_number();
            let part = What::Part {
                start: *start.get_or_insert(number),
                count: length(parts),
                index: length(index),
                total: length(message.len()),
                offset: length(index * most),
                payload: payload.to_vec(),
            };
            self.state.outgoing.push(channel, number, part);
        }
        true
    }

    /// Asks for an acknowledgement, whatever else is on its way; `false` if too much is.
    pub(super) fn probe(&mut self) -> bool {
        let wanted = self.is_connected() && self.state.outgoing.len() < MOST_PROBED;
        if wanted {
            let number = self.state.next_number();
            self.state.outgoing.push(NO_CHANNEL, number, What::Ping);
        }
        wanted
    }

    /// When something was sent that has been acknowledged, and when that was, in ms.
    pub(super) fn next_trip(&mut self) -> Option<(u64, u64)> {
        self.trips.pop_front()
    }

    pub(super) fn has_channel(&self, channel: u8) -> bool {
        usize::from(channel) < self.state.channels.len()
    }

    /// Disconnects when all is acknowledged.
    pub(super) fn disconnect_later(&mut self, data: u32) {
        if self.state.outgoing.is_empty() {
            self.part(data);
        } else {
            self.stage = Stage::Leaving { data };
        }
    }

    /// Whether a disconnection is under way.
    pub(super) const fn is_parting(&self) -> bool {
        matches!(self.stage, Stage::Parting | Stage::Parted)
    }

    /// The last datagram to a peer that is forgotten at once.
    pub(super) fn farewell(mut self, data: u32) -> (SocketAddr, Vec<u8>) {
        let mut datagram = vec![0; HEADER_ROOM];
        let number = self.state.next_number();
        let header = CommandHeader { acknowledge: false, unsequenced: true, channel: NO_CHANNEL, number };
        Command::Disconnect { data }.write(header, &mut datagram);
        let start = self.write_header(None, &mut datagram);
        datagram.drain(..start);
        (self.state.address, datagram)
    }

    /// Writes the next datagram.
    pub(super) fn transmit(&mut self, now: u64, out: &mut Vec<u8>) -> Transmit {
        if !self.state.outgoing.expire(now) {
            return Transmit::Lost;
        }
        if self.ping_at().is_some_and(|at| now >= at) {
            let number = self.state.next_number();
            self.state.outgoing.push(NO_CHANNEL, number, What::Ping);
        }
        out.clear();
        out.resize(HEADER_ROOM, 0);
        let acks = self.write_acks(out);
        let room = usize::from(self.state.mtu).saturating_sub(out.len());
        let (verify, window) = (self.state.verification(), self.state.usable_window());
        let terms = Terms { now, window, round_trip: &self.state.round_trip, verify };
        let reliable = self.state.outgoing.write(&terms, room, MOST_COMMANDS - acks, out);
        if acks + reliable == 0 {
            return Transmit::Nothing;
        }
        let start = self.write_header((reliable > 0).then(|| wire_time(now)), out);
        if self.stage == Stage::Parted && self.acks.is_empty() {
            Transmit::Last(start)
        } else {
            Transmit::Datagram(start)
        }
    }

    /// When to call [`transmit`](Self::transmit), in ms.
    pub(super) fn deadline(&self) -> Option<u64> {
        if !self.acks.is_empty() || self.state.outgoing.is_ready(self.state.usable_window()) {
            return Some(0);
        }
        let timer = self.state.outgoing.deadline();
        timer.into_iter().chain(self.ping_at()).min()
    }

    fn ping_at(&self) -> Option<u64> {
        let idle = self.stage == Stage::Connected && self.state.outgoing.is_empty();
        idle.then(|| self.state.heard.saturating_add(PING_INTERVAL))
    }

    fn write_acks(&mut self, out: &mut Vec<u8>) -> usize {
        let mut written = 0;
        while written < MOST_COMMANDS
            && out.len() + ACKNOWLEDGE_LEN <= usize::from(self.state.mtu)
            && let Some(Ack { channel, number, sent_time }) = self.acks.pop_front()
        {
            let header = CommandHeader { acknowledge: false, unsequenced: false, channel, number };
            Command::Acknowledge { number, sent_time }.write(header, out);
            written += 1;
        }
        written
    }

    fn write_header(&self, sent_time: Option<u16>, datagram: &mut [u8]) -> usize {
        let (peer, session) = (self.state.remote, self.state.sessions.outgoing);
        let header = Header { peer, session, sent_time, compressed: false };
        datagram.first_chunk_mut().map_or(0, |place| header.write_before(place))
    }

    fn take_message<D: Inbox>(
        &mut self,
        header: CommandHeader,
        command: &Command<'_>,
        context: &mut Context<'_, D>,
    ) -> Taken {
        let limit = context.limits.message;
        let Some(channel) = self.state.channels.get_mut(usize::from(header.channel)) else { return Taken::Refused };
        // Nobody wants to hear more of a client that is sent away.
        if matches!(self.stage, Stage::Leaving { .. }) {
            return Taken::Old;
        }
        let account = &mut context.account;
        let to = &mut ChannelInbox { inbox: &mut context.inbox, channel: header.channel };
        match *command {
            Command::SendReliable(message)
            | Command::SendUnreliable { payload: message, .. }
            | Command::SendUnsequenced { payload: message, .. }
                if message.len() > limit =>
            {
                Taken::Refused
            }
            Command::SendReliable(message) => channel.reliable(header.number, message, account, to),
            Command::SendFragment(part) => channel.reliable_part(&part, limit, account, to),
            Command::SendUnreliable { number, payload } => {
                channel.unreliable((header.number, number), payload, account, to)
            }
            Command::SendUnreliableFragment(part) => channel.unreliable_part(header.number, &part, limit, account, to),
            Command::SendUnsequenced { group, payload } => {
                if !account.fits(payload.len()) {
                    Taken::Refused
                } else if self.state.unsequenced.accept(group) {
                    to.deliver(payload.to_vec());
                    Taken::New
                } else {
                    Taken::Old
                }
            }
            _ => Taken::Refused,
        }
    }

    fn acknowledged(&mut self, channel: u8, number: u16, sent_time: u16, now: u64) -> Flow {
        let took = wire_time(now).wrapping_sub(sent_time);
        if took >= FUTURE {
            return Flow::Next;
        }
        self.state.round_trip.measure(took.into(), now);
        if self.trips.len() < MOST_TRIPS {
            self.trips.push_back((now.saturating_sub(took.into()), now));
        }
        self.state.heard = now;
        let what = self.state.outgoing.acknowledge(channel, number);
        match (self.stage, what) {
            (Stage::Greeting { data }, Some(Acknowledged::VerifyConnect)) => {
                self.stage = Stage::Connected;
                self.changed = true;
                Flow::Connected(data)
            }
            (Stage::Parting, Some(Acknowledged::Disconnect)) => Flow::Gone,
            (Stage::Greeting { .. } | Stage::Parting, _) => Flow::Stop,
            (Stage::Leaving { data }, _) if self.state.outgoing.is_empty() => {
                self.part(data);
                Flow::Next
            }
            _ => Flow::Next,
        }
    }

    /// The client goes.
    fn leave(&mut self, header: CommandHeader, sent_time: Option<u16>) -> Flow {
        match (self.stage, sent_time) {
            (Stage::Connected | Stage::Leaving { .. } | Stage::Parted, Some(sent_time)) if header.acknowledge => {
                self.stage = Stage::Parted;
                self.state.outgoing.clear();
                self.acks.clear();
                self.acks.push_back(Ack { channel: header.channel, number: header.number, sent_time });
                Flow::Stop
            }
            _ => Flow::Gone,
        }
    }

    fn part(&mut self, data: u32) {
        self.stage = Stage::Parting;
        self.state.outgoing.clear();
        let number = self.state.next_number();
        self.state.outgoing.push(NO_CHANNEL, number, What::Disconnect { data });
    }
}

/// Commands that wait for an acknowledgement, above which no more is asked for: one that
/// does not come is not sent for by more.
const MOST_PROBED: usize = 32;
/// Acknowledgements that are told at once; a client sends no more in a tick.
const MOST_TRIPS: usize = 16;
/// Acknowledged times that are further away are not ours.
const FUTURE: u16 = 0x8000;
