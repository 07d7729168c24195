//! Records to messages.

use super::super::api;
use crate::grpc::time::wire;
use crate::model::date::Timestamp;
use crate::model::facts::address;
use crate::model::identity::{Identity, Pseudonym};
use crate::model::part::{PartHash, PartId, PartKey};
use crate::model::record::{Opening, Record, Verdict};
use crate::model::stored::{Core, DetailPart};
use crate::trail::answer::Answer;
use crate::trail::notices::Notices;
use crate::trail::submission;
use crate::trail::trails::Info;

/// A receipt as the API says it.
pub fn receipt(receipt: &submission::Receipt) -> api::Receipt {
    api::Receipt {
        origin: receipt.origin.as_str().to_owned(),
        seq: receipt.seq,
        link: receipt.link.0.to_vec(),
        recorded_at: Some(wire(receipt.recorded_at)),
    }
}

/// A page of notices.
pub fn notices(found: Notices) -> api::ListNoticesResponse {
    let Notices { trail, notices, next } = found;
    let notices = notices.into_iter().map(|(record, core)| api::Notice {
        receipt: Some(place(&trail, &record)),
        parts: parts(&record),
        openings: record.openings.iter().filter(|opening| opening.key.id == PartId::Detail).map(opening).collect(),
        header: record.header.encode(),
        notice: record.contents.notice,
        core,
    });
    api::ListNoticesResponse { notices: notices.collect(), next_seq: next.unwrap_or_default() }
}

fn place(trail: &Info, record: &Record) -> api::Receipt {
    api::Receipt {
        origin: trail.origin.to_string(),
        seq: record.header.seq,
        link: record.link.0.to_vec(),
        recorded_at: record.recorded_at().map(wire),
    }
}

/// The rows of an answer.
pub fn recorded(answer: &Answer) -> Vec<api::RecordedEvent> {
    answer.page.records.iter().map(|record| row(answer, record)).collect()
}

fn row(answer: &Answer, record: &Record) -> api::RecordedEvent {
    let core = record.contents.core.clone().unwrap_or_default();
    api::RecordedEvent {
        receipt: Some(place(&answer.trail, record)),
        retention_class: record.header.class.word() as i32,
        parts: parts(record),
        warnings: core.warnings.clone(),
        event: record.contents.notice.is_none().then(|| event(answer, record, core)),
        header: record.header.encode(),
        openings: openings(answer, record),
        closed: closed(answer, record),
        notice: record.notice_bytes().map(<[u8]>::to_vec).unwrap_or_default(),
    }
}

fn openings(answer: &Answer, record: &Record) -> Vec<api::Opening> {
    let asked = record.openings.iter().filter(|_| answer.openings);
    asked.map(opening).collect()
}

fn closed(answer: &Answer, record: &Record) -> Vec<api::ClosedPart> {
    let asked = record.closed.iter().filter(|_| answer.openings);
    let part = |(key, hash): &(PartKey, PartHash)| api::ClosedPart {
        part: key.id as i32 + 1,
        index: u32::from(key.index),
        hash: hash.to_vec(),
    };
    asked.map(part).collect()
}

fn opening(Opening { key, salt, content }: &Opening) -> api::Opening {
    api::Opening { part: key.id as i32 + 1, index: u32::from(key.index), salt: salt.to_vec(), content: content.clone() }
}

fn parts(record: &Record) -> Vec<api::PartState> {
    let groups = record.header.groups.iter();
    groups
        .flat_map(|group| {
            PartId::ALL.into_iter().filter(|id| group.has(*id)).map(|id| api::PartState {
                part: id as i32 + 1,
                verdict: match record.verdict(id) {
                    Some(Verdict::Intact) => api::Verdict::Intact as i32,
                    Some(Verdict::Expired) => api::Verdict::Expired as i32,
                    Some(Verdict::Sealed) | None => api::Verdict::Sealed as i32,
                    Some(Verdict::Held) => api::Verdict::Held as i32,
                    Some(Verdict::Erased) => api::Verdict::Erased as i32,
                },
                expires_on: if group.date == crate::model::date::Date::NEVER {
                    String::new()
                } else {
                    group.date.to_string()
                },
            })
        })
        .collect()
}

