//! Decisions: the whole matrix as a text, and what holds for every policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;

use super::acts::Acts;
use super::change::{Change, Decided};
use super::decide::{Decision, Denial, Permitted, decide, services};
use super::grants::{Act, Grant, INCIDENT_MAX, Span};
use super::holder::Holder;
use super::issuer::{Algorithm, Issuer, Keys};
use super::policy::{Entry, Policy, Staff};
use super::role::Role;
use super::scope::Scope;
use super::who_can::{Through, who_can};
use super::{Permission, Reach};
use crate::model::caller::{Caller, Claims, Credential};
use crate::model::date::Timestamp;
use crate::model::origin::Controller;
use crate::model::spiffe::SpiffeId;

const ISSUER: &str = "https://login.example";
/// In every scope that names controllers; the second school is another's, the third one does not exist.
const OWN: &str = "school-1";
const OTHER: &str = "school-2";
const UNKNOWN: &str = "school-3";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

fn controller(name: &str) -> Controller {
    Controller::new(name).expect("a name")
}

fn person(subject: &str, groups: &[&str]) -> Caller {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Caller::new(Credential::Person(Claims { issuer: ISSUER.to_owned(), subject: subject.to_owned(), groups }))
}

fn subject(subject: &str) -> Holder {
    Holder::Subject { issuer: ISSUER.to_owned(), subject: subject.to_owned() }
}

fn group(group: &str) -> Holder {
    Holder::Group { issuer: ISSUER.to_owned(), group: group.to_owned() }
}

fn entry(holder: Holder, staff: Staff, controllers: &[&str], roles: &[Role]) -> Option<Entry> {
    let scope = Scope::parse(controllers.iter().copied())?;
    let service = roles.contains(&Role::Ingest).then(|| "gradebook".to_owned());
    let name = format!("{holder} for {scope}");
    Entry::new(&name, holder, staff, scope, roles.iter().copied().collect(), service).ok()
}

fn policy(entries: impl IntoIterator<Item = Entry>) -> Policy {
    let issuer = Issuer {
        url: ISSUER.to_owned(),
        audience: "akta".to_owned(),
        keys: Keys::File("jwks.json".into()),
        algorithms: vec![Algorithm::Es256],
    };
    Policy::new(entries.into_iter().collect(), vec![issuer], None).expect("every issuer is known")
}

fn span(from: i64, until: i64) -> Span {
    Span::new(at(from), at(until), INCIDENT_MAX).expect("a span")
}

fn grant(id: &str, holder: Holder, permissions: &[Permission], from: i64, until: i64) -> Change {
    let permissions = permissions.iter().copied().collect();
    Change::Grant { id: id.into(), holder, permissions, span: span(from, until) }
}

fn incident(from: i64, until: i64) -> Change {
    Change::Incident { id: format!("i{from}-{until}").into(), span: span(from, until) }
}

/// What a controller decided.
fn acts(changes: impl IntoIterator<Item = Change>) -> Acts {
    let mut acts = Acts::default();
    for change in changes {
        let decided = Decided { by: "anna".to_owned(), ground: "ticket 7".to_owned() };
        acts.apply(change, decided, at(0));
    }
    acts
}

/// What controllers decided: this one that, the others nothing.
#[derive(Debug, Clone, Default)]
struct World(BTreeMap<Controller, Acts>);

impl World {
    fn of(controllers: &[&str], changes: &[Change]) -> Self {
        Self(controllers.iter().map(|of| (controller(of), acts(changes.iter().cloned()))).collect())
    }

    fn acts(&self, of: &Controller) -> Acts {
        self.0.get(of).cloned().unwrap_or_default()
    }
}

fn grantable() -> Vec<Permission> {
    Permission::ALL.into_iter().filter(|permission| permission.reach() == Reach::Content).collect()
}

