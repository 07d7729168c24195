//! The guard file, whatever stands in it: no head is taken back, none is made up, and what is added is found.

use std::sync::Arc;

use akta::model::tree::Hash;
use akta::store::disk::GUARD;
use akta::store::files::{Files, MemoryFiles};
use akta::trail::guard::Guard;
use akta::trail::trails::Head;

use super::input::Input;

const ORIGIN: &str = "akta.dev/school-12/w0";

/// What stands behind the first line.
pub(crate) fn check(bytes: &[u8]) {
    let files = MemoryFiles::new();
    files.create(GUARD, bytes).unwrap();
    let first = b"akta guard 1\n".as_slice();
    assert!(bytes.starts_with(first) || Guard::open(Arc::new(files.clone())).is_err(), "it is of another format");
    // A line that lacks its line break alone counts once that is there.
    files.create(GUARD, &[first, bytes, b"\n"].concat()).unwrap();
    let heads = Guard::open(Arc::new(files.clone())).unwrap().unwrap().heads().unwrap();
    // A line is checked to the letter, so what counts stands in the file.
    let text = String::from_utf8_lossy(bytes);
    assert!(heads.iter().all(|(origin, head)| text.contains(&format!("{origin} {} {} ", head.size, head.root))));
    files.create(GUARD, &[first, bytes].concat()).unwrap();
    let guard = Guard::open(Arc::new(files.clone())).unwrap().unwrap();
    let mut input = Input(bytes);
    let head = Head { size: input.number(), root: Hash(input.array()) };
    guard.append([(ORIGIN, head)]).unwrap();
    let mut expected = heads;
    let known = expected.entry(ORIGIN.to_owned()).or_insert(head);
    if known.size < head.size {
        *known = head;
    }
    assert_eq!(guard.heads().unwrap(), expected);
    assert_eq!(Guard::open(Arc::new(files.clone())).unwrap().unwrap().heads().unwrap(), expected, "after a start");
    line_alone(head, &mut input);
}

/// A guard of one line, and the line altered.
fn line_alone(head: Head, input: &mut Input<'_>) {
    let files = MemoryFiles::new();
    let guard = Guard::create(Arc::new(files.clone())).unwrap();
    let first = files.read(GUARD).unwrap().unwrap();
    guard.append([(ORIGIN, head)]).unwrap();
    let whole = files.read(GUARD).unwrap().unwrap();
    let altered = input.altered(&whole[first.len()..]);
    files.create(GUARD, &[first, altered].concat()).unwrap();
    assert!(guard.heads().unwrap().is_empty(), "an altered line is passed over");
}
