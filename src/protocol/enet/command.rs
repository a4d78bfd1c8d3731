//! What datagrams consist of: the commands of `protocol.h`, big-endian, packed.

use crate::protocol::bytes::{Reader, Truncated, Writer};

/// What every command begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandHeader {
    /// The receiver shall acknowledge it.
    pub acknowledge: bool,
    /// It has no order.
    pub unsequenced: bool,
    /// Channel; 255 for commands that belong to none.
    pub channel: u8,
    /// Reliable sequence number.
    pub number: u16,
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// A reliable command arrived.
    Acknowledge {
        /// Its reliable sequence number.
        number: u16,
        /// The time of the datagram it came in.
        sent_time: u16,
    },
    /// A client wants to connect.
    Connect(Connect),
    /// The host's answer.
    VerifyConnect(Connect),
    /// The connection ends.
    Disconnect {
        /// The application's reason.
        data: u32,
    },
    /// Nothing but to be acknowledged.
    Ping,
    /// A message that must arrive, in order.
    SendReliable(&'a [u8]),
    /// A message that may be lost, but not be late.
    SendUnreliable {
        /// Counts up since the last reliable message.
        number: u16,
        /// The message.
        payload: &'a [u8],
    },
    /// Part of a long message that must arrive.
    SendFragment(Fragment<'a>),
    /// A message that may be lost, and be late.
    SendUnsequenced {
        /// Its own number, against duplicates.
        group: u16,
        /// The message.
        payload: &'a [u8],
    },
    /// What the sender can take and give, in bytes a second; 0 is no limit.
    BandwidthLimit {
        /// From us to it.
        incoming: u32,
        /// From it to us.
        outgoing: u32,
    },
    /// How the receiver shall throttle itself.
    ThrottleConfigure(Throttle),
    /// Part of a long message that may be lost.
    SendUnreliableFragment(Fragment<'a>),
}

/// CONNECT and VERIFY_CONNECT. Incoming and outgoing are as the client sees them
/// in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connect {
    /// What the receiver shall write into its datagrams.
    pub peer: u16,
    /// Session of the datagrams to the client; in CONNECT the last one or 255.
    pub incoming_session: u8,
    /// Session of the datagrams from the client.
    pub outgoing_session: u8,
    /// Bytes of a datagram at most.
    pub mtu: u32,
    /// Reliable bytes under way at most.
    pub window: u32,
    /// How many channels.
    pub channels: u32,
    /// The sender's limit in bytes a second, or 0.
    pub incoming_bandwidth: u32,
    /// The sender's limit in bytes a second, or 0.
    pub outgoing_bandwidth: u32,
    /// How to throttle.
    pub throttle: Throttle,
    /// Random number of the attempt, its bytes as they are.
    pub connect_id: u32,
    /// The application's word; CONNECT alone has it.
    pub data: u32,
}

/// Parameters of the packet throttle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Over which the lowest round trip is taken, in ms.
    pub interval: u32,
    /// Of 32, when round trips get shorter.
    pub acceleration: u32,
    /// Of 32, when they get longer.
    pub deceleration: u32,
}

/// Part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Sequence number of the message's first part, reliable or not.
    pub start: u16,
    /// How many parts.
    pub count: u32,
    /// Which one, from 0.
    pub index: u32,
    /// Bytes of the message.
    pub total: u32,
    /// Where this part begins.
    pub offset: u32,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Bytes that are no command. What follows them in a datagram has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The datagram ends before the command does.
    #[error("ENet command {0}")]
    Truncated(#[from] Truncated),
    /// Not of ENet 1.3.
    #[error("ENet command {0} is unknown")]
    Unknown(u8),
}

