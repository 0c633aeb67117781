//! The HTTP engine and what stands between it and a model: addresses with paths and queries, lists of models that are not to be had, gateways that
//! wait for no long answer, proxies that pack and redirect, restarts.

use rrm::engine::{
    Engine,
    http::{HttpConfig, connect},
};
use serde_json::json;

use crate::{
    providers::{Service, VERDICT, config, judged, judgement},
    strict_server::{Answer, StrictServer, events, models, refuse, say, whole},
};

#[tokio::test]
async fn addresses_are_taken_as_they_are_given() {
    let cases = [
        ("/v1beta/openai/chat/completions", "/v1beta/openai/"),
        ("/api/paas/v4/chat/completions", "/api/paas/v4"),
        ("/openai/deployments/g/chat/completions?api-version=1", "/openai/deployments/g?api-version=1"),
        ("/openai/deployments/g/chat/completions?api-version=1", "/openai/deployments/g/chat/completions?api-version=1"),
        ("/openai/v1/chat/completions?api-version=preview", "/openai/v1?api-version=preview"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions", "/v1/"),
        ("/chat/completions", "/chat/completions"),
        ("/compatible-mode/v1/chat/completions", "/compatible-mode/v1"),
        ("/llm/v1/chat/completions", "/llm"),
        ("/llm/chat/completions", "/llm"),
        ("/openai/chat/completions", "/openai"),
        ("/openai/v1/chat/completions", "/openai"),
    ];
    for (chat, given) in cases {
        for lists in [true, false] {
            let server = StrictServer::start(move |asked| match asked.path == chat {
                true => say(asked, VERDICT),
                false if lists && asked.path == chat.replace("chat/completions", "models") => models("judge"),
                false => refuse(404, "Resource not found"),
            });
            let engine =
                connect(config(format!("{}{given}", server.url))).await.unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(judged(&engine).await, VERDICT, "{given}");
        }
    }
}

#[tokio::test]
async fn an_address_that_is_wrong_is_told() {
    let server = StrictServer::start(|_| refuse(404, "Resource not found"));
    let url = server.url.replace("http://", "http://me:hidden@") + "/llm?key=hidden";
    let error = connect(config(url)).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("asked {}/llm/chat/completions", server.url)) && !error.contains("hidden"), "{error}");
}

#[tokio::test]
async fn a_list_of_models_is_needed_only_without_a_name() {
    let forbids: Service =
        |asked| if asked.path == "/v1/models" { refuse(403, "Missing scopes: api.model.read.") } else { say(asked, VERDICT) };
    let html: Service = |asked| match asked.path == "/v1/models" {
        true => Answer::Raw(200, "content-type: text/html\r\n", b"<!DOCTYPE html><title>Sign in</title>".to_vec()),
        false => say(asked, VERDICT),
    };
    let fails: Service = |asked| if asked.path == "/v1/models" { refuse(500, "boom") } else { say(asked, VERDICT) };
    let missing: Service = |asked| if asked.path == "/v1/models" { refuse(404, "no") } else { say(asked, VERDICT) };
    let hangs: Service = |asked| if asked.path == "/v1/models" { Answer::Hang } else { say(asked, VERDICT) };
    for (service, why) in
        [(forbids, "403"), (html, "cannot be read"), (fails, "500"), (missing, "no such list"), (hangs, "no answer within")]
    {
        let server = StrictServer::start(service);
        let named = HttpConfig { timeout: 0.5, max_retries: 1, ..config(server.url.clone()) };
        let engine = connect(named.clone()).await.unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(judged(&engine).await, VERDICT);
        assert!(engine.notes().iter().any(|note| note.contains(why)), "{why}: {:?}", engine.notes());
        let error = connect(HttpConfig { model: None, ..named }).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("name"), "{error}");
    }
    let wrong = StrictServer::start(|_| refuse(401, "bad key"));
    let error = connect(config(wrong.url.clone())).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, rrm::engine::EngineError::Unauthorized { status: 401, .. }),
        "a key that may do nothing is still told: {error}"
    );
}

