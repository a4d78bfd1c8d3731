//! Commands are done: what they may, and what becomes of a picture.

use ash::vk;
use earthshine_drivers::ledger;

use crate::buffer;
use crate::capabilities::{ALIGNMENT, Profile, QUALITY_LEVELS, get};
use crate::codec::Job;
use crate::command::{Begin, Command, Control, Encode, Named, Remaining, Resource};
use crate::device::{Device, State, known};
use crate::image;
use crate::parameters::Parameters;
use crate::pixels::Picture;
use crate::query::Answer;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::{Session, Slot};

impl Command {
    pub(crate) const fn call(&self) -> &'static str {
        match self {
            Self::Copy { .. } => "vkCmdCopyBufferToImage",
            Self::Transition { .. } => "vkCmdPipelineBarrier",
            Self::ResetQuery { .. } => "vkCmdResetQueryPool",
            Self::BeginQuery { .. } => "vkCmdBeginQuery",
            Self::EndQuery { .. } => "vkCmdEndQuery",
            Self::Begin(_) => "vkCmdBeginVideoCodingKHR",
            Self::Control(_) => "vkCmdControlVideoCodingKHR",
            Self::Encode(_) => "vkCmdEncodeVideoKHR",
            Self::End => "vkCmdEndVideoCodingKHR",
        }
    }
}

/// Where a list is.
#[derive(Default)]
pub(crate) struct Scope {
    open: Option<(vk::VideoSessionKHR, vk::VideoSessionParametersKHR)>,
    slots: Vec<(i32, Place)>,
    query: Option<(vk::QueryPool, Option<(u32, u32)>)>,
}

/// A layer of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    image: vk::Image,
    layer: u32,
}

impl Scope {
    pub(crate) fn run(&mut self, device: &Device, state: &mut State, family: u32, command: &Command) -> Result {
        match command {
            Command::Copy { buffer, image, regions } => copy(device, state, *buffer, *image, regions),
            Command::Transition { image, range, layouts } => {
                let image = known(&mut state.images, *image, "image")?;
                require(image.memory.is_some(), || "an image without memory".to_owned())?;
                image.transition(*range, *layouts)
            }
            Command::ResetQuery { pool, first, count } => {
                let query = known(&mut state.queries, *pool, "query")?;
                require_equal("queries", (*first, *count as usize), (0, query.states.len()))?;
                query.states.fill(Answer::Reset);
                Ok(())
            }
            Command::BeginQuery { pool, index } => self.begin_query(state, *pool, *index),
            Command::EndQuery { pool, index } => self.end_query(state, *pool, *index),
            Command::Begin(begin) => self.begin(state, begin),
            Command::Control(control) => self.control(state, control),
            Command::Encode(encode) => self.encode(device, state, family, encode),
            Command::End => {
                self.slots.clear();
                require(self.open.take().is_some() && self.query.is_none(), || "a scope that is not open".to_owned())
            }
        }
    }

    pub(crate) fn finish(&self) -> Result {
        require(self.open.is_none() && self.query.is_none(), || "a list ends within a scope".to_owned())
    }

    fn begin_query(&mut self, state: &mut State, pool: vk::QueryPool, index: u32) -> Result {
        let query = known(&mut state.queries, pool, "query")?;
        let answer = query.states.get_mut(index as usize).ok_or_else(|| violation("a query that is not there"))?;
        require_equal("query", *answer, Answer::Reset)?;
        *answer = Answer::Begun;
        require(self.query.replace((pool, None)).is_none(), || "a query within a query".to_owned())
    }

    fn end_query(&mut self, state: &mut State, pool: vk::QueryPool, index: u32) -> Result {
        let (begun, written) = self.query.take().ok_or_else(|| violation("a query that was not begun"))?;
        require_equal("query", begun, pool)?;
        let query = known(&mut state.queries, pool, "query")?;
        let (offset, length) = written.ok_or_else(|| violation("a query about nothing"))?;
        query.states[index as usize] = Answer::Done(offset, length);
        Ok(())
    }

