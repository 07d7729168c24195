//! Runs of headers: the first 8 bytes are the position in the key of the row, the rest is the row.

use akta::model::run;

use super::input::Input;

/// A row and its position.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (first, row) = (input.number(), input.0);
    let Ok(run) = run::decode(first, row) else { return };
    assert_eq!(run::count(row), Some(run.len() as u64));
    let headers: Vec<_> = run.iter().map(|linked| linked.header.clone()).collect();
    assert_eq!(run::encode(&headers), row);
    for (at, linked) in run.iter().enumerate() {
        assert_eq!((linked.header.seq, linked.header.link()), (first + at as u64, linked.link));
        assert_eq!(linked.header.check(), Ok(()));
        assert!(at == 0 || linked.header.previous == run[at - 1].link);
    }
    // The same headers, one to a row.
    for linked in &run {
        let row = run::encode(std::slice::from_ref(&linked.header));
        assert_eq!(run::decode(linked.header.seq, &row).as_deref(), Ok(std::slice::from_ref(linked)));
    }
    let altered = Input(&run.last().unwrap().link.0).altered(row);
    if let Ok(other) = run::decode(first, &altered) {
        assert_ne!(other.last().map(|linked| linked.link), run.last().map(|linked| linked.link));
    }
}
