//! The model lists of servers -> the model to use, and the facts that they state about it.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use serde_json::Value;

use crate::engine::{
    EngineError,
    http::{HttpConfig, fingerprint::sorted, replicas::Replica, secrets::visible, server::ServerPool},
};

/// Fields of `/v1/models` that do not change when a server restarts. `created` is the start time on vLLM. The size of the context (`max_model_len`,
/// `meta.n_ctx`) depends on how the server was started: other sizes give the same texts.
const STABLE: [&str; 4] = ["root", "parent", "owned_by", "meta"];

/// Fields of an entry that state facts about the weights, independent of the server.
const FACTS: [&str; 9] =
    ["dtype", "torch_dtype", "model_dtype", "quantization", "revision", "sha", "model_sha", "digest", "weight_version"];

/// The same for the fields of its `meta` (llama.cpp).
const META_FACTS: [&str; 9] =
    ["n_params", "size", "ftype", "n_vocab", "vocab_type", "n_embd", "n_layer", "n_ctx_train", "quantization"];

/// One entry of `/v1/models`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelEntry {
    pub id: String,
    /// Facts about the weights.
    pub facts: BTreeMap<String, String>,
    /// Stable fields as JSON with sorted keys. A change in them may mean another model.
    stable: String,
    /// Whether the server is still loading the model and does not know its facts (llama.cpp).
    loading: bool,
    /// Kind of the server, if it is stated: `vllm`, `sglang`, `llamacpp`.
    pub owner: Option<String>,
}

impl ModelEntry {
    /// Returns an entry for a model that is known from another source than a list.
    pub fn new(id: String, stable: String) -> Self {
        ModelEntry { id, facts: BTreeMap::new(), stable, loading: false, owner: None }
    }

    /// Returns the stable fields, which do not change when a server restarts.
    pub fn stable(&self) -> &str {
        &self.stable
    }
}

/// Time limit for a list of models: the answer is small, and a gateway that does not know the route may never answer.
const LISTING: Duration = Duration::from_secs(15);

/// Returns the models that each replica lists: `Err` for a replica that does not answer, `Ok` and empty for one without a list. If an address has
/// several candidates, the first one that lists models is used from now on.
pub(crate) async fn list(server: &ServerPool) -> Vec<Result<Vec<ModelEntry>, EngineError>> {
    join_all(server.replicas().iter().map(|replica| list_of(server, replica))).await
}