#[tokio::test]
async fn answers_are_streamed_where_a_gateway_waits_for_no_whole_one() {
    let gateway: Service = |asked| match asked.path == "/v1/models" {
        true => models("judge"),
        // Probes are short enough; a judgement is not.
        false if asked.body["stream"] != json!(true) && asked.body["max_tokens"].as_u64() > Some(1000) => {
            Answer::Raw(504, "content-type: text/html\r\n", b"<html><title>504 Gateway Time-out</title></html>".to_vec())
        }
        false => say(asked, VERDICT),
    };
    let server = StrictServer::start(gateway);
    let quick = HttpConfig { max_retries: 1, ..config(server.url.clone()) };
    let plain = connect(quick.clone()).await.unwrap();
    let error = plain.complete(judgement()).await.unwrap_err().to_string();
    assert!(error.contains("504") && error.contains("--stream-replies"), "{error}");
    let streaming = connect(HttpConfig { stream: true, ..quick }).await.unwrap();
    let done = streaming.complete(judgement()).await.unwrap();
    assert_eq!((done.text.as_str(), done.usage.prompt_tokens, done.usage.completion_tokens), (VERDICT, 20, 8));
    assert_eq!(plain.info().fingerprint, streaming.info().fingerprint, "how an answer comes changes no text");
}

#[tokio::test]
async fn a_stream_that_breaks_is_no_answer() {
    let broken: Service = |asked| match asked.path == "/v1/models" {
        true => models("judge"),
        false if asked.body["max_tokens"].as_u64() > Some(1000) => {
            let all = String::from_utf8(events(VERDICT)).unwrap();
            let cut = all.split_inclusive('\n').take_while(|line| !line.contains("\"stop\"")).collect::<String>();
            Answer::Raw(200, "content-type: text/event-stream\r\n", cut.into_bytes())
        }
        false => say(asked, VERDICT),
    };
    let server = StrictServer::start(broken);
    let engine = connect(HttpConfig { stream: true, max_retries: 1, ..config(server.url.clone()) }).await.unwrap();
    let error = engine.complete(judgement()).await.unwrap_err().to_string();
    assert!(error.contains("the stream ended before the answer did"), "{error}");
}

#[tokio::test]
async fn proxies_may_pack_mark_comment_and_stream() {
    let json_of = |answer: Answer| if let Answer::Json(_, value) = answer { value.to_string() } else { unreachable!() };
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, json_of(whole(VERDICT)).as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let bodies: [(&'static str, Vec<u8>); 5] = [
        ("content-encoding: gzip\r\n", packed),
        ("", format!("\u{feff}{}", json_of(whole(VERDICT))).into_bytes()),
        ("", format!(": PROCESSING\n\n: PROCESSING\n\n{}", json_of(whole(VERDICT))).into_bytes()),
        ("content-type: text/event-stream\r\n", events(VERDICT)),
        ("content-type: application/json\r\n", events(VERDICT)),
    ];
    for (head, body) in bodies {
        let server = StrictServer::start(move |asked| match asked.path == "/v1/models" {
            true => models("judge"),
            false => Answer::Raw(200, head, body.clone()),
        });
        let engine = connect(HttpConfig { max_retries: 0, ..config(server.url.clone()) })
            .await
            .unwrap_or_else(|error| panic!("{head}: {error}"));
        assert_eq!(judged(&engine).await, VERDICT, "{head}");
    }
    let server = StrictServer::start(|asked| match asked.path == "/v1/models" {
        true => models("judge"),
        false => Answer::Raw(200, "content-encoding: br\r\n", b"\x0b\x02".to_vec()),
    });
    let error = connect(HttpConfig { max_retries: 0, ..config(server.url.clone()) }).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("compressed (br)"), "{error}");
}

