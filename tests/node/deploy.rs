//! The examples of Kubernetes: they are YAML, fit together, and give Akta what it takes.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use akta::config::File;
use serde_json::Value;

use super::binary::shown;
use super::skip::skip;

/// Every document of every file on the command line, as JSON by file; texts that are YAML themselves are left as texts.
const PARSER: &str =
    "import json, sys, yaml\nprint(json.dumps([list(yaml.safe_load_all(open(name))) for name in sys.argv[1:]]))";

fn parsed(python: &std::ffi::OsStr, names: &[&str]) -> Vec<Vec<Value>> {
    let mut command = Command::new(python);
    command.args(["-c", PARSER]).args(names).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn the_examples_of_kubernetes_fit_together() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip("the_examples_of_kubernetes_fit_together", "AKTA_PYTHON does not name a Python with PyYAML");
    };
    let files = ["sidecar.yaml", "azure-key-vault.yaml", "azure-key-vault-pod.yaml"];
    let files = files.map(|name| format!("deploy/kubernetes/{name}"));
    let all = parsed(&python, &files.each_ref().map(String::as_str));
    let kind = |file: usize, kind: &str| {
        all[file]
            .iter()
            .find(|document| document["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind} in {}", files[file]))
    };
    let pod = &kind(0, "StatefulSet")["spec"]["template"]["spec"];
    let (class, account, patch) = (kind(1, "SecretProviderClass"), kind(1, "ServiceAccount"), &all[2][0]);
    let patched = &patch["spec"]["template"]["spec"];

    // The configuration is one that Akta takes.
    let config = kind(0, "ConfigMap")["data"]["akta.toml"].as_str().unwrap();
    let config = File::parse(config).unwrap();
    config.settings(false).unwrap();
    assert!(config.open_to_everybody && config.kek_file.is_none());

    // The patch takes the place of the secret and leads to the class, in the container that is Akta.
    let volume = named(&patched["volumes"], "akta-kek");
    assert_eq!((&volume["secret"], &volume["csi"]["driver"]), (&Value::Null, &Value::from("secrets-store.csi.k8s.io")));
    assert!(volume.as_object().unwrap().contains_key("secret"), "else both would be there");
    assert_eq!(volume["csi"]["volumeAttributes"]["secretProviderClass"], class["metadata"]["name"]);
    assert_eq!(named(&pod["volumes"], "akta-kek")["secret"]["secretName"], "akta-kek");
    assert_eq!(patched["serviceAccountName"], account["metadata"]["name"]);
    assert_eq!(class["spec"]["provider"], "azure");
    // The identity is the account's, which its annotation names.
    let identity = &class["spec"]["parameters"]["clientID"];
    assert_eq!(&account["metadata"]["annotations"]["azure.workload.identity/client-id"], identity);

    // The alias is the file that AKTA_KEK_FILE names, beneath the mount.
    let objects = class["spec"]["parameters"]["objects"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("objects.yaml");
    std::fs::write(&text, objects).unwrap();
    let array = parsed(&python, &[text.to_str().unwrap()]).remove(0).remove(0)["array"].clone();
    let one = array.as_array().unwrap()[0].as_str().unwrap();
    std::fs::write(&text, one).unwrap();
    let object = parsed(&python, &[text.to_str().unwrap()]).remove(0).remove(0);
    assert_eq!((&object["objectType"], &object["objectAlias"]), (&Value::from("secret"), &Value::from("kek")));
    assert!(object["objectName"].as_str().unwrap().starts_with("akta-kek-"), "a name for each key: {object}");
    for containers in [pod, patched] {
        let akta = named(&containers["initContainers"], "akta");
        let mounted = named(&named(&pod["initContainers"], "akta")["volumeMounts"], "akta-kek");
        let file = format!("{}/{}", mounted["mountPath"].as_str().unwrap(), object["objectAlias"].as_str().unwrap());
        assert_eq!(named(&akta["env"], "AKTA_KEK_FILE")["value"], file.as_str());
    }
    // Signals from beside need the same user.
    assert!(pod["securityContext"]["runAsUser"].is_u64());
}
