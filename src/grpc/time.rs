//! Instants as the wire says them.

use crate::model::date::Timestamp;

/// As `google.protobuf.Timestamp`.
pub fn wire(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.parts();
    prost_types::Timestamp { seconds, nanos }
}

/// From `google.protobuf.Timestamp`; `None` outside of the years 1677 to 2262.
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_parts(time.seconds, time.nanos)
}
