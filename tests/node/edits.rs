//! Edits that make a good event bad or odd, and looking at what became of it.
#![allow(clippy::unwrap_used)]

use super::support::{SCHOOL, seconds_from_now};
use akta::client::Client;
use akta::grpc::api::get_event_request::Key;
use akta::grpc::api::{
    Disclosure, Event, EventFilter, GetEventRequest, Identity, Network, RecordedEvent, Resource, SearchEventsRequest,
    Session, Source,
};
use akta::model::stored::{Action, LegalBasis, Purpose, SourceAssurance};
use prost_types::Timestamp;
use tonic::Status;

/// Stands in every bad field; nothing that comes back may hold it.
pub(crate) const MARK: &str = "zq-marker-7731";
pub(crate) const DAY: i64 = 24 * 3_600;

pub(crate) async fn record(client: &mut Client, event: Event) -> Result<(), Status> {
    client.record(event).await.map(drop)
}

pub(crate) async fn get(client: &mut Client, seq: u64) -> RecordedEvent {
    client.history.get_event(by_seq(seq)).await.unwrap().into_inner().event.unwrap()
}

pub(crate) fn by_seq(seq: u64) -> GetEventRequest {
    GetEventRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::Security.into(),
        key: Some(Key::Seq(seq)),
        ..GetEventRequest::default()
    }
}

/// One byte over the limit, marked.
pub(crate) fn long(limit: usize) -> String {
    let mut text = MARK.repeat(limit / MARK.len() + 1);
    text.truncate(limit + 1);
    text
}

pub(crate) fn ascii(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

pub(crate) fn time(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

pub(crate) fn actor(event: &mut Event) -> &mut akta::grpc::api::Actor {
    event.actor.as_mut().unwrap()
}

pub(crate) fn who(event: &mut Event) -> &mut Identity {
    actor(event).identity.as_mut().unwrap()
}

pub(crate) fn source(event: &mut Event) -> &mut Source {
    event.source.as_mut().unwrap()
}

pub(crate) fn resource(event: &mut Event) -> &mut Resource {
    event.resource.as_mut().unwrap()
}

pub(crate) fn network(event: &mut Event) -> &mut Network {
    event.network.as_mut().unwrap()
}

pub(crate) fn session(id: Vec<u8>) -> Option<Session> {
    Some(Session { id, ..Session::default() })
}

pub(crate) fn named(id: &str) -> akta::grpc::api::Subject {
    akta::grpc::api::Subject { identity: Some(Identity::new("pupil", id)), child: 0 }
}

pub(crate) fn attribute(event: &mut Event, key: &str, value: &str) {
    event.attributes.insert(key.to_owned(), value.to_owned());
}

pub(crate) fn disclose(event: &mut Event) {
    event.action = Action::Disclose.into();
    event.legal_basis = LegalBasis::Art61C.into();
    event.disclosure = Some(Disclosure { recipient: MARK.to_owned(), country: "PL".to_owned() });
}

pub(crate) fn imported(event: &mut Event, seconds: i64) {
    source(event).assurance = SourceAssurance::Import.into();
    event.occurred_at = Some(seconds_from_now(seconds));
}

pub(crate) fn filter(question: &mut SearchEventsRequest) -> &mut EventFilter {
    question.filter.get_or_insert_default()
}