/// One sheet: each permission by each role; for the own, another's and no controller's trail.
fn sheet(title: &str, staff: Staff, scope: &[&str], world: &World) -> String {
    let mut sheet = format!("{title}\n{:<12}", "");
    Role::ALL.iter().for_each(|role| write!(sheet, "{role:<10}").expect("writes"));
    sheet.truncate(sheet.trim_end().len());
    for permission in Permission::ALL {
        write!(sheet, "\n{permission:<12}").expect("writes");
        for role in Role::ALL {
            let policy = policy(entry(subject("anna"), staff, scope, &[role]));
            let cell: String = [OWN, OTHER, UNKNOWN]
                .iter()
                .map(|of| controller(of))
                .map(|of| decide(&policy, &world.acts(&of), &person("anna", &[]), permission, &of, at(5)))
                .map(|decision| match decision {
                    Decision::Permitted(Permitted::Entry(_) | Permitted::Dev) => 'x',
                    Decision::Permitted(Permitted::Grant(..)) => 'g',
                    Decision::Permitted(Permitted::Incident(..)) => 'i',
                    Decision::Denied(_) => '.',
                })
                .collect();
            write!(sheet, "{cell:<10}").expect("writes");
        }
        sheet.truncate(sheet.trim_end().len());
    }
    sheet.push_str("\n\n");
    sheet
}

/// A change of who may what shows as a change of this text.
#[test]
fn the_matrix_is_the_kept_one() {
    let none = World::default();
    let granted = World::of(&[OWN], &[grant("g", subject("anna"), &grantable(), 0, 10)]);
    let incident = World::of(&[OWN, OTHER, UNKNOWN], &[incident(0, 10)]);
    let matrix = [
        sheet("A school's own staff, for it", Staff::Controller, &[OWN], &none),
        sheet("The vendor's staff, for one school", Staff::Processor, &[OWN], &none),
        sheet("The same, with a grant of this school for all that can be granted", Staff::Processor, &[OWN], &granted),
        sheet("The vendor's staff, for all controllers", Staff::Processor, &["*"], &none),
        sheet("The same, with a grant of one school", Staff::Processor, &["*"], &granted),
        sheet("The same, without a grant, in an incident of all", Staff::Processor, &["*"], &incident),
    ];
    let kept = include_str!("matrix.txt");
    let (head, kept) = kept.split_once("\n\n").expect("a head");
    assert!(head.starts_with("Who may what"), "{head}");
    let found = matrix.concat();
    assert_eq!(found.trim_end(), kept.trim_end(), "\n{found}");
}

#[test]
fn reasons_tell_how_near_a_caller_came() {
    let entries = [
        entry(subject("anna"), Staff::Controller, &[OWN], &[Role::Approver]),
        entry(group("support"), Staff::Processor, &["*"], &[Role::Contact]),
        entry(subject("piotr"), Staff::Processor, &[OTHER], &[Role::Auditor]),
    ];
    let policy = policy(entries.into_iter().flatten());
    let granted = [
        grant("over", group("support"), &[Permission::Search], 0, 3),
        grant("later", group("support"), &[Permission::Erase], 6, 9),
        grant("others", group("nobody"), &[Permission::Export], 0, 9),
    ];
    let world = World::of(&[OWN], &granted);
    let no_grant = |other: Option<&str>| Denial::NoGrant { other: other.map(Into::into) };
    let rows = [
        (person("ewa", &[]), Permission::Search, OWN, Denial::Stranger),
        (person("ewa", &["anna"]), Permission::Search, OWN, Denial::Stranger),
        (Caller::new(Credential::Socket { uid: 0 }), Permission::Operate, "node", Denial::Stranger),
        (person("anna", &[]), Permission::Approve, OTHER, Denial::Controller),
        (person("anna", &[]), Permission::Approve, "node", Denial::Controller),
        (person("anna", &[]), Permission::Search, OWN, Denial::Role),
        (person("ewa", &["support"]), Permission::Grant, OWN, Denial::OwnStaffOnly),
        (person("ewa", &["support"]), Permission::Search, OWN, no_grant(Some("over"))),
        (person("ewa", &["support"]), Permission::Erase, OWN, no_grant(Some("later"))),
        (person("ewa", &["support"]), Permission::Export, OWN, no_grant(None)),
        (person("piotr", &[]), Permission::Search, OWN, Denial::Controller),
        // The nearest of several entries.
        (person("piotr", &["support"]), Permission::Search, OWN, no_grant(Some("over"))),
    ];
    for (caller, permission, of, denial) in rows {
        let of = controller(of);
        let found = decide(&policy, &world.acts(&of), &caller, permission, &of, at(5));
        assert_eq!(found, Decision::Denied(denial), "{caller} {permission} {of}");
    }
}

