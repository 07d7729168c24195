//! What `akta serve` would refuse in a configuration: all of it at once, each with its remedy.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use super::Options;
use super::effective::{Effective, Variables};
use crate::cli::Failure;
use crate::config::listen::ways;
use crate::config::{Access, CopiesFile, File, Listen, Size};
use crate::env::{Clock, SystemClock};
use crate::grpc::transport::tls::Loaded;
use crate::grpc::transport::{Now, Role, Ways};
use crate::model::origin::{Controller, is_name};
use crate::model::permission::advice::advice;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// What keeps the server from starting.
    pub(super) problems: Vec<String>,
    /// What it would start with all the same.
    pub(super) notes: Vec<String>,
}

/// Checks everything that can be checked without data folder and port.
pub(super) fn check(options: &Options, variables: &Variables) -> Result<Report, Failure> {
    let mut report = Report { notes: unknown(variables), ..Report::default() };
    match Effective::read(options, variables) {
        Ok(effective) => {
            report.settings(&effective);
            report.policy(&effective);
        }
        Err(Failure(why)) => report.problems.push(why),
    }
    Ok(report)
}

impl Report {
    fn settings(&mut self, effective: &Effective) {
        if effective.value("data").is_none_or(str::is_empty) {
            self.problem("data is not set: give --data DIR, AKTA_DATA, or data = \"DIR\" in the file");
        }
        let given = effective.text("listen").map(Listen::from_str).transpose();
        match given
            .map_err(|why| vec![format!("listen: {why}")])
            .and_then(|given| ways(given.as_ref(), &effective.file))
        {
            Ok(ways) => self.ways(&ways),
            Err(wrong) => self.problems.extend(wrong),
        }
        if let Some(Err(why)) = effective.text("disk_reserve").map(str::parse::<Size>) {
            self.problem(format!("disk_reserve: {why}"));
        }
        let file = &effective.file;
        // Each on its own, so that one bad setting does not hide the next.
        let authority = File { authority: file.authority.clone(), ..File::default() };
        let zone = File { zone: file.zone.clone(), ..File::default() };
        let controllers =
            file.controllers.iter().map(|name| File { controllers: vec![name.clone()], ..File::default() });
        let mut settings = |file: File, dev| {
            if let Err(why) = file.settings(dev) {
                self.problem(why.to_string());
            }
        };
        settings(authority, effective.dev);
        settings(zone, true);
        controllers.for_each(|controller| settings(controller, true));
        if file.authority.as_deref().is_some_and(|authority| !is_name(authority)) {
            self.problem("authority must be 1 to 63 of a-z 0-9 . _ -: name who runs this node, akta.example.org");
        }
        if file.controllers.is_empty() && !effective.dev {
            self.notes
                .push("controllers is empty: a trail is opened by akta controller open, not at its first event".into());
        }
        if let Some(Err(why)) = file.copies.as_ref().map(CopiesFile::rhythm) {
            self.problem(why.to_string());
        }
        self.abroad(file);
        if let Err(why) = effective.kek().provider().and_then(|provider| provider.check()) {
            self.problem(why.to_string());
        }
    }

    /// What leaves the European Economic Area may do so on a ground only (GDPR chapter V).
    fn abroad(&mut self, file: &File) {
        match file.region() {
            Ok(Some(region)) if !region.is_in_eea() => self.notes.push(format!(
                "region {region} is outside the European Economic Area: every record leaves it, which takes a ground under GDPR chapter V"
            )),
            Ok(_) => {}
            Err(why) => self.problem(why.to_string()),
        }
        match file.recipients() {
            Ok(recipients) => {
                let outside = recipients.iter().filter(|(_, country)| !country.is_in_eea()).count();
                if outside > 0 {
                    self.notes.push(format!(
                        "{outside} of {} recipients are outside the European Economic Area: each disclosure to them is flagged OUTSIDE_EEA",
                        recipients.iter().len()
                    ));
                }
            }
            Err(why) => self.problems.extend(why.to_string().lines().map(str::to_owned)),
        }
    }

    fn policy(&mut self, effective: &Effective) {
        let file = &effective.file;
        match file.access(effective.dev) {
            Ok(Access::Everybody) if !effective.dev => {
                self.notes.push("open_to_everybody: whoever reaches a listener may do everything".to_owned());
            }
            // What is wrong with a policy is said below.
            Err(why) if file.policy.is_none() || file.open_to_everybody => self.problem(why.to_string()),
            Ok(_) | Err(_) => {}
        }
        match file.rules() {
            Ok(None) => {}
            Ok(Some(policy)) => {
                let named = policy.entries().iter().flat_map(|entry| entry.scope().named());
                let controllers: BTreeSet<Controller> = match file.controllers.is_empty() {
                    // Opened by calls: the policy alone tells which there may be.
                    true => named.filter(|of| !of.is_node()).cloned().collect(),
                    false => file.controllers.iter().filter_map(|of| Controller::new(of)).collect(),
                };
                let advice = advice(&policy, &controllers);
                self.notes.extend(advice.iter().map(|advice| format!("policy: {advice}")));
            }
            Err(why) => self.problem(why.to_string()),
        }
    }

