//! Configuration: one TOML file, `AKTA_*` variables and flags, parsed once into values that cannot be wrong.

pub mod listen;
pub mod policy;
pub mod retention;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use crate::grpc::transport::Listen;
use crate::model::country::{COUNTRY, Country};
use crate::model::date::Zone;
use crate::model::origin::Controller;
use crate::model::permission::policy::Policy;
use crate::model::recipient::Recipients;
use crate::trail::base::Settings;
use crate::trail::copies::{DAYS_MAX, Rhythm};

/// Authority of origins where none is set, with `--dev`.
pub const DEV_AUTHORITY: &str = "akta.dev";

/// Where a server listens unless told otherwise: the port on loopback.
pub fn default_listen() -> Listen {
    Listen::Tcp(([127, 0, 0, 1], 7425).into())
}

/// A number of bytes: `1048576`, `512 MiB`, `2 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SizeText")]
pub struct Size(pub u64);

/// A size as a file may write it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a size is bytes as a number, or text such as \"512 MiB\"")]
enum SizeText {
    Bytes(u64),
    Text(String),
}

impl TryFrom<SizeText> for Size {
    type Error = String;

    fn try_from(size: SizeText) -> Result<Self, String> {
        match size {
            SizeText::Bytes(bytes) => Ok(Self(bytes)),
            SizeText::Text(text) => text.parse(),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let shift = match unit.trim() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "TiB" => 40,
            _ => u32::MAX,
        };
        let bytes = 1u64.checked_shl(shift).and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit));
        bytes.map(Self).ok_or_else(|| {
            "is not a size: give bytes, or a whole number with KiB, MiB, GiB or TiB, such as 512 MiB".to_owned()
        })
    }
}

/// The file, key by key. Unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Data folder.
    pub data: Option<PathBuf>,
    /// Folder of the guard; the data folder if not set. Better on another volume.
    pub guard: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<listen::ListenFile>,
    /// Files of TLS.
    pub tls: Option<listen::TlsFile>,
    /// Bounds.
    #[serde(default)]
    pub limits: listen::Limits,
    /// First part of every origin: 1 to 63 of `a-z 0-9 . _ -`.
    pub authority: Option<String>,
    /// File with the key-encryption key: 32 bytes as base64.
    pub kek_file: Option<PathBuf>,
    /// File with the key-encryption key as a KMS encrypted it, as base64; instead of `kek_file`.
    pub kek_kms_file: Option<PathBuf>,
    /// IANA time zone of new trails; Europe/Warsaw if not set.
    pub zone: Option<String>,
    /// Country where the node keeps its data, ISO 3166-1 alpha-2; not said if not set.
    pub region: Option<String>,
    /// To whom data is disclosed.
    #[serde(default)]
    pub recipient: Vec<RecipientFile>,
    /// Controllers whose trails may be opened.
    #[serde(default)]
    pub controllers: Vec<String>,
    /// The file that says who may; beside the configuration file, if it is a relative path.
    pub policy: Option<PathBuf>,
    /// Instead of a policy: whoever reaches a listener may do everything.
    #[serde(default)]
    pub open_to_everybody: bool,
    /// Free space of the volume below which no event is taken; if not set, an eighth of the
    /// volume, at least 256 MiB and at most 512 MiB.
    pub disk_reserve: Option<Size>,
    /// Copies to restore from, made while the node runs; none if not set.
    pub copies: Option<CopiesFile>,
}

/// The table `[copies]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiesFile {
    /// Where; made if it is missing. On another volume.
    pub folder: PathBuf,
    /// Hours from one copy of the history to the next: 1 to 168; 24 if not set.
    pub every_hours: Option<u32>,
    /// Days for which these are kept: 1 to 90; 30 if not set.
    pub keep_days: Option<u32>,
}

impl CopiesFile {
    /// When copies are made.
    ///
    /// # Errors
    ///
    /// A number is beyond its bounds.
    pub fn rhythm(&self) -> Result<Rhythm, ConfigError> {
        let within = |name: &str, value: Option<u32>, default: u32, most: u32| match value.unwrap_or(default) {
            value if (1..=most).contains(&value) => Ok(value),
            _ => Err(ConfigError(format!("copies.{name} must be 1 to {most}"))),
        };
        Ok(Rhythm {
            every_hours: within("every_hours", self.every_hours, 24, 168)?,
            keep_days: within("keep_days", self.keep_days, 30, DAYS_MAX)?,
        })
    }
}

