//! `akta notices`: what a trail says about itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use serde_json::{Map, Value, json};

use super::args::{Purpose, Target};
use super::text::{self, hex, rfc3339, say, table_within};
use super::words::Vocabulary;
use super::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ListNoticesRequest, Notice};
use crate::model::date::{Date, Timestamp};
use crate::model::stored::chosen_lifetime::Length;
use crate::model::stored::notice_core::Kind;
use crate::model::stored::{
    ChosenLifetime, ChosenLifetimes, ControllerClosed, Deed, DetailPart, ErasedClass, ErasureKept, GuardedHead,
    HoldKind, IdentityErased, RetentionChosen, RetentionClass, TrailRestored,
};

/// Show what a trail says about itself, in order: opened, who was let in, incidents, approvals
///
/// Permission: notices. In clear a notice names nobody; that is shown without a purpose, and leaves no
/// record. With a purpose who decided, why and about whom is shown too, until its date, and the
/// question is recorded. The node's own trail is that of the controller "node".
///
///   akta notices --controller school-1
///   akta notices --controller school-1 --purpose incident-investigation --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Why you ask; it is recorded, and who decided and why is shown
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<Purpose>,
    /// Reference of the request or ticket; needed with support-ticket and other
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "purpose")]
    purpose_text: String,
    /// Of this trail, where the controller has several as a copy was restored; "akta controller list --json" names them
    #[arg(long, value_name = "ORIGIN", default_value = "", hide_default_value = true)]
    origin: String,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// Asks and shows the answer.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.target.connect().await?;
        let (mut all, mut from_seq) = (Vec::new(), 0);
        loop {
            let request = ListNoticesRequest {
                controller: args.target.controller.clone(),
                from_seq,
                page_size: 1_000,
                purpose: args.purpose.map_or(0, |purpose| purpose.0.into()),
                purpose_text: args.purpose_text.clone(),
                origin: args.origin.clone(),
            };
            let page = client.history.list_notices(request).await.map_err(|status| reason(&status))?.into_inner();
            if args.json {
                page.notices.iter().for_each(|notice| say(text::json(&object(notice))));
            } else {
                all.extend(page.notices.iter().map(row));
            }
            from_seq = page.next_seq;
            if from_seq == 0 {
                break;
            }
        }
        if !args.json {
            say(table_within(&["SEQ", "WHEN (UTC)", "NOTICE", "WHAT", "BY", "GROUND", "ABOUT"], &all, 80));
        }
        Ok(Outcome::Good)
    })
}

fn row(notice: &Notice) -> Vec<String> {
    let receipt = notice.receipt.clone().unwrap_or_default();
    let kind = notice.notice.as_ref().and_then(|core| core.kind.as_ref());
    let (name, fields) = kind.map_or_else(|| ("?", json!({})), told);
    let what: Vec<String> = fields.as_object().into_iter().flatten().map(|(key, value)| in_words(key, value)).collect();
    let slices = slices(notice);
    let slice = |key: &str| slices.get(key).and_then(Value::as_str).map(str::to_owned);
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        receipt.seq.to_string(),
        text::time(receipt.recorded_at.as_ref()),
        name.replace('_', " "),
        what.join(" "),
        shown(slice("by")),
        shown(slice("ground")),
        shown(slice("holder").or_else(|| slice("concerning")).or_else(|| slice("owner"))),
    ]
}

fn in_words(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) if key == "id" => text.clone(),
        Value::String(text) => format!("{key} {text}"),
        Value::Bool(true) => key.to_owned(),
        Value::Bool(false) => format!("not {key}"),
        Value::Array(items) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("{key} {}", if words.is_empty() { "-".to_owned() } else { words.join(",") })
        }
        other => format!("{key} {other}"),
    }
}

