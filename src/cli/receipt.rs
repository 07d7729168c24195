//! How a change is told that was made, or was so already.

use serde_json::{Map, Value, json};

use super::text::{self, hex, rfc3339};
use crate::grpc::api::ChangeReceipt;

/// One line: what was done, and where it is recorded.
pub fn line(done: &str, receipt: Option<&ChangeReceipt>) -> String {
    match receipt {
        Some(receipt) => format!("{done}: notice {} of {}", receipt.seq, receipt.origin),
        None => format!("{done}: it was so already, nothing was recorded"),
    }
}

/// One object: these fields, and where it is recorded.
pub fn object(fields: Value, receipt: Option<&ChangeReceipt>) -> Value {
    let mut object: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    object.insert("changed".to_owned(), receipt.is_some().into());
    if let Some(receipt) = receipt {
        let recorded = json!({"origin": receipt.origin, "seq": receipt.seq, "link": hex(&receipt.link),
            "recorded_at": rfc3339(receipt.recorded_at.as_ref())});
        object.insert("notice".to_owned(), recorded);
    }
    object.into()
}

/// Says it, as text or as JSON.
pub fn say(json: bool, done: &str, fields: Value, receipt: Option<&ChangeReceipt>) {
    if json {
        text::say(text::json(&object(fields, receipt)));
    } else {
        text::say(line(done, receipt));
    }
}