    fn session<'a>(&self, state: &'a mut State) -> Result<&'a mut Session> {
        let (session, _) = self.open.ok_or_else(|| violation("no session's scope is open"))?;
        known(&mut state.sessions, session, "session")
    }

    fn begin(&mut self, state: &mut State, begin: &Begin) -> Result {
        let parameters = known(&mut state.parameters, begin.parameters, "parameters")?;
        require_equal("session of the parameters", parameters.session, begin.session)?;
        let mut slots = Vec::new();
        for (index, resource) in &begin.slots {
            let place = kept_place(state, resource)?;
            require(slots.iter().all(|(_, other)| *other != place), || "one picture in two slots".to_owned())?;
            slots.push((*index, place));
        }
        let session = known(&mut state.sessions, begin.session, "session")?;
        session.require_bound()?;
        require_equal("rate control", &begin.rate, &session.rate)?;
        session.check_remaining(begin.remaining.as_ref())?;
        for (index, place) in slots.iter().filter(|(index, _)| *index >= 0) {
            let slot = session.slots.get(index.cast_unsigned() as usize).copied().flatten();
            let slot = slot.map(|slot| Place { image: slot.image, layer: slot.layer });
            require_equal("picture of a slot", slot, Some(*place))?;
        }
        (self.open, self.slots) = (Some((begin.session, begin.parameters)), slots);
        Ok(())
    }

    fn control(&self, state: &mut State, control: &Control) -> Result {
        use vk::VideoCodingControlFlagsKHR as Flags;
        let session = self.session(state)?;
        let resets = control.flags.contains(Flags::RESET);
        require(session.is_reset || resets, || "a session that was never reset".to_owned())?;
        if resets {
            session.reset();
        }
        if let Some(rate) = &control.rate {
            rate.check(session.profile)?;
            let before = session.rate.replace(rate.clone()).map(|rate| rate.bits_per_second());
            if before.is_some_and(|before| before != rate.bits_per_second()) {
                ledger::event(&format!("bitrate {} picture={}", rate.bits_per_second(), session.pictures));
            }
        }
        if let Some(quality) = control.quality {
            require(quality < QUALITY_LEVELS, || format!("quality level {quality}"))?;
            session.quality = quality;
        }
        Ok(())
    }

    fn encode(&mut self, device: &Device, state: &mut State, family: u32, encode: &Encode) -> Result {
        let (profile, pixels) = source(state, family, &encode.source)?;
        let asked = self.query.map(|(pool, _)| known(&mut state.queries, pool, "query").map(|query| query.profile));
        let buffer = buffer::of(state, encode.buffer)?.profile;
        let profiles = [Some(profile), asked.transpose()?, buffer];
        let setup = kept_place(state, &encode.setup.resource)?;
        let named = |named: &Named, state: &mut State| Ok((named.slot, kept_place(state, &named.resource)?));
        let references: Vec<_> = encode.references.iter().map(|slot| named(slot, state)).collect::<Result<_>>()?;
        let (session, parameters) = self.open.ok_or_else(|| violation("no session's scope is open"))?;
        let State { sessions, parameters: all, .. } = &mut *state;
        let session = known(sessions, session, "session")?;
        let parameters = known(all, parameters, "parameters")?;
        require(session.is_reset, || "a session that was never reset".to_owned())?;
        require_equal("profiles of source, query and buffer", profiles, [Some(session.profile); 3])?;
        require(parameters.is_known, || "parameter sets that nobody asked for".to_owned())?;
        require_equal("quality of session and parameters", session.quality, parameters.quality)?;
        require_equal("coded extent", encode.source.extent, parameters.sets.extent(session))?;
        require(self.slots.contains(&(-1, setup)), || "a slot that the scope does not name".to_owned())?;
        require(references.iter().all(|slot| self.slots.contains(slot)), || "a reference it does not name".to_owned())?;
        session.check_picture(encode, &references)?;
        let bytes = session.code(encode, parameters, &pixels)?;
        session.keep(encode, setup)?;
        let written = write(device, state, encode, &bytes)?;
        let (_, answer) = self.query.as_mut().ok_or_else(|| violation("a picture that nobody asks about"))?;
        require(answer.replace(written).is_none(), || "two pictures for one query".to_owned())
    }
}

fn copy(
    device: &Device,
    state: &mut State,
    buffer: vk::Buffer,
    image: vk::Image,
    regions: &[vk::BufferImageCopy],
) -> Result {
    let State { buffers, images, .. } = state;
    let buffer = known(buffers, buffer, "buffer")?;
    buffer.require_usage(vk::BufferUsageFlags::TRANSFER_SRC)?;
    let bytes = buffer.bytes(device)?;
    let image = known(images, image, "image")?;
    require(image.usage.contains(vk::ImageUsageFlags::TRANSFER_DST), || "not a picture that is copied to".to_owned())?;
    regions.iter().try_for_each(|region| image.copy(bytes, region))
}

/// The pixels that are encoded.
fn source(state: &mut State, family: u32, resource: &Resource) -> Result<(Profile, Picture)> {
    let (view, image) = image::viewed(state, resource.view)?;
    require(image.usage.contains(vk::ImageUsageFlags::VIDEO_ENCODE_SRC_KHR), || "not for encoding".to_owned())?;
    image.require_family(family, 0)?;
    resource.require_within(image)?;
    let layer = &image.layers[(view.layer + resource.layer) as usize];
    require_equal("layout of the source", layer.layout, vk::ImageLayout::VIDEO_ENCODE_SRC_KHR)?;
    require(layer.is_written, || "nobody wrote to the source".to_owned())?;
    Ok((image.profile, layer.picture.picture()))
}

