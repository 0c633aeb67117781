//! The HTTP engine against fakes of hosted services, made from what their documentation and people's reports say they refuse: with the options
//! of docs/servers.md each of them judges, and without them the error names the option.

use rrm::{
    chat::{Message, Role},
    engine::{
        Engine, Request, Sampling,
        http::{Continuation, HttpConfig, HttpEngine, RequestFields, connect},
    },
};
use serde_json::{Value, json};

use crate::strict_server::{Answer, Asked, StrictServer, models, refuse, say};

pub const VERDICT: &str = "<think>both</think> \\boxed{Assistant 1}";

/// A service: what it does with a request.
pub type Service = fn(&Asked) -> Answer;

fn bearer(asked: &Asked) -> bool {
    asked.headers.get("authorization").is_some_and(|value| value == "Bearer key-of-a-test")
}

/// A chat at exactly this path with this key, models beside it.
fn at(asked: &Asked, chat: &str, key: bool, then: impl Fn(&Asked) -> Answer) -> Answer {
    if !key {
        return refuse(401, "Incorrect API key provided");
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", path) if path == chat => then(asked),
        ("GET", path) if path == chat.replace("chat/completions", "models") => models("judge"),
        _ => refuse(404, "Resource not found"),
    }
}

fn openai_reasoning(asked: &Asked) -> Answer {
    at(asked, "/v1/chat/completions", bearer(asked), |asked| {
        let unsupported = |name: &str, rest: &str| {
            let message = format!("Unsupported parameter: '{name}' is not supported with this model.{rest}");
            let code =
                json!({"message": message, "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"});
            Answer::Json(400, json!({"error": code}))
        };
        if asked.has("max_tokens") {
            return unsupported("max_tokens", " Use 'max_completion_tokens' instead.");
        }
        if asked.number("temperature").is_some_and(|t| t != 1.0) {
            return refuse(
                400,
                "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported.",
            );
        }
        for name in ["top_p", "stop", "logprobs"] {
            if asked.has(name) {
                return unsupported(name, "");
            }
        }
        if asked.number("max_completion_tokens").is_some_and(|limit| limit < 100.0) {
            return refuse(
                400,
                "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.",
            );
        }
        say(asked, VERDICT)
    })
}

fn azure(asked: &Asked) -> Answer {
    let key = asked.headers.get("api-key").is_some_and(|value| value == "key-of-a-test");
    let chat = "/openai/deployments/judge/chat/completions?api-version=2024-10-21";
    if asked.path.contains("/models") {
        return Answer::Json(404, json!({"error": {"code": "404", "message": "Resource not found"}}));
    }
    at(asked, chat, key, |asked| match asked.has("stream_options") {
        true => refuse(400, "Unrecognized request argument supplied: stream_options"),
        false => say(asked, VERDICT),
    })
}

