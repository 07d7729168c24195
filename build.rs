//! Turns proto/ into Rust with protox (no protoc needed), in two passes: what is stored (`akta.record.v1`, plain
//! messages for the pure ring) and the API (`akta.v1`, with client and server), which refers to the first.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let stored = compile(&[
        "akta/record/v1/vocabulary.proto",
        "akta/record/v1/parts.proto",
        "akta/record/v1/hold.proto",
        "akta/record/v1/keyring.proto",
        "akta/record/v1/removal.proto",
    ])?;
    let secret = ["Keyring", "ZoneKeys", "HoldKey", "BucketKey"].map(|name| format!("akta.record.v1.{name}"));
    prost_build::Config::new().skip_debug(secret).compile_fds(stored)?;

    let api = compile(&[
        "akta/v1/event.proto",
        "akta/v1/ingest.proto",
        "akta/v1/history.proto",
        "akta/v1/evidence.proto",
        "akta/v1/controller.proto",
        "akta/v1/retention.proto",
        "akta/v1/hold.proto",
        "akta/v1/identity.proto",
    ])?;
    fs::write(out.join("akta.v1.descriptors"), api.encode_to_vec())?;
    let mut config = prost_build::Config::new();
    config.btree_map(["."]);
    tonic_prost_build::configure()
        .build_server(env::var_os("CARGO_FEATURE_SERVER").is_some())
        .extern_path(".akta.record.v1", "crate::model::stored")
        .compile_fds_with_config(api, config)?;
    Ok(())
}

fn compile(files: &[&str]) -> Result<prost_types::FileDescriptorSet, Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true);
    for file in files {
        compiler.open_file(file)?;
    }
    Ok(compiler.file_descriptor_set())
}
