//! A line of a web server's log to import: what is taken keeps its limits, and a node takes it too.

use akta::cli::import::combined::{self, METHOD_BYTES_MAX, PATH_BYTES_MAX};
use akta::cli::import::{Context, Format};
use akta::grpc::convert;

/// One line.
pub(crate) fn check(line: &[u8]) {
    let context = |shift| Context { controller: "school-12".to_owned(), digest: [7; 32], shift };
    let made = Format::Combined.event(&context(0), 3, line);
    let Ok(parsed) = combined::parse(line) else {
        let why = made.expect_err("what does not parse is refused");
        assert!(!why.is_empty() && why.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{why:?}");
        return;
    };
    assert!(parsed.path.len() <= PATH_BYTES_MAX && !parsed.path.chars().any(char::is_control));
    assert!((1..=METHOD_BYTES_MAX).contains(&parsed.method.len()) && parsed.status < 1_000);
    assert!(parsed.agent.as_ref().is_none_or(|agent| agent.len() <= line.len()));
    // With its line break, or without.
    assert_eq!(combined::parse(&[line, b"\r\n"].concat()).as_ref(), Ok(&parsed));
    let event = made.unwrap().expect("an event for each line");
    let other = Format::Combined.event(&context(0), 4, line).unwrap().unwrap();
    assert_ne!(event.event_id, other.event_id, "another line is another event");
    let far = Format::Combined.event(&context(i64::MAX), 3, line).unwrap().unwrap();
    for event in [event, far] {
        let (controller, event) = convert::event(Some(event)).expect("a node takes what the import makes");
        super::event::kept(&controller, &event);
        assert_eq!(event.core.subject_count, 0);
    }
}
