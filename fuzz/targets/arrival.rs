//! Where messages end on a connection: however the bytes are cut, the same ends are seen.

use akta::grpc::transport::arrival::Lengths;

use super::input::Input;

/// First byte: how the rest is cut.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let seed = usize::from(input.byte());
    let bytes = input.0;
    let (ends, within) = expected(bytes);
    for cut in [1, 1 + seed, usize::MAX] {
        let mut lengths = Lengths::default();
        let (mut at, mut step) = (0, cut);
        while at < bytes.len() {
            let to = bytes.len().min(at.saturating_add(step.max(1)));
            let ended = lengths.pass(&bytes[at..to]);
            assert_eq!(ended, ends.iter().any(|end| (at + 1..=to).contains(end)), "{at}..{to}");
            at = to;
            step = if cut == usize::MAX { cut } else { (step * 7 + seed) % 23 + 1 };
        }
        assert_eq!(lengths.within(), within);
    }
    assert!(!Lengths::default().pass(b"") && !Lengths::default().within());
}

/// Ends of messages, and whether one is begun and not whole: a byte of flags, four of length, and so many.
fn expected(bytes: &[u8]) -> (Vec<usize>, bool) {
    let (mut ends, mut at) = (Vec::new(), 0);
    while let Some([_, length @ ..]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<5>()) {
        let end = at + 5 + u32::from_be_bytes(*length) as usize;
        if end > bytes.len() {
            return (ends, true);
        }
        ends.push(end);
        at = end;
    }
    (ends, at < bytes.len())
}