impl<'a> Command<'a> {
    /// Reads one command with its payload.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn read(reader: &mut Reader<'a>) -> Result<(CommandHeader, Self), CommandError> {
        let first = reader.u8()?;
        let header = CommandHeader {
            acknowledge: first & ACKNOWLEDGE != 0,
            unsequenced: first & UNSEQUENCED != 0,
            channel: reader.u8()?,
            number: reader.u16_be()?,
        };
        let command = match first & KIND {
            1 => Self::Acknowledge { number: reader.u16_be()?, sent_time: reader.u16_be()? },
            2 => Self::Connect(Connect::read(reader, true)?),
            3 => Self::VerifyConnect(Connect::read(reader, false)?),
            4 => Self::Disconnect { data: reader.u32_be()? },
            5 => Self::Ping,
            6 => Self::SendReliable(payload(reader)?),
            7 => Self::SendUnreliable { number: reader.u16_be()?, payload: payload(reader)? },
            8 => Self::SendFragment(Fragment::read(reader)?),
            9 => Self::SendUnsequenced { group: reader.u16_be()?, payload: payload(reader)? },
            10 => Self::BandwidthLimit { incoming: reader.u32_be()?, outgoing: reader.u32_be()? },
            11 => Self::ThrottleConfigure(Throttle::read(reader)?),
            12 => Self::SendUnreliableFragment(Fragment::read(reader)?),
            kind => return Err(CommandError::Unknown(kind)),
        };
        Ok((header, command))
    }

    /// Appends it. A payload has at most 65535 bytes.
    pub fn write(&self, header: CommandHeader, out: &mut Vec<u8>) {
        let flags = if header.acknowledge { ACKNOWLEDGE } else { 0 } | if header.unsequenced { UNSEQUENCED } else { 0 };
        let mut writer = Writer::new(out);
        writer.u8(self.kind() | flags).u8(header.channel).u16_be(header.number);
        match *self {
            Self::Acknowledge { number, sent_time } => drop(writer.u16_be(number).u16_be(sent_time)),
            Self::Connect(connect) => {
                connect.write(&mut writer);
                writer.u32_be(connect.data);
            }
            Self::VerifyConnect(connect) => connect.write(&mut writer),
            Self::Disconnect { data } => drop(writer.u32_be(data)),
            Self::Ping => {}
            Self::SendReliable(payload) => write_payload(&mut writer, payload),
            Self::SendUnreliable { number, payload } => write_payload(writer.u16_be(number), payload),
            Self::SendUnsequenced { group, payload } => write_payload(writer.u16_be(group), payload),
            Self::BandwidthLimit { incoming, outgoing } => drop(writer.u32_be(incoming).u32_be(outgoing)),
            Self::ThrottleConfigure(throttle) => throttle.write(&mut writer),
            Self::SendFragment(fragment) | Self::SendUnreliableFragment(fragment) => fragment.write(&mut writer),
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Acknowledge { .. } => 1,
            Self::Connect(_) => 2,
            Self::VerifyConnect(_) => 3,
            Self::Disconnect { .. } => 4,
            Self::Ping => 5,
            Self::SendReliable(_) => 6,
            Self::SendUnreliable { .. } => 7,
            Self::SendFragment(_) => 8,
            Self::SendUnsequenced { .. } => 9,
            Self::BandwidthLimit { .. } => 10,
            Self::ThrottleConfigure(_) => 11,
            Self::SendUnreliableFragment(_) => 12,
        }
    }
}

