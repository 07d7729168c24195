//! `akta config who-can`: who may do something for a controller, by which entry and grant, until when.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::cli::args::{Credentials, Ground, Purpose, Time};
use crate::cli::text::{self, say, table_within};
use crate::cli::{Failure, Outcome, block_on, grant, incident};
use crate::config::File;
use crate::env::{Clock, SystemClock};
use crate::grpc::time::instant;
use crate::model::date::Timestamp;
use crate::model::origin::Controller;
use crate::model::permission::acts::Acts;
use crate::model::permission::change::{Change, Decided};
use crate::model::permission::grants::{GRANT_MAX, INCIDENT_MAX, Span};
use crate::model::permission::holder::Holder;
use crate::model::permission::who_can::{Answer, Through, WhoCan, who_can};
use crate::model::permission::{Permission, Reach};

/// Show who may do something for a controller: by which entry and grant, until when
///
/// Asks the policy file that the configuration names, as akta serve would. Grants and incidents stand
/// in the controller's trail: with --server, that is asked, too (permission notices; a purpose is
/// stated and recorded). Exit 0 if somebody may, 1 if nobody.
///
/// PERMISSION is one of record, import, search, watch, export, notices, prove, verify, list, open,
/// grant, incident, approve, erase, reidentify, hold, purge, retention, operate.
///
///   akta config who-can search school-1 --config akta.toml
///   akta config who-can search school-1 --config akta.toml --server 127.0.0.1:7425 \
///     --token-file me --purpose security
///   akta config who-can erase school-1 --config akta.toml --at 2027-01-01 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// What is to be done, for example search
    #[arg(value_name = "PERMISSION")]
    permission: Permission,
    /// For which controller; "node" for the node's own trail
    #[arg(value_name = "CONTROLLER")]
    controller: String,
    /// Configuration file (TOML)
    #[arg(long, env = "AKTA_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// At that time instead of now: what is in the file today, with the grants of today that hold then
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    /// Address of a server whose trail is asked for grants and incidents
    #[arg(long, value_name = "ADDRESS", requires = "purpose")]
    server: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
    /// Why you ask the trail; it is recorded
    #[arg(long, value_name = "PURPOSE", requires = "server")]
    purpose: Option<Purpose>,
    /// Reference of the request or ticket; needed with support-ticket and other
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "purpose")]
    purpose_text: String,
    /// JSON, one object per row
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    let file = File::read(&args.config)?;
    let policy = file.rules()?;
    let policy = policy.ok_or("no policy is set: name its file in the configuration, policy = \"FILE\"")?;
    let controller = Controller::new(&args.controller).ok_or("CONTROLLER must be 1 to 63 of a-z 0-9 . _ -")?;
    let now = args.at.map_or_else(|| SystemClock.now(), |Time(time)| time);
    let acts = match (&args.server, args.purpose) {
        (Some(address), Some(purpose)) => {
            let ground = Ground { purpose, purpose_text: args.purpose_text.clone() };
            block_on(decided(address, &args.credentials, &controller, &ground))?
        }
        _ => Acts::default(),
    };
    let found = who_can(&policy, &acts, args.permission, &controller, now);
    if args.json {
        found.answers.iter().for_each(|answer| say(text::json(&object(answer))));
    } else {
        say(page(&found, args.permission, &controller).trim_end());
        if args.server.is_none() && args.permission.reach() == Reach::Content && !controller.is_node() {
            say(UNASKED.replace("{}", controller.as_str()));
        }
        let any = file.controllers.is_empty();
        if !controller.is_node() && !any && !file.controllers.iter().any(|known| known == controller.as_str()) {
            say(format!("note  {controller} is not among the controllers of the configuration"));
        }
    }
    Ok(if found.answers.is_empty() { Outcome::Finding } else { Outcome::Good })
}

/// What of the answer the policy file does not know.
const UNASKED: &str = "note  grants and incidents stand in the trail of {} and were not asked for: add --server ADDRESS \
     --purpose PURPOSE, or see akta grant list --controller {}";

