//! `akta retention show`: how long records of a controller live, and why.

use serde_json::{Value, json};

use super::rows::lifetime;
use crate::cli::args::Target;
use crate::cli::text::{self, say, table, table_within};
use crate::cli::words::Vocabulary;
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::{ListRetentionClassesRequest, RetentionClassInfo, RetentionPartInfo};

/// Show how long records of a controller live: each class and part, what may be chosen, by which law
///
/// Permission: list. States no purpose and leaves no record, for it shows neither events nor people.
///
///   akta retention show --controller school-1
///   akta retention show --controller school-1 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// One JSON object per class
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut client = args.target.connect().await?;
        let request = ListRetentionClassesRequest { controller: args.target.controller.clone() };
        let answer = client.retention.list_retention_classes(request).await.map_err(|status| reason(&status))?;
        let answer = answer.into_inner();
        if args.json {
            answer.classes.iter().for_each(|class| say(text::json(&object(class, &answer.policy_version))));
            return Ok(Outcome::Good);
        }
        say(format!("{}: policy {}\n", args.target.controller, answer.policy_version));
        let rows: Vec<_> = answer.classes.iter().flat_map(rows).collect();
        say(table(&["CLASS", "PART", "LIFETIME", "MAY BE", "CHOSEN"], &rows));
        say("");
        let sources: Vec<_> =
            answer.classes.iter().map(|class| vec![text::class(class.retention_class), class.source.clone()]).collect();
        say(table_within(&["CLASS", "WHAT, AND WHY SO LONG"], &sources, 240));
        Ok(Outcome::Good)
    })
}

fn rows(class: &RetentionClassInfo) -> Vec<Vec<String>> {
    let row = |of: &RetentionPartInfo| {
        let bounds = match (&of.at_least, &of.at_most) {
            (None, None) => "fixed by law".to_owned(),
            (least, most) if least == most => lifetime(most.as_ref()),
            (least, most) => format!("{} to {}", lifetime(least.as_ref()), lifetime(most.as_ref())),
        };
        let chosen = if of.lifetime == of.shipped { "-" } else { "chosen" };
        let name = text::class(class.retention_class);
        vec![name, of.part().word(), lifetime(of.lifetime.as_ref()), bounds, chosen.to_owned()]
    };
    class.parts.iter().map(row).collect()
}

fn object(class: &RetentionClassInfo, version: &str) -> Value {
    let part_of = |of: &RetentionPartInfo| {
        let bound = |of: Option<&_>| if of.is_some() { lifetime(of).into() } else { Value::Null };
        json!({"part": of.part().word(), "lifetime": lifetime(of.lifetime.as_ref()),
            "policy_lifetime": lifetime(of.shipped.as_ref()), "at_least": bound(of.at_least.as_ref()),
            "at_most": bound(of.at_most.as_ref()), "rounding": of.rounding().word()})
    };
    json!({"class": text::class(class.retention_class), "policy_version": version, "chosen": class.chosen,
        "source": class.source, "parts": class.parts.iter().map(part_of).collect::<Vec<_>>()})
}
