//! What a frozen folder says when it is read: `expected.json` beside it. Questions stand in it with their answers, so
//! that a later Akta asks what an earlier one was asked.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use akta::model::facts::Facts;
use akta::model::identity::{Identity, Pseudonym};
use akta::model::origin::Controller;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::record::Record;
use akta::trail::base::Base;
use akta::trail::search;
use akta::trail::trails::Info;
use akta::trail::vault::Of;
use akta::trail::verify::Report;
use serde_json::{Value, json};

/// What verification reports of each trail.
pub(crate) fn trails(report: &Report) -> Value {
    let one = |trail: &akta::trail::verify::TrailReport| {
        let (intact, expired, sealed) = (trail.groups_intact, trail.groups_expired, trail.groups_sealed);
        let mut parts = json!({"intact": intact, "expired": expired, "sealed": sealed});
        // Where nothing is held, as before there were holds.
        if trail.groups_held > 0 {
            parts["held"] = trail.groups_held.into();
        }
        json!({
            "origin": trail.origin, "size": trail.size, "notices": trail.notices, "root": trail.root.to_string(),
            "head": trail.head.to_string(), "people": trail.people, "postings": trail.postings,
            "parts": parts,
        })
    };
    report.trails.iter().map(one).collect()
}

/// Asks what stands in `question`, of the first `size` records of its controller, and adds the answer.
pub(crate) fn answered(base: &Base, question: &Value, size: u64) -> Value {
    let controller = Controller::new(question["controller"].as_str().unwrap()).unwrap();
    let info = base.trail(&controller).unwrap().unwrap();
    let text = |name: &str| question[name].as_str();
    let mut answer = question.as_object().unwrap().clone();
    if let Some(id) = text("event_id") {
        let id = uuid::Uuid::parse_str(id).unwrap();
        let seq = search::by_event_id(base, &info, id.as_bytes(), size).unwrap();
        answer.insert("seqs".to_owned(), json!(seq.into_iter().collect::<Vec<_>>()));
        return answer.into();
    }
    let person = |name: &str| {
        let (namespace, id) = text(name)?.split_once(':')?;
        Some(search::pseudonyms(base, &info, &Identity::new(namespace, id)).unwrap())
    };
    let time = |name: &str| text(name).map(|time| akta::model::date::Timestamp::parse(time).unwrap());
    let facts = Facts {
        actions: question["action"].as_i64().map(|number| i32::try_from(number).unwrap()).into_iter().collect(),
        ip: text("ip").map(|ip| ip.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec()),
        resource_types: text("resource_type").map(str::to_owned).into_iter().collect(),
        since: time("since"),
        until: time("until"),
        ..Facts::default()
    };
    let (subject, actor, on_behalf_of) = (person("subject"), person("actor"), person("on_behalf_of"));
    let filter = Filter { subject, actor, on_behalf_of, facts };
    let start = Cursor { size, next: 0, question: [0; 8] };
    let page = search::search(base, &info, &filter, Order::OldestFirst, start, 100_000).unwrap();
    assert_eq!(page.next, None);
    let seqs: Vec<u64> = page.records.iter().map(|record| record.header.seq).collect();
    answer.insert("seqs".to_owned(), json!(seqs));
    answer.insert("people".to_owned(), json!(people(base, &info, &page.records)));
    answer.into()
}

/// Who is in these records, as "namespace:id name <address>".
fn people(base: &Base, info: &Info, records: &[Record]) -> BTreeSet<String> {
    let of = Of { controller: &info.controller, key: &info.key };
    let parts = records.iter().flat_map(|record| {
        let actor = record.contents.actor.iter().flat_map(|actor| [&actor.pseudonym, &actor.on_behalf_of]);
        actor.chain(record.contents.subjects.iter().map(|subject| &subject.pseudonym))
    });
    let found = parts.filter_map(|bytes| Pseudonym::from_slice(bytes)).collect::<BTreeSet<_>>();
    let shown = |pseudonym: &Pseudonym| {
        let who = base.vault.identity(of, pseudonym).unwrap().unwrap();
        format!("{}:{} {} <{}>", who.namespace, who.id, who.display_name, who.email)
    };
    found.iter().map(shown).collect()
}