/// The grants and incidents of a controller, as its trail tells them now.
async fn decided(address: &str, show: &Credentials, of: &Controller, ground: &Ground) -> Result<Acts, Failure> {
    let mut client = show.connect(address).await?;
    let mut acts = Acts::default();
    for grant in grant::list::asked(&mut client, of.as_str(), ground).await? {
        let span = span(grant.from.as_ref(), grant.until.as_ref(), GRANT_MAX);
        let permissions = grant.permissions.iter().filter_map(|word| word.parse().ok()).collect();
        let holder = Holder::parse(&grant::list::to(&grant));
        if let (Some(span), Some(holder)) = (span, holder) {
            let change = Change::Grant { id: grant.id.into(), holder, permissions, span };
            acts.apply(change, Decided { by: grant.by, ground: grant.ground }, span.from());
        }
    }
    for incident in incident::list::asked(&mut client, of.as_str(), ground).await? {
        if let Some(span) = span(incident.from.as_ref(), incident.until.as_ref(), INCIDENT_MAX) {
            let decided = Decided { by: incident.by, ground: incident.ground };
            acts.apply(Change::Incident { id: incident.id.into(), span }, decided, span.from());
        }
    }
    Ok(acts)
}

/// From when to when; `None` of what was over before it began.
fn span(
    from: Option<&prost_types::Timestamp>,
    until: Option<&prost_types::Timestamp>,
    longest: Duration,
) -> Option<Span> {
    Span::new(instant(from?)?, instant(until?)?, longest)
}

/// For people.
fn page(found: &WhoCan, permission: Permission, controller: &Controller) -> String {
    let mut page = match found.answers.is_empty() {
        true => format!("nobody may {permission} for {controller}\n"),
        false => {
            let rows: Vec<Vec<String>> = found.answers.iter().map(row).collect();
            format!("{}\n", table_within(&["WHO", "STAFF", "ROLE", "BY", "THROUGH", "UNTIL"], &rows, 200))
        }
    };
    if found.answers.iter().any(|answer| matches!(answer.through, Through::Incident(_))) {
        page.push_str("in an incident: without names, and the controller is told by a record in its trail\n");
    }
    let ungranted: Vec<String> =
        found.ungranted.iter().map(|basis| format!("{} ({})", basis.entry, basis.role)).collect();
    if !ungranted.is_empty() {
        page.push_str(&format!("only if {controller} grants it: {}\n", ungranted.join(", ")));
    }
    page
}

fn row(answer: &Answer) -> Vec<String> {
    let (through, until) = match &answer.through {
        Through::Entry => ("-".to_owned(), "-".to_owned()),
        Through::Grant(lease) => (format!("grant {}", lease.id), time(lease.until)),
        Through::Incident(lease) => (format!("incident {}", lease.id), time(lease.until)),
    };
    let basis = &answer.basis;
    vec![who(answer), basis.staff.word().to_owned(), basis.role.to_string(), basis.entry.to_string(), through, until]
}

fn who(answer: &Answer) -> String {
    let who = answer.who.to_string();
    match &answer.who_also_is {
        None => who,
        Some(also) => format!("{who} and {also}"),
    }
}

/// To the second, UTC.
fn time(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// For programs.
fn object(answer: &Answer) -> serde_json::Value {
    let (kind, lease) = match &answer.through {
        Through::Entry => ("entry", None),
        Through::Grant(lease) => ("grant", Some(lease)),
        Through::Incident(lease) => ("incident", Some(lease)),
    };
    json!({
        "who": answer.who.to_string(),
        "who_also_is": answer.who_also_is.as_ref().map(ToString::to_string),
        "staff": answer.basis.staff.word(),
        "role": answer.basis.role.word(),
        "entry": &*answer.basis.entry,
        "through": kind,
        "id": lease.map(|lease| &*lease.id),
        "until": lease.map(|lease| lease.until.to_string()),
        "names": kind != "incident",
    })
}
