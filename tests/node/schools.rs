//! The example of two schools, made by its command, and a third one added as its page says.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use akta::client::{Client, Tls};
use tonic::Code;

use super::binary::{akta, shown, untouched};
use super::secure::Secure;
use super::support::{Events, run};
use super::two_schools::{everything, minted};

const PAGE: &str = include_str!("../../examples/two-schools/README.md");

struct School {
    node: Secure,
    folder: std::path::PathBuf,
}

impl School {
    fn serve(folder: &Path) -> Self {
        let mut command = akta();
        command.arg("serve").arg("--config").arg(folder.join("akta.toml"));
        Self { node: Secure::of(command, 1), folder: folder.to_owned() }
    }

    /// The gradebook reports for a school.
    async fn report(&self, of: &str, source: u32) -> Result<(), Code> {
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

    fn see(&self, rows: &[(&str, &str, bool)]) {
        for (who, of, sees) in rows {
            assert_eq!(self.sees(who, of), *sees, "{who}, {of}");
        }
    }

    /// Runs a block of the page as it stands, beside the folder, against this node; what it printed. Only the token is
    /// made here: cargo holds its lock while tests run.
    fn follow(&self, block: &str) -> String {
        let (mint, block): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("cargo run"));
        for line in mint {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [.., "two-schools", "token", subject, group, ">", file] = words[..] else { panic!("{line}") };
            let place = self.folder.parent().unwrap().join(file);
            std::fs::write(place, minted(&self.folder, subject, &[group]).unwrap()).unwrap();
        }
        let block = block.join("\n").replace("127.0.0.1:7426", self.node.address("api"));
        let programs = Path::new(env!("CARGO_BIN_EXE_akta")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
        let mut shell = untouched(Command::new("sh"));
        shell.args(["-euc", &block]).current_dir(self.folder.parent().unwrap()).env("PATH", path);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{block}\n{}", shown(&output));
        shown(&output)
    }
}

/// The shell blocks of a section of the page.
fn blocks(section: &str) -> Vec<&'static str> {
    let section = PAGE.split("\n## ").find(|text| text.starts_with(section)).unwrap();
    section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn two_schools_and_a_third_as_the_page_says() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("two-schools");
    everything(&folder).unwrap();
    let config = std::fs::read_to_string(folder.join("akta.toml")).unwrap();
    assert!(config.contains("127.0.0.1:7426"));
    std::fs::write(folder.join("akta.toml"), config.replace("127.0.0.1:7426", "127.0.0.1:0")).unwrap();
    let schools = School::serve(&folder);
    run(async {
        assert_eq!(schools.report("school-1", 1).await, Ok(()));
        assert_eq!(schools.report("school-2", 2).await, Ok(()));
        assert_eq!(schools.report("school-3", 3).await, Err(Code::PermissionDenied));
    });
    schools.see(&[
        ("anna", "school-1", true),
        ("anna", "school-2", false),
        ("dorota", "school-2", true),
        ("dorota", "school-1", false),
        ("headmaster-1", "school-1", true),
        ("security", "school-1", true),
        ("security", "school-2", false),
        ("platform", "school-1", false),
        ("piotr", "school-1", false),
    ]);

    let [searches, approvals] = blocks("Who may")[..] else { panic!("two blocks") };
    let said = schools.follow(searches);
    for words in ["group security of https://login.vendor.example", "grant ", "ticket 4711", "incident declared"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = schools.follow(approvals);
    for words in ["needs another", "agreed", "waits until"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    schools.see(&[("security", "school-2", true)]);

    let [adds, looks] = blocks("A third school")[..] else { panic!("two blocks") };
    schools.follow(adds);
    schools.node.hang_up();
    schools.node.logged("policy: the changed file");
    assert_eq!(run(schools.report("school-3", 4)), Ok(()));
    let said = schools.follow(looks);
    assert!(said.contains("school-3") && !said.contains("school-1") && said.contains("READ"), "{said}");
    // It is concerned by no incident that was declared before it was there.
    schools.see(&[("zofia", "school-1", false), ("anna", "school-3", false), ("security", "school-3", false)]);

    // What was decided stands in the trails: a node that is started again knows it.
    drop(schools);
    let schools = School::serve(&folder);
    schools.see(&[("security", "school-1", true), ("security", "school-2", true), ("security", "school-3", false)]);
}
