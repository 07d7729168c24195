//! `akta search`: who saw whose data.

use serde_json::{Map, Value, json};

use super::args::{Ground, Target};
use super::filter::Filter;
use super::text::{self, hex, rfc3339, table};
use super::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{RecordedEvent, SearchEventsRequest, SearchEventsResponse, SearchOrder};
use crate::model::stored;

const ROWS: &str = "Rows";

/// Find accesses: by whose data it was, who looked, from where, when, what
///
/// Every search states a purpose and is itself recorded in the trail before its first row is shown.
/// Flags that narrow down combine: each must hold; of one given several times any will do.
///
///   akta search --controller school-12 --purpose subject-rights --subject pupil:p-204
///   akta search --controller school-12 --purpose security --ip 203.0.113.7 --since 2026-11-01 --json
///   akta search --controller school-12 --purpose security --children --outcome denied --all
///   akta search --controller school-12 --purpose security --on-behalf-of guardian:g-31 --min-records 100
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    ground: Ground,
    #[command(flatten)]
    filter: Filter,
    /// In an incident: UUID of a re-identification that was agreed to; names are shown, and its use is recorded
    #[arg(long, value_name = "UUID", default_value = "", hide_default_value = true)]
    approval: String,
    /// Only what that hold covers, also past its date; takes the permission hold, too
    #[arg(long, value_name = "UUID", default_value = "", hide_default_value = true)]
    hold: String,
    /// Also records of people whose records are restricted; takes the permission erase, too
    #[arg(long)]
    include_restricted: bool,
    /// Oldest first instead of newest first
    #[arg(long, help_heading = ROWS)]
    oldest_first: bool,
    /// Rows to show, 1 to 1,000
    #[arg(long, default_value_t = 50, help_heading = ROWS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Show all rows, page by page
    #[arg(long, help_heading = ROWS)]
    all: bool,
    /// One JSON object per line
    #[arg(long, help_heading = ROWS)]
    json: bool,
}

/// Asks and shows the answer.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.target.connect().await?;
        let mut request = request(&args);
        let mut shown = 0u64;
        loop {
            let page = client.history.search_events(request.clone()).await.map_err(|status| reason(&status))?;
            let SearchEventsResponse { events, next_page_token: next, restricted_hidden, .. } = page.into_inner();
            if restricted_hidden && request.page_token.is_empty() {
                text::complain("records of this person are restricted and left out: --include-restricted shows them");
            }
            shown += events.len() as u64;
            print(&events, args.json);
            // A page may be short, or empty, long before the end: what was asked for is shown.
            let left = u64::from(args.limit).saturating_sub(shown);
            if next.is_empty() || (left == 0 && !args.all) {
                if !args.json {
                    let more = if next.is_empty() { "" } else { "; there are more: --all shows them" };
                    text::complain(format!("{} events{more}", text::number(shown)));
                }
                return Ok(Outcome::Good);
            }
            request.page_token = next;
            if !args.all {
                request.page_size = u32::try_from(left).unwrap_or(args.limit);
            }
        }
    })
}

fn request(args: &Args) -> SearchEventsRequest {
    let order = if args.oldest_first { SearchOrder::OldestFirst } else { SearchOrder::NewestFirst };
    SearchEventsRequest {
        controller: args.target.controller.clone(),
        purpose: args.ground.purpose.0 as i32,
        purpose_text: args.ground.purpose_text.clone(),
        filter: Some(args.filter.wire()),
        order: order as i32,
        page_size: if args.all { 1_000 } else { args.limit },
        page_token: String::new(),
        approval_id: args.approval.clone(),
        hold: args.hold.clone(),
        include_restricted: args.include_restricted,
        ..SearchEventsRequest::default()
    }
}

fn print(rows: &[RecordedEvent], as_json: bool) {
    use std::io::Write;
    // A reader that closed the pipe has seen enough.
    let mut out = std::io::stdout().lock();
    if as_json {
        for row in rows {
            if writeln!(out, "{}", text::json(&to_json(row))).is_err() {
                return;
            }
        }
    } else if !rows.is_empty() {
        let _ = writeln!(out, "{}", to_table(rows));
    }
}

