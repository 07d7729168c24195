//! A good request of every call of every service, for a controller, and what it needs.

use akta::env::{Clock, SystemClock};
use akta::grpc::api::{
    self, AnswerApprovalRequest, AskApprovalRequest, CloseControllerRequest, DeactivateIdentityRequest,
    DeclareIncidentRequest, EndGrantRequest, EndIncidentRequest, EraseIdentityRequest, FindIdentitiesRequest,
    GetCheckpointRequest, GetConsistencyProofRequest, GetEventRequest, GetInclusionProofRequest, GrantRequest,
    LiftRestrictionRequest, ListApprovalsRequest, ListGrantsRequest, ListHoldsRequest, ListIncidentsRequest,
    ListNoticesRequest, ListRetentionClassesRequest, OpenControllerRequest, PlaceHoldRequest, PreviewExpiryRequest,
    RecordEventRequest, RecordEventsRequest, ReleaseHoldRequest, RestrictIdentityRequest, ReviewHoldRequest,
    RunExpiryRequest, SearchEventsRequest, SearchOrder, SetControllerRequest, SetLoneApprovalRequest,
    SetRetentionRequest, StreamEventsRequest, VerifyTrailRequest, find_identities_request, get_event_request,
};
use akta::model::date::Date;
use akta::model::hold::REMIND_DAYS;
use akta::model::permission::Permission;
use akta::model::permission::role::Role;
use akta::model::stored::{
    Action, ChosenLifetime, ChosenLifetimes, Deed, HoldKind, Purpose, RetentionClass, chosen_lifetime,
};
use prost::Message;

use super::support::{Events, pupil, seconds_from_now};

/// A call: its name, what it needs, any of these, and a good request of it for a controller.
pub(crate) type Row = (&'static str, &'static [Permission], fn(&str) -> Vec<u8>);

/// The one call that is about no controller in particular: it answers what the caller may see.
pub(crate) const LIST: &str = "ControllerService/ListControllers";

/// The one call that is about the whole node, whoever asks about which controller.
pub(crate) const WHOLE: &str = "RetentionService/RunExpiry";

