//! Countries, and which of them are in the European Economic Area.

use std::fmt;

/// What is said of a text that is no country.
pub const COUNTRY: &str = "must be two capital letters, ISO 3166-1 alpha-2, for example PL";

/// Codes of the countries to which personal data flows freely (GDPR art. 1(3)), ascending: the member states of the
/// European Union, and Iceland, Liechtenstein and Norway, for which the GDPR holds too (decision of the EEA Joint
/// Committee 154/2018 of 6 July 2018). As of 1 January 2026; unchanged since the United Kingdom left.
///
/// ISO 3166-1 has codes of their own for places that belong to one of them and are within its territory there: the Åland
/// Islands (AX) of Finland; Guadeloupe, French Guiana, Martinique, Mayotte, Réunion and Saint Martin (GP, GF, MQ, YT, RE,
/// MF) of France (TFEU art. 349 and 355(1)). Greenland, the Faroes, Svalbard and others are outside.
///
/// Countries for which the Commission found the protection adequate (GDPR art. 45) are not here: that is a ground for a
/// transfer, which somebody should know of all the same, and it may end.
const EEA: [&[u8; 2]; 37] = [
    b"AT", b"AX", b"BE", b"BG", b"CY", b"CZ", b"DE", b"DK", b"EE", b"ES", b"FI", b"FR", b"GF", b"GP", b"GR", b"HR",
    b"HU", b"IE", b"IS", b"IT", b"LI", b"LT", b"LU", b"LV", b"MF", b"MQ", b"MT", b"NL", b"NO", b"PL", b"PT", b"RE",
    b"RO", b"SE", b"SI", b"SK", b"YT",
];

/// A country by its code, ISO 3166-1 alpha-2: two capital letters. Whether the code is given out is not asked; one that is
/// not is outside the EEA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of that code; `None` if it is none.
    pub fn new(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// Its code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether it is in the European Economic Area.
    pub fn is_in_eea(&self) -> bool {
        EEA.binary_search(&&self.0).is_ok()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_two_capital_letters() {
        for (code, good) in [("PL", true), ("ZZ", true), ("pl", false), ("P", false), ("POL", false), ("Ż", false)] {
            assert_eq!(
                Country::new(code).map(|country| country.to_string()).as_deref(),
                good.then_some(code),
                "{code}"
            );
        }
    }

    #[test]
    fn the_eea_is_thirty_states_and_what_belongs_to_them() {
        assert!(EEA.is_sorted_by(|a, b| a < b), "is searched by halves");
        let of_its_own = ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"];
        assert_eq!(EEA.len() - of_its_own.len(), 27 + 3);
        let rows = [
            ("PL", true),
            ("IS", true),
            ("LI", true),
            ("NO", true),
            ("HR", true),
            ("GR", true),
            ("RE", true),
            ("GB", false),
            ("CH", false),
            ("US", false),
            ("UA", false),
            ("GL", false),
            ("SJ", false),
            ("EL", false),
            ("XX", false),
        ];
        for (code, inside) in rows {
            assert_eq!(Country::new(code).expect("a code").is_in_eea(), inside, "{code}");
        }
    }
}