#[tokio::test]
async fn redirections_are_followed_only_where_the_request_stays_the_same() {
    let target = StrictServer::start(|asked| if asked.path == "/v1/models" { models("judge") } else { say(asked, VERDICT) });
    for (status, keyless) in [(301, false), (302, false), (303, true), (307, false), (308, false)] {
        let to: &'static str = Box::leak(format!("location: {}/v1/chat/completions\r\n", target.url).into_boxed_str());
        let server = StrictServer::start(move |_| Answer::Raw(status, to, Vec::new()));
        let config = HttpConfig { api_key: (!keyless).then(|| "k".to_owned()), ..config(server.url.clone()) };
        let error = connect(config).await.map(|_| ()).unwrap_err().to_string();
        let whole = format!(
            "status {status}: {}/v1/chat/completions: it redirects to {}/v1/chat/completions; name that address",
            server.url, target.url
        );
        assert!(error.ends_with(&whole), "{error}");
    }
    assert!(target.asked().is_empty(), "nothing that holds a key goes elsewhere");
    let to: &'static str = Box::leak(format!("location: {}/v1/chat/completions\r\n", target.url).into_boxed_str());
    let server = StrictServer::start(move |asked| match asked.path == "/v1/models" {
        true => models("judge"),
        false => Answer::Raw(308, to, Vec::new()),
    });
    let engine = connect(HttpConfig { api_key: None, ..config(server.url.clone()) }).await.unwrap();
    assert_eq!(judged(&engine).await, VERDICT, "308 without a key is followed");
    let circle = StrictServer::start(|asked| match asked.path == "/v1/models" {
        true => models("judge"),
        false => Answer::Raw(308, "location: /v1/chat/completions\r\n", Vec::new()),
    });
    let error = connect(config(circle.url.clone())).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("in a circle"), "{error}");
    assert!(circle.asked().len() < 40, "{}", circle.asked().len());
}

#[tokio::test]
async fn an_engine_is_ready_while_its_server_answers() {
    let forbids: Service = |asked| if asked.path == "/v1/models" { refuse(403, "no list for you") } else { say(asked, VERDICT) };
    let server = StrictServer::start(forbids);
    let (here, gone) = (connect(config(server.url.clone())).await.unwrap(), connect(config(server.url.clone())).await.unwrap());
    assert!(here.ready().await.is_ok(), "who may not list may still judge");
    drop(server);
    let error = gone.ready().await.unwrap_err();
    assert!(matches!(error, rrm::engine::EngineError::Unreachable { .. } | rrm::engine::EngineError::BadReply { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_without_a_retry() {
    let server = StrictServer::start(|asked| if asked.path == "/v1/models" { models("judge") } else { say(asked, VERDICT) });
    let (url, place) = (server.url.clone(), server.url.trim_start_matches("http://").to_owned());
    let waits = HttpConfig { max_retries: 0, away: 60.0, ..config(url.clone()) };
    let engine = std::sync::Arc::new(connect(waits).await.unwrap());
    let impatient = connect(HttpConfig { max_retries: 0, ..config(url) }).await.unwrap();
    drop(server);
    while std::net::TcpStream::connect(&place).is_ok() {
        tokio::task::yield_now().await;
    }
    impatient.complete(judgement()).await.unwrap_err();
    let asking = tokio::spawn({
        let engine = engine.clone();
        async move { engine.complete(judgement()).await }
    });
    while engine.stats().disconnects == 0 {
        tokio::task::yield_now().await;
    }
    let listener = std::net::TcpListener::bind(&place).unwrap();
    let _back = StrictServer::on(listener, |asked| say(asked, VERDICT));
    assert_eq!(asking.await.unwrap().unwrap().text, VERDICT);
}

#[tokio::test]
async fn a_route_for_scores_is_asked_where_it_was_named_with_the_same_options() {
    let server = StrictServer::start(|asked| match asked.path.as_str() {
        "/v1/rerank" if asked.headers.contains_key("x-title") && asked.body["return_documents"] == json!(false) => {
            Answer::Json(200, json!({"results": [{"index": 0, "relevance_score": 0.25}]}))
        }
        _ => refuse(404, "Not Found"),
    });
    let fields = serde_json::from_value(json!({"add": {"return_documents": false}})).unwrap();
    let headers = vec![("x-title".to_owned(), "rrm".to_owned())];
    let config = HttpConfig { fields, headers, ..config(format!("{}/v1/rerank", server.url)) };
    let engine = rrm::engine::scalar::connect(config).await.unwrap();
    assert_eq!(engine.route(), rrm::engine::scalar::Route::Rerank);
}
