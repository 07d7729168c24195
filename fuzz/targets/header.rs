//! Headers: canonical bytes or none, and another link with every other bit.

use akta::model::header::{FIXED_BYTES, GROUP_BYTES, Header};
use akta::model::part::PartId;

use super::input::Input;

/// The bytes of a header.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(header) = Header::decode(bytes) else { return };
    assert_eq!(header.encode(), bytes);
    assert_eq!(bytes.len(), FIXED_BYTES + GROUP_BYTES * header.groups.len());
    assert_eq!(header.check(), Ok(()));
    assert!(header.group_of(PartId::Core).is_some());
    assert!(header.groups.is_sorted_by(|a, b| a.date < b.date));
    for cut in [&bytes[..bytes.len() - 1], &[bytes, &[0]].concat()] {
        assert!(Header::decode(cut).is_err());
    }
    // Which bit is chosen by what is hashed anyway.
    let altered = Input(&header.link().0).altered(bytes);
    assert!(Header::decode(&altered).is_err() || header.link() != Header::decode(&altered).unwrap().link());
}