/// A table `[[recipient]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientFile {
    /// Its name, as events have it, to the letter.
    pub name: String,
    /// Its country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches a listener, everything.
    Everybody,
    /// Whom that policy file names, what it says.
    Policy(PathBuf),
}

/// Why a configuration cannot be used; says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl File {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("configuration {}: {error}", path.display())))?;
        let mut file =
            Self::parse(&text).map_err(|error| ConfigError(format!("configuration {}: {error}", path.display())))?;
        file.policy = file.policy.map(|policy| path.parent().unwrap_or(Path::new("")).join(policy));
        Ok(file)
    }

    /// Takes the text of a configuration file. What is wrong is named by its line, which is not shown: it may hold
    /// what somebody took for a setting and is a secret.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        strictly(text)
    }

    /// Where the node keeps its data, if that is said.
    pub fn region(&self) -> Result<Option<Country>, ConfigError> {
        let country = |code| Country::new(code).ok_or_else(|| ConfigError(format!("region: {COUNTRY}")));
        self.region.as_deref().map(country).transpose()
    }

    /// To whom data is disclosed.
    ///
    /// # Errors
    ///
    /// Each bad table by its place, from 0.
    pub fn recipients(&self) -> Result<Recipients, ConfigError> {
        let named = self.recipient.iter().map(|recipient| (recipient.name.clone(), recipient.country.clone()));
        Recipients::new(named).map_err(|bad| {
            let lines: Vec<String> = bad.iter().map(ToString::to_string).collect();
            ConfigError(lines.join("\n"))
        })
    }

    /// Who may, if a policy is set.
    pub fn rules(&self) -> Result<Option<Policy>, ConfigError> {
        self.policy.as_deref().map(policy::read).transpose()
    }

    /// Who may call: whom the policy names; without one everybody, with `--dev`.
    ///
    /// # Errors
    ///
    /// Neither a policy nor `open_to_everybody`, or both; or the policy is not sound.
    pub fn access(&self, dev: bool) -> Result<Access, ConfigError> {
        match (&self.policy, self.open_to_everybody) {
            (Some(_), true) => {
                Err(ConfigError("policy and open_to_everybody exclude each other: leave one of them out".into()))
            }
            (Some(path), false) => {
                policy::read(path)?;
                Ok(Access::Policy(path.clone()))
            }
            (None, true) => Ok(Access::Everybody),
            (None, false) if dev => Ok(Access::Everybody),
            (None, false) => Err(ConfigError(
                "policy is not set: name the file that says who may (akta config example --policy prints one)".into(),
            )),
        }
    }

    /// How the node calls itself and opens trails.
    pub fn settings(&self, dev: bool) -> Result<Settings, ConfigError> {
        let zone = self.zone.as_deref().unwrap_or("Europe/Warsaw");
        let zone = Zone::named(zone)
            .ok_or_else(|| ConfigError(format!("zone = \"{zone}\" is not a time zone of the IANA database")))?;
        let controllers = self.controllers.iter().map(|name| {
            let controller = Controller::new(name)
                .ok_or_else(|| ConfigError(format!("controllers: \"{name}\" must be 1 to 63 of a-z 0-9 . _ -")))?;
            match controller.is_path_like() {
                true => Err(ConfigError(format!("controllers: \"{name}\" must have a letter or a digit"))),
                false => Ok(controller),
            }
        });
        let authority = match (&self.authority, dev) {
            (Some(authority), _) => authority.clone(),
            (None, true) => DEV_AUTHORITY.to_owned(),
            (None, false) => {
                return Err(ConfigError(
                    "authority is not set: name who runs this node, for example authority = \"akta.example.org\""
                        .into(),
                ));
            }
        };
        Ok(Settings {
            authority,
            zone,
            open_controllers: dev,
            controllers: controllers.collect::<Result<_, _>>()?,
            new_guard: false,
            disk_reserve: self.disk_reserve.map(|size| size.0),
        })
    }
}

/// Takes the text of a TOML file; what is wrong is named by its line, without any value.
fn strictly<T: DeserializeOwned>(text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| format!("line {}: ", line_of(text, span.start))).unwrap_or_default();
        ConfigError(format!("{line}{}", without_value(error.message())))
    })
}

/// The line, from 1, of a place in a text.
fn line_of(text: &str, place: usize) -> usize {
    text.get(..place).unwrap_or_default().matches('\n').count() + 1
}

