//! The committed bytes of a part or of a notice's core: read or not, and what is read is written and read the same.

use akta::model::notice;
use akta::model::part::{PartId, PartKey};
use akta::model::record::Contents;
use akta::model::stored::NoticeCore;
use prost::Message;

/// First byte: which part, or the core of a notice; the rest is its bytes.
pub(crate) fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    const IDS: [PartId; 6] =
        [PartId::Core, PartId::Actor, PartId::Subject, PartId::Net, PartId::Session, PartId::Detail];
    match IDS.get(usize::from(kind % 7)) {
        Some(id) => {
            let key = PartKey::first(*id);
            let mut contents = Contents::default();
            if contents.add(key, bytes).is_err() {
                return;
            }
            let parts = contents.parts();
            assert!(parts.len() == 1 && parts[0].0 == key);
            let mut again = Contents::default();
            again.add(key, &parts[0].1).unwrap();
            assert_eq!(again, contents);
            assert!(
                contents.wire_bytes() >= parts[0].1.len() || !matches!(id, PartId::Core | PartId::Net | PartId::Detail)
            );
        }
        None => core(bytes),
    }
}

fn core(bytes: &[u8]) {
    let Ok(core) = NoticeCore::decode(bytes) else { return };
    let contents = Contents { notice: Some(core.clone()), ..Contents::default() };
    let parts = contents.parts();
    assert!(parts.len() == 1 && NoticeCore::decode(parts[0].1.as_slice()).as_ref() == Ok(&core));
    // Whoever changes what it says changes what is committed to.
    let mut other = core;
    other.ordinal = other.ordinal.wrapping_add(1);
    assert_ne!(notice::commitment(&other.encode_to_vec()), notice::commitment(&parts[0].1));
}