#[test]
fn a_service_reports_in_its_own_name() {
    let gradebook = Holder::Workload(SpiffeId::parse("spiffe://schools.example/gradebook").expect("an id"));
    let Holder::Workload(id) = &gradebook else { unreachable!("it was made one") };
    let caller = Caller::new(Credential::Workload(id.clone()));
    let policy = policy(entry(gradebook, Staff::Processor, &[OWN], &[Role::Ingest]));
    let rows = [
        (&caller, OWN, "gradebook", true),
        (&caller, OWN, "payments", false),
        (&caller, OWN, "", false),
        (&caller, OTHER, "gradebook", false),
        (&person("anna", &[]), OWN, "gradebook", false),
    ];
    for (caller, of, service, may) in rows {
        let may_as = services(&policy, caller, &controller(of)).any(|named| named == service);
        assert_eq!(may_as, may, "{caller} {of} {service}");
    }
}

#[test]
fn entries_that_do_not_go_together_are_refused() {
    use Staff::{Controller, Processor};
    type Row<'a> = (Staff, &'a [&'a str], &'a [Role], Option<&'a str>, Option<&'a str>);
    let rows: [Row<'_>; 9] = [
        (Controller, &[OWN], &[Role::Contact], None, None),
        (Processor, &["*"], &[Role::Security], None, None),
        (Processor, &["node"], &[Role::Operator], None, None),
        (Controller, &[OWN], &[Role::Ingest], Some("gradebook"), None),
        (Controller, &["*"], &[Role::Contact], None, Some("staff")),
        (Controller, &[OWN, "node"], &[Role::Auditor], None, Some("staff")),
        (Processor, &[OWN], &[], None, Some("roles")),
        (Processor, &[OWN], &[Role::Ingest], None, Some("service")),
        (Processor, &[OWN], &[Role::Auditor], Some("gradebook"), Some("service")),
    ];
    for (staff, controllers, roles, service, refused) in rows {
        let scope = Scope::parse(controllers.iter().copied()).expect("a scope");
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let made = Entry::new("e", subject("anna"), staff, scope, roles.clone(), service.map(str::to_owned));
        assert_eq!(made.err().map(|bad| bad.field).as_deref(), refused, "{staff:?} {controllers:?} {roles:?}");
    }
    let stranger = Holder::Subject { issuer: "https://other.example".to_owned(), subject: "anna".to_owned() };
    let of_nobody = entry(stranger, Processor, &[OWN], &[Role::Auditor]).expect("an entry");
    assert_eq!(Policy::new(vec![of_nobody.clone()], Vec::new(), None), Err(of_nobody.name().clone()));
    for (permissions, good) in [
        (grantable(), true),
        (Vec::new(), false),
        (vec![Permission::Grant], false),
        (vec![Permission::Search, Permission::Operate], false),
    ] {
        let act = Act { id: "g".into(), ground: "ticket 7".to_owned(), by: "anna".to_owned(), span: span(0, 1) };
        let made = Grant::new(act, subject("anna"), permissions.iter().copied().collect());
        assert_eq!(made.is_ok(), good, "{permissions:?}");
    }
}

// What holds for every policy, over a small world in which rules meet often.

const SCOPES: [&[&str]; 5] = [&[OWN], &[OTHER], &[OWN, OTHER], &["*"], &["node"]];

fn holders() -> impl Strategy<Value = Holder> {
    prop::sample::select(vec![
        subject("anna"),
        subject("piotr"),
        group("support"),
        Holder::Socket(7),
        Holder::Workload(SpiffeId::parse("spiffe://a/b").expect("an id")),
    ])
}

