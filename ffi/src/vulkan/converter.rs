//! From pixels to samples, by one dispatch of a shader (`shaders/`).

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use ash::vk;

use super::barrier::{self, SAME};
use super::buffer::{Buffer, DmabufBuffer, HostBuffer};
use super::commands::Commands;
use super::device::Device;
use super::error::{Named, VulkanError};
use super::foreign::ForeignSurface;
use super::image::{COLOR, Image};
use super::surface::{Surface, SurfaceFormat};

/// A shader for one format of samples, ready to run.
pub struct Converter {
    device: Rc<Device>,
    format: SurfaceFormat,
    commands: Commands,
    set_layout: vk::DescriptorSetLayout,
    layout: vk::PipelineLayout,
    pipeline: vk::Pipeline,
    descriptors: vk::DescriptorPool,
    set: vk::DescriptorSet,
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Converter").field("format", &self.format).finish_non_exhaustive()
    }
}

/// What becomes of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    /// Column and row of the surface that it begins at.
    pub origin: (u32, u32),
    /// Its size there: around it is black.
    pub size: (u32, u32),
    /// The first row in memory is the bottom of the picture.
    pub bottom_up: bool,
    /// Luma, blue and red difference: what red, green and blue (0 to 1) count for in
    /// code values, and the offset.
    pub matrix: [[f32; 4]; 3],
}

/// Rows of pixels that are copied into a picture before it is converted.
#[derive(Debug)]
pub struct Upload<'a> {
    /// Where they are.
    pub rows: Rows<'a>,
    /// Which rows of the picture they are.
    pub range: Range<u32>,
}

