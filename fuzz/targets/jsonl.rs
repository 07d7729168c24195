//! A line of JSON to import: an event labelled so, or a refusal that names fields and echoes none of their values.

use akta::cli::import::{Context, Format};
use akta::grpc::{api, convert};
use akta::model::stored::SourceAssurance;
use prost::Message;
use serde_json::Value;

/// Values shorter than this may stand in any refusal by chance.
const TELLING: usize = 6;

/// One line.
pub(crate) fn check(line: &[u8]) {
    match event(line) {
        Ok(None) => assert!(line.trim_ascii().is_empty()),
        Ok(Some(event)) => taken(event),
        Err(why) => refused(line, &why),
    }
}

fn event(line: &[u8]) -> Result<Option<api::Event>, String> {
    let context = Context { controller: "school-12".to_owned(), digest: [7; 32], shift: 0 };
    Format::Jsonl.event(&context, 3, line)
}

fn taken(event: api::Event) {
    assert_eq!(event.controller, "school-12");
    assert!(!event.event_id.is_empty() && event.occurred_at.is_some() && event.actor.is_some());
    assert_eq!(event.source.as_ref().map(|source| source.assurance), Some(SourceAssurance::Import as i32));
    assert_eq!(api::Event::decode(event.encode_to_vec().as_slice()).as_ref(), Ok(&event));
    if let Ok((controller, event)) = convert::event(Some(event)) {
        super::event::kept(&controller, &event);
    }
}

fn refused(line: &[u8], why: &str) {
    assert!(!why.is_empty() && why.len() < 16_384, "{} bytes", why.len());
    assert!(!why.chars().any(char::is_control), "{why:?}");
    let Ok(mut object) = serde_json::from_slice::<Value>(line) else { return };
    let mut names = String::new();
    let mut values = Vec::new();
    each(&mut object, &mut |name| names.push_str(name), &mut |value| values.push(value.clone()));
    // Names are shown on purpose; of the rest, what stands in the refusal must be there whatever was sent.
    for value in values {
        if value.len() < TELLING || !why.contains(&value) || names.contains(&value) {
            continue;
        }
        let mut other = object.clone();
        each(&mut other, &mut |_| (), &mut |found| {
            if *found == value {
                *found = "Q".repeat(value.len());
            }
        });
        let Err(again) = event(other.to_string().as_bytes()) else { continue };
        assert!(again.contains(&value) || fields(&again) != fields(why), "a value is echoed: {why}");
    }
}

/// The fields that a refusal names.
fn fields(why: &str) -> Vec<&str> {
    why.split("; ").map(|one| one.split(": ").next().unwrap_or_default()).collect()
}

fn each(value: &mut Value, name: &mut impl FnMut(&str), text: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(found) => text(found),
        Value::Array(list) => list.iter_mut().for_each(|value| each(value, name, text)),
        Value::Object(object) => object.iter_mut().for_each(|(key, value)| {
            name(key);
            name(" ");
            each(value, name, text);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