fn callers() -> impl Strategy<Value = Caller> {
    prop::sample::select(vec![
        person("anna", &[]),
        person("anna", &["support"]),
        person("piotr", &["support", "staff"]),
        person("ewa", &[]),
        Caller::new(Credential::Socket { uid: 7 }),
        Caller::new(Credential::Workload(SpiffeId::parse("spiffe://a/b").expect("an id"))),
    ])
}

fn entries() -> impl Strategy<Value = Entry> {
    let roles = prop::sample::subsequence(Role::ALL.to_vec(), 1..=Role::ALL.len());
    let staff = prop::sample::select(vec![Staff::Controller, Staff::Processor]);
    (holders(), staff, prop::sample::select(SCOPES.to_vec()), roles)
        .prop_filter_map("does not go together", |(holder, staff, scope, roles)| entry(holder, staff, scope, &roles))
}

fn one_grant() -> impl Strategy<Value = Change> {
    let permissions = prop::sample::subsequence(grantable(), 1..=3);
    (holders(), permissions, 0_i64..8, 1_i64..8).prop_map(|(holder, permissions, from, lasts)| {
        grant(&format!("g{from}-{lasts}"), holder, &permissions, from, from + lasts)
    })
}

fn one_incident() -> impl Strategy<Value = Change> {
    (0_i64..8, 1_i64..8).prop_map(|(from, lasts)| incident(from, from + lasts))
}

fn decided() -> impl Strategy<Value = Acts> {
    (prop::collection::vec(one_grant(), 0..4), prop::collection::vec(one_incident(), 0..2))
        .prop_map(|(grants, incidents)| acts(grants.into_iter().chain(incidents)))
}

fn worlds() -> impl Strategy<Value = (Policy, World)> {
    let world = (decided(), decided())
        .prop_map(|(own, other)| World([(controller(OWN), own), (controller(OTHER), other)].into()));
    (prop::collection::vec(entries(), 0..5), world).prop_map(|(entries, world)| (policy(entries), world))
}

fn permissions() -> impl Strategy<Value = Permission> {
    prop::sample::select(Permission::ALL.to_vec())
}

fn controllers() -> impl Strategy<Value = Controller> {
    prop::sample::select(vec![controller(OWN), controller(OTHER), controller(UNKNOWN), Controller::node()])
}