/// Rows of pixels in memory.
#[derive(Debug)]
pub enum Rows<'a> {
    /// In the host's, from its first byte on: how many pixels they are apart.
    Host(&'a HostBuffer, u32),
    /// In a DMA-BUF, where the picture's are.
    Dmabuf(&'a DmabufBuffer),
}

impl Converter {
    /// Makes a shader ready. `deadline` is what the GPU may take for a picture.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub fn make(device: &Rc<Device>, format: SurfaceFormat, deadline: Duration) -> Result<Self, VulkanError> {
        let mut converter = Self {
            device: Rc::clone(device),
            format,
            commands: Commands::make(device, deadline)?,
            set_layout: vk::DescriptorSetLayout::null(),
            layout: vk::PipelineLayout::null(),
            pipeline: vk::Pipeline::null(),
            descriptors: vk::DescriptorPool::null(),
            set: vk::DescriptorSet::null(),
        };
        converter.make_layouts()?;
        converter.make_pipeline()?;
        converter.make_descriptors()?;
        Ok(converter)
    }

    fn make_layouts(&mut self) -> Result<(), VulkanError> {
        let raw = &self.device.raw;
        let binding = |number, kind| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(number)
                .descriptor_type(kind)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let bindings = [binding(0, vk::DescriptorType::SAMPLED_IMAGE), binding(1, vk::DescriptorType::STORAGE_BUFFER)];
        let information = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the device lives; what is pointed to outlives the call.
        self.set_layout =
            unsafe { raw.create_descriptor_set_layout(&information, None) }.named("vkCreateDescriptorSetLayout")?;
        let (sets, constants) = (
            [self.set_layout],
            [vk::PushConstantRange::default().stage_flags(vk::ShaderStageFlags::COMPUTE).size(PARAMETERS)],
        );
        let information = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets).push_constant_ranges(&constants);
        // SAFETY: as above; 128 bytes of push constants are on every device.
        self.layout = unsafe { raw.create_pipeline_layout(&information, None) }.named("vkCreatePipelineLayout")?;
        Ok(())
    }

    fn make_pipeline(&mut self) -> Result<(), VulkanError> {
        let raw = &self.device.raw;
        let words: Vec<_> = shader(self.format)
            .chunks_exact(4)
            .map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let information = vk::ShaderModuleCreateInfo::default().code(&words);
        // SAFETY: valid SPIR-V, as the build's validator found.
        let module = unsafe { raw.create_shader_module(&information, None) }.named("vkCreateShaderModule")?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"convert");
        let information = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(self.layout)];
        // SAFETY: the layout has what the shader names.
        let made = unsafe { raw.create_compute_pipelines(vk::PipelineCache::null(), &information, None) };
        // SAFETY: a pipeline does not need its module after it is made.
        unsafe { raw.destroy_shader_module(module, None) };
        self.pipeline = made.map_err(|(_, code)| VulkanError::of("vkCreateComputePipelines", code))?[0];
        Ok(())
    }

    fn make_descriptors(&mut self) -> Result<(), VulkanError> {
        let raw = &self.device.raw;
        let size = |kind| vk::DescriptorPoolSize::default().ty(kind).descriptor_count(1);
        let sizes = [size(vk::DescriptorType::SAMPLED_IMAGE), size(vk::DescriptorType::STORAGE_BUFFER)];
        let information = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: the device lives; what is pointed to outlives the call.
        self.descriptors = unsafe { raw.create_descriptor_pool(&information, None) }.named("vkCreateDescriptorPool")?;
        let layouts = [self.set_layout];
        let information =
            vk::DescriptorSetAllocateInfo::default().descriptor_pool(self.descriptors).set_layouts(&layouts);
        // SAFETY: the pool has room for it.
        let sets = unsafe { raw.allocate_descriptor_sets(&information) }.named("vkAllocateDescriptorSets")?;
        self.set = sets[0];
        Ok(())
    }

    /// Converts `rows` of the surface from a picture, into which `upload` is copied
    /// before. When this returns, it is done.
    ///
    /// # Errors
    /// [`VulkanError`]; what the surface holds then is undefined.
    ///
    /// # Panics
    /// If the picture lies outside of the surface, `rows` begin or end with an odd one
    /// or lie outside, or what is uploaded is not what the picture takes.
    pub fn convert(
        &self,
        image: &Image,
        upload: Option<&Upload<'_>>,
        conversion: &Conversion,
        surface: &Surface,
        rows: Range<u32>,
    ) -> Result<(), VulkanError> {
        self.check(image, conversion, surface, &rows);
        if let Some(upload) = upload {
            upload.check(image);
        }
        self.describe(image, surface);
        let words = parameters(image, conversion, surface, &rows);
        let groups = (surface.size().0.div_ceil(4).div_ceil(GROUP), (rows.len() as u64 / 2).div_ceil(GROUP.into()));
        // SAFETY: what is used is alive until this returns, of this device, and
        // checked above to be as large as the commands say; barriers order a copy
        // before the shader, and the shader before whoever comes next.
        let done = unsafe {
            self.commands.run(|list| {
                self.take_over(list, image, upload);
                own(&self.device, list, surface, true);
                self.dispatch(list, &words, groups);
                if let Some(copy) = &surface.copy {
                    copy.write(list, surface, &rows);
                }
                own(&self.device, list, surface, false);
                self.give_back(list, image);
            })
        };
        image.is_known.set(true);
        if let Some(copy) = &surface.copy {
            copy.know();
        }
        done
    }

    /// Copies a surface to the host.
    ///
    /// # Errors
    /// [`VulkanError`].
    ///
    /// # Panics
    /// If `into` is shorter than the surface.
    pub fn fetch(&self, surface: &Surface, into: &mut HostBuffer) -> Result<(), VulkanError> {
        let host = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
            .dst_access_mask(vk::AccessFlags::HOST_READ)];
        self.copy_to(surface, &into.buffer, |list| {
            let (from, to) = (vk::PipelineStageFlags::TRANSFER, vk::PipelineStageFlags::HOST);
            // SAFETY: the list is being written.
            unsafe {
                self.device.raw.cmd_pipeline_barrier(list, from, to, vk::DependencyFlags::empty(), &host, &[], &[]);
            }
        })
    }

    /// Copies a surface to one that nobody else uses: what conversions are measured
    /// by.
    ///
    /// # Errors
    /// [`VulkanError`].
    ///
    /// # Panics
    /// If `into` is shorter, or somebody else's.
    pub fn copy(&self, surface: &Surface, into: &Surface) -> Result<(), VulkanError> {
        assert!(!into.is_shared(), "somebody else uses it");
        self.copy_to(surface, &into.buffer, |_| ())
    }

    fn copy_to(
        &self,
        surface: &Surface,
        into: &Buffer,
        finish: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        assert!(into.length >= surface.length(), "{} bytes for a surface", into.length);
        assert!(is_of(&self.device, &surface.buffer) && is_of(&self.device, into), "another device");
        let regions = [vk::BufferCopy::default().size(surface.length())];
        // SAFETY: both buffers are alive, of this device and long enough.
        unsafe {
            self.commands.run(|list| {
                own(&self.device, list, surface, true);
                self.device.raw.cmd_copy_buffer(list, surface.buffer.raw, into.raw, &regions);
                own(&self.device, list, surface, false);
                finish(list);
            })
        }
    }

    fn check(&self, image: &Image, conversion: &Conversion, surface: &Surface, rows: &Range<u32>) {
        assert!(Rc::ptr_eq(&self.device, &image.device) && is_of(&self.device, &surface.buffer), "another device");
        assert_eq!(surface.format(), self.format, "a surface of another format");
        let ((left, top), (width, height)) = (conversion.origin, conversion.size);
        let fits =
            |from: u32, length: u32, most: u32| length > 0 && from.checked_add(length).is_some_and(|end| end <= most);
        let (across, down) = surface.size();
        assert!(fits(left, width, across) && fits(top, height, down), "{conversion:?} in {across}x{down}");
        let is_pair = rows.start.is_multiple_of(2) && rows.end.is_multiple_of(2);
        assert!(is_pair && rows.start < rows.end && rows.end <= down, "rows {rows:?} of {down}");
        let is_whole = *rows == (0..down);
        assert!(is_whole || surface.copy.as_ref().is_none_or(ForeignSurface::is_known), "a fresh copy has to be whole");
    }

    fn describe(&self, image: &Image, surface: &Surface) {
        let picture = [vk::DescriptorImageInfo::default().image_view(image.view).image_layout(READ)];
        let samples = [vk::DescriptorBufferInfo::default().buffer(surface.buffer.raw).offset(0).range(vk::WHOLE_SIZE)];
        let write = |binding, kind| {
            vk::WriteDescriptorSet::default().dst_set(self.set).dst_binding(binding).descriptor_type(kind)
        };
        let writes = [
            write(0, vk::DescriptorType::SAMPLED_IMAGE).image_info(&picture),
            write(1, vk::DescriptorType::STORAGE_BUFFER).buffer_info(&samples),
        ];
        // SAFETY: no work that uses the set is with the GPU.
        unsafe { self.device.raw.update_descriptor_sets(&writes, &[]) };
    }

    /// Makes the picture ready to be read by the shader.
    fn take_over(&self, list: vk::CommandBuffer, image: &Image, upload: Option<&Upload<'_>>) {
        let nobody = vk::AccessFlags::empty();
        let before = if image.is_known.get() { READ } else { vk::ImageLayout::UNDEFINED };
        let Some(upload) = upload else {
            let before = match (image.is_foreign, image.is_known.get()) {
                (true, true) => vk::ImageLayout::GENERAL,
                _ => before,
            };
            let families = match image.is_foreign {
                true => (self.device.foreign_family(), self.device.queue_family()),
                false => SAME,
            };
            return self.barrier(list, image, families, (before, READ), (nobody, vk::AccessFlags::SHADER_READ));
        };
        let written = vk::AccessFlags::TRANSFER_WRITE;
        let target = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
        self.barrier(list, image, SAME, (before, target), (nobody, written));
        let (buffer, region) = upload.region(image);
        // SAFETY: as in `convert`.
        unsafe { self.device.raw.cmd_copy_buffer_to_image(list, buffer.raw, image.raw, target, &[region]) };
        self.barrier(list, image, SAME, (target, READ), (written, vk::AccessFlags::SHADER_READ));
    }

    fn give_back(&self, list: vk::CommandBuffer, image: &Image) {
        if image.is_foreign {
            let families = (self.device.queue_family(), self.device.foreign_family());
            let access = (vk::AccessFlags::SHADER_READ, vk::AccessFlags::empty());
            self.barrier(list, image, families, (READ, vk::ImageLayout::GENERAL), access);
        }
    }

    fn barrier(
        &self,
        list: vk::CommandBuffer,
        image: &Image,
        families: (u32, u32),
        layouts: (vk::ImageLayout, vk::ImageLayout),
        access: (vk::AccessFlags, vk::AccessFlags),
    ) {
        let barriers = [barrier::of_image((image.raw, COLOR), families, layouts, access)];
        let none = vk::DependencyFlags::empty();
        // SAFETY: as in `convert`.
        unsafe { self.device.raw.cmd_pipeline_barrier(list, STAGES, STAGES, none, &[], &[], &barriers) };
    }

    fn dispatch(&self, list: vk::CommandBuffer, words: &[u8], (across, down): (u32, u64)) {
        let (raw, compute) = (&self.device.raw, vk::PipelineBindPoint::COMPUTE);
        let down = u32::try_from(down).unwrap_or(u32::MAX);
        // SAFETY: as in `convert`; 65535 groups each way are on every device, and a
        // group has more pixels each way than 16 bits count half of.
        unsafe {
            raw.cmd_bind_pipeline(list, compute, self.pipeline);
            raw.cmd_bind_descriptor_sets(list, compute, self.layout, 0, &[self.set], &[]);
            raw.cmd_push_constants(list, self.layout, vk::ShaderStageFlags::COMPUTE, 0, words);
            raw.cmd_dispatch(list, across, down, 1);
        }
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        if self.device.is_idle() {
            let raw = &self.device.raw;
            // SAFETY: destroyed once, each may be null; the set goes with its pool, and
            // the GPU has done all that used them.
            unsafe {
                raw.destroy_descriptor_pool(self.descriptors, None);
                raw.destroy_pipeline(self.pipeline, None);
                raw.destroy_pipeline_layout(self.layout, None);
                raw.destroy_descriptor_set_layout(self.set_layout, None);
            }
        }
    }
}

