//! The settings in force, each with where it comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::Options;
use crate::cli::Failure;
use crate::config::listen::{ListenFile, TlsFile, ways};
use crate::config::{DEV_AUTHORITY, File, default_listen};
use crate::grpc::auth::rates::Rate;
use crate::grpc::transport::{Listener, Role, limits};
use crate::kek::Place;

/// Values of variables by their name, `AKTA_` included.
pub(super) type Variables = BTreeMap<String, String>;

/// The `AKTA_*` variables of this process.
pub(super) fn variables() -> Variables {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    all.filter(|(name, _)| name.starts_with("AKTA_")).collect()
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Flag(&'static str),
    Variable(&'static str),
    File,
    Default,
    Unset,
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File => f.write_str("file"),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// Its key in the file, where it has one.
    pub(super) name: &'static str,
    /// Never a secret.
    pub(super) value: Option<String>,
    pub(super) from: From,
}

/// The settings that `akta serve` would have. Holds a secret, so it does not print.
pub(super) struct Effective {
    pub(super) settings: Vec<Setting>,
    pub(super) file: File,
    /// `kek_file` and `kek_kms_file`.
    kek_files: [Option<PathBuf>; 2],
    /// What AKTA_KEK holds; a secret.
    kek: Option<String>,
    pub(super) dev: bool,
}

impl Effective {
    /// Reads file, variables and flags.
    pub(super) fn read(options: &Options, variables: &Variables) -> Result<Self, Failure> {
        let config = pick("config", text(&options.config), "--config", "AKTA_CONFIG", variables, None);
        let file = match &config.value {
            Some(path) => File::read(path.as_ref())?,
            None => File::default(),
        };
        Ok(Self::of(options, variables, config, file))
    }

    fn of(options: &Options, variables: &Variables, config: Setting, file: File) -> Self {
        let of_file = |name, value: Option<String>, default: Option<&str>| match (value, default) {
            (Some(value), _) => Setting { name, value: Some(value), from: From::File },
            (None, Some(default)) => Setting { name, value: Some(default.to_owned()), from: From::Default },
            (None, None) => Setting { name, value: None, from: From::Unset },
        };
        let controllers = (!file.controllers.is_empty()).then(|| file.controllers.join(", "));
        let any = options.dev.then_some("any, opened at first sight");
        let kek_file =
            pick("kek_file", text(&options.kek_file), "--kek-file", "AKTA_KEK_FILE", variables, text(&file.kek_file));
        let kek_kms_file = pick(
            "kek_kms_file",
            text(&options.kek_kms_file),
            "--kek-kms-file",
            "AKTA_KEK_KMS_FILE",
            variables,
            text(&file.kek_kms_file),
        );
        // Where a flag or a variable names the one, the other of the file does not count.
        let only_if = |setting: Setting, other: From| match (setting.from, other) {
            (From::File, From::Flag(_) | From::Variable(_)) => Setting { value: None, from: From::Unset, ..setting },
            _ => setting,
        };
        let of_kek_file = kek_file.from;
        let kek_file = only_if(kek_file, kek_kms_file.from);
        let kek_kms_file = only_if(kek_kms_file, of_kek_file);
        let listen = file.listen.as_ref().map(|listen| match listen {
            ListenFile::One(text) => text.clone(),
            ListenFile::Each(each) => each.tables().map(|(role, _)| role.name()).collect::<Vec<_>>().join(", "),
        });
        let listen = pick("listen", options.listen.clone(), "--listen", "AKTA_LISTEN", variables, listen);
        let listen = match listen.from {
            From::Unset => Setting { value: Some(default_listen().to_string()), from: From::Default, ..listen },
            _ => listen,
        };
        let listeners = listeners(&listen, &file);
        let kek = variables.get("AKTA_KEK").cloned();
        let found = |value: &str, from| Setting { name: "kek", value: Some(value.to_owned()), from };
        let key = match (options.dev, &kek_file.value, &kek_kms_file.value, &kek) {
            (true, _, _, _) => found("public", From::Flag("--dev")),
            (false, Some(_), _, _) => found("in kek_file (not shown)", kek_file.from),
            (false, None, Some(_), _) => found("in kek_kms_file, for a KMS to decrypt (not shown)", kek_kms_file.from),
            (false, None, None, Some(_)) => found("given (not shown)", From::Variable("AKTA_KEK")),
            (false, None, None, None) => Setting { name: "kek", value: None, from: From::Unset },
        };
        let reserve = file.disk_reserve.map(|size| format!("{} bytes", size.0));
        let paths = [&kek_file, &kek_kms_file].map(|setting| setting.value.clone().map(PathBuf::from));
        let connections = file.limits.connections.map(|connections| connections.to_string());
        let everybody = file.policy.is_none();
        let unless_set = |rate: Option<u64>| match rate.filter(|_| !everybody) {
            Some(rate) => rate.to_string(),
            None => "without a bound: callers are not told apart".to_owned(),
        };
        let [events, bytes] = [Rate::DEFAULT.events, Rate::DEFAULT.bytes].map(unless_set);
        let mut settings = vec![
            config,
            pick("data", text(&options.data), "--data", "AKTA_DATA", variables, text(&file.data)),
            listen,
            pick("guard", text(&options.guard), "--guard", "AKTA_GUARD", variables, text(&file.guard)),
            pick(
                "disk_reserve",
                options.disk_reserve.clone(),
                "--disk-reserve",
                "AKTA_DISK_RESERVE",
                variables,
                reserve,
            ),
            of_file("authority", file.authority.clone(), options.dev.then_some(DEV_AUTHORITY)),
            of_file("zone", file.zone.clone(), Some("Europe/Warsaw")),
            of_file("region", file.region.clone(), None),
            of_file("recipient", recipients(&file), None),
            of_file("controllers", controllers, any),
            of_file("policy", text(&file.policy), None),
            of_file("open_to_everybody", file.open_to_everybody.then(|| "true".to_owned()), Some("false")),
            of_file("copies", file.copies.as_ref().map(|copies| copies.folder.display().to_string()), None),
            of_file("tls", file.tls.as_ref().map(files), None),
            of_file("limits.connections", connections, Some(&limits::CONNECTIONS.to_string())),
            of_file("limits.caller_events", file.limits.caller_events.map(|rate| rate.to_string()), Some(&events)),
            of_file("limits.caller_bytes", file.limits.caller_bytes.map(|size| size.0.to_string()), Some(&bytes)),
            kek_file,
            kek_kms_file,
            key,
        ];
        let at = settings.iter().position(|setting| setting.name == "listen").map_or(0, |at| at + 1);
        settings.splice(at..at, listeners);
        Self { settings, file, kek_files: paths, kek, dev: options.dev }
    }

    /// Where the key-encryption key comes from.
    pub(super) fn kek(&self) -> Place {
        let [file, kms_file] = self.kek_files.clone();
        Place { dev: self.dev, file, kms_file, variable: self.kek.clone().map(Zeroizing::new) }
    }

    /// The value of a setting.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.setting(name).and_then(|setting| setting.value.as_deref())
    }

    /// The same, as a flag or a variable has it: not yet parsed, as the file is.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let given = self.setting(name).filter(|setting| matches!(setting.from, From::Flag(_) | From::Variable(_)));
        given.and_then(|setting| setting.value.as_deref())
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }
}