/// Its name, and what it says in clear.
fn told(kind: &Kind) -> (&'static str, Value) {
    let time = |nanos: i64| Timestamp::from_nanos(nanos).to_string();
    match kind {
        Kind::Opened(it) => ("opened", json!({"zone": it.zone, "policy": it.policy_version})),
        Kind::KeyringOpened(it) => ("keyring_opened", json!({"generation": it.generation, "dev": it.dev})),
        Kind::SigningKeyRotated(it) => {
            let key = |key: &[u8]| BASE64.encode(key);
            ("signing_key_rotated", json!({"old_key": key(&it.old_key), "new_key": key(&it.new_key), "size": it.size}))
        }
        Kind::KekRotated(it) => {
            ("kek_rotated", json!({"generation_before": it.generation_before, "generation_after": it.generation_after}))
        }
        Kind::Expired(it) => ("expired", json!({"through": Date::from_days(it.through).to_string()})),
        Kind::ControllerSet(it) => (
            "controller_set",
            json!({"public_body": it.public_body, "register_keeper": it.register_keeper,
                "group_only_sources": it.group_only_sources, "refuse_foreign_purposes": it.refuse_foreign_purposes}),
        ),
        Kind::RetentionChosen(it) => {
            ("retention_chosen", json!({"policy": it.policy_version, "lifetimes": lifetimes(it)}))
        }
        Kind::LoneApprovalSet(it) => ("lone_approval_set", json!({"allowed": it.allowed})),
        Kind::Granted(it) => (
            "granted",
            json!({"id": uuid(&it.id), "permissions": it.permissions, "from": time(it.from), "until": time(it.until)}),
        ),
        Kind::IncidentDeclared(it) => {
            ("incident_declared", json!({"id": uuid(&it.id), "from": time(it.from), "until": time(it.until)}))
        }
        Kind::ActEnded(it) => ("act_ended", json!({"id": uuid(&it.id)})),
        Kind::ApprovalAsked(it) => {
            let deed =
                Deed::try_from(it.deed).map_or_else(|_| it.deed.to_string(), |deed| deed.as_str_name().to_owned());
            let deed = deed.trim_start_matches("DEED_").to_lowercase().replace('_', "-");
            ("approval_asked", json!({"id": uuid(&it.id), "deed": deed, "processor": it.processor}))
        }
        Kind::ApprovalAnswered(it) => ("approval_answered", json!({"id": uuid(&it.id), "agrees": it.agrees})),
        Kind::ApprovalUsed(it) => ("approval_used", json!({"id": uuid(&it.id), "alone": it.alone})),
        Kind::HoldPlaced(it) => {
            let kind = HoldKind::try_from(it.kind).map_or_else(|_| it.kind.to_string(), |kind| kind.word());
            let day = day(it.review_on);
            ("hold_placed", json!({"id": uuid(&it.id), "kind": kind, "records": it.records, "review_on": day}))
        }
        Kind::HoldReviewed(it) => ("hold_reviewed", json!({"id": uuid(&it.id), "review_on": day(it.review_on)})),
        Kind::HoldReleased(it) => ("hold_released", json!({"id": uuid(&it.id)})),
        Kind::ControllerClosed(it) => ("controller_closed", closed(it)),
        Kind::TrailRestored(it) => ("trail_restored", restored(it)),
        Kind::IdentityDeactivated(it) => {
            ("identity_deactivated", json!({"id": uuid(&it.id), "mask_on": day(it.mask_on)}))
        }
        Kind::IdentityMasked(it) => ("identity_masked", json!({"id": uuid(&it.id)})),
        Kind::IdentityErased(it) => ("identity_erased", erased(it)),
        Kind::IdentityRestricted(it) => ("identity_restricted", json!({"id": uuid(&it.id)})),
        Kind::RestrictionLifted(it) => ("restriction_lifted", json!({"id": uuid(&it.id)})),
    }
}

/// Each chosen lifetime as a word of its own: `access.core=12 months`.
fn lifetimes(it: &RetentionChosen) -> Vec<String> {
    let of_class = |chosen: &ChosenLifetimes| {
        let class = chosen.retention_class().word();
        let parts =
            [("core", chosen.core), ("net", chosen.net), ("session", chosen.session), ("detail", chosen.detail)];
        let shown = |(name, lifetime): (&str, Option<ChosenLifetime>)| {
            let length = match lifetime?.length? {
                Length::Days(days) => format!("{days} days"),
                Length::Months(months) => format!("{months} months"),
            };
            Some(format!("{class}.{name}={length}"))
        };
        parts.into_iter().filter_map(shown).collect::<Vec<_>>()
    };
    it.classes.iter().flat_map(of_class).collect()
}