pub(crate) const ROWS: [Row; 37] = [
    ("IngestService/RecordEvent", &[Permission::Record], |of| {
        RecordEventRequest { event: Some(event(of)) }.encode_to_vec()
    }),
    ("IngestService/RecordEvents", &[Permission::Record], |of| {
        RecordEventsRequest { events: vec![event(of)] }.encode_to_vec()
    }),
    ("IngestService/StreamEvents", &[Permission::Record], |of| {
        StreamEventsRequest { event: Some(event(of)) }.encode_to_vec()
    }),
    ("HistoryService/SearchEvents", &[Permission::Search], |of| search(of).encode_to_vec()),
    ("HistoryService/GetEvent", &[Permission::Search], |of| {
        let key = Some(get_event_request::Key::Seq(1));
        let (controller, purpose) = (of.to_owned(), Purpose::Security.into());
        GetEventRequest { controller, purpose, key, ..Default::default() }.encode_to_vec()
    }),
    ("HistoryService/ListNotices", &[Permission::Notices], |of| {
        ListNoticesRequest { controller: of.to_owned(), ..Default::default() }.encode_to_vec()
    }),
    ("EvidenceService/GetCheckpoint", &[Permission::Prove], |of| {
        GetCheckpointRequest { controller: of.to_owned(), ..Default::default() }.encode_to_vec()
    }),
    ("EvidenceService/GetInclusionProof", &[Permission::Prove], |of| {
        GetInclusionProofRequest { controller: of.to_owned(), ..Default::default() }.encode_to_vec()
    }),
    ("EvidenceService/GetConsistencyProof", &[Permission::Prove], |of| {
        GetConsistencyProofRequest { controller: of.to_owned(), old_size: 1, ..Default::default() }.encode_to_vec()
    }),
    ("EvidenceService/VerifyTrail", &[Permission::Verify], |of| {
        VerifyTrailRequest { controller: of.to_owned(), origin: String::new() }.encode_to_vec()
    }),
    ("ControllerService/OpenController", &[Permission::Open], |of| {
        OpenControllerRequest { controller: of.to_owned(), ..Default::default() }.encode_to_vec()
    }),
    ("ControllerService/SetController", &[Permission::Open], |of| {
        SetControllerRequest { controller: of.to_owned(), profile: Some(api::ControllerProfile::default()) }
            .encode_to_vec()
    }),
    // Only counted: what it would destroy is asked about by the other rows.
    ("ControllerService/CloseController", &[Permission::Erase], |of| {
        CloseControllerRequest { controller: of.to_owned(), dry_run: true, ..Default::default() }.encode_to_vec()
    }),
    (LIST, &[Permission::List], |_| api::ListControllersRequest::default().encode_to_vec()),
    ("ControllerService/SetLoneApproval", &[Permission::Grant], |of| {
        SetLoneApprovalRequest { controller: of.to_owned(), allowed: false }.encode_to_vec()
    }),
    ("ControllerService/Grant", &[Permission::Grant], |of| grant(of, "").encode_to_vec()),
    ("ControllerService/EndGrant", &[Permission::Grant], |of| {
        EndGrantRequest { controller: of.to_owned(), id: GRANT.to_owned(), ground: "over".to_owned() }.encode_to_vec()
    }),
    ("ControllerService/ListGrants", &[Permission::Notices], |of| {
        let (controller, purpose) = (of.to_owned(), Purpose::Security.into());
        ListGrantsRequest { controller, purpose, ..Default::default() }.encode_to_vec()
    }),
    ("ControllerService/DeclareIncident", &[Permission::Incident], |of| incident(of).encode_to_vec()),
    ("ControllerService/EndIncident", &[Permission::Incident], |of| {
        let controllers = vec![of.to_owned()];
        EndIncidentRequest { id: INCIDENT.to_owned(), controllers, ground: "over".to_owned() }.encode_to_vec()
    }),
    ("ControllerService/ListIncidents", &[Permission::Notices], |of| {
        let (controller, purpose) = (of.to_owned(), Purpose::Security.into());
        ListIncidentsRequest { controller, purpose, ..Default::default() }.encode_to_vec()
    }),
    ("ControllerService/AskApproval", &[Permission::Erase], |of| approval(of, "").encode_to_vec()),
    ("ControllerService/AnswerApproval", &[Permission::Approve], |of| {
        let (controller, id) = (of.to_owned(), APPROVAL.to_owned());
        AnswerApprovalRequest { controller, id, agrees: true, ground: String::new() }.encode_to_vec()
    }),
    ("ControllerService/ListApprovals", &[Permission::Approve, Permission::Notices], |of| {
        let (controller, purpose) = (of.to_owned(), Purpose::SubjectRights.into());
        ListApprovalsRequest { controller, purpose, ..Default::default() }.encode_to_vec()
    }),
    ("RetentionService/ListRetentionClasses", &[Permission::List], |of| {
        ListRetentionClassesRequest { controller: of.to_owned() }.encode_to_vec()
    }),
    ("RetentionService/SetRetention", &[Permission::Retention], |of| {
        let (controller, ground) = (of.to_owned(), "resolution 7".to_owned());
        SetRetentionRequest { controller, ground, dry_run: false, choices: vec![year()] }.encode_to_vec()
    }),
    ("RetentionService/PreviewExpiry", &[Permission::List], |of| {
        PreviewExpiryRequest { controllers: vec![of.to_owned()], ..Default::default() }.encode_to_vec()
    }),
    (WHOLE, &[Permission::Purge], |_| RunExpiryRequest::default().encode_to_vec()),
    ("RetentionService/PlaceHold", &[Permission::Hold], |of| hold(of, "").encode_to_vec()),
    ("RetentionService/ReviewHold", &[Permission::Hold], |of| {
        let (controller, id, ground) = (of.to_owned(), HOLD.to_owned(), "not decided".to_owned());
        ReviewHoldRequest { controller, id, ground, review_on: days_from_now(2 * REMIND_DAYS) }.encode_to_vec()
    }),
    ("RetentionService/ListHolds", &[Permission::Hold], |of| {
        let (controller, purpose) = (of.to_owned(), Purpose::LegalClaim.into());
        ListHoldsRequest { controller, purpose, ..Default::default() }.encode_to_vec()
    }),
    ("RetentionService/ReleaseHold", &[Permission::Hold], |of| {
        ReleaseHoldRequest { controller: of.to_owned(), id: HOLD.to_owned(), ground: "settled".to_owned() }
            .encode_to_vec()
    }),
    ("IdentityService/FindIdentities", &[Permission::Search], |of| {
        let (controller, purpose) = (of.to_owned(), Purpose::SubjectRights.into());
        let wanted = person().map(find_identities_request::Wanted::Identity);
        FindIdentitiesRequest { controller, purpose, wanted, ..Default::default() }.encode_to_vec()
    }),
    ("IdentityService/DeactivateIdentity", &[Permission::Erase], |of| {
        let (controller, ground) = (of.to_owned(), "left".to_owned());
        DeactivateIdentityRequest { controller, identity: person(), ground, ..Default::default() }.encode_to_vec()
    }),
    ("IdentityService/EraseIdentity", &[Permission::Erase], |of| {
        let controller = of.to_owned();
        EraseIdentityRequest { controller, identity: person(), dry_run: true, ..Default::default() }.encode_to_vec()
    }),
    ("IdentityService/RestrictIdentity", &[Permission::Erase], |of| {
        let (controller, ground) = (of.to_owned(), "contested".to_owned());
        RestrictIdentityRequest { controller, identity: person(), ground }.encode_to_vec()
    }),
    ("IdentityService/LiftRestriction", &[Permission::Erase], |of| {
        let (controller, ground) = (of.to_owned(), "settled".to_owned());
        LiftRestrictionRequest { controller, identity: person(), ground }.encode_to_vec()
    }),
];

