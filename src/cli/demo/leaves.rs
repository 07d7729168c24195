//! A teacher leaves: erased on a copy, and what others are told stays, with its proof.

use std::sync::Arc;
use std::time::Duration;

use super::ask::Ask;
use super::cast::{LEAVER, PUPIL, SCHOOL};
use super::folder::Place;
use super::paper::Paper;
use super::people::{acts_of, by_pseudonym};
use super::proof::{self, Looked};
use crate::cli::text::{self, count};
use crate::cli::{Failure, identity};
use crate::client::{Client, reason};
use crate::env::{Clock, ManualClock, SystemClock};
use crate::grpc::api::find_identities_request::Wanted;
use crate::grpc::api::{
    AskApprovalRequest, EraseIdentityRequest, ErasureOutcome, FindIdentitiesRequest, Identity, Person,
    SetLoneApprovalRequest,
};
use crate::model::permission::approval::LONE_WAIT;
use crate::model::stored::{Deed, ErasureGround, Purpose, RetentionClass};
use crate::server::Server;

const GROUND: &str = "letter of the day she left";

/// Erases her on a copy and looks; whether all is as it should be.
pub async fn erased(paper: Paper, place: &Place) -> Result<bool, Failure> {
    let copy = place.copy()?;
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let server = Server::start(super::options(copy.path(), clock.clone())?).await?;
    let told = tell(paper, &server.address().to_string(), &clock).await;
    let in_time = server.stop().await;
    let told = told?;
    if !in_time {
        return Err("the node did not stop in time: please report this".into());
    }
    paper.command("akta verify --dev COPY");
    Ok(tokio::task::block_in_place(|| proof::whole(paper, &Looked { data: copy.path(), clock }))? && told)
}

async fn tell(paper: Paper, address: &str, clock: &ManualClock) -> Result<bool, Failure> {
    let mut client = Client::connect(address).await?;
    let about = Ask { purpose: Purpose::SubjectRights, subject: Some(PUPIL), ..Ask::default() };
    let before = about.rows(&mut client).await?;
    paper.command(&format!("akta identity find staff:{LEAVER} --controller {SCHOOL} --purpose subject-rights"));
    let known = find(&mut client).await?;
    let name = known.first().and_then(|person| person.identity.clone()).unwrap_or_default();
    let hers = acts_of(&before, LEAVER).len();
    paper.meaning(&format!(
        "{}, in {} of the accesses to this pupil's data.",
        text::who(Some(&name)),
        text::number(hers as u64)
    ));

    let approval = asked(&mut client).await?;
    paper.command(&format!(
        "akta approval ask erasure --controller {SCHOOL} --concerning staff:{LEAVER} --ground '{GROUND}'"
    ));
    paper.meaning("Another must agree; or one person decides, as this school has chosen, and waits for two days.");
    clock.set(clock.now().plus(LONE_WAIT + Duration::from_secs(1)));

    paper.command(&format!(
        "akta identity erase staff:{LEAVER} --controller {SCHOOL} --ground-code contract-ended --ground '{GROUND}' --approval {approval}"
    ));
    let request = EraseIdentityRequest {
        controller: SCHOOL.to_owned(),
        identity: Some(leaver()),
        ground_code: ErasureGround::ContractEnded.into(),
        ground: GROUND.to_owned(),
        approval_id: approval,
        dry_run: false,
    };
    let done = client.identities.erase_identity(request).await.map_err(|status| reason(&status))?.into_inner();
    paper.table(&identity::told(&done));
    let went = done.fates.iter().any(|fate| fate.outcome() == ErasureOutcome::Erased && fate.parts > 0);

    let after = about.rows(&mut client).await?;
    // Who made an entry of the register stays named in it.
    let nameless = acts_of(&after, LEAVER).iter().all(|row| row.retention_class() == RetentionClass::Register);
    let forgotten = went && nameless;
    paper.verdict(
        forgotten,
        if forgotten { "ERASED" } else { "NOT ERASED" },
        "no key leads from her pseudonym to her any more, in this and every other copy; her sessions and addresses are gone.",
    );
    let same = by_pseudonym(&before) == by_pseudonym(&after);
    paper.verdict(
        same,
        if same { "UNCHANGED" } else { "CHANGED" },
        &format!(
            "who looked at this pupil's data: {}, hers without her name, but in the register.",
            count(after.len(), "access")
        ),
    );
    match done.receipt.as_ref() {
        Some(receipt) => paper.meaning(&format!("Notice {} of the trail tells of it, and names nobody.", receipt.seq)),
        None => paper.verdict(false, "NOT TOLD", "no notice tells of it: please report this"),
    }
    Ok(forgotten && same && done.receipt.is_some())
}

fn leaver() -> Identity {
    Identity::new("staff", LEAVER)
}

async fn find(client: &mut Client) -> Result<Vec<Person>, Failure> {
    let request = FindIdentitiesRequest {
        controller: SCHOOL.to_owned(),
        purpose: Purpose::SubjectRights.into(),
        wanted: Some(Wanted::Identity(leaver())),
        ..FindIdentitiesRequest::default()
    };
    Ok(client.identities.find_identities(request).await.map_err(|status| reason(&status))?.into_inner().people)
}

/// The school lets one person decide, who asks; the id.
async fn asked(client: &mut Client) -> Result<String, Failure> {
    let alone = SetLoneApprovalRequest { controller: SCHOOL.to_owned(), allowed: true };
    client.controllers.set_lone_approval(alone).await.map_err(|status| reason(&status))?;
    let request = AskApprovalRequest {
        controller: SCHOOL.to_owned(),
        deed: Deed::Erasure.into(),
        concerning: format!("staff:{LEAVER}"),
        ground: GROUND.to_owned(),
        ..AskApprovalRequest::default()
    };
    Ok(client.controllers.ask_approval(request).await.map_err(|status| reason(&status))?.into_inner().id)
}
