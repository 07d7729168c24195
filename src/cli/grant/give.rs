//! `akta grant give`: somebody is let in.

use std::time::Duration;

use serde_json::json;

use crate::cli::args::{Confirm, Target, Time};
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::env::{Clock, SystemClock};
use crate::grpc::api::{self, GrantRequest, TokenHolder};
use crate::model::permission::Permission;
use crate::model::permission::holder::Holder;

/// Let somebody of the vendor's staff use the roles that the policy gives them, until a day
///
/// Permission: grant (role contact, the school's own staff only). At most 366 days. WHO is one of
///   ISSUER#SUBJECT               a person or job, by their token
///   'group GROUP of ISSUER'      everybody in a group
///   spiffe://DOMAIN/PATH         a service, by its certificate
///   uid:NUMBER                   a process beside the node, by its socket
/// PERMISSION is one of search, watch, export, notices, approve, erase, reidentify, hold.
/// Prints the id, under which it is listed and ended. The next call of theirs works.
///
///   akta grant give --controller school-1 --to 'https://login.vendor.example#ewa' --for search \
///     --ground 'ticket 4711' --until 2026-12-01
///   akta grant give --controller school-1 --to 'group security of https://login.vendor.example' \
///     --for search,notices --ground 'contract of 2026-08-20, section 9' --days 90 --yes
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(group(clap::ArgGroup::new("end").required(true).args(["until", "days"])))]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Whom, as above
    #[arg(long, value_name = "WHO", value_parser = holder)]
    to: Holder,
    /// What for, for example search,notices
    #[arg(long = "for", value_name = "PERMISSION", value_delimiter = ',', required = true)]
    permissions: Vec<Permission>,
    /// Why: a ticket, a contract, an instruction; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// First instant; now unless given
    #[arg(long, value_name = "TIME")]
    from: Option<Time>,
    /// First instant after it; a date is its midnight in UTC
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Instead: for so many days from its first instant
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: Option<u32>,
    /// UUID, so that the command can be repeated; drawn unless given
    #[arg(long, value_name = "UUID", default_value = "", hide_default_value = true)]
    id: String,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let begins = args.from.map_or_else(|| SystemClock.now(), |Time(from)| from);
    let days = args.days.unwrap_or_default();
    let until = args.until.unwrap_or_else(|| Time(begins.plus(Duration::from_secs(u64::from(days) * 86_400))));
    let words: Vec<String> = args.permissions.iter().map(ToString::to_string).collect();
    let of = &args.target.controller;
    let what = format!("{} may {} for {of} until {}.", args.to, words.join(", "), until.0);
    if !args.confirm.wants(&what)? {
        return Ok(Outcome::Finding);
    }
    block_on(async {
        let mut client = args.target.connect().await?;
        let request = GrantRequest {
            controller: of.clone(),
            id: args.id.clone(),
            holder: Some(api::Holder { holder: Some(wire(&args.to)) }),
            permissions: words,
            ground: args.ground.clone(),
            from: args.from.map(Time::wire),
            until: Some(until.wire()),
        };
        let answer = client.controllers.grant(request).await.map_err(|status| reason(&status))?.into_inner();
        let done = format!("grant {} is given", answer.id);
        let fields = json!({"id": answer.id, "controller": of, "until": until.0.to_string()});
        receipt::say(args.json, &done, fields, answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}

fn holder(text: &str) -> Result<Holder, String> {
    Holder::parse(text).ok_or_else(|| {
        "must be ISSUER#SUBJECT, 'group GROUP of ISSUER', spiffe://DOMAIN/PATH or uid:NUMBER; an issuer is https"
            .to_owned()
    })
}

fn wire(holder: &Holder) -> api::holder::Holder {
    use api::holder::Holder as Wire;
    let named = |issuer: &String, name: &String| TokenHolder { issuer: issuer.clone(), name: name.clone() };
    match holder {
        Holder::Workload(id) => Wire::Spiffe(id.to_string()),
        Holder::Socket(uid) => Wire::Uid(*uid),
        Holder::Subject { issuer, subject } => Wire::Subject(named(issuer, subject)),
        Holder::Group { issuer, group } => Wire::Group(named(issuer, group)),
    }
}
