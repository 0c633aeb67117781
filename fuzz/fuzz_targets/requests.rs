//! Any bytes as a body of the reward server's routes -> a request or an error; never a panic, and what is judged is a part of what was sent.
//!
//! `cargo +nightly fuzz run requests` (`RUSTC_BOOTSTRAP=1 cargo fuzz run requests` where there is no nightly).
#![no_main]

use rrm_server::{
    rerank::{RerankRequest, ScoreRequest},
    shapes::{GroupRequest, OpenRlhfRequest, RowRequest},
    text,
};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<GroupRequest>(body) {
        request.prompt.prompt().ok();
        if let Ok(response) = request.response.response("response") {
            let judged = text::answer(&response);
            assert!(response.contains(judged.as_str()) || judged == rrm::transcript::NO_ANSWER);
        }
    }
    if let Ok(request) = serde_json::from_slice::<RowRequest>(body) {
        request.prompt.prompt().ok();
        request.responses.into_iter().for_each(|said| drop(said.response("responses[0]")));
    }
    if let Ok(request) = serde_json::from_slice::<OpenRlhfRequest>(body) {
        for (query, prompt) in request.query.iter().zip(&request.prompts) {
            if let Ok(response) = text::behind(query, prompt) {
                // A prompt that stands there to the byte is cut off to the byte; one that decoding changed ends somewhere in it.
                match query.strip_prefix(prompt.as_str()) {
                    Some(rest) => assert!(rest.starts_with(response)),
                    None => assert!(query.contains(response)),
                }
                text::answer(response);
            }
        }
    }
    serde_json::from_slice::<RerankRequest>(body).ok();
    serde_json::from_slice::<ScoreRequest>(body).ok();
});
