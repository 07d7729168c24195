//! `akta export`: a controller's trail as JSON Lines, complete, with what opens every part.

mod chain;
mod out;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use self::chain::Chain;
use self::out::Out;
use super::args::{Ground, Target, Time};
use super::text::{self, Progress, complain, hex, number};
use super::{Failure, Outcome, block_on, search};
use crate::client::{Client, reason};
use crate::grpc::api::{
    ClosedPart, EventFilter, GetCheckpointRequest, GetConsistencyProofRequest, Opening, Part, RecordedEvent,
    SearchEventsRequest, SearchOrder,
};
use crate::model::stored::{DetailPart, NoticeCore};
use prost::Message;

/// Hand a trail out as JSON Lines: every record, oldest first, one JSON object per line
///
/// A line is what "akta search --json" prints, and beside it what makes it evidence: "header", the bytes hashed
/// into the record's link; "openings", salt and committed bytes of every part that is still readable; "closed", the bare
/// hashes of parts that were erased; of a notice, "notice", its core. All of them in hex. With them anybody recomputes part, group and link (docs/format.md)
/// without Akta and without keys. The line before the last, {"checkpoint": ...}, is the newest signed checkpoint, with
/// the proof that the tree over these records leads to it. The last line, {"end": ...}, says how many records stand
/// before it: a file without it was cut off.
///
/// Without --since and --until the export is complete: every position of the trail, notices and expired records
/// too. The command checks that none is missing and that each header carries the link of the one before; if not, it
/// says so, and exits with 1. The export holds personal data in clear, and is itself recorded in the trail.
///
///   akta export --controller school-12 --purpose subject-rights -o school-12.jsonl
///   akta export --controller school-12 --purpose security --since 2026-11-01 --until 2026-12-01 | gzip > nov.gz
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    ground: Ground,
    /// Only events that happened at or after this time
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
    /// Only events that happened before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Write to this file, whole or not at all, readable by you alone; stdout unless set
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also what is recorded of people whose records are restricted, else their parts are sealed; takes the permission
    /// erase, too
    #[arg(long)]
    include_restricted: bool,
    /// Of this trail, where the controller has several as a copy was restored; else of the one that goes on.
    /// "akta controller list --json" names them
    #[arg(long, value_name = "ORIGIN", default_value = "", hide_default_value = true)]
    origin: String,
}

impl Args {
    fn narrowed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }
}

/// What was written.
#[derive(Debug, Default)]
struct Written {
    origin: String,
    size: u64,
    records: u64,
    chain: Chain,
    checkpoint: Option<Value>,
}

/// Writes the export and says what it holds.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    let (_, findings) = hand_out(&args)?;
    Ok(if findings { Outcome::Finding } else { Outcome::Good })
}

/// Writes a complete export to a file and says what it holds; the number of records that it covers, if it is complete.
pub(super) fn whole(target: Target, ground: Ground, path: &Path) -> Result<(Target, Option<u64>), Failure> {
    let args = Args {
        target,
        ground,
        since: None,
        until: None,
        include_restricted: true,
        output: Some(path.to_owned()),
        origin: String::new(),
    };
    let (size, findings) = hand_out(&args)?;
    Ok((args.target, (!findings).then_some(size)))
}

/// The size of the trail that it covers, and whether anything is wrong with it.
fn hand_out(args: &Args) -> Result<(u64, bool), Failure> {
    let mut out = Out::open(args.output.as_deref())?;
    let written = block_on(write(args, &mut out))?;
    let findings = if args.narrowed() { Vec::new() } else { written.chain.findings(written.size) };
    if let Some(checkpoint) = &written.checkpoint {
        out.line(checkpoint)?;
    }
    out.line(&end(args, &written, &findings))?;
    out.finish()?;
    let records = number(written.records);
    for finding in &findings {
        complain(format!("BAD   {finding}"));
    }
    match (args.narrowed(), findings.is_empty()) {
        (true, _) => complain(format!("{records} events of {}, narrowed by time: not the whole trail", written.origin)),
        (false, true) => complain(format!("{records} records of {}: complete, no position is missing", written.origin)),
        (false, false) => complain(format!("{records} records of {}: NOT COMPLETE", written.origin)),
    }
    Ok((written.size, !findings.is_empty()))
}

async fn write(args: &Args, out: &mut Out) -> Result<Written, Failure> {
    let mut client = args.target.connect().await?;
    let mut request = request(args);
    if !args.narrowed() && request.origin.is_empty() {
        request.origin = going_on(&mut client, args).await?;
    }
    let mut written = Written::default();
    let progress = Progress::new();
    loop {
        let page = client.history.search_events(request.clone()).await;
        let page = page
            .map_err(|status| {
                Failure(format!("after {} records: {}; run the export again", written.records, reason(&status)))
            })?
            .into_inner();
        written.size = page.size;
        for row in &page.events {
            out.line(&to_json(row))?;
            if let Some(receipt) = &row.receipt {
                written.origin.clone_from(&receipt.origin);
                written.chain.next(receipt, &row.header);
            }
            written.records += 1;
        }
        progress.show("exporting", written.records, if args.narrowed() { written.records } else { written.size });
        if page.next_page_token.is_empty() {
            progress.done();
            if !args.narrowed() {
                written.checkpoint = Some(checkpoint(&mut client, args, &request.origin, written.size).await?);
            }
            return Ok(written);
        }
        request.page_token = page.next_page_token;
    }
}