fn event(answer: &Answer, record: &Record, core: Core) -> api::Event {
    let contents = &record.contents;
    let detail = contents.detail.clone().unwrap_or_default();
    let set = |value: bool| value.then_some(());
    api::Event {
        event_id: core
            .event_id
            .as_slice()
            .try_into()
            .map(|id| uuid::Uuid::from_bytes(id).to_string())
            .unwrap_or_default(),
        controller: answer.trail.controller.to_string(),
        occurred_at: contents.core.as_ref().map(|core| wire(Timestamp::from_nanos(core.occurred_at))),
        action: core.action,
        event_name: core.event_name.clone(),
        outcome: core.outcome,
        outcome_reason: detail.outcome_reason.clone(),
        actor: Some(api::Actor {
            identity: contents.actor.as_ref().and_then(|actor| person(answer, &actor.pseudonym)),
            kind: core.actor_kind,
            roles: core.actor_roles.clone(),
            org_unit: core.actor_org_unit.clone(),
            on_behalf_of: contents.actor.as_ref().and_then(|actor| person(answer, &actor.on_behalf_of)),
        }),
        subjects: contents
            .subjects
            .iter()
            .map(|subject| api::Subject { identity: person(answer, &subject.pseudonym), child: subject.child })
            .collect(),
        subject_count: core.subject_count,
        resource: set(!core.resource_type.is_empty() || !detail.resource_id.is_empty() || !detail.fields.is_empty())
            .map(|()| api::Resource {
                r#type: core.resource_type.clone(),
                id: detail.resource_id.clone(),
                fields: detail.fields.clone(),
            }),
        record_count: core.record_count,
        categories: core.categories.clone(),
        special_categories: core.special_categories.clone(),
        purpose: core.purpose,
        purpose_text: core.purpose_text.clone(),
        legal_basis: core.legal_basis,
        special_legal_basis: core.special_legal_basis,
        authorization: set(!core.policy_id.is_empty() || !core.decision_id.is_empty())
            .map(|()| api::Authorization { policy_id: core.policy_id.clone(), decision_id: core.decision_id.clone() }),
        break_glass: set(core.break_glass).map(|()| api::BreakGlass { reason: detail.break_glass_reason.clone() }),
        change: set(!detail.hash_before.is_empty() || !detail.hash_after.is_empty())
            .map(|()| api::Change { hash_before: detail.hash_before.clone(), hash_after: detail.hash_after.clone() }),
        disclosure: set(!core.recipient.is_empty())
            .map(|()| api::Disclosure { recipient: core.recipient.clone(), country: core.recipient_country.clone() }),
        export: export(&detail),
        channel: core.channel,
        network: contents.net.as_ref().map(|net| api::Network {
            ip: ip_text(&net.ip),
            forwarded_for: net.forwarded_for.clone(),
            user_agent: net.user_agent.clone(),
            trace_id: net.trace_id.clone(),
            request_id: net.request_id.clone(),
        }),
        session: contents.session.as_ref().map(|session| api::Session {
            id: session.id_hash.clone(),
            auth_method: session.auth_method,
            mfa: session.mfa,
        }),
        attributes: detail.attributes.into_iter().map(|attribute| (attribute.key, attribute.value)).collect(),
        source: Some(api::Source {
            service: core.source_service,
            instance: core.source_instance,
            assurance: core.source_assurance,
        }),
        operation_id: core.operation_id,
        corrects: set(!core.corrects_origin.is_empty())
            .map(|()| api::RecordReference { origin: core.corrects_origin, seq: core.corrects_seq }),
        retention_class: record.header.class.word() as i32,
    }
}

fn export(detail: &DetailPart) -> Option<api::Export> {
    let given = detail.export_format != 0 || detail.export_bytes != 0 || !detail.export_sha256.is_empty();
    given.then(|| api::Export {
        format: detail.export_format,
        bytes: detail.export_bytes,
        sha256: detail.export_sha256.clone(),
    })
}

/// Who stands behind a pseudonym; where that is no longer known, the pseudonym alone.
fn person(answer: &Answer, bytes: &[u8]) -> Option<api::Identity> {
    let pseudonym = Pseudonym::from_slice(bytes)?;
    let found = answer.people.binary_search_by_key(&pseudonym, |(pseudonym, _)| *pseudonym).ok();
    let known = found.map(|index| answer.people[index].1.clone());
    let Identity { namespace, id, display_name, email } = known.unwrap_or_default();
    Some(api::Identity { namespace, id, display_name, email, pseudonym: bytes.to_vec() })
}

/// An address as text; empty if there is none.
pub(super) fn ip_text(bytes: &[u8]) -> String {
    address(bytes).map(|ip| ip.to_string()).unwrap_or_default()
}
