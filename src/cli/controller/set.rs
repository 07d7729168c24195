//! `akta controller set`: what kind of controller it is.

use serde_json::json;

use super::profile::Profile;
use crate::cli::args::Target;
use crate::cli::{Failure, Outcome, block_on, receipt};
use crate::client::reason;
use crate::grpc::api::SetControllerRequest;

/// Say what kind of controller it is: all of it, what is not given is not so
///
/// Permission: open (role steward). It holds for the next event.
///
///   akta controller set --controller school-3 --public-body --register-keeper
///   akta controller set --controller school-3 --public-body --group-only newsletter --foreign-purposes refuse
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    profile: Profile,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { target, profile, json } = args;
    block_on(async {
        let mut client = target.connect().await?;
        let request = SetControllerRequest { controller: target.controller.clone(), profile: Some(profile.wire()) };
        let answer = client.controllers.set_controller(request).await.map_err(|status| reason(&status))?.into_inner();
        let done = format!("{} is set", target.controller);
        receipt::say(json, &done, json!({"controller": target.controller}), answer.receipt.as_ref());
        Ok(Outcome::Good)
    })
}