impl Upload<'_> {
    fn check(&self, image: &Image) {
        let Range { start, end } = self.range;
        assert!(start < end && end <= image.height, "rows {start}..{end} of {}", image.height);
        assert!(!image.is_foreign, "somebody else's picture");
        assert!(image.is_known.get() || (start, end) == (0, image.height), "a fresh picture has to be whole");
        let (buffer, region) = self.region(image);
        assert!(is_of(&image.device, buffer), "another device");
        assert!(region.buffer_row_length >= image.width, "rows of {} pixels", region.buffer_row_length);
        let stride = u64::from(region.buffer_row_length) * 4;
        let last = region.buffer_offset + u64::from(end - start - 1) * stride + u64::from(image.width) * 4;
        assert!(last <= buffer.length, "{} bytes for rows {start}..{end}", buffer.length);
    }

    fn region(&self, image: &Image) -> (&Buffer, vk::BufferImageCopy) {
        let Range { start, end } = self.range;
        let (buffer, offset, pixels) = match self.rows {
            Rows::Host(host, pixels) => (&host.buffer, 0, pixels),
            Rows::Dmabuf(dmabuf) => {
                (&dmabuf.buffer, dmabuf.offset + u64::from(start) * u64::from(dmabuf.stride), dmabuf.stride / 4)
            }
        };
        let layers = vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
        let region = vk::BufferImageCopy::default()
            .buffer_offset(offset)
            .buffer_row_length(pixels)
            .image_subresource(layers)
            .image_offset(vk::Offset3D { x: 0, y: i32::try_from(start).unwrap_or(i32::MAX), z: 0 })
            .image_extent(vk::Extent3D { width: image.width, height: end - start, depth: 1 });
        (buffer, region)
    }
}