/// Somebody whom each school knows from its first event on.
const PERSON: usize = 204;

fn person() -> Option<api::Identity> {
    pupil(PERSON).identity
}

/// What the first school has decided before.
pub(crate) const GRANT: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073901";
pub(crate) const INCIDENT: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073902";
pub(crate) const APPROVAL: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073903";
pub(crate) const HOLD: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073904";

/// Accesses live for a year.
pub(crate) fn year() -> ChosenLifetimes {
    let core = Some(ChosenLifetime { length: Some(chosen_lifetime::Length::Months(12)) });
    ChosenLifetimes { retention_class: RetentionClass::Access.into(), core, ..Default::default() }
}

pub(crate) fn grant(of: &str, id: &str) -> GrantRequest {
    GrantRequest {
        controller: of.to_owned(),
        id: id.to_owned(),
        holder: Some(api::Holder { holder: Some(api::holder::Holder::Uid(7)) }),
        permissions: vec!["search".to_owned()],
        ground: "contract 9".to_owned(),
        from: None,
        until: Some(seconds_from_now(3_600)),
    }
}

pub(crate) fn incident(of: &str) -> DeclareIncidentRequest {
    DeclareIncidentRequest {
        controllers: vec![of.to_owned()],
        ground: "ticket 4711".to_owned(),
        until: Some(seconds_from_now(3_600)),
        ..Default::default()
    }
}

pub(crate) fn approval(of: &str, id: &str) -> AskApprovalRequest {
    AskApprovalRequest {
        controller: of.to_owned(),
        id: id.to_owned(),
        deed: Deed::Erasure.into(),
        concerning: "pupil:p-204".to_owned(),
        ground: "ticket 4711".to_owned(),
    }
}

/// Of everything that was read.
pub(crate) fn hold(of: &str, id: &str) -> PlaceHoldRequest {
    PlaceHoldRequest {
        controller: of.to_owned(),
        id: id.to_owned(),
        kind: HoldKind::Case.into(),
        filter: Some(api::EventFilter { actions: vec![Action::Read.into()], ..Default::default() }),
        owner: "legal office".to_owned(),
        ground: "claim 17".to_owned(),
        review_on: days_from_now(REMIND_DAYS),
        may_be_empty: true,
        ..Default::default()
    }
}

fn days_from_now(days: u32) -> String {
    Date::of_utc(SystemClock.now()).plus_days(days).to_string()
}

pub(crate) fn may(role: Role, needs: &[Permission]) -> bool {
    needs.iter().any(|need| role.may(*need))
}

pub(crate) fn search(of: &str) -> SearchEventsRequest {
    SearchEventsRequest {
        controller: of.to_owned(),
        purpose: Purpose::Security.into(),
        order: SearchOrder::NewestFirst.into(),
        page_size: 1_000,
        ..Default::default()
    }
}

/// An event of that school, with an id of its own.
pub(crate) fn event(of: &str) -> api::Event {
    use std::sync::atomic::{AtomicU32, Ordering};
    static SOURCES: AtomicU32 = AtomicU32::new(1_000_000);
    let mut event = Events::of(SOURCES.fetch_add(1, Ordering::Relaxed)).read();
    event.controller = of.to_owned();
    event.subjects = vec![pupil(PERSON)];
    event
}
