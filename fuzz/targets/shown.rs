//! Answers of a server, as the command line shows them: nothing in them reaches a terminal that it would obey.

use akta::cli::search::{to_json, to_table};
use akta::cli::text;
use akta::grpc::api::RecordedEvent;
use akta::model::character::is_harmful;
use prost::Message;

/// A row of an answer, or any text.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(row) = RecordedEvent::decode(bytes) {
        let json = to_json(&row);
        let line = text::json(&json);
        assert!(!line.chars().any(is_harmful), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), json, "and is the same");
        let table = to_table(&[row.clone(), row]);
        assert!(table.lines().count() == 3 && !table.replace('\n', "").chars().any(is_harmful), "{table}");
    }
    let said = String::from_utf8_lossy(bytes);
    let (shown, lines) = (text::shown(&said), text::lines(&said));
    assert!(!shown.chars().any(is_harmful) && lines.replace('\n', "\\n") == shown);
    assert_eq!(text::shown(&shown), shown, "once is enough");
    assert!(said.chars().any(is_harmful) || shown == said, "what does no harm stays as it is");
}
