//! `rrm model`: what models are, and what becomes of them.

use std::{fs, path::PathBuf};

use crate::{rrm, stderr, stdout};

/// A tiny model of the library's own tests.
fn tiny(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../rrm-nn/tests/golden")).join(name)
}

/// What is printed, without what leads to the file.
fn inspected(path: &std::path::Path) -> String {
    let folder = format!("{}/", path.parent().unwrap().display());
    stdout(&rrm(["model".as_ref(), "inspect".as_ref(), path.as_os_str()])).replace(&folder, "")
}

#[test]
fn a_folder_says_what_it_is() {
    insta::assert_snapshot!(inspected(&tiny("qwen2")));
    let json = stdout(&rrm(["model".as_ref(), "inspect".as_ref(), tiny("qwen3").as_os_str(), "--json".as_ref()]));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["architecture"], "qwen3");
    assert_eq!(report["layers"], 2);
    assert_eq!(report["problem"], serde_json::Value::Null);
    assert!(report["engine"].as_str().unwrap().starts_with("local:"));
}

#[test]
fn a_model_that_is_not_supported_is_described_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(tiny("llama")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let config = folder.path().join("config.json");
    let changed = fs::read_to_string(&config).unwrap().replace("\"model_type\": \"llama\"", "\"model_type\": \"mamba\"");
    fs::write(&config, changed).unwrap();
    let said = stdout(&rrm(["model".as_ref(), "inspect".as_ref(), folder.path().as_os_str()]));
    assert!(said.contains(": mamba, safetensors\n"), "{said}");
    assert!(said.contains("does not run") && said.contains("`model_type`") && !said.contains("runs as"), "{said}");
}

#[test]
fn a_converted_folder_is_a_gguf_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("tiny.gguf");
    let convert = |from: &str, kind: &str| {
        let from = tiny(from);
        rrm(["model".as_ref(), "convert".as_ref(), from.as_os_str(), out.as_os_str(), "--type".as_ref(), kind.as_ref()])
    };
    let said = stdout(&convert("llama", "q8_0"));
    assert!(said.ends_with("tiny.gguf: 22 tensors, 122 KB\n"), "{said}");
    // With the feature it runs, without it does not.
    let shown: Vec<String> = inspected(&out).lines().filter(|line| !line.contains("run")).map(str::to_owned).collect();
    insta::assert_snapshot!(shown.join("\n"));
    let before = fs::read(&out).unwrap();

    let refused = convert("words", "f16");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("sentencepiece's kind"), "{}", stderr(&refused));
    assert_eq!(fs::read(&out).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    stdout(&convert("llama", "f32"));
    assert_ne!(fs::read(&out).unwrap(), before);
    fs::write(&out, "no model").unwrap();
    assert!(stderr(&convert("llama", "f16")).contains("not overwritten"));
    assert_eq!(fs::read(&out).unwrap(), b"no model");
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let gguf = folder.path().join("cut.gguf");
    fs::write(&gguf, b"GGUF\x03\0\0\0\xff\xff\xff\xff").unwrap();
    fs::write(folder.path().join("config.json"), fs::read(tiny("llama").join("config.json")).unwrap()).unwrap();
    let weights = fs::read(tiny("llama").join("model.safetensors")).unwrap();
    fs::write(folder.path().join("model.safetensors"), &weights[..weights.len() - 1]).unwrap();
    for (path, expected) in [
        (gguf, "damaged GGUF header"),
        (folder.path().to_owned(), "is cut off or damaged"),
        (folder.path().join("absent"), "No such file"),
    ] {
        let output = rrm(["model".as_ref(), "inspect".as_ref(), path.as_os_str()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