async fn list_of(server: &ServerPool, replica: &Replica) -> Result<Vec<ModelEntry>, EngineError> {
    // A wrong address should be noticed soon, and a replica that is down should not delay the others.
    let retries = server.max_retries.min(2);
    let mut results = Vec::new();
    for number in 0..replica.base.count() {
        replica.base.choose(number);
        let result = match server.get_json::<Value>(replica, "v1/models", retries, LISTING).await {
            Ok(value) => Ok(read(&value)),
            Err(EngineError::Status { status: 404 | 405 | 501, .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        match &result {
            Ok(models) if models.is_empty() => {}
            Ok(_) | Err(EngineError::Unreachable { .. } | EngineError::TimedOut { .. }) => return result,
            Err(_) => {}
        }
        results.push(result);
    }
    // A route that refuses exists; one that is not found does not.
    let refuses =
        |result: &Result<_, EngineError>| matches!(result, Err(EngineError::Unauthorized { .. } | EngineError::Status { .. }));
    let at = results.iter().position(refuses).unwrap_or(0);
    replica.base.choose(at);
    results.swap_remove(at)
}

/// Returns the note for a named model that no replica lists: that the name is used as it is, and why nothing more is known about it.
pub(crate) fn unlisted(engine: &str, model: Option<&str>, lists: &[Result<Vec<ModelEntry>, EngineError>]) -> Option<String> {
    let model = model?;
    if lists.iter().flatten().any(|models| !models.is_empty()) {
        return None;
    }
    let why = match lists.iter().find_map(|list| list.as_ref().err()) {
        None => "there is no such list".to_owned(),
        Some(EngineError::Unauthorized { status, .. }) => format!("status {status}"),
        Some(EngineError::Status { status, .. }) => format!("status {status}"),
        Some(EngineError::TimedOut { after, .. }) => format!("no answer within {after:?}"),
        Some(EngineError::BadReply { .. }) => "an answer that cannot be read".to_owned(),
        // If no server answers, that is an error of its own.
        Some(_) => return None,
    };
    Some(format!("{engine}: the server does not tell its models ({why}); {model} is asked for as it is named"))
}

/// Returns the model to use: the configured one, or the only one listed, with the facts that all replicas state.
pub(crate) fn choose(
    engine: &str,
    config: &HttpConfig,
    lists: Vec<Result<Vec<ModelEntry>, EngineError>>,
) -> Result<ModelEntry, EngineError> {
    let failed = |detail: String| EngineError::Failed { engine: engine.to_owned(), detail };
    let (mut reached, mut last) = (Vec::new(), None);
    for list in lists {
        match list {
            Ok(models) => reached.push(models),
            Err(error @ EngineError::Unauthorized { .. }) if config.model.is_none() => return Err(nameable(error)),
            Err(error) => last = Some(error),
        }
    }
    if let (true, Some(error)) = (reached.is_empty(), last) {
        // Some servers fail on this route (as `transformers serve` does without a cache of models), and some keys may chat but not list. If the model
        // is named anyway, the first chat shows whether it works.
        if config.model.is_none() || matches!(error, EngineError::Unreachable { .. }) {
            return Err(nameable(error));
        }
    }
    let mut ids: Vec<&str> = reached.iter().flatten().map(|model| model.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let id = match (&config.model, ids.as_slice()) {
        (Some(model), _) => model.clone(),
        (None, [only]) => only.to_string(),
        (None, []) => return Err(failed("the server lists no models; name the one to use".to_owned())),
        (None, several) => {
            return Err(failed(format!("the server has several models, name one of them: {}", visible(&several.join(", ")))));
        }
    };
    let mut said: Vec<&ModelEntry> = reached.iter().flatten().filter(|model| model.id == id).collect();
    // An entry that is still loading has no facts yet.
    if said.iter().any(|model| !model.loading) {
        said.retain(|model| !model.loading);
    }
    said.dedup_by_key(|model| &model.stable);
    if said.len() > 1 && config.revision.is_none() {
        let detail = format!(
            "the replicas do not serve the same {id}: {} and {}; if they do, set `revision`",
            said[0].stable, said[1].stable
        );
        return Err(failed(detail));
    }
    Ok(said.first().map_or_else(|| ModelEntry::new(id, String::new()), |model| (*model).clone()))
}

/// Returns the facts that the server states now that it has answered, or else its earlier ones.
pub(crate) async fn loaded(server: &ServerPool, config: &HttpConfig, model: &ModelEntry) -> ModelEntry {
    if !model.loading {
        return model.clone();
    }
    let config = HttpConfig { model: Some(model.id.clone()), ..config.clone() };
    choose(&server.name, &config, list(server).await).unwrap_or_else(|_| model.clone())
}

/// Returns the error of a failed list, with the option that makes the list unnecessary.
fn nameable(error: EngineError) -> EngineError {
    const HOW: &str = "; the list of models can be done without where --model names one";
    match error {
        EngineError::Unauthorized { engine, status, detail } => {
            EngineError::Unauthorized { engine, status, detail: detail + HOW }
        }
        EngineError::Status { engine, status, detail } => EngineError::Status { engine, status, detail: detail + HOW },
        EngineError::BadReply { engine, detail } => EngineError::BadReply { engine, detail: detail + HOW },
        EngineError::TimedOut { engine, after } => {
            EngineError::Failed { engine, detail: format!("no list of models within {after:?}{HOW}") }
        }
        other => other,
    }
}

fn read(models: &Value) -> Vec<ModelEntry> {
    let entries = models.get("data").or(models.get("models")).unwrap_or(models).as_array();
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let owner = entry.get("owned_by").and_then(Value::as_str).map(str::to_lowercase);
            let loading = entry.get("meta").is_some_and(Value::is_null);
            let id = entry.get("id")?.as_str()?.to_owned();
            Some(ModelEntry { id, facts: facts(entry), stable: stable(entry), loading, owner })
        })
        .collect()
}

fn facts(entry: &Value) -> BTreeMap<String, String> {
    let of = |object: Option<&Value>, names: &[&str], prefix: &str| {
        let fact = |name: &&str| Some((format!("{prefix}{name}"), sorted(object?.get(*name).filter(|value| !value.is_null())?)));
        names.iter().filter_map(fact).collect::<Vec<_>>()
    };
    of(Some(entry), &FACTS, "").into_iter().chain(of(entry.get("meta"), &META_FACTS, "meta.")).collect()
}

fn stable(entry: &Value) -> String {
    let mut entry = entry.clone();
    if let Some(meta) = entry.get_mut("meta").and_then(Value::as_object_mut) {
        meta.retain(|name, _| !name.starts_with("n_ctx") || name == "n_ctx_train");
    }
    let field = |name: &&str| Some(format!("{name:?}:{}", sorted(entry.get(*name).filter(|value| !value.is_null())?)));
    let fields = STABLE.iter().filter_map(field);
    fields.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(entry: Value) -> Vec<ModelEntry> {
        read(&json!({"object": "list", "data": [entry]}))
    }

    fn chosen(model: Option<&str>, lists: Vec<Result<Vec<ModelEntry>, EngineError>>) -> Result<ModelEntry, EngineError> {
        choose("e", &HttpConfig { model: model.map(str::to_owned), ..HttpConfig::default() }, lists)
    }

    #[test]
    fn only_what_stays_the_same_counts() {
        let before =
            listed(json!({"id": "m", "created": 1, "root": "/w", "meta": {"b": 1, "a": 2}, "permission": [{"id": "x"}]}));
        let after = listed(json!({"id": "m", "created": 2, "meta": {"a": 2, "b": 1}, "root": "/w", "permission": []}));
        let other = listed(json!({"id": "m", "created": 1, "root": "/w2", "meta": {"a": 2, "b": 1}}));
        assert_eq!(before, after);
        assert_ne!(before, other);
    }

    #[test]
    fn the_size_of_the_context_is_no_part_of_the_weights() {
        let stable = |entry: Value| listed(entry)[0].stable.clone();
        let vllm = |length: u64| stable(json!({"id": "m", "owned_by": "vllm", "root": "/w", "max_model_len": length}));
        assert_eq!(vllm(4096), vllm(2048));
        let llama = |context: u64, parameters: u64| {
            stable(json!({"id": "m", "meta": {"n_ctx": context, "n_ctx_train": 4096, "n_params": parameters}}))
        };
        assert_eq!(llama(4096, 7), llama(8192, 7));
        assert_ne!(llama(4096, 7), llama(4096, 8));
    }

    #[test]
    fn what_is_stated_of_the_weights_is_told_from_where_they_lie() {
        let entry = json!({"id": "m", "root": "/w", "owned_by": "x", "dtype": "bf16", "max_model_len": 9,
            "meta": {"n_params": 7, "n_ctx": 4096, "path": "/w"}});
        let facts: Vec<(String, String)> = listed(entry)[0].facts.clone().into_iter().collect();
        assert_eq!(facts, [("dtype".to_owned(), "\"bf16\"".to_owned()), ("meta.n_params".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn a_model_that_is_loading_says_nothing_yet() {
        let loading = listed(json!({"id": "a", "meta": null}));
        let loaded = listed(json!({"id": "a", "meta": {"n_params": 7}}));
        assert!(loading[0].loading && !loaded[0].loading);
        for lists in [vec![Ok(loading.clone()), Ok(loaded.clone())], vec![Ok(loaded.clone()), Ok(loading)]] {
            assert_eq!(chosen(None, lists).unwrap(), loaded[0]);
        }
    }

    #[test]
    fn the_model_is_the_named_or_the_only_one() {
        let a = listed(json!({"id": "a"}));
        let both = [a.clone(), listed(json!({"id": "b"}))].concat();
        assert_eq!(chosen(None, vec![Ok(a.clone()), Ok(a.clone())]).unwrap().id, "a");
        assert_eq!(chosen(Some("b"), vec![Ok(both.clone())]).unwrap().id, "b");
        assert_eq!(chosen(Some("hidden"), vec![Ok(Vec::new())]).unwrap().id, "hidden");
        let error = chosen(None, vec![Ok(both)]).unwrap_err().to_string();
        assert!(error.contains("a, b"), "{error}");
        assert!(chosen(None, vec![Ok(Vec::new())]).is_err());
    }

    #[test]
    fn a_replica_that_is_down_does_not_matter_but_all_of_them_do() {
        let down = || EngineError::Unreachable { engine: "e".to_owned(), detail: "refused".to_owned() };
        assert!(chosen(None, vec![Err(down()), Ok(listed(json!({"id": "a"})))]).is_ok());
        assert!(matches!(chosen(None, vec![Err(down()), Err(down())]), Err(EngineError::Unreachable { .. })));
    }

    #[test]
    fn replicas_must_agree() {
        let lists = || vec![Ok(listed(json!({"id": "a", "root": "1"}))), Ok(listed(json!({"id": "a", "root": "2"})))];
        assert!(chosen(None, lists()).unwrap_err().to_string().contains("revision"));
        let config = HttpConfig { revision: Some("7".to_owned()), ..HttpConfig::default() };
        assert!(choose("e", &config, lists()).is_ok());
    }
}