/// Why, and what became of the records of each class, a word of its own: `access=7 records,12 parts gone`.
fn erased(it: &IdentityErased) -> Value {
    let class = |class: &ErasedClass| {
        let name = RetentionClass::try_from(class.retention_class.cast_signed())
            .map_or_else(|_| class.retention_class.to_string(), |class| class.word());
        let gone = if class.parts > 0 { format!(", {} parts gone", class.parts) } else { String::new() };
        let held = if class.held > 0 { format!(", {} parts held", class.held) } else { String::new() };
        let kept = match class.kept() {
            ErasureKept::Unspecified => String::new(),
            kept => format!(", kept: {}", kept.word()),
        };
        format!("{name}={} records{gone}{held}{kept}", class.records)
    };
    let classes: Vec<String> = it.classes.iter().map(class).collect();
    let holds: Vec<String> = it.holds.iter().map(|id| uuid(id)).collect();
    let mut says = json!({"id": uuid(&it.id), "ground": it.ground().word(), "of": classes});
    if !holds.is_empty() {
        says["holds"] = holds.into();
    }
    says
}

/// What was there, a word for each class: `access=7`; what was handed out before, and by which request.
fn closed(it: &ControllerClosed) -> Value {
    let events: Vec<String> =
        it.events.iter().map(|of| format!("{}={}", of.retention_class().word(), of.events)).collect();
    let mut says = json!({"origin": it.origin, "size": it.size, "events": events});
    if !it.request.is_empty() {
        says["request"] = uuid(&it.request).into();
    }
    if !it.export_sha256.is_empty() {
        says["export_sha256"] = hex(&it.export_sha256).into();
        says["export_size"] = it.export_size.into();
    }
    says
}

/// Where the copy ended, what the guard remembered, and what else went since.
fn restored(it: &TrailRestored) -> Value {
    let head = |head: &GuardedHead| format!("{}={}", head.origin, head.size);
    let mut says = json!({"predecessor": it.predecessor, "size": it.size, "root": hex(&it.root)});
    if let Some(guarded) = &it.guarded {
        says["guarded"] = guarded.size.into();
        says["lost_records"] = guarded.size.saturating_sub(it.size).into();
    }
    let lists = [
        ("released", it.released.iter().map(|id| uuid(id)).collect::<Vec<_>>()),
        ("lost", it.lost.iter().map(head).collect()),
        ("ended", it.ended.iter().map(head).collect()),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        says[name] = list.into();
    }
    says
}

fn day(days: u32) -> String {
    Date::from_days(days).to_string()
}

fn uuid(bytes: &[u8]) -> String {
    uuid::Uuid::from_slice(bytes).map_or_else(|_| hex(bytes), |id| id.to_string())
}

/// What its slices say, as far as they are shown.
fn slices(notice: &Notice) -> Map<String, Value> {
    let parts = notice.openings.iter().filter_map(|opening| DetailPart::decode(opening.content.as_slice()).ok());
    parts.flat_map(|part| part.attributes).map(|attribute| (attribute.key, attribute.value.into())).collect()
}

/// For programs.
fn object(notice: &Notice) -> Value {
    let receipt = notice.receipt.clone().unwrap_or_default();
    let kind = notice.notice.as_ref().and_then(|core| core.kind.as_ref());
    let (name, says) = kind.map_or_else(|| ("unknown", json!({})), told);
    let mut object = json!({
        "origin": receipt.origin, "seq": receipt.seq, "link": hex(&receipt.link),
        "recorded_at": rfc3339(receipt.recorded_at.as_ref()), "notice": name, "says": says,
    });
    let slices = slices(notice);
    if !slices.is_empty() {
        object["slices"] = slices.into();
    }
    object
}
