//! Rows of the index: seqs behind a term. What is taken is ascending, and is packed again.

use akta::trail::indexer::{decode_seqs, encode_seqs};

use super::input::Input;

/// The first seq, which stands in the key, and the row.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let first = input.number();
    if let Some(seqs) = decode_seqs(first, input.0) {
        assert!(seqs.first() == Some(&first) && seqs.is_sorted_by(|a, b| a < b));
        assert!(seqs.len() <= input.0.len(), "no more than it has bytes for");
        assert_eq!(decode_seqs(first, &encode_seqs(&seqs)), Some(seqs));
    }
    let mut seqs = vec![first];
    while !input.0.is_empty() {
        let step = 1 + input.number() % (1 << (1 + input.byte() % 62));
        let Some(next) = seqs.last().and_then(|last| last.checked_add(step)) else { break };
        seqs.push(next);
    }
    let row = encode_seqs(&seqs);
    assert_eq!(decode_seqs(first, &row).as_ref(), Some(&seqs));
    assert!(decode_seqs(first, &[row.as_slice(), &[1]].concat()).is_none());
    assert!(decode_seqs(first, &row[..row.len() - 1]).is_none());
}
