//! A GGUF header -> whether llama.cpp may be given the file: it ends the process where its loader only asserts.

use std::{collections::HashSet, path::Path};

use rrm::gguf::{GgufHeader, GgufValue, visit_texts};

/// Most layers that llama.cpp has room for (`LLAMA_MAX_LAYERS`).
const MAX_LAYERS: u64 = 512;
/// Most experts that llama.cpp has room for (`LLAMA_MAX_EXPERTS`).
const MAX_EXPERTS: u64 = 1024;

/// Checks everything that llama.cpp takes for granted of a text model.
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

/// Types that can be multiplied with on a CPU: the rest of ggml's are whole numbers, `F64`, or intermediate results.
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
        // llama.cpp numbers the empty ones, which keeps them apart.
        if !text.is_empty() && !seen.insert(text.to_vec()) {
            twice = Some(index);
        }
    })
    .map_err(|error| error.to_string())?;
    twice.map_or(Ok(()), |index| Err(format!("token {index} of its vocabulary comes twice")))
}