/// What each listener comes to, where they are apart. Nothing where they cannot be made out: `check` says why.
fn listeners(listen: &Setting, file: &File) -> Vec<Setting> {
    if listen.from != From::File || !matches!(file.listen, Some(ListenFile::Each(_))) {
        return Vec::new();
    }
    let listeners = ways(None, file).map(|ways| ways.listeners).unwrap_or_default();
    let name = |role| match role {
        Role::Api => "listen.api",
        Role::Ingest => "listen.ingest",
        Role::History => "listen.history",
        Role::Ops => "listen.ops",
    };
    let setting =
        |listener: Listener| Setting { name: name(listener.role), value: Some(listener.to_string()), from: From::File };
    listeners.into_iter().map(setting).collect()
}

/// Recipients as `NAME (COUNTRY)`; nothing where there are none.
fn recipients(file: &File) -> Option<String> {
    let each = file.recipient.iter().map(|recipient| format!("{} ({})", recipient.name, recipient.country));
    (!file.recipient.is_empty()).then(|| each.collect::<Vec<_>>().join(", "))
}

/// Names of the files of TLS.
fn files(tls: &TlsFile) -> String {
    let all = [
        ("certificate", Some(&tls.certificate)),
        ("key", Some(&tls.key)),
        ("client_ca", tls.client_ca.as_ref()),
        ("crl", tls.crl.as_ref()),
    ];
    let there = all.iter().filter_map(|(name, path)| path.map(|path| format!("{name} {}", path.display())));
    there.collect::<Vec<_>>().join(", ")
}

