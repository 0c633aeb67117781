//! Rerank and score requests in the shapes that clients send, and the description of all routes.

use rrm::ranking::{rank::RankSettings, strategy::Strategy};
use rrm_server::settings::ServerSettings;
use serde_json::{Value, json};

use crate::served::{groups_of, serve};

fn win_rates() -> ServerSettings {
    ServerSettings { rank: RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() }, ..groups_of(2) }
}

const DOCUMENTS: [&str; 3] = ["short", "the longest of them all", "middling one"];

#[tokio::test]
async fn documents_come_back_best_first_in_the_shape_that_asked() {
    let served = serve("longer", win_rates()).await;
    for route in ["/rerank", "/v1/rerank", "/v2/rerank"] {
        let jina = json!({"model": "any", "query": "Q", "documents": DOCUMENTS, "top_n": 2, "max_tokens_per_doc": 9});
        let (status, body) = served.ask(route, &jina).await;
        assert_eq!(status, 200, "{body}");
        let results = body["results"].as_array().unwrap();
        let order: Vec<_> = results.iter().map(|result| result["index"].as_u64().unwrap()).collect();
        assert_eq!(order, [1, 2], "{body}");
        assert_eq!(results[0]["document"]["text"], DOCUMENTS[1]);
        assert_eq!(results[0]["relevance_score"], 1.0);
        assert!(body["usage"]["total_tokens"].is_u64());
    }
    let objects = json!({"query": "Q", "documents": [{"text": "a"}, {"text": "bbb", "id": 7}], "return_documents": false});
    let (_, body) = served.ask("/rerank", &objects).await;
    assert_eq!(body["results"][0]["index"], 1);
    assert!(body["results"][0].get("document").is_none());
    // text-embeddings-inference.
    let (_, body) =
        served.ask("/rerank", &json!({"query": "Q", "texts": DOCUMENTS, "return_text": true, "raw_scores": false})).await;
    assert_eq!(
        body,
        json!([
            {"index": 1, "score": 1.0, "text": DOCUMENTS[1]}, {"index": 2, "score": 0.5, "text": DOCUMENTS[2]}, {"index": 0, "score": 0.0, "text": DOCUMENTS[0]}
        ])
    );
}

