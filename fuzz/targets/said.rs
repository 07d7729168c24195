//! What every refusal must be: it names fields, says something of each, and echoes nothing that was sent.

use akta::model::check::Violation;

/// As many bytes of an input, letters and digits mostly, are no chance.
const WINDOW: usize = 8;

/// Judges the refusal of `input`; `again` gives the refusal of another input, if it is refused at all.
pub(crate) fn judge(input: &[u8], bad: &[Violation], again: impl Fn(&[u8]) -> Option<Vec<Violation>>) {
    assert!((1..=64).contains(&bad.len()), "{} violations", bad.len());
    for Violation { field, description } in bad {
        let path = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'[' | b']');
        assert!(!field.is_empty() && field.bytes().all(path), "no path of a field: {field:?}");
        assert!(!description.is_empty() && description.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{field}");
    }
    let Some(echoed) = windows(bad).find(|window| contains(input, window)) else { return };
    // Words of ours that were sent to us? Then others in their place are refused with the same words.
    let others: Vec<u8> = echoed.iter().map(|byte| if byte.is_ascii_alphanumeric() { b'Q' } else { *byte }).collect();
    let Some(bad_again) = again(&replaced(input, echoed, &others)) else { return };
    let fields = |bad: &[Violation]| bad.iter().map(|bad| bad.field.clone()).collect::<Vec<_>>();
    if fields(bad) == fields(&bad_again) {
        assert!(windows(&bad_again).any(|window| window == echoed), "a value is echoed: {bad:?}");
    }
}

/// What was said, in pieces. The secret names that attributes must not have are named on purpose.
fn windows(bad: &[Violation]) -> impl Iterator<Item = &[u8]> {
    let said = bad.iter().filter(|bad| !bad.description.starts_with("a name contains \""));
    said.flat_map(|bad| bad.description.as_bytes().windows(WINDOW))
}

/// Whether `all` holds `part`.
pub(crate) fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len().max(1)).any(|window| window == part)
}

fn replaced(all: &[u8], part: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = all.to_vec();
    for at in 0..all.len().saturating_sub(part.len() - 1) {
        if all[at..].starts_with(part) {
            bytes[at..at + part.len()].copy_from_slice(other);
        }
    }
    bytes
}
