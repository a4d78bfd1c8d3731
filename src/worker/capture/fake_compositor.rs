//! A compositor of tests, for what real ones rarely do: it speaks just enough
//! Wayland to be captured by wlr-screencopy, shows nothing, and refuses on order.
//!
//! Requests and events by their place in the protocols' XML; descriptors that come
//! along are not looked at.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// What it does with DMA-BUFs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Captures into them.
    Good,
    /// Does not know them.
    Unaware,
    /// Cannot import any.
    FailsToCreate,
    /// Ends the conversation over one.
    HangsUp,
    /// Imports them, and cannot copy into them.
    FailsToCopy,
    /// Knows no modifier for what it captures.
    HasNoModifiers,
}

/// Listens until the test ends.
#[derive(Debug)]
pub(crate) struct FakeCompositor {
    directory: tempfile::TempDir,
}

impl FakeCompositor {
    /// Starts one; its threads end with the test.
    pub(crate) fn start(conduct: Conduct) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join(SOCKET)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || Client::new(stream, conduct).serve());
            }
        });
        Self { directory }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        Path::new(self.directory.path()).join(SOCKET)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Display,
    Registry,
    Shm,
    ShmPool,
    Output,
    Buffer { dma_buf: bool },
    Screencopy,
    Frame,
    LinuxDmabuf,
    Params,
}

struct Client {
    stream: UnixStream,
    conduct: Conduct,
    objects: HashMap<u32, Object>,
    next_own: u32,
}

impl Client {
    fn new(stream: UnixStream, conduct: Conduct) -> Self {
        Self { stream, conduct, objects: HashMap::from([(1, Object::Display)]), next_own: 0xff00_0000 }
    }

    /// Answers requests until the client is gone, or is to go.
    fn serve(mut self) {
        let mut head = [0; 8];
        while self.stream.read_exact(&mut head).is_ok() {
            let [object, second] = [0, 4].map(|at| word(&head, at));
            let mut arguments = vec![0; (second >> 16) as usize - 8];
            if self.stream.read_exact(&mut arguments).is_err() || !self.request(object, second & 0xffff, &arguments) {
                return;
            }
        }
    }

    /// `false` ends the conversation.
    fn request(&mut self, id: u32, opcode: u32, arguments: &[u8]) -> bool {
        let Some(&object) = self.objects.get(&id) else { return true };
        let first = if arguments.len() < 4 { 0 } else { word(arguments, 0) };
        match (object, opcode) {
            (Object::Display, 0) => self.send(first, 0, &[0]),
            (Object::Display, 1) => self.announce(first),
            (Object::Registry, 0) => self.bind(arguments),
            (Object::Shm, 0) => self.add(first, Object::ShmPool),
            (Object::ShmPool, 0) => self.add(first, Object::Buffer { dma_buf: false }),
            (Object::Screencopy, 0) => self.describe(first),
            (Object::Frame, 0 | 2) => self.copy(id, first),
            (Object::LinuxDmabuf, 1) => self.add(first, Object::Params),
            (Object::Params, 2) => return self.create(id),
            // Ids of what is destroyed are not used again.
            _ => {}
        }
        true
    }

    fn add(&mut self, id: u32, object: Object) {
        self.objects.insert(id, object);
    }

    fn announce(&mut self, registry: u32) {
        self.add(registry, Object::Registry);
        for (name, (interface, version, _)) in (1..).zip(GLOBALS) {
            if *interface == "zwp_linux_dmabuf_v1" && self.conduct == Conduct::Unaware {
                continue;
            }
            let mut bytes = words(&[name, u32::try_from(interface.len()).unwrap() + 1]);
            bytes.extend_from_slice(interface.as_bytes());
            bytes.resize(8 + (interface.len() + 1).next_multiple_of(4), 0);
            bytes.extend(words(&[*version]));
            self.send_bytes(registry, 0, &bytes);
        }
    }

    /// Name, interface and version, then the new id.
    fn bind(&mut self, arguments: &[u8]) {
        let (_, _, object) = GLOBALS[word(arguments, 0) as usize - 1];
        let id = word(arguments, arguments.len() - 4);
        self.add(id, object);
        if object == Object::LinuxDmabuf && self.conduct != Conduct::HasNoModifiers {
            for modifier in [INVALID, LINEAR] {
                self.send(id, 1, &[XR24, modifier.0, modifier.1]);
            }
        }
    }

    fn describe(&mut self, frame: u32) {
        self.add(frame, Object::Frame);
        self.send(frame, 0, &[XRGB8888, 64, 32, 256]);
        if self.conduct != Conduct::Unaware {
            self.send(frame, 5, &[XR24, 64, 32]);
        }
        self.send(frame, 6, &[]);
    }

    fn copy(&mut self, frame: u32, buffer: u32) {
        let dma_buf = self.objects.get(&buffer) == Some(&Object::Buffer { dma_buf: true });
        if dma_buf && self.conduct == Conduct::FailsToCopy {
            self.send(frame, 3, &[]);
        } else {
            self.send(frame, 2, &[0, 0, 0]);
        }
    }

    fn create(&mut self, params: u32) -> bool {
        match self.conduct {
            Conduct::FailsToCreate => self.send(params, 1, &[]),
            Conduct::HangsUp => {
                // wl_display.error: the object, its code, and a text of three letters.
                self.send(1, 0, &[params, 7, 4, u32::from_le_bytes(*b"bad\0")]);
                return false;
            }
            _ => {
                let id = self.next_own;
                self.next_own += 1;
                self.add(id, Object::Buffer { dma_buf: true });
                self.send(params, 0, &[id]);
            }
        }
        true
    }

    fn send(&mut self, object: u32, opcode: u32, arguments: &[u32]) {
        self.send_bytes(object, opcode, &words(arguments));
    }

    fn send_bytes(&mut self, object: u32, opcode: u32, arguments: &[u8]) {
        let mut message = words(&[object, (u32::try_from(arguments.len()).unwrap() + 8) << 16 | opcode]);
        message.extend_from_slice(arguments);
        // The client may be gone.
        let _ = self.stream.write_all(&message);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

const GLOBALS: &[(&str, u32, Object)] = &[
    ("wl_shm", 1, Object::Shm),
    ("wl_output", 1, Object::Output),
    ("zwlr_screencopy_manager_v1", 3, Object::Screencopy),
    ("zwp_linux_dmabuf_v1", 3, Object::LinuxDmabuf),
];
const SOCKET: &str = "wayland-0";
/// As wl_shm numbers it.
const XRGB8888: u32 = 1;
const XR24: u32 = u32::from_le_bytes(*b"XR24");
/// High and low half.
const INVALID: (u32, u32) = (0x00ff_ffff, 0xffff_ffff);
const LINEAR: (u32, u32) = (0, 0);