#[tokio::test]
async fn scores_come_in_the_order_of_the_documents() {
    let served = serve("longer", win_rates()).await;
    let asked = [
        json!({"queries": "Q", "documents": DOCUMENTS}),
        json!({"text_1": "Q", "text_2": DOCUMENTS}),
        json!({"query": "Q", "items": DOCUMENTS, "model": "m"}),
        json!({"queries": ["Q", "Q", "Q"], "documents": DOCUMENTS}),
    ];
    for (route, body) in asked.iter().flat_map(|body| [("/score", body), ("/v1/score", body)]) {
        let (status, told) = served.ask(route, body).await;
        let scores: Vec<_> = told["data"].as_array().unwrap().iter().map(|one| one["score"].as_f64().unwrap()).collect();
        assert_eq!((status, scores), (200, vec![0.0, 1.0, 0.5]), "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_and_never_scored() {
    let served = serve("longer", win_rates()).await;
    let refused = [
        ("/rerank", json!({"query": "Q", "documents": ["only"]}), "invalid"),
        ("/rerank", json!({"query": "Q", "documents": ["same", "same"]}), "invalid"),
        ("/rerank", json!({"query": " ", "documents": DOCUMENTS}), "invalid"),
        ("/rerank", json!({"query": "Q", "documents": DOCUMENTS, "texts": DOCUMENTS}), "invalid"),
        ("/rerank", json!({"query": "Q"}), "invalid"),
        ("/score", json!({"queries": ["a", "b"], "documents": ["c", "d"]}), "invalid"),
        ("/v1/score", json!({"query": "Q", "items": DOCUMENTS, "label_token_ids": [1, 2]}), "invalid"),
    ];
    for (route, body, code) in refused {
        let (status, told) = served.ask(route, &body).await;
        assert_eq!((status, &told["error"]["code"]), (422, &json!(code)), "{body}: {told}");
    }
    // Pictures are not judged, and errors name the place.
    let picture = |document: Value| json!({"query": "Q", "documents": [document, "text"]});
    for (route, body, words) in [
        ("/rerank", picture(json!({"text": "a", "image": "https://a/b.png"})), "`documents[0].image` holds a picture"),
        ("/rerank", picture(json!({"image": "https://a/b.png"})), "`documents[0].image` holds a picture"),
        ("/rerank", picture(json!({"title": "a"})), "`documents[0]` must be a text, or an object with a `text`; found an object"),
        ("/rerank", picture(json!({"text": 7})), "`documents[0].text` must be text; found a number (7)"),
        ("/score", json!({"queries": "Q", "documents": ["a", 7]}), "`documents[1]` must be a text"),
        ("/rerank", json!({"query": "<image>\nWhat?", "documents": DOCUMENTS}), "the tag `<image>`"),
    ] {
        let (status, told) = served.ask(route, &body).await;
        let message = told["error"]["message"].as_str().unwrap();
        assert!(status == 422 && message.contains(words), "{body}: {told}");
    }
    // As in vLLM, 0 is all; fewer than none is refused.
    let top = |n: i64| json!({"query": "Q", "documents": DOCUMENTS, "top_n": n});
    assert_eq!(served.ask("/rerank", &top(0)).await.1["results"].as_array().unwrap().len(), 3);
    assert_eq!(served.ask("/rerank", &top(-1)).await.0, 422);
    // A judge that says nothing leaves nobody with a score: no rating knows one, and a knockout's coins are none.
    for settings in [win_rates(), groups_of(2)] {
        let silent = serve("silent", settings).await;
        for (route, body) in [
            ("/rerank", json!({"query": "Q", "documents": DOCUMENTS})),
            ("/score", json!({"queries": "Q", "documents": DOCUMENTS})),
        ] {
            let (status, told) = silent.ask(route, &body).await;
            assert_eq!((status, &told["error"]["code"]), (422, &json!("undecided")), "{told}");
        }
    }
    // Thinking is not judged.
    let served = serve("longer", win_rates()).await;
    let thought = json!({"query": "Q", "documents": ["<think>a long thought about it</think>ab", "abcdef"]});
    let (_, told) = served.ask("/rerank", &thought).await;
    assert_eq!(told["results"][0]["index"], 1, "{told}");
    let row = json!({"prompt": "Q", "responses": ["<think>a long thought about it</think>ab", "abcdef"]});
    assert_eq!(served.ask("/v1/judge", &row).await.1["verdict"], "second");
    assert_eq!(served.counter("votes_total").await, 2.0);
}

#[tokio::test]
async fn every_route_is_described() {
    let served = serve("longer", win_rates()).await;
    let api: Value = served.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    let routes: Vec<&String> = api["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/get_reward",
        "/health",
        "/metrics",
        "/ready",
        "/rerank",
        "/score",
        "/v1/groups",
        "/v1/judge",
        "/v1/rank",
        "/v1/rerank",
        "/v1/score",
        "/v2/rerank",
    ];
    for route in expected {
        assert!(routes.iter().any(|known| *known == route), "{route} is not described: {routes:?}");
    }
    assert_eq!(routes.len(), expected.len(), "{routes:?}");
    let group = &api["components"]["schemas"]["GroupRequest"];
    assert_eq!(group["additionalProperties"], json!(false));
    assert_eq!(group["required"], json!(["group", "prompt", "response"]));
    let told: Vec<&String> = api["paths"]["/v1/groups"]["post"]["responses"].as_object().unwrap().keys().collect();
    assert_eq!(told, ["200", "401", "408", "409", "410", "413", "422", "424", "429", "502", "503", "504"]);
}
