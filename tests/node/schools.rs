//! The example of two schools, made by its command, and a third one added as its page says.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use akta::client::{Client, Tls};
use tonic::Code;

use super::binary::{akta, shown};
use super::secure::Secure;
use super::support::{Events, run};
use super::two_schools::{everything, minted};

const PAGE: &str = include_str!("../../examples/two-schools/README.md");

/// A node of the example, and where that lies.
pub(crate) struct School {
    pub(crate) node: Secure,
    pub(crate) folder: std::path::PathBuf,
}

impl School {
    fn serve(folder: &Path) -> Self {
        let mut command = akta();
        command.arg("serve").arg("--config").arg(folder.join("akta.toml"));
        Self { node: Secure::of(command, 1), folder: folder.to_owned() }
    }

    /// The gradebook reports for a school.
    pub(crate) async fn report(&self, of: &str, source: u32) -> Result<(), Code> {
        let read = |name: &str| std::fs::read(self.folder.join(name)).unwrap();
        let (certificate, key) = (read("gradebook.crt"), read("gradebook.key"));
        let tls = Tls::new(&read("ca.crt"), Some((&certificate, &key))).unwrap();
        let mut client = Client::connect_with(self.node.address("api"), Some(&tls)).await.unwrap();
        let mut event = Events::of(source).read();
        event.controller = of.to_owned();
        event.source = None;
        client.record(event).await.map(|_| ()).map_err(|status| status.code())
    }

    /// Whether somebody may search a school.
    fn sees(&self, who: &str, of: &str) -> bool {
        let output = akta()
            .args(["search", "--purpose", "security", "--controller", of, "--server"])
            .arg(format!("https://{}", self.node.address("api")))
            .arg("--ca")
            .arg(self.folder.join("ca.crt"))
            .arg("--token-file")
            .arg(self.folder.join("tokens").join(who))
            .output()
            .unwrap();
        let refused = shown(&output).contains("no such controller, or you may not read its trail");
        assert_ne!(output.status.success(), refused, "{who}, {of}: {}", shown(&output));
        output.status.success()
    }
}

#[test]
fn two_schools_and_a_third_as_the_page_says() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("two-schools");
    everything(&folder).unwrap();
    let edit = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    edit("akta.toml", "127.0.0.1:7426", "127.0.0.1:0");
    let schools = School::serve(&folder);
    run(async {
        assert_eq!(schools.report("school-1", 1).await, Ok(()));
        assert_eq!(schools.report("school-2", 2).await, Ok(()));
        assert_eq!(schools.report("school-3", 3).await, Err(Code::PermissionDenied));
    });
    for (who, of, sees) in [
        ("anna", "school-1", true),
        ("anna", "school-2", false),
        ("dorota", "school-2", true),
        ("dorota", "school-1", false),
        ("headmaster-1", "school-1", true),
        ("security", "school-1", true),
        ("security", "school-2", false),
        ("platform", "school-1", false),
        ("piotr", "school-1", false),
    ] {
        assert_eq!(schools.sees(who, of), sees, "{who}, {of}");
    }
    drop(schools);

    let both = "[\"school-1\", \"school-2\"]";
    let three = "[\"school-1\", \"school-2\", \"school-3\"]";
    edit("akta.toml", both, three);
    edit("policy.toml", both, three);
    let contact = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let policy = std::fs::read_to_string(folder.join("policy.toml")).unwrap();
    std::fs::write(folder.join("policy.toml"), format!("{policy}\n{contact}")).unwrap();
    std::fs::write(folder.join("tokens/zofia"), minted(&folder, "zofia", &["dpo-school-3"]).unwrap()).unwrap();
    let checked = akta().args(["config", "check", "--config"]).arg(folder.join("akta.toml")).output().unwrap();
    assert!(checked.status.success(), "{}", shown(&checked));
    let schools = School::serve(&folder);
    assert_eq!(run(schools.report("school-3", 4)), Ok(()));
    for (who, of, sees) in [("zofia", "school-3", true), ("zofia", "school-1", false), ("anna", "school-3", false)] {
        assert_eq!(schools.sees(who, of), sees, "{who}, {of}");
    }
}