proptest! {
    #[test]
    fn nobody_may_what_no_entry_of_theirs_gives(
        (policy, world) in worlds(), caller in callers(), permission in permissions(), of in controllers(), now in 0_i64..16,
    ) {
        let gives = |entry: &Entry| {
            caller.is(entry.holder()) && entry.scope().covers(&of) && entry.role_for(permission).is_some()
        };
        let found = decide(&policy, &world.acts(&of), &caller, permission, &of, at(now));
        if !policy.entries().iter().any(gives) {
            prop_assert!(matches!(found, Decision::Denied(_)), "{found:?}");
        }
    }

    #[test]
    fn vendors_see_a_school_only_while_it_lets_them(
        (policy, world) in worlds(), caller in callers(), permission in permissions(), of in controllers(), now in 0_i64..16,
    ) {
        let found = decide(&policy, &world.acts(&of), &caller, permission, &of, at(now));
        let Decision::Permitted(permitted) = found else { return Ok(()) };
        let basis = permitted.basis().expect("nobody is dev");
        if basis.staff == Staff::Processor && !of.is_node() {
            prop_assert_ne!(permission.reach(), Reach::Own);
            prop_assert_eq!(permitted.lease().is_some(), permission.reach() == Reach::Content);
        }
        if permitted.withholds_names() {
            prop_assert_eq!((permission, basis.role), (Permission::Search, Role::Security));
        }
        if let Permitted::Grant(_, lease) = &permitted {
            let holds = world.acts(&of).grants().iter().any(|grant| {
                grant.act().id == lease.id && caller.is(grant.holder())
                    && grant.permissions().contains(&permission) && grant.act().span.covers(at(now))
            });
            prop_assert!(holds);
        }
    }

    #[test]
    fn a_grant_never_takes_away(
        (policy, world) in worlds(), more in one_grant(), caller in callers(), permission in permissions(),
        of in controllers(), now in 0_i64..16,
    ) {
        let before = world.acts(&of);
        let mut after = before.clone();
        after.apply(more, Decided { by: "anna".to_owned(), ground: "ticket 7".to_owned() }, at(0));
        let [before, after] = [&before, &after].map(|acts| decide(&policy, acts, &caller, permission, &of, at(now)));
        if let Ok(before) = before.permitted() {
            let after = after.permitted().expect("may no longer");
            prop_assert!(before.withholds_names() || !after.withholds_names());
            prop_assert!(before.lease().is_none() == after.lease().is_none());
            if let (Some(before), Some(after), false) = (before.lease(), after.lease(), before.withholds_names()) {
                prop_assert!(before.until <= after.until);
            }
        }
    }

    #[test]
    fn a_grant_ends_to_the_second(
        (policy, world) in worlds(), caller in callers(), permission in permissions(), of in controllers(), now in 0_i64..16,
    ) {
        let found = decide(&policy, &world.acts(&of), &caller, permission, &of, at(now));
        let Decision::Permitted(permitted) = found else { return Ok(()) };
        let Some(lease) = permitted.lease() else { return Ok(()) };
        let last = Timestamp::from_nanos(lease.until.nanos() - 1);
        let still = decide(&policy, &world.acts(&of), &caller, permission, &of, last);
        prop_assert!(still.permitted().is_ok(), "it ended early");
        let over = decide(&policy, &world.acts(&of), &caller, permission, &of, lease.until);
        prop_assert_ne!(over.permitted().ok().and_then(|over| over.lease().cloned()), Some(lease.clone()));
    }

    /// The world names school-2 in scopes and grants, and school-3 nowhere. Whoever is in no scope with the second learns
    /// nothing of that.
    #[test]
    fn a_foreign_controller_is_refused_like_one_that_does_not_exist(
        (policy, world) in worlds(), caller in callers(), permission in permissions(), now in 0_i64..16,
    ) {
        let foreign = !policy.of(&caller).any(|entry| entry.scope().named().any(|of| of.as_str() == OTHER));
        // Of everything, only a grant or an incident can tell two controllers apart.
        let all = policy.of(&caller).any(|entry| *entry.scope() == Scope::All);
        if foreign && !all {
            let [other, unknown] = [OTHER, UNKNOWN].map(controller)
                .map(|of| decide(&policy, &world.acts(&of), &caller, permission, &of, at(now)));
            prop_assert!(matches!(other, Decision::Denied(_)), "{other:?}");
            prop_assert_eq!(other, unknown);
        }
    }

    /// Who may by a decision is among those who can, through the same; and the other way round.
    #[test]
    fn who_can_and_decide_say_the_same(
        (policy, world) in worlds(), caller in callers(), permission in permissions(), of in controllers(), now in 0_i64..16,
    ) {
        let can = who_can(&policy, &world.acts(&of), permission, &of, at(now));
        let mine = can.answers.iter().filter(|answer| {
            caller.is(&answer.who) && answer.who_also_is.as_ref().is_none_or(|also| caller.is(also))
        });
        let mine: Vec<_> = mine.collect();
        match decide(&policy, &world.acts(&of), &caller, permission, &of, at(now)) {
            Decision::Denied(denial) => prop_assert!(mine.is_empty(), "{denial}: {mine:?}"),
            Decision::Permitted(permitted) => {
                let through = match &permitted {
                    Permitted::Dev => unreachable!("nobody is dev"),
                    Permitted::Entry(_) => Through::Entry,
                    Permitted::Grant(_, lease) => Through::Grant(lease.clone()),
                    Permitted::Incident(_, lease) => Through::Incident(lease.clone()),
                };
                let same = mine.iter().any(|answer| Some(&answer.basis) == permitted.basis() && answer.through == through);
                prop_assert!(same, "{permitted:?}: {mine:?}");
            }
        }
    }
}
