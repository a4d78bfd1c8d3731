//! A desktop's programs, and what its compositor says.

use earthshine::desktop::process::ProcessStat;
use earthshine::desktop::record::Record;
use earthshine::desktop::sway_ipc;
use earthshine::worker::capture::dma_buf::feedback::Feedback;

/// What the host reads of a desktop: sway's answers, the record of its
/// processes, and the kernel's line about a process that names itself.
pub fn desktop_files(data: &[u8]) {
    if let Some(head) = data.first_chunk() {
        if let Ok(length) = sway_ipc::payload_length(head) {
            assert!(length <= sway_ipc::MAX_ANSWER);
        }
        let payload = &data[sway_ipc::HEAD..];
        let _ = sway_ipc::read_outputs(payload).map_err(|error| error.to_string());
        let _ = sway_ipc::read_outcome("nop", payload).map_err(|error| error.to_string());
    }
    if let Some(record) = Record::parse(data) {
        let written = serde_json::to_vec(&record).expect("numbers and a path");
        assert_eq!(Record::parse(&written), Some(record));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = ProcessStat::parse(1, text).map(|stat| stat.is_zombie());
    }
}

/// What a compositor says about DMA-BUFs: events with a letter, a length and that
/// many bytes each.
pub fn dmabuf_feedback(data: &[u8]) {
    let mut feedback = Feedback::default();
    let mut rest = data;
    while let [kind, len, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        match kind {
            b't' => feedback.table(bytes),
            b'm' => feedback.main_device(bytes),
            b'd' => feedback.tranche_device(bytes),
            b'f' => feedback.tranche_formats(bytes),
            b'e' => feedback.tranche_done(),
            b'o' => bytes.iter().for_each(|format| feedback.modifier((*format).into(), 7)),
            _ => feedback.done(),
        }
        rest = tail;
    }
    feedback.done();
    if let Some(Ok(formats)) = feedback.formats() {
        let of_one = |fourcc| formats.modifiers(fourcc).count();
        assert!(formats.pairs.iter().all(|pair| (1..=formats.pairs.len()).contains(&of_one(pair.0))));
        let distinct: std::collections::HashSet<_> = formats.pairs.iter().collect();
        assert_eq!(distinct.len(), formats.pairs.len());
    }
}
