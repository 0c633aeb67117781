//! What answers and tries cost that gave no completion, and how they count against limits.

use std::sync::atomic::Ordering::SeqCst;

use axum::body::{Body, Bytes};
use rrm::{
    engine::{
        Engine,
        http::{HttpConfig, HttpEngine, connect},
    },
    spending::{Price, Spending, SpendingLimits, SpendingTotals},
};
use serde_json::json;

use crate::replies::{VERDICT, config, engine, odd, reply, request, said};

/// What `calls` completions cost under these limits, one after the other.
async fn spent(engine: &HttpEngine, limits: SpendingLimits, calls: usize) -> SpendingTotals {
    let spending = Spending::new(limits);
    for item in 0..calls {
        if let Ok(call) = spending.begin()
            && let Ok(done) = engine.complete_metered(request(&format!("Item {item}.")), &call).await
        {
            call.finish(done.usage);
        }
    }
    spending.spent()
}

fn limits(max_calls: u64) -> SpendingLimits {
    SpendingLimits { max_calls: Some(max_calls), max_cost: None, price: Price { prompt: 1.0, completion: 1.0 } }
}

#[tokio::test]
async fn what_is_sent_again_counts_against_the_limit_and_its_prompt_into_the_cost() {
    // Each request stays without an answer.
    let odd = odd(|_, _| said(200, Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()))).await;
    let engine = connect(HttpConfig { timeout: 0.2, ..config(&odd) }).await.unwrap();
    let spent = spent(&engine, limits(3), 4).await;
    assert_eq!(odd.judged.load(SeqCst), 3, "no more than the limit");
    assert_eq!((spent.calls, spent.again, spent.unfinished), (2, 1, 2));
    assert!(spent.estimated_prompt_tokens > 3 * 20 && spent.cost > 0.0, "{spent:?}");
    assert_eq!((spent.prompt_tokens, spent.completion_tokens), (0, 0), "nobody counted");
}

#[tokio::test]
async fn what_a_server_counted_for_answers_that_are_none_is_paid() {
    let server = odd(|number, body| {
        let text = if number.is_multiple_of(2) { "" } else { VERDICT };
        said(200, reply(body, text, json!("stop")).to_string())
    })
    .await;
    let spent = self::spent(&engine(&server).await, limits(100), 3).await;
    assert_eq!((spent.calls, spent.again, spent.unfinished), (3, 3, 0));
    assert_eq!(spent.completion_tokens, 6 * 20, "the empty ones too");
    assert_eq!(spent.estimated_prompt_tokens, 0);
    // Usage that cannot be read is guessed, and said to be.
    let odd = odd(|_, body| {
        let mut reply = reply(body, VERDICT, json!("stop"));
        reply["usage"] = json!({"prompt_tokens": -1, "completion_tokens": 20});
        said(200, reply.to_string())
    })
    .await;
    let spent = self::spent(&engine(&odd).await, limits(100), 1).await;
    assert_eq!((spent.prompt_tokens, spent.completion_tokens, spent.estimated_completion_tokens), (0, 20, 0));
    assert!(spent.estimated_prompt_tokens > 10);
}

#[tokio::test]
async fn who_is_cancelled_may_have_been_read() {
    let odd = odd(|_, _| said(200, Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()))).await;
    let engine = engine(&odd).await;
    let spending = Spending::default();
    let call = spending.begin().unwrap();
    let arrived = async {
        while odd.judged.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = engine.complete_metered(request("x"), &call) => panic!("nothing is answered"),
        () = arrived => {}
    }
    assert!(spending.spent().estimated_prompt_tokens > 0);
}