/// The origin of the trail that goes on: a complete export is of one trail.
async fn going_on(client: &mut Client, args: &Args) -> Result<String, Failure> {
    let asked = GetCheckpointRequest { controller: args.target.controller.clone(), ..Default::default() };
    let found = client.evidence.get_checkpoint(asked).await;
    let found = found.map_err(|status| Failure(format!("the trail's origin: {}", reason(&status))))?.into_inner();
    Ok(found.checkpoint.lines().next().unwrap_or_default().to_owned())
}

/// The newest checkpoint, and how the tree over the records above leads to it. The export itself is recorded, so the
/// checkpoint is of a later size.
async fn checkpoint(client: &mut Client, args: &Args, origin: &str, size: u64) -> Result<Value, Failure> {
    let controller = args.target.controller.clone();
    let refused = |status: tonic::Status| Failure(format!("the checkpoint: {}; run the export again", reason(&status)));
    let of = origin.to_owned();
    let asked = GetCheckpointRequest { controller: controller.clone(), at_least: size, origin: of.clone() };
    let found = client.evidence.get_checkpoint(asked).await.map_err(refused)?.into_inner();
    let asked = GetConsistencyProofRequest { controller, old_size: size, new_size: found.size, origin: of };
    let proof = client.evidence.get_consistency_proof(asked).await.map_err(refused)?.into_inner();
    let hashes: Vec<String> = proof.hashes.iter().map(|hash| hex(hash)).collect();
    Ok(json!({"checkpoint": {"note": found.checkpoint, "verification_key": found.verification_key, "size": found.size,
                             "consistency": {"old_size": size, "hashes": hashes}}}))
}

fn request(args: &Args) -> SearchEventsRequest {
    let filter =
        EventFilter { since: args.since.map(Time::wire), until: args.until.map(Time::wire), ..EventFilter::default() };
    SearchEventsRequest {
        controller: args.target.controller.clone(),
        purpose: args.ground.purpose.0 as i32,
        purpose_text: args.ground.purpose_text.clone(),
        filter: Some(filter),
        order: SearchOrder::OldestFirst as i32,
        page_size: 1_000,
        with_openings: true,
        with_notices: !args.narrowed(),
        include_restricted: args.include_restricted,
        origin: args.origin.clone(),
        ..SearchEventsRequest::default()
    }
}

/// One record as a line.
fn to_json(row: &RecordedEvent) -> Value {
    let mut fields = match search::to_json(row) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    // Of a notice, and of what expired, nothing is known to be "unspecified".
    fields.retain(|_, value| value != "UNSPECIFIED");
    // Record 0 has a position too: a search's rows leave zeros out.
    fields.insert("seq".to_owned(), row.receipt.as_ref().map(|receipt| receipt.seq).into());
    fields.insert("header".to_owned(), hex(&row.header).into());
    if !row.openings.is_empty() {
        fields.insert("openings".to_owned(), row.openings.iter().map(opening).collect());
    }
    if !row.closed.is_empty() {
        fields.insert("closed".to_owned(), row.closed.iter().map(closed).collect());
    }
    if !row.notice.is_empty() {
        fields.insert("notice".to_owned(), hex(&row.notice).into());
        fields.extend(NoticeCore::decode(row.notice.as_slice()).ok().map(notice).unwrap_or_default());
        fields.extend(row.openings.iter().filter(|opening| opening.part() == Part::Detail).flat_map(slice));
    }
    Value::Object(fields)
}

fn closed(closed: &ClosedPart) -> Value {
    json!({"part": name(closed.part()), "index": closed.index, "hash": hex(&closed.hash)})
}

fn name(part: Part) -> &'static str {
    part.as_str_name().trim_start_matches("PART_")
}

fn opening(opening: &Opening) -> Value {
    json!({"part": name(opening.part()), "index": opening.index, "salt": hex(&opening.salt), "content": hex(&opening.content)})
}

/// A notice in words: what it says, its number among notices, where the one before stands.
fn notice(core: NoticeCore) -> Map<String, Value> {
    // Named by its field, so that a kind made later says its name as well.
    let kind = core.kind.map(|kind| format!("{kind:?}")).unwrap_or_default();
    let kind: String = kind.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    let words = text::snake(&kind).replace('_', " ");
    let fields = [
        ("notice_kind", Value::from(words)),
        ("notice_ordinal", core.ordinal.into()),
        ("notice_previous_seq", core.previous_seq.into()),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What a slice of a notice says: who, why, about whom.
fn slice(opening: &Opening) -> impl Iterator<Item = (String, Value)> + use<> {
    let slice = DetailPart::decode(opening.content.as_slice()).unwrap_or_default();
    slice.attributes.into_iter().map(|said| (format!("notice_{}", said.key), said.value.into()))
}

fn end(args: &Args, written: &Written, findings: &[String]) -> Value {
    let time = |time: Option<Time>| time.map(|time| time.0.to_string());
    let head = written.chain.head().filter(|_| !args.narrowed());
    let fields = [
        ("origin", Value::from(written.origin.clone())),
        ("size", written.size.into()),
        ("records", written.records.into()),
        ("complete", (!args.narrowed() && findings.is_empty()).into()),
        ("head", head.map(hex).into()),
        ("since", time(args.since).into()),
        ("until", time(args.until).into()),
        ("findings", findings.into()),
    ];
    let set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    let end: Map<_, _> =
        fields.into_iter().filter(|(_, value)| set(value)).map(|(key, value)| (key.to_owned(), value)).collect();
    json!({"end": end})
}