fn is_of(device: &Rc<Device>, buffer: &Buffer) -> bool {
    Rc::ptr_eq(device, &buffer.device)
}

/// Takes a surface's memory over from who else uses it, or hands it back.
fn own(device: &Device, list: vk::CommandBuffer, surface: &Surface, takes: bool) {
    let all = vk::AccessFlags::SHADER_READ
        | vk::AccessFlags::SHADER_WRITE
        | vk::AccessFlags::TRANSFER_READ
        | vk::AccessFlags::TRANSFER_WRITE;
    let (ours, theirs) = match surface.is_shared() {
        true => (device.queue_family(), vk::QUEUE_FAMILY_EXTERNAL),
        false => SAME,
    };
    let barrier = vk::BufferMemoryBarrier::default().buffer(surface.buffer.raw).size(vk::WHOLE_SIZE);
    let barrier = match takes {
        true => barrier.src_queue_family_index(theirs).dst_queue_family_index(ours).dst_access_mask(all),
        false => barrier.src_queue_family_index(ours).dst_queue_family_index(theirs).src_access_mask(all),
    };
    let none = vk::DependencyFlags::empty();
    // SAFETY: the list is being written, and the surface is the device's.
    unsafe { device.raw.cmd_pipeline_barrier(list, STAGES, STAGES, none, &[], &[barrier], &[]) };
}

/// As `Parameters` of `shaders/color.wgsl`.
fn parameters(image: &Image, conversion: &Conversion, surface: &Surface, rows: &Range<u32>) -> Vec<u8> {
    let mut words: Vec<u32> = conversion.matrix.iter().flatten().map(|value| value.to_bits()).collect();
    let (width, height) = surface.size();
    let pitch = surface.pitch() / 4;
    words.extend([image.width, image.height, conversion.origin.0, conversion.origin.1]);
    words.extend([conversion.size.0, conversion.size.1, pitch, pitch * height, width.div_ceil(4)]);
    words.extend([rows.start / 2, (rows.end - rows.start) / 2, conversion.bottom_up.into()]);
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

const fn shader(format: SurfaceFormat) -> &'static [u8] {
    macro_rules! compiled {
        ($name:literal) => {
            include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".spv"))
        };
    }
    match format {
        SurfaceFormat::Nv12 => compiled!("rgb_to_nv12"),
        SurfaceFormat::P010 => compiled!("rgb_to_p010"),
        SurfaceFormat::Yuv444 => compiled!("rgb_to_yuv444"),
        SurfaceFormat::Yuv444Ten => compiled!("rgb_to_yuv444_10"),
    }
}

const READ: vk::ImageLayout = vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL;

/// What a conversion consists of.
const STAGES: vk::PipelineStageFlags = vk::PipelineStageFlags::from_raw(
    vk::PipelineStageFlags::COMPUTE_SHADER.as_raw() | vk::PipelineStageFlags::TRANSFER.as_raw(),
);

/// Bytes of `Parameters`.
const PARAMETERS: u32 = 96;

/// Invocations of a workgroup each way.
const GROUP: u32 = 8;