/// Rows as a table for a terminal.
pub fn to_table(rows: &[RecordedEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = row.event.clone().unwrap_or_default();
            let actor = event.actor.clone().unwrap_or_default();
            let first = event.subjects.first().map(|subject| text::who(subject.identity.as_ref()));
            let others = (event.subject_count as usize).saturating_sub(1);
            let subject = match (first, others) {
                (Some(first), 0) => first,
                (Some(first), others) => format!("{first} and {others} more"),
                (None, _) if event.subject_count > 0 => format!("{} people", event.subject_count),
                (None, _) => "-".to_owned(),
            };
            let resource = event.resource.clone().unwrap_or_default();
            vec![
                row.receipt.as_ref().map(|receipt| receipt.seq.to_string()).unwrap_or_default(),
                text::time(event.occurred_at.as_ref()),
                action_text(&event),
                text::outcome(event.outcome),
                actor_text(&actor),
                subject,
                resource_text(&resource),
                text::purpose(event.purpose),
                event.network.map(|network| network.ip).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["SEQ", "WHEN (UTC)", "ACTION", "OUTCOME", "WHO", "WHOSE DATA", "RESOURCE", "PURPOSE", "FROM"], &cells)
}

/// What was done; records of an older log say so.
fn action_text(event: &crate::grpc::api::Event) -> String {
    let import = event.source.as_ref().is_some_and(|source| source.assurance == stored::SourceAssurance::Import as i32);
    let action = text::action(event.action);
    if import { format!("{action} (import)") } else { action }
}

/// Who acted, and in whose name.
fn actor_text(actor: &crate::grpc::api::Actor) -> String {
    let who = text::who(actor.identity.as_ref());
    match &actor.on_behalf_of {
        Some(principal) => format!("{who} for {}", text::who(Some(principal))),
        None => who,
    }
}

fn resource_text(resource: &crate::grpc::api::Resource) -> String {
    match format!("{} {}", resource.r#type, resource.id).trim() {
        "" => "-".to_owned(),
        text => text::shown(text),
    }
}

/// One row as JSON: the fields that are set, bytes as hex, enum values as words.
pub fn to_json(row: &RecordedEvent) -> Value {
    let event = row.event.clone().unwrap_or_default();
    let receipt = row.receipt.clone().unwrap_or_default();
    let actor = event.actor.unwrap_or_default();
    let resource = event.resource.unwrap_or_default();
    let network = event.network.unwrap_or_default();
    let who = |identity: Option<&crate::grpc::api::Identity>| {
        identity.map(|who| {
            json!({"namespace": who.namespace, "id": who.id, "display_name": who.display_name, "email": who.email,
                   "pseudonym": hex(&who.pseudonym)})
        })
    };
    let subjects: Vec<_> = event
        .subjects
        .iter()
        .map(|subject| {
            let mut person = who(subject.identity.as_ref())?;
            let child =
                words(&[subject.child], |n| stored::ChildFlag::try_from(n).map(|v| v.as_str_name()), "CHILD_FLAG_");
            child.into_iter().for_each(|word| person["child"] = word.into());
            Some(person)
        })
        .collect();
    let parts: Vec<Value> = row
        .parts
        .iter()
        .map(|part| {
            json!({"part": part.part().as_str_name().trim_start_matches("PART_"),
                   "verdict": part.verdict().as_str_name().trim_start_matches("VERDICT_"), "expires_on": part.expires_on})
        })
        .collect();
    let mut value = json!({
        "origin": receipt.origin, "seq": receipt.seq, "link": hex(&receipt.link),
        "recorded_at": rfc3339(receipt.recorded_at.as_ref()), "occurred_at": rfc3339(event.occurred_at.as_ref()),
        "event_id": event.event_id, "controller": event.controller, "class": text::class(row.retention_class),
        "action": text::action(event.action), "event_name": event.event_name, "outcome": text::outcome(event.outcome),
        "outcome_reason": event.outcome_reason, "purpose": text::purpose(event.purpose),
        "purpose_text": event.purpose_text, "actor": who(actor.identity.as_ref()),
        "actor_roles": actor.roles, "actor_org_unit": actor.org_unit, "on_behalf_of": who(actor.on_behalf_of.as_ref()),
        "subjects": subjects, "subject_count": event.subject_count, "record_count": event.record_count,
        "resource_type": resource.r#type, "resource_id": resource.id, "fields": resource.fields,
        "ip": network.ip, "user_agent": text::escape(&network.user_agent),
        "forwarded_for": text::escape(&network.forwarded_for), "trace_id": hex(&network.trace_id),
        "request_id": text::escape(&network.request_id), "attributes": event.attributes,
        "source": event.source.map(|source| source.service).unwrap_or_default(), "operation_id": event.operation_id,
        "recipient": event.disclosure.map(|disclosure| disclosure.recipient).unwrap_or_default(),
        "break_glass": event.break_glass.map(|glass| glass.reason), "parts": parts,
    });
    if let (Value::Object(fields), Value::Object(further)) = (&mut value, context(row)) {
        fields.extend(further);
        drop_empty(fields);
    }
    value
}

/// The further fields of a row.
fn context(row: &RecordedEvent) -> Value {
    let event = row.event.clone().unwrap_or_default();
    let actor = event.actor.clone().unwrap_or_default();
    json!({
        "categories": words(&event.categories, |n| stored::DataCategory::try_from(n).map(|v| v.as_str_name()), "DATA_CATEGORY_"),
        "special_categories":
            words(&event.special_categories, |n| stored::SpecialCategory::try_from(n).map(|v| v.as_str_name()), "SPECIAL_CATEGORY_"),
        "legal_basis": words(&[event.legal_basis], |n| stored::LegalBasis::try_from(n).map(|v| v.as_str_name()), "LEGAL_BASIS_"),
        "special_legal_basis": words(
            &[event.special_legal_basis], |n| stored::SpecialLegalBasis::try_from(n).map(|v| v.as_str_name()), "SPECIAL_LEGAL_BASIS_"),
        "channel": words(&[event.channel], |n| stored::Channel::try_from(n).map(|v| v.as_str_name()), "CHANNEL_"),
        "actor_kind": words(&[actor.kind], |n| stored::ActorKind::try_from(n).map(|v| v.as_str_name()), "ACTOR_KIND_"),
        "assurance": words(
            &[event.source.as_ref().map_or(0, |source| source.assurance)],
            |n| stored::SourceAssurance::try_from(n).map(|v| v.as_str_name()), "SOURCE_ASSURANCE_"),
        "warnings": words(&row.warnings, |n| stored::Warning::try_from(n).map(|v| v.as_str_name()), "WARNING_"),
        "source_instance": event.source.as_ref().map(|source| source.instance.clone()),
        "session_hash": event.session.as_ref().map(|session| hex(&session.id)),
        "auth_method": words(
            &[event.session.as_ref().map_or(0, |session| session.auth_method)],
            |n| stored::AuthMethod::try_from(n).map(|v| v.as_str_name()), "AUTH_METHOD_"),
        "mfa": event.session.as_ref().filter(|session| session.mfa).map(|_| true),
        "policy_id": event.authorization.as_ref().map(|authorization| authorization.policy_id.clone()),
        "decision_id": event.authorization.as_ref().map(|authorization| authorization.decision_id.clone()),
        "hash_before": event.change.as_ref().map(|change| hex(&change.hash_before)),
        "hash_after": event.change.as_ref().map(|change| hex(&change.hash_after)),
        "export_format": words(
            &[event.export.as_ref().map_or(0, |export| export.format)],
            |n| stored::ExportFormat::try_from(n).map(|v| v.as_str_name()), "EXPORT_FORMAT_"),
        "export_bytes": event.export.as_ref().map(|export| export.bytes),
        "export_sha256": event.export.as_ref().map(|export| hex(&export.sha256)),
        "recipient_country": event.disclosure.as_ref().map(|disclosure| disclosure.country.clone()),
        "corrects": event.corrects.as_ref().map(|corrects| json!({"origin": corrects.origin, "seq": corrects.seq}))
    })
}

/// Words of enum numbers without their prefix; unknown ones as numbers, 0 left out.
fn words<E>(numbers: &[i32], name: impl Fn(i32) -> Result<&'static str, E>, prefix: &str) -> Vec<String> {
    let word = |number: i32| {
        name(number).map_or_else(|_| number.to_string(), |name| name.trim_start_matches(prefix).to_owned())
    };
    numbers.iter().filter(|number| **number != 0).map(|number| word(*number)).collect()
}

fn drop_empty(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && text != "-",
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => {
            drop_empty(fields);
            !fields.is_empty()
        }
        Value::Number(number) => number.as_u64() != Some(0),
        Value::Bool(_) => true,
    });
}