fn pick(
    name: &'static str,
    flag: Option<String>,
    flag_name: &'static str,
    variable: &'static str,
    variables: &Variables,
    file: Option<String>,
) -> Setting {
    let (value, from) = match (flag, variables.get(variable), file) {
        (Some(value), _, _) => (Some(value), From::Flag(flag_name)),
        (None, Some(value), _) => (Some(value.clone()), From::Variable(variable)),
        (None, None, Some(value)) => (Some(value), From::File),
        (None, None, None) => (None, From::Unset),
    };
    Setting { name, value, from }
}

fn text(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::EXAMPLE;

    fn of(options: &Options, variables: &[(&str, &str)], file: &str) -> Effective {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Setting { name: "config", value: None, from: From::Unset };
        Effective::of(options, &variables, config, File::parse(file).expect("is good"))
    }

    fn from(effective: &Effective, name: &str) -> From {
        effective.settings.iter().find(|setting| setting.name == name).expect("is shown").from
    }

    #[test]
    fn flags_go_before_variables_before_the_file() {
        let file = "data = \"/file\"\nlisten = \"127.0.0.1:1\"";
        let variables = [("AKTA_DATA", "/variable"), ("AKTA_KEK", "c2VjcmV0")];
        let flags = Options { data: Some("/flag".into()), ..Options::default() };
        let all = of(&flags, &variables, file);
        assert_eq!((all.value("data"), from(&all, "data")), (Some("/flag"), From::Flag("--data")));
        assert_eq!(from(&all, "listen"), From::File);
        assert_eq!((all.value("zone"), from(&all, "zone")), (Some("Europe/Warsaw"), From::Default));
        assert_eq!((all.value("authority"), from(&all, "authority")), (None, From::Unset));
        assert_eq!(from(&all, "kek"), From::Variable("AKTA_KEK"));
        assert!(all.settings.iter().all(|setting| setting.value.as_deref() != Some("c2VjcmV0")), "a secret is shown");
        let two = of(&Options::default(), &variables, file);
        assert_eq!((two.value("data"), from(&two, "data")), (Some("/variable"), From::Variable("AKTA_DATA")));
        let one = of(&Options::default(), &[], file);
        assert_eq!((one.value("data"), from(&one, "data")), (Some("/file"), From::File));
    }

    /// The parser itself lists the keys it knows: none of them may be missing here or in the example.
    #[test]
    fn every_key_of_the_file_is_shown_and_in_the_example() {
        let error = File::parse("nonsense = 1").expect_err("is no key").to_string();
        let keys: Vec<&str> = error.split('`').skip(1).step_by(2).filter(|key| *key != "nonsense").collect();
        assert!(keys.len() >= 6, "{error}");
        let shown = of(&Options::default(), &[], "");
        for key in keys {
            let is_shown = |name: &str| name == key || name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
            assert!(shown.settings.iter().any(|setting| is_shown(setting.name)), "{key} is not shown");
            let there = [format!("{key} = "), format!("[{key}]")].iter().any(|form| EXAMPLE.contains(form.as_str()));
            assert!(there, "{key} is not in the example");
        }
    }
}