fn claude(asked: &Asked) -> Answer {
    // Its list of models wants another header than its chat.
    if asked.path == "/v1/models" {
        let error = json!({"type": "authentication_error", "message": "x-api-key header is required"});
        return Answer::Json(401, json!({"type": "error", "error": error}));
    }
    at(asked, "/v1/chat/completions", bearer(asked), |asked| match asked.has("temperature") && asked.has("top_p") {
        true => refuse(400, "`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        false => say(asked, VERDICT),
    })
}

fn gemini(asked: &Asked) -> Answer {
    at(asked, "/v1beta/openai/chat/completions", bearer(asked), |asked| {
        let wrong = |message: &str| {
            Answer::Json(400, json!([{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]))
        };
        if asked.number("seed").is_some_and(|seed| seed > f64::from(i32::MAX)) {
            return wrong(&format!("Invalid value at 'generation_config.seed' (TYPE_INT32), {}", asked.body["seed"]));
        }
        if asked.has("min_p") {
            return wrong("Invalid JSON payload received. Unknown name \"min_p\": Cannot find field.");
        }
        if asked.number("max_tokens").is_some_and(|limit| limit < 100.0) {
            return Answer::Json(
                200,
                json!({"choices": [{"index": 0, "finish_reason": "length"}], "usage": {"prompt_tokens": 9}}),
            );
        }
        say(asked, VERDICT)
    })
}

fn mistral(asked: &Asked) -> Answer {
    at(asked, "/v1/chat/completions", bearer(asked), |asked| {
        let known = ["model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed"];
        let extra = asked.body.as_object().unwrap().keys().find(|name| !known.contains(&name.as_str()));
        match extra {
            None => say(asked, VERDICT),
            Some(name) => {
                let detail = json!([{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 0}]);
                Answer::Json(
                    422,
                    json!({"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "param": null}),
                )
            }
        }
    })
}

fn zhipu(asked: &Asked) -> Answer {
    if asked.path.ends_with("/models") {
        return Answer::Json(404, json!({"timestamp": "x", "status": 404, "error": "Not Found", "path": "/v4/models"}));
    }
    at(asked, "/api/paas/v4/chat/completions", bearer(asked), |asked| {
        let within = |name: &str, low: f64| asked.number(name).is_none_or(|value| (low..=1.0).contains(&value));
        match within("temperature", 0.0) && within("top_p", 0.01) {
            true => say(asked, VERDICT),
            false => Answer::Json(400, json!({"error": {"code": "1210", "message": "invalid parameter"}})),
        }
    })
}

fn deepseek(asked: &Asked) -> Answer {
    at(asked, "/v1/chat/completions", bearer(asked), |asked| match say(asked, VERDICT) {
        // It keeps connections alive with empty lines.
        Answer::Json(status, value) => {
            Answer::Raw(status, "content-type: application/json\r\n", format!("\n\n\n{value}").into_bytes())
        }
        other => other,
    })
}

fn dashscope(asked: &Asked) -> Answer {
    at(asked, "/compatible-mode/v1/chat/completions", bearer(asked), |asked| {
        if asked.body["stream"] != json!(true) {
            return refuse(400, "This model only support stream mode, please enable the stream parameter to access the model. ");
        }
        if asked.number("seed").is_some_and(|seed| seed > 2_147_483_647.0) {
            return refuse(400, "<400> InternalError.Algo.InvalidParameter: Range of seed should be [0, 2147483647]");
        }
        say(asked, VERDICT)
    })
}

/// A configuration for this address with the key, the model named, and no way to continue looked for.
pub fn config(url: String) -> HttpConfig {
    HttpConfig {
        urls: vec![url],
        model: Some("judge".to_owned()),
        api_key: Some("key-of-a-test".to_owned()),
        backoff: 0.001,
        timeout: 5.0,
        continuation: Continuation::None,
        ..HttpConfig::default()
    }
}

/// A judgement as the judge asks for it: with a system message, and a seed of 53 bits.
pub fn judgement() -> Request {
    Request {
        messages: [Message { role: Role::System, content: "Judge.".into() }, Message::user("Which one?")].into(),
        sampling: Sampling::default(),
        seed: 4_679_723_299_461_809,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

pub async fn judged(engine: &HttpEngine) -> String {
    engine.complete(judgement()).await.unwrap().text
}

fn fields(value: Value) -> RequestFields {
    serde_json::from_value(value).unwrap()
}

/// Each service, its address behind the host, what is set for it, and words of the notes that connecting gives.
#[tokio::test]
async fn each_service_judges_with_its_options() {
    let cases: [(&str, Service, &str, Value, &[&str]); 8] = [
        (
            "OpenAI o-series, gpt-5",
            openai_reasoning,
            "",
            json!({"without": ["temperature", "top_p"]}),
            &["max_completion_tokens", "temperature and top_p are not sent"],
        ),
        ("Azure", azure, "/openai/deployments/judge?api-version=2024-10-21", json!({}), &["does not tell its models"]),
        ("Claude", claude, "/v1/", json!({"without": ["top_p"]}), &["status 401", "top_p is not sent"]),
        ("Gemini", gemini, "/v1beta/openai/", json!({}), &["--seed-bits 31"]),
        ("Mistral", mistral, "/v1", json!({"rename": {"seed": "random_seed"}}), &[]),
        ("Zhipu", zhipu, "/api/paas/v4/", json!({}), &["there is no such list"]),
        ("DeepSeek", deepseek, "", json!({}), &[]),
        ("DashScope", dashscope, "/compatible-mode/v1", json!({}), &["as streams", "--seed-bits 31"]),
    ];
    for (name, service, path, wish, said) in cases {
        let server = StrictServer::start(service);
        let headers = if name == "Azure" { vec![("api-key".to_owned(), "key-of-a-test".to_owned())] } else { Vec::new() };
        let config = HttpConfig { fields: fields(wish), headers, ..config(format!("{}{path}", server.url)) };
        let engine = connect(config).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(judged(&engine).await, VERDICT, "{name}");
        let notes = engine.notes().join("\n");
        assert!(said.iter().all(|words| notes.contains(words)), "{name}: {notes}");
        let last = server.bodies().pop().unwrap();
        assert_eq!(last["messages"][0]["role"], "system", "{name}");
    }
}

/// A service, the path of its address, what is set, and the option that its refusal must name.
type Refused = (Service, &'static str, fn(HttpConfig) -> HttpConfig, &'static str);

/// What a service refuses ends connecting with an error that names the option.
#[tokio::test]
async fn a_refusal_names_the_option() {
    let cases: [Refused; 6] = [
        (openai_reasoning, "", |config| config, "--without-field temperature"),
        (
            openai_reasoning,
            "",
            |config| HttpConfig { fields: fields(json!({"without": ["temperature"]})), ..config },
            "--without-field top_p",
        ),
        (claude, "", |config| config, "--without-field top_p"),
        (mistral, "", |config| config, "--rename-field seed=NAME"),
        (
            mistral,
            "",
            |config| HttpConfig { fields: fields(json!({"without": ["seed"]})), stream: true, ..config },
            "--without-field stream_options",
        ),
        (
            azure,
            "/openai/deployments/judge?api-version=2024-10-21",
            |config| HttpConfig { headers: vec![("api-key".to_owned(), "key-of-a-test".to_owned())], stream: true, ..config },
            "--without-field stream_options",
        ),
    ];
    for (service, path, change, option) in cases {
        let server = StrictServer::start(service);
        let error = connect(change(config(format!("{}{path}", server.url)))).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(option), "{error}");
    }
}

#[tokio::test]
async fn a_model_without_a_system_role_says_so_and_judges_when_it_is_folded() {
    let gemma: Service = |asked| match asked.body["messages"][0]["role"] == "system" {
        true => Answer::Json(
            400,
            json!({"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400}),
        ),
        false if asked.path.ends_with("/models") => models("judge"),
        false => say(asked, VERDICT),
    };
    let server = StrictServer::start(gemma);
    let engine = connect(config(server.url.clone())).await.unwrap();
    let error = engine.complete(judgement()).await.unwrap_err().to_string();
    assert!(error.contains("--system-as-user"), "{error}");
    let folded = HttpConfig { fields: fields(json!({"system_as_user": true})), ..config(server.url.clone()) };
    assert_eq!(judged(&connect(folded).await.unwrap()).await, VERDICT);
    let last = server.bodies().pop().unwrap();
    assert_eq!(last["messages"], json!([{"role": "user", "content": "Judge.\n\nWhich one?"}]));
}

#[tokio::test]
async fn seeds_are_cut_left_out_or_renamed_and_nothing_is_promised_of_left_out_ones() {
    let open: Service = |asked| if asked.path.ends_with("/models") { models("judge") } else { say(asked, VERDICT) };
    let server = StrictServer::start(open);
    let with = |wish: Value| connect(HttpConfig { fields: fields(wish), ..config(server.url.clone()) });
    let plain = with(json!({})).await.unwrap();
    assert!(plain.info().seeds);
    let without = with(json!({"without": ["seed"]})).await.unwrap();
    assert!(!without.info().seeds && without.notes()[0].contains("seed is not sent"), "{:?}", without.notes());
    judged(&without).await;
    assert_eq!(server.bodies().pop().unwrap().get("seed"), None);
    let short = with(json!({"seed_bits": 31})).await.unwrap();
    judged(&short).await;
    assert_eq!(server.bodies().pop().unwrap()["seed"], json!(4_679_723_299_461_809_u64 & 0x7fff_ffff));
    // Each of them may write other texts, and none may be taken for another's; a new name for the limit changes no text.
    let renamed = with(json!({"rename": {"max_tokens": "max_completion_tokens"}})).await.unwrap();
    let prints = [&plain, &without, &short, &renamed].map(|engine| engine.info().fingerprint.clone());
    assert_eq!(prints[0], prints[3]);
    assert!(prints[0] != prints[1] && prints[0] != prints[2] && prints[1] != prints[2]);
}

#[tokio::test]
async fn added_fields_and_headers_come_with_every_request() {
    let open: Service = |asked| if asked.path.ends_with("/models") { models("judge") } else { say(asked, VERDICT) };
    let server = StrictServer::start(open);
    let wish = fields(json!({"add": {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": false}}}));
    let headers = vec![("X-Title".to_owned(), "rrm".to_owned())];
    judged(&connect(HttpConfig { fields: wish, headers, ..config(server.url.clone()) }).await.unwrap()).await;
    assert!(
        server
            .bodies()
            .iter()
            .all(|body| body["reasoning_effort"] == "low" && body["chat_template_kwargs"]["enable_thinking"] == false)
    );
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.headers["x-title"] == "rrm" && asked.headers["authorization"] == "Bearer key-of-a-test")
    );
}

#[tokio::test]
async fn a_header_is_not_repeated_by_an_error() {
    let told: Service = |asked| refuse(403, &format!("no access for {}", asked.headers["x-api-key"]));
    let server = StrictServer::start(told);
    let headers = vec![("x-api-key".to_owned(), "very-secret".to_owned())];
    let error = connect(HttpConfig { headers, ..config(server.url.clone()) }).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no access for (key)") && !error.contains("very-secret"), "{error}");
}
