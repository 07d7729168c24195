//! `akta controller open`: a trail of its own for a controller.

use super::profile::Profile;
use crate::cli::args::Target;
use crate::cli::text::{self, say};
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::OpenControllerRequest;

/// Open a controller's trail, in its time zone
///
/// Permission: open (role steward). The zone is fixed for good: days of expiry are counted in it.
/// One that is open already stays as it is, whatever else is given; "akta controller set" changes
/// what kind it is. It need not stand in the configuration. Exit 3 if it is open in another zone.
///
///   akta controller open --controller school-3
///   akta controller open --controller school-4 --zone Europe/Vilnius --public-body --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// IANA time zone, for example Europe/Warsaw [default: the node's]
    #[arg(long, value_name = "ZONE", default_value = "", hide_default_value = true)]
    zone: String,
    #[command(flatten)]
    profile: Profile,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { target, zone, profile, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let profile = Some(profile.wire());
        let request = OpenControllerRequest { controller: target.controller.clone(), zone, profile };
        let answer = client.controllers.open_controller(request).await.map_err(|status| reason(&status))?.into_inner();
        let about = answer.controller.unwrap_or_default();
        if json {
            let mut object = super::list::object(&about);
            object["opened"] = answer.opened.into();
            say(text::json(&object));
        } else {
            let how = if answer.opened { "is open" } else { "was open already, and stays as it is" };
            say(format!("{} {how}: {}, {}", about.controller, about.origin, about.zone));
        }
        Ok(Outcome::Good)
    })
}
