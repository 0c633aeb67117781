//! The identity of a server -> checks of its basis: a declared revision, facts that the server states about the weights, and its answers.

use super::Check;
use crate::engine::{Engine, http::HttpEngine};

/// Returns two checks: of the weights, and of the precision of the computation.
pub(super) fn checks(engine: &HttpEngine) -> [Check; 2] {
    [weights(engine), precision(engine)]
}

fn weights(engine: &HttpEngine) -> Check {
    const NAME: &str = "weights";
    let known = &engine.identity.known;
    let fingerprint = engine.info().fingerprint.chars().take(16).collect::<String>();
    if let Some(revision) = &known.revision {
        return Check::ok(NAME, format!("fingerprint {fingerprint}: declared, revision {revision}"));
    }
    let stated: Vec<String> = known.stated.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let stated = if stated.is_empty() { String::new() } else { format!(", and what it states ({})", stated.join(", ")) };
    match known.answers.len() {
        0 if stated.is_empty() => Check::missing(
            NAME,
            "greedy answers differ from each other, so other weights behind the same name cannot be told apart: nothing but the model's name is known",
            "set `revision` whenever the model changes",
        ),
        0 => Check::missing(
            NAME,
            format!(
                "greedy answers differ from each other, so other weights behind the same name are told apart only by the name{stated}"
            ),
            "set `revision` whenever the model changes",
        ),
        1 => Check::ok(NAME, format!("fingerprint {fingerprint}: told by its greedy answer to one request{stated}")),
        several => Check::ok(
            NAME,
            format!(
                "fingerprint {fingerprint}: told by its {several} greedy answers to one request, which depend on the load{stated}"
            ),
        ),
    }
}

/// Names of facts that state a precision.
const TELLING: [&str; 6] = ["dtype", "torch_dtype", "model_dtype", "quantization", "meta.ftype", "meta.quantization"];

fn precision(engine: &HttpEngine) -> Check {
    const NAME: &str = "precision";
    let known = &engine.identity.known;
    if known.revision.is_some() {
        return Check::ok(NAME, "taken for part of what the revision names");
    }
    if let Some((name, value)) = TELLING.iter().find_map(|name| known.stated.get_key_value(*name)) {
        return Check::ok(NAME, format!("the server states {name} {value}"));
    }
    let number = |name: &str| known.stated.get(name).and_then(|text| text.parse::<f64>().ok()).filter(|number| *number > 0.0);
    match (number("meta.size"), number("meta.n_params")) {
        (Some(bytes), Some(parameters)) => Check::ok(
            NAME,
            format!("{:.1} bits for each parameter, by the size that the server states", bytes * 8.0 / parameters),
        ),
        _ => Check::missing(
            NAME,
            "unknown: the server does not state it, and answers may be the same in another precision",
            "name it where it matters, with --revision, such as --revision bf16",
        ),
    }
}