/// Where a picture is kept.
fn kept_place(state: &mut State, resource: &Resource) -> Result<Place> {
    let (view, image) = image::viewed(state, resource.view)?;
    require(image.usage == vk::ImageUsageFlags::VIDEO_ENCODE_DPB_KHR, || "not for keeping".to_owned())?;
    require(resource.layer < view.layers, || "a layer that the view has not".to_owned())?;
    resource.require_within(image)?;
    let layer = view.layer + resource.layer;
    let layout = image.layers[layer as usize].layout;
    require_equal("layout of a kept picture", layout, vk::ImageLayout::VIDEO_ENCODE_DPB_KHR)?;
    Ok(Place { image: view.image, layer })
}

/// Where in the buffer it was written, and how much.
fn write(device: &Device, state: &mut State, encode: &Encode, bytes: &[u8]) -> Result<(u32, u32)> {
    let buffer = buffer::of(state, encode.buffer)?;
    buffer.require_usage(vk::BufferUsageFlags::VIDEO_ENCODE_DST_KHR)?;
    require(buffer.profile.is_some(), || "a buffer of no profile".to_owned())?;
    let aligned = encode.offset.is_multiple_of(256) && encode.range.is_multiple_of(ALIGNMENT);
    require(aligned && encode.offset + encode.range <= buffer.size, || "a range that is none".to_owned())?;
    // Not at the beginning: a program has to ask.
    let offset = usize::try_from(encode.offset).unwrap_or(0) + SKIPPED;
    require(bytes.len() + SKIPPED <= usize::try_from(encode.range).unwrap_or(0), || {
        format!("{} bytes in a range of {}", bytes.len(), encode.range)
    })?;
    buffer.bytes(device)?[offset..offset + bytes.len()].copy_from_slice(bytes);
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok((number(SKIPPED), number(bytes.len())))
}

impl Resource {
    fn require_within(&self, image: &image::Image) -> Result {
        let fits = self.extent.width <= image.width && self.extent.height <= image.height;
        require(fits, || format!("{:?} of {}x{} pixels", self.extent, image.width, image.height))
    }
}

impl Session {
    /// An engine that wants to know what is left is told so, once it has rate control.
    fn check_remaining(&self, told: Option<&Remaining>) -> Result {
        let disabled = vk::VideoEncodeRateControlModeFlagsKHR::DISABLED;
        let is_needed = get("remaining") == 1 && self.rate.as_ref().is_some_and(|rate| rate.mode != disabled);
        require(told.is_some() || !is_needed, || "nobody says how many pictures are left".to_owned())?;
        let codec = told.map(|told| told.codec);
        require(codec.is_none_or(|codec| codec == self.profile.operation()), || format!("codec {codec:?}"))?;
        require(told.is_none_or(|told| told.pictures != [0; 3]), || "no pictures are left".to_owned())
    }

    fn check_picture(&self, encode: &Encode, references: &[(i32, Place)]) -> Result {
        let is_idr = encode.told.is_idr();
        require(is_idr || self.pictures > 0, || "the first picture is no IDR picture".to_owned())?;
        let setup = &encode.setup;
        require_equal("references", references.len(), usize::from(!is_idr))?;
        require(references.len() <= self.active as usize, || "more references than there may be".to_owned())?;
        require(references.iter().all(|(slot, _)| *slot != setup.slot), || "a reference is overwritten".to_owned())?;
        let known = |slot: i32| self.slots.get(slot.cast_unsigned() as usize).copied().flatten();
        encode.references.iter().zip(references).try_for_each(|(reference, (slot, place))| {
            let expected = Slot { image: place.image, layer: place.layer, mark: reference.mark };
            require_equal("a slot's picture", known(*slot), Some(expected))
        })
    }

    /// The picture, as a decoder takes it.
    fn code(&mut self, encode: &Encode, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let job = Job {
            pixels,
            setup: encode.setup.mark,
            references: encode.references.iter().map(|named| (named.slot, named.mark)).collect(),
            rate: self.rate.as_ref(),
            quality: self.quality,
            number: self.pictures,
        };
        let bytes = self.stream.encode(&encode.told, &parameters.sets, &job)?;
        if encode.told.is_idr() {
            ledger::event(&format!("idr {}", self.pictures));
        }
        Ok(bytes)
    }

    /// The picture is kept.
    fn keep(&mut self, encode: &Encode, place: Place) -> Result {
        let index = encode.setup.slot.cast_unsigned() as usize;
        let slot = self.slots.get_mut(index).ok_or_else(|| violation(format!("slot {index}")))?;
        *slot = Some(Slot { image: place.image, layer: place.layer, mark: encode.setup.mark });
        // What was there before in another slot is not any more.
        for (_, slot) in self.slots.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            slot.take_if(|slot| slot.image == place.image && slot.layer == place.layer);
        }
        self.pictures += 1;
        Ok(())
    }
}

/// Bytes before a coded picture.
const SKIPPED: usize = 64;