/// What serde says of a value that it did not expect, without the value.
fn without_value(message: &str) -> String {
    match (message.split_once(": "), message.rsplit_once(", expected ")) {
        (Some((kind @ ("invalid type" | "invalid value"), _)), Some((_, expected))) => {
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_strictly() {
        let good = "data = \"/d\"\nauthority = \"akta.example.org\"\ncontrollers = [\"school-12\"]";
        let file: File = toml::from_str(good).expect("is good");
        assert_eq!(file.settings(false).expect("is good").controllers.len(), 1);
        for bad in ["dta = \"/d\"", "data = 7"] {
            assert!(toml::from_str::<File>(bad).is_err(), "{bad}");
        }
        let error = File::parse("data = \"/d\"\nkek = \"c2VjcmV0\"").expect_err("is no key").to_string();
        assert!(error.starts_with("line 2: unknown field `kek`") && !error.contains("c2VjcmV0"), "{error}");
        let error = File::parse("controllers = \"c2VjcmV0, expected a\"").expect_err("is no list").to_string();
        assert_eq!(error, "line 1: invalid type, expected a sequence");
        for bad in [
            "controllers = [\"..\"]\nauthority = \"a\"",
            "controllers = [\"School 12\"]\nauthority = \"a\"",
            "zone = \"Mars/Base\"",
            "data = \"/d\"",
        ] {
            let file: File = toml::from_str(bad).expect("is TOML");
            assert!(file.settings(false).is_err(), "{bad}");
        }
    }

    #[test]
    fn countries_are_read_strictly() {
        let read = |text: &str| File::parse(text).map(|file| (file.region(), file.recipients()));
        let good = "region = \"PL\"\n[[recipient]]\nname = \"Court\"\ncountry = \"DE\"";
        let (region, recipients) = read(good).expect("is TOML");
        assert_eq!(region.expect("is good"), Country::new("PL"));
        assert_eq!(recipients.expect("are good").country("Court"), Country::new("DE"));
        let (region, recipients) = read("").expect("is TOML");
        assert_eq!((region.expect("is good"), recipients.expect("are good")), (None, Recipients::default()));
        let bad = "region = \"Poland\"\n[[recipient]]\nname = \"\"\ncountry = \"zq-marker\"";
        let (region, recipients) = read(bad).expect("is TOML");
        assert_eq!(region.expect_err("is refused").to_string(), format!("region: {COUNTRY}"));
        let why = recipients.expect_err("are refused").to_string();
        assert!(why.starts_with("recipient[0].name: is required") && why.ends_with(COUNTRY), "{why}");
        assert!(read("[[recipient]]\nname = \"Court\"").is_err(), "without a country");
    }

    #[test]
    fn copies_are_kept_within_bounds() {
        let rhythm = |more: &str| {
            let file: File = toml::from_str(&format!("[copies]\nfolder = \"/b\"\n{more}")).expect("is TOML");
            file.copies.expect("is there").rhythm().map_err(|error| error.to_string())
        };
        assert_eq!(rhythm(""), Ok(Rhythm { every_hours: 24, keep_days: 30 }));
        assert_eq!(rhythm("every_hours = 1\nkeep_days = 90"), Ok(Rhythm { every_hours: 1, keep_days: 90 }));
        for (bad, says) in [
            ("every_hours = 0", "copies.every_hours must be 1 to 168"),
            ("every_hours = 169", "copies.every_hours must be 1 to 168"),
            ("keep_days = 91", "copies.keep_days must be 1 to 90"),
        ] {
            assert_eq!(rhythm(bad), Err(says.to_owned()));
        }
        assert!(toml::from_str::<File>("[copies]\nevery_hours = 3").is_err(), "no folder");
    }

    #[test]
    fn sizes_are_read_strictly() {
        for (text, bytes) in [("0", 0), ("77 B", 77), ("1KiB", 1_024), ("512 MiB", 512 << 20), ("2 GiB", 2 << 30)] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
            let file: File = toml::from_str(&format!("disk_reserve = \"{text}\"")).expect("is good");
            assert_eq!(file.settings(true).expect("is good").disk_reserve, Some(bytes));
        }
        let file: File = toml::from_str("disk_reserve = 4096").expect("is good");
        assert_eq!(file.disk_reserve, Some(Size(4_096)));
        for bad in ["", "MiB", "-1", "1.5 GiB", "512 MB", "99999999 TiB", "1 MiB 2", "17 mib"] {
            let error = bad.parse::<Size>().expect_err("is refused");
            assert!(error.contains("such as 512 MiB"), "{error}");
            assert!(toml::from_str::<File>(&format!("disk_reserve = \"{bad}\"")).is_err(), "{bad}");
        }
        assert!(toml::from_str::<File>("disk_reserve = -1").is_err());
    }
}
