//! A GGUF header -> whether llama.cpp can load the file safely: its loader aborts the process where an assertion fails.

use std::{collections::HashSet, path::Path};

use rrm::gguf::{GgufHeader, GgufValue, visit_texts};

/// Most layers that llama.cpp supports (`LLAMA_MAX_LAYERS`).
const MAX_LAYERS: u64 = 512;
/// Most experts that llama.cpp supports (`LLAMA_MAX_EXPERTS`).
const MAX_EXPERTS: u64 = 1024;

/// Checks everything that llama.cpp assumes of a text model.
pub(crate) fn check(header: &GgufHeader, path: &Path) -> Result<(), String> {
    check_kind(header)?;
    check_layers(header)?;
    check_tensors(header)?;
    check_vocabulary(header, path)
}

fn check_kind(header: &GgufHeader) -> Result<(), String> {
    let kind = header.text("general.type").unwrap_or("model");
    if kind != "model" {
        return Err(format!("it holds a {kind:?}, not a whole model"));
    }
    if header.number("split.count").is_some_and(|count| count > 1) {
        return Err(
            "it is one part of a split model; join the parts with llama.cpp's `llama-gguf-split --merge` first".to_owned()
        );
    }
    let architecture = header.text("general.architecture").ok_or("it names no architecture")?;
    let key = |name: &str| format!("{architecture}.{name}");
    let embeds = header.metadata.contains_key(&key("pooling_type"));
    let causal = header.metadata.get(&key("attention.causal")) != Some(&GgufValue::Bool(false));
    if embeds || !causal { Err(format!("{architecture} with pooling makes embeddings; it writes no text")) } else { Ok(()) }
}

fn check_layers(header: &GgufHeader) -> Result<(), String> {
    let architecture = header.text("general.architecture").unwrap_or_default();
    let number = |name: &str| header.number(&format!("{architecture}.{name}"));
    let layers = number("block_count").unwrap_or(0);
    if !(1..=MAX_LAYERS).contains(&layers) || number("nextn_predict_layers").unwrap_or(0) > layers {
        return Err(format!("{layers} layers"));
    }
    let scaling = header.text(&format!("{architecture}.rope.scaling.type")).unwrap_or("none");
    if !["none", "linear", "yarn", "longrope"].contains(&scaling) {
        return Err(format!("unknown rope scaling {scaling:?}"));
    }
    for name in ["layer_norm_rms_epsilon", "layer_norm_epsilon", "group_norm_epsilon"] {
        let epsilon = header.metadata.get(&format!("{architecture}.attention.{name}"));
        if matches!(epsilon, Some(GgufValue::Float(epsilon)) if !epsilon.is_finite() || *epsilon < 0.0) {
            return Err(format!("{name} is {epsilon:?}"));
        }
    }
    let experts = number("expert_count").unwrap_or(0);
    let used = number("expert_used_count").unwrap_or(0);
    let groups = number("expert_group_count").unwrap_or(0);
    let groups_used = number("expert_group_used_count").unwrap_or(0);
    let routed = match experts {
        0 => used == 0 && groups == 0,
        _ => (1..=experts).contains(&used) && groups < experts,
    };
    let grouped = groups <= 1 || (experts % groups == 0 && (1..groups).contains(&groups_used));
    if experts > MAX_EXPERTS || !routed || !grouped {
        return Err(format!("{used} of {experts} experts in {groups_used} of {groups} groups"));
    }
    Ok(())
}

/// Checks the types of tensors. Allowed are those that a CPU can multiply with; ggml's other types are integers, `F64`, or intermediate results.
fn check_tensors(header: &GgufHeader) -> Result<(), String> {
    if header.tensors.is_empty() {
        return Err("it holds a vocabulary, no weights".to_owned());
    }
    let wrong = header.tensors.iter().find(|tensor| matches!(tensor.element_type, 9 | 15 | 24..=28));
    wrong.map_or(Ok(()), |tensor| Err(format!("tensor {:?} has type {}, which no weight has", tensor.name, tensor.element_type)))
}