    fn ways(&mut self, ways: &Ways) {
        let serves = |part| ways.listeners.iter().any(|listener| listener.role.serves(part));
        for (part, what) in
            [(Role::Ingest, "takes events"), (Role::History, "answers questions"), (Role::Ops, "tells of health")]
        {
            if !serves(part) {
                self.notes.push(format!("no listener {what}: there is neither [listen.{part}] nor [listen.api]"));
            }
        }
        let Some(files) = &ways.tls else { return };
        if ways.listeners.iter().all(|listener| listener.tls.is_none()) {
            self.notes.push("there is [tls], but no listener has TLS".to_owned());
        }
        let now: Now = Arc::new(|| SystemClock.now());
        match Loaded::read(files, &now) {
            Ok(loaded) if loaded.not_after < now() => {
                self.notes.push("tls.certificate has ended: clients will refuse it".to_owned());
            }
            Ok(_) => {}
            Err(why) => self.problem(why.to_string()),
        }
    }

    fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }
}

/// Notes on variables that nothing reads: perhaps misspelt. (Kubernetes sets some of its own for a service "akta".)
fn unknown(variables: &Variables) -> Vec<String> {
    let known = crate::cli::variables();
    let unknown = variables.keys().filter(|name| !known.contains(*name));
    unknown.map(|name| format!("{name} is set, but akta reads no such variable: misspelt?")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::EXAMPLE;

    fn check_file(text: &str, variables: &[(&str, &str)]) -> Report {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("akta.toml");
        std::fs::write(&path, text).expect("writes");
        let options = Options { config: Some(path), ..Options::default() };
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check(&options, &variables).expect("can be checked")
    }

    const KEK: (&str, &str) = ("AKTA_KEK", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");

    #[test]
    fn the_example_is_good() {
        let notes = vec!["open_to_everybody: whoever reaches a listener may do everything".to_owned()];
        assert_eq!(check_file(EXAMPLE, &[KEK]), Report { notes, ..Report::default() });
        let both = EXAMPLE.replace("# policy = ", "policy = ");
        let report = check_file(&both, &[KEK]);
        assert!(report.problems[0].contains("policy and open_to_everybody exclude each other"), "{report:?}");
    }

    #[test]
    fn what_leaves_the_eea_is_noted() {
        let with = |region: &str, recipients: &[(&str, &str)]| {
            let tables = recipients
                .iter()
                .map(|(name, code)| format!("\n[[recipient]]\nname = \"{name}\"\ncountry = \"{code}\"\n"));
            let text = EXAMPLE.replace("region = \"PL\"", &format!("region = \"{region}\""));
            let report = check_file(&format!("{text}{}", tables.collect::<String>()), &[KEK]);
            let noted = report.notes.iter().any(|note| note.contains("outside the European Economic Area"));
            (report.problems, noted)
        };
        type Row = (&'static str, &'static [(&'static str, &'static str)], bool, &'static [&'static str]);
        let rows: [Row; 6] = [
            ("PL", &[], false, &[]),
            ("NO", &[("Kuratorium", "PL"), ("Skole", "NO")], false, &[]),
            ("US", &[], true, &[]),
            ("PL", &[("Fair Inc.", "US")], true, &[]),
            ("Polska", &[], false, &["region: must be two capital letters"]),
            ("PL", &[("a", "Polska"), ("", "PL")], false, &["recipient[0].country: ", "recipient[1].name: "]),
        ];
        for (region, recipients, noted, problems) in rows {
            let (found, told) = with(region, recipients);
            assert_eq!((told, found.len()), (noted, problems.len()), "{region} {recipients:?}: {found:?}");
            assert!(found.iter().zip(problems).all(|(found, wanted)| found.starts_with(wanted)), "{found:?}");
        }
    }

    #[test]
    fn every_problem_is_named_with_its_remedy() {
        let bad = "listen = \"0.0.0.0:7425\"\nauthority = \"Akta\"\nzone = \"Mars/Base\"\ncontrollers = [\"A\", \"b\", \"C\"]";
        let report = check_file(
            bad,
            &[("AKTA_LISTN", "x"), ("AKTA_LOG", "info"), ("AKTA_GUARD", "/g"), ("AKTA_DISK_RESERVE", "much")],
        );
        let wanted = [
            "data is not set: give --data DIR",
            "listen.api: refused to listen in plaintext on 0.0.0.0:7425",
            "disk_reserve: ",
            "zone = \"Mars/Base\" is not a time zone",
            "controllers: \"A\" must be 1 to 63",
            "controllers: \"C\" must be 1 to 63",
            "authority must be 1 to 63",
            "there is no key-encryption key: make one with: akta keys new-kek",
            "policy is not set: name the file that says who may",
        ];
        assert_eq!(report.problems.len(), wanted.len(), "{report:?}");
        for (problem, wanted) in report.problems.iter().zip(wanted) {
            assert!(problem.contains(wanted), "{problem}: {wanted}");
        }
        assert_eq!(report.notes, ["AKTA_LISTN is set, but akta reads no such variable: misspelt?"]);
        let unreadable = check_file("data = \"/d\"\ndta = 7", &[KEK]);
        assert!(unreadable.problems[0].contains("line 2: unknown field `dta`"), "{unreadable:?}");
        let listen = check_file(&EXAMPLE.replace("127.0.0.1:7425\"", "nowhere\""), &[KEK]);
        assert!(listen.problems[0].contains("\"nowhere\" is neither ADDRESS:PORT nor unix:PATH"), "{listen:?}");
    }
}
