//! Commands are done: what they may, and what becomes of a picture.

use ash::vk;
use earthshine_drivers::ledger;

use crate::buffer;
use crate::capabilities::{ALIGNMENT, Profile, QUALITY_LEVELS, count};
use crate::command::{Begin, Command, Control, Encode, Named, Resource};
use crate::device::{Device, State, known};
use crate::image;
use crate::macroblocks::{self, Entropy};
use crate::nal;
use crate::parameters::Parameters;
use crate::pixels::Picture;
use crate::query::Answer;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::{Kept, Session, Slot};
use crate::sets::Sets;

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
            rate.check()?;
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
        require_equal("coded extent", encode.source.extent, session.most)?;
        require(self.slots.contains(&(-1, setup)), || "a slot that the scope does not name".to_owned())?;
        require(references.iter().all(|slot| self.slots.contains(slot)), || "a reference it does not name".to_owned())?;
        session.check_picture(encode, &references, &parameters.sets)?;
        let bytes = session.code(encode, parameters, &pixels)?;
        session.keep(encode, setup, pixels, &parameters.sets)?;
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
    require_equal("size", (resource.extent.width, resource.extent.height), (image.width, image.height))?;
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
    require_equal("size", (resource.extent.width, resource.extent.height), (image.width, image.height))?;
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

impl Session {
    fn check_picture(&self, encode: &Encode, references: &[(i32, Place)], sets: &Sets) -> Result {
        let (info, common) = (&encode.info, &encode.common);
        let is_idr = common.idr.is_some();
        require(is_idr || self.pictures > 0, || "the first picture is no IDR picture".to_owned())?;
        require_equal("is_reference", info.flags.is_reference(), 1)?;
        let kinds = (info.primary_pic_type, encode.setup.info.primary_pic_type);
        require_equal("primary_pic_type", kinds, if is_idr { (5, 5) } else { (0, 0) })?;
        let others = (info.flags.long_term_reference_flag(), info.flags.adaptive_ref_pic_marking_mode_flag());
        require_equal("long terms and marking", others, (0, 0))?;
        let expected = if is_idr { 0 } else { (self.frame_number + 1) % (1 << sets.frame_number_bits) };
        require_equal("frame_num", common.frame_number, expected)?;
        require_equal("PicOrderCnt of an IDR picture", common.order == 0, is_idr)?;
        let setup = &encode.setup;
        require_equal("slot", (setup.info.FrameNum, setup.info.PicOrderCnt), (common.frame_number, common.order))?;
        require_equal("references", references.len(), usize::from(!is_idr))?;
        require(references.len() <= self.active as usize, || "more references than there may be".to_owned())?;
        require(references.iter().all(|(slot, _)| *slot != setup.slot), || "a reference is overwritten".to_owned())?;
        let known = |slot: i32| self.slots.get(slot.cast_unsigned() as usize).copied().flatten();
        for (reference, (slot, place)) in encode.references.iter().zip(references) {
            let info = &reference.info;
            let (frame_number, order) = (info.FrameNum, info.PicOrderCnt);
            let expected = Slot { image: place.image, layer: place.layer, frame_number, order };
            require_equal("a slot's picture", known(*slot), Some(expected))?;
            require_equal("list 0", encode.list.as_slice(), &[u8::try_from(*slot).unwrap_or(0xFF)][..])?;
        }
        if let Some(id) = common.idr {
            require(self.last_idr != Some(id), || "idr_pic_id is that of the IDR picture before".to_owned())?;
        }
        require(!encode.slices.is_empty() && encode.slices.len() <= count("slices") as usize, || {
            format!("{} slices of {}", encode.slices.len(), count("slices"))
        })
    }

    /// The picture, as a decoder takes it.
    fn code(&mut self, encode: &Encode, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let (sets, common) = (&parameters.sets, &encode.common);
        let is_idr = common.idr.is_some();
        if is_idr {
            self.kept.clear();
        }
        let reference = match is_idr {
            true => None,
            false => Some(common.referred(&self.kept, sets)?),
        };
        if let (Some(kept), Some(named)) = (reference, encode.references.first()) {
            let decoded = (kept.frame_number, kept.order);
            require_equal("what a decoder refers to", decoded, (named.info.FrameNum, named.info.PicOrderCnt))?;
        }
        let rate = self.rate.as_ref();
        let disabled = rate.is_some_and(|rate| rate.mode == vk::VideoEncodeRateControlModeFlagsKHR::DISABLED);
        if self.pictures == 0 {
            let bitrate = rate.map_or(0, |rate| rate.bits_per_second());
            let mode = rate.map_or(0, |rate| rate.mode.as_raw());
            let buffer = rate.map_or(0, |rate| rate.buffer.0);
            let (told, slices) = (sets.told(), encode.slices.len());
            ledger::event(&format!(
                "stream codec=h264 {told} slices={slices} mode={mode} bitrate={bitrate} buffer={buffer} quality={}",
                self.quality
            ));
        }
        let mut bytes = Vec::new();
        for (index, slice) in encode.slices.iter().enumerate() {
            slice.check(is_idr, sets)?;
            require(disabled || slice.constant_quantizer == 0, || "a quantizer beside rate control".to_owned())?;
            let quantizer = if disabled { slice.constant_quantizer } else { sets.quantizer + 2 };
            // Above, a decoder deblocks what was coded without loss.
            require((0..=30).contains(&quantizer), || format!("quantizer {quantizer}"))?;
            let next = encode.slices.get(index + 1);
            let end = next.map_or(sets.columns * sets.rows, |next| next.header.first_mb_in_slice);
            let addresses = slice.header.first_mb_in_slice..end;
            require(addresses.start < end && (index > 0 || addresses.start == 0), || {
                "slices that are none".to_owned()
            })?;
            let (unit, mut bits) = slice.write(common, sets, quantizer);
            let entropy = Entropy { has_cabac: sets.has_cabac, quantizer };
            macroblocks::write(&mut bits, entropy, addresses, pixels, reference.map(|kept| &kept.pixels));
            bytes.extend(nal::escape(&[unit], &bits.bytes));
        }
        if let Some(distance) = common.distance()? {
            ledger::event(&format!("refer {distance} picture={}", self.pictures));
        }
        if is_idr {
            ledger::event(&format!("idr {}", self.pictures));
        }
        Ok(bytes)
    }

    /// The picture is kept, here and by decoders.
    fn keep(&mut self, encode: &Encode, place: Place, pixels: Picture, sets: &Sets) -> Result {
        let (frame_number, order) = (encode.common.frame_number, encode.common.order);
        let index = encode.setup.slot.cast_unsigned() as usize;
        let slot = self.slots.get_mut(index).ok_or_else(|| violation(format!("slot {index}")))?;
        *slot = Some(Slot { image: place.image, layer: place.layer, frame_number, order });
        // What was there before in another slot is not any more.
        for (_, slot) in self.slots.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            slot.take_if(|slot| slot.image == place.image && slot.layer == place.layer);
        }
        self.kept.insert(0, Kept { frame_number, order, pixels });
        self.kept.truncate(sets.references as usize);
        if encode.common.idr.is_some() {
            self.last_idr = encode.common.idr;
        }
        self.frame_number = frame_number;
        self.pictures += 1;
        Ok(())
    }
}

/// Bytes before a coded picture.
const SKIPPED: usize = 64;