fn check_vocabulary(header: &GgufHeader, path: &Path) -> Result<(), String> {
    let model = header.text("tokenizer.ggml.model").ok_or("it has no tokenizer")?;
    let tokens = header.array("tokenizer.ggml.tokens").ok_or("it has no vocabulary")?;
    if matches!(model, "none" | "no_vocab") || tokens.len == 0 || tokens.len > u64::from(i32::MAX as u32) {
        return Err(format!("a {model:?} vocabulary of {} tokens", tokens.len));
    }
    let (mut seen, mut twice) = (HashSet::new(), None);
    visit_texts(path, tokens, |index, text| {
        // llama.cpp numbers the empty texts, which keeps them distinct.
        if !text.is_empty() && !seen.insert(text.to_vec()) {
            twice = Some(index);
        }
    })
    .map_err(|error| error.to_string())?;
    twice.map_or(Ok(()), |index| Err(format!("token {index} of its vocabulary comes twice")))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Write};

    use rrm::gguf::{GgufArray, GgufTensor};

    use super::*;

    /// A header that passes, with some keys changed, and the file that holds its two tokens.
    fn verdict(changes: &[(&str, GgufValue)], tokens: [&str; 2], element_type: u32) -> Result<(), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for token in tokens {
            file.write_all(&(token.len() as u64).to_le_bytes()).unwrap();
            file.write_all(token.as_bytes()).unwrap();
        }
        let text = |text: &str| GgufValue::Text(text.to_owned());
        let mut metadata = BTreeMap::from([
            ("general.architecture".to_owned(), text("llama")),
            ("llama.block_count".to_owned(), GgufValue::Unsigned(2)),
            ("tokenizer.ggml.model".to_owned(), text("gpt2")),
            ("tokenizer.ggml.tokens".to_owned(), GgufValue::Array(GgufArray { element_type: 8, len: 2, offset: 0 })),
        ]);
        metadata.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let tensor = GgufTensor { name: "output.weight".to_owned(), shape: vec![32], element_type, offset: 0, size: 64 };
        check(&GgufHeader { version: 3, metadata, tensors: vec![tensor], data_offset: 0 }, file.path())
    }

    #[test]
    fn what_llama_cpp_asserts_is_refused_before() {
        use GgufValue::{Bool, Float, Unsigned};
        let text = |text: &str| GgufValue::Text(text.to_owned());
        let cases = [
            ("general.type", text("adapter"), "not a whole model"),
            ("split.count", Unsigned(2), "--merge"),
            ("llama.attention.causal", Bool(false), "writes no text"),
            ("llama.pooling_type", Unsigned(1), "writes no text"),
            ("llama.block_count", Unsigned(0), "0 layers"),
            ("llama.rope.scaling.type", text("new"), "unknown rope scaling"),
            ("llama.attention.layer_norm_rms_epsilon", Float(-1.0), "layer_norm_rms_epsilon"),
            ("llama.attention.layer_norm_rms_epsilon", Float(f64::NAN), "layer_norm_rms_epsilon"),
            ("llama.expert_used_count", Unsigned(2), "2 of 0 experts"),
            ("llama.expert_count", Unsigned(8), "0 of 8 experts"),
            ("tokenizer.ggml.model", text("none"), "\"none\" vocabulary"),
            ("tokenizer.ggml.tokens", Unsigned(1), "no vocabulary"),
        ];
        for (key, value, expected) in cases {
            let reason = verdict(&[(key, value)], ["a", "b"], 8).unwrap_err();
            assert!(reason.contains(expected), "{key}: {reason}");
        }
        assert!(verdict(&[], ["a", "a"], 8).unwrap_err().contains("token 1"));
        assert!(verdict(&[], ["a", "b"], 24).unwrap_err().contains("no weight has"));
    }

    #[test]
    fn ordinary_models_pass() {
        use GgufValue::Unsigned;
        verdict(&[], ["a", "b"], 8).unwrap();
        verdict(&[], ["", ""], 8).unwrap();
        let experts = [("llama.expert_count", Unsigned(8)), ("llama.expert_used_count", Unsigned(2))];
        verdict(&experts, ["a", "b"], 8).unwrap();
    }
}