impl Connect {
    fn read(reader: &mut Reader<'_>, with_data: bool) -> Result<Self, Truncated> {
        Ok(Self {
            peer: reader.u16_be()?,
            incoming_session: reader.u8()?,
            outgoing_session: reader.u8()?,
            mtu: reader.u32_be()?,
            window: reader.u32_be()?,
            channels: reader.u32_be()?,
            incoming_bandwidth: reader.u32_be()?,
            outgoing_bandwidth: reader.u32_be()?,
            throttle: Throttle::read(reader)?,
            connect_id: reader.u32_be()?,
            data: if with_data { reader.u32_be()? } else { 0 },
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_be(self.peer).u8(self.incoming_session).u8(self.outgoing_session);
        writer.u32_be(self.mtu).u32_be(self.window).u32_be(self.channels);
        writer.u32_be(self.incoming_bandwidth).u32_be(self.outgoing_bandwidth);
        self.throttle.write(writer);
        writer.u32_be(self.connect_id);
    }
}

impl Throttle {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self { interval: reader.u32_be()?, acceleration: reader.u32_be()?, deceleration: reader.u32_be()? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32_be(self.interval).u32_be(self.acceleration).u32_be(self.deceleration);
    }
}

impl<'a> Fragment<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        let (start, length) = (reader.u16_be()?, reader.u16_be()?);
        Ok(Self {
            start,
            count: reader.u32_be()?,
            index: reader.u32_be()?,
            total: reader.u32_be()?,
            offset: reader.u32_be()?,
            payload: reader.take(length.into())?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_be(self.start).u16_be(length(self.payload));
        writer.u32_be(self.count).u32_be(self.index).u32_be(self.total).u32_be(self.offset);
        writer.bytes(self.payload);
    }
}

fn payload<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Truncated> {
    let length = reader.u16_be()?;
    reader.take(length.into())
}

fn write_payload(writer: &mut Writer<'_>, payload: &[u8]) {
    writer.u16_be(length(payload)).bytes(payload);
}

fn length(payload: &[u8]) -> u16 {
    debug_assert!(payload.len() <= usize::from(u16::MAX));
    u16::try_from(payload.len()).unwrap_or(u16::MAX)
}

/// Bytes of a [`Command::SendReliable`] without its payload.
pub(super) const SEND_RELIABLE_LEN: usize = 6;
/// Bytes of a [`Command::SendFragment`] without its payload.
pub(super) const SEND_FRAGMENT_LEN: usize = 24;
/// Bytes of a [`Command::VerifyConnect`], the longest without a payload.
pub(super) const VERIFY_CONNECT_LEN: usize = 44;
/// Bytes of a [`Command::Acknowledge`] and of a [`Command::Disconnect`].
pub(super) const ACKNOWLEDGE_LEN: usize = 8;

const KIND: u8 = 0x0f;
const ACKNOWLEDGE: u8 = 0x80;
const UNSEQUENCED: u8 = 0x40;

#[cfg(test)]
impl Connect {
    /// What Moonlight says, but for the numbers that it draws.
    pub(super) const SAMPLE: Self = Self {
        peer: 7,
        incoming_session: 255,
        outgoing_session: 255,
        mtu: 900,
        window: 65536,
        channels: 48,
        incoming_bandwidth: 0,
        outgoing_bandwidth: 0,
        throttle: Throttle { interval: 5000, acceleration: 2, deceleration: 2 },
        connect_id: 0x0102_0304,
        data: 9,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_reads_back() {
        let fragment = Fragment { start: 3, count: 2, index: 1, total: 5, offset: 3, payload: b"lo" };
        let header = CommandHeader { acknowledge: true, unsequenced: false, channel: 3, number: 0x0102 };
        for (command, bytes) in [
            (Command::Acknowledge { number: 1, sent_time: 2 }, ACKNOWLEDGE_LEN),
            (Command::Connect(Connect::SAMPLE), 48),
            (Command::VerifyConnect(Connect { data: 0, ..Connect::SAMPLE }), VERIFY_CONNECT_LEN),
            (Command::Disconnect { data: 4 }, ACKNOWLEDGE_LEN),
            (Command::Ping, 4),
            (Command::SendReliable(b"text"), SEND_RELIABLE_LEN + 4),
            (Command::SendUnreliable { number: 5, payload: b"" }, 8),
            (Command::SendFragment(fragment), SEND_FRAGMENT_LEN + 2),
            (Command::SendUnsequenced { group: 6, payload: b"x" }, 9),
            (Command::BandwidthLimit { incoming: 1, outgoing: 2 }, 12),
            (Command::ThrottleConfigure(Connect::SAMPLE.throttle), 16),
            (Command::SendUnreliableFragment(fragment), SEND_FRAGMENT_LEN + 2),
        ] {
            let mut out = Vec::new();
            command.write(header, &mut out);
            assert_eq!(out.len(), bytes, "{command:?}");
            assert_eq!(out[..4], [0x80 | command.kind(), 3, 1, 2]);
            assert_eq!(Command::read(&mut Reader::new(&out)), Ok((header, command)));
            for short in 0..out.len() {
                assert!(matches!(Command::read(&mut Reader::new(&out[..short])), Err(CommandError::Truncated(_))));
            }
        }
        assert_eq!(Command::read(&mut Reader::new(&[13, 0, 0, 0])), Err(CommandError::Unknown(13)));
        assert_eq!(Command::read(&mut Reader::new(&[0, 0, 0, 0])), Err(CommandError::Unknown(0)));
    }
}
