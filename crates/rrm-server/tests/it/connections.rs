//! Many connections, idle ones, slow ones, and rankings that compute for long: who is answered, and who is closed for whom.

use std::{
    io,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use futures::future::BoxFuture;
use rrm::{
    engine::{Completion, Engine, EngineError, EngineInfo, Request, scripted::ScriptedEngine, scripted::scripted},
    judge::JudgeSettings,
    ranking::{rank::RankSettings, strategy::Strategy},
};
use rrm_server::settings::ServerSettings;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::served::{answered, client, groups_of, judge_by, serve};

fn member(name: &str) -> serde_json::Value {
    json!({"group": "g", "member": name, "prompt": "P", "response": name})
}

/// Whether the server closed it.
async fn is_closed(stream: &mut TcpStream) -> bool {
    match tokio::time::timeout(Duration::from_secs(30), stream.read(&mut [0; 64])).await {
        Ok(Ok(n)) => n == 0,
        Ok(Err(error)) => error.kind() == io::ErrorKind::ConnectionReset,
        Err(_) => false,
    }
}

#[tokio::test]
async fn connections_that_send_nothing_keep_nobody_out() {
    let served = serve("longer", ServerSettings { max_connections: 16, ..groups_of(2) }).await;
    // One waits for its group, which nobody may end.
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("a"))));
    served.until_members(1).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(served.address()).await.unwrap();
        // Half a head is as idle as none.
        stream.write_all(b"GET /health HTT").await.ok();
        idle.push(stream);
        assert_eq!(served.fresh("/health").await.0, 200);
    }
    assert!(served.counter("connections_closed_total").await >= 80.0);
    for stream in &mut idle[..80] {
        assert!(is_closed(stream).await);
    }
    let second = served.ask("/v1/groups", &member("bb")).await;
    let first = waiting.await.unwrap();
    assert_eq!((first.0, &first.1["reward"], second.0, &second.1["reward"]), (200, &json!(-0.5), 200, &json!(0.5)));
}

#[tokio::test]
async fn requests_that_wait_leave_connections_for_others() {
    let served = serve("longer", ServerSettings { max_connections: 16, ..groups_of(100) }).await;
    let waiting: Vec<_> = (0..14).map(|i| tokio::spawn(answered(served.post("/v1/groups", &member(&format!("m{i}")))))).collect();
    served.until_members(14).await;
    for _ in 0..20 {
        let (status, busy) = served.fresh_post("/v1/groups", &member("z")).await;
        assert_eq!((status, busy["error"]["message"].as_str().unwrap()), (429, "14 requests wait already"));
        assert_eq!(served.fresh("/health").await.0, 200);
    }
    assert_eq!(served.server.groups.waiting(), 14, "nobody who waits was closed");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_closed_and_requests_that_wait_are_not() {
    let settings = ServerSettings { idle_timeout: Duration::from_millis(300), ..groups_of(2) };
    let served = serve("longer", settings).await;
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("a"))));
    served.until_members(1).await;
    let connect = || TcpStream::connect(served.address());
    let (mut silent, mut slow, mut kept) = (connect().await.unwrap(), connect().await.unwrap(), connect().await.unwrap());
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "answered, and closed later: {answer}");
    assert!(is_closed(&mut silent).await);
    // A head that trickles in takes no longer than one that does not come.
    let mut rest = String::new();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let trickle = async {
        while slow.write_all(b"a: b\r\n").await.is_ok() && !is_over(&mut slow, &mut rest) {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), trickle).await.unwrap();
    let second = served.ask("/v1/groups", &member("bb")).await;
    assert_eq!((second.0, waiting.await.unwrap().0), (200, 200), "waiting is not being idle");
}

/// Whether nothing more will come; what comes is put to `rest`.
fn is_over(stream: &mut TcpStream, rest: &mut String) -> bool {
    let mut bytes = [0; 1024];
    match stream.try_read(&mut bytes) {
        Ok(0) => true,
        Ok(n) => {
            rest.push_str(&String::from_utf8_lossy(&bytes[..n]));
            false
        }
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

#[tokio::test]
async fn a_server_that_ends_answers_who_waits_and_closes_the_rest() {
    let (judge, settings) = (judge_by(Arc::new(scripted("longer").unwrap()), JudgeSettings::default()), groups_of(2));
    let server = rrm_server::AppState::new(judge, settings, Box::new(|_| Ok(())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let ending = async move {
        ended.await.ok();
    };
    let serving = tokio::spawn(rrm_server::connections::serve(listener, server.clone(), ending));
    let mut idle = TcpStream::connect(address).await.unwrap();
    let client = client();
    let ask = |name: &str| answered(client.post(format!("http://{address}/v1/groups")).json(&member(name)));
    let first = tokio::spawn(ask("a"));
    while server.groups.open().1 != 1 {
        tokio::task::yield_now().await;
    }
    end.send(()).unwrap();
    assert!(is_closed(&mut idle).await);
    assert!(!serving.is_finished(), "somebody waits");
    server.groups.close();
    let (status, body) = first.await.unwrap();
    assert_eq!((status, &body["error"]["code"]), (503, &json!("closing")));
    tokio::time::timeout(Duration::from_secs(30), serving).await.unwrap().unwrap();
}

/// An engine that holds its thread until it is let go: like a ranking that computes for long, and gives way to nobody.
struct Holding {
    inner: ScriptedEngine,
    began: Mutex<Option<oneshot::Sender<()>>>,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Engine for Holding {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        if let Some(began) = self.began.lock().unwrap().take() {
            began.send(()).unwrap();
            self.gate.lock().unwrap().recv().unwrap();
        }
        self.inner.complete(request)
    }
}

#[test]
fn health_is_answered_while_the_judge_computes() {
    let judging = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let connections = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = |route: &'static str, body: serde_json::Value| {
        let (let_go, gate) = mpsc::channel();
        let (began, begun) = oneshot::channel();
        let engine = Holding { inner: scripted("longer").unwrap(), began: Mutex::new(Some(began)), gate: Mutex::new(gate) };
        let server = judging.block_on(async {
            let settings = ServerSettings {
                rank: RankSettings { strategy: Strategy::Elo, ..RankSettings::default() },
                ..ServerSettings::default()
            };
            rrm_server::AppState::new(judge_by(Arc::new(engine), JudgeSettings::default()), settings, Box::new(|_| Ok(())))
        });
        connections.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(rrm_server::connections::serve(listener, server, std::future::pending()));
            let client = client();
            let asked = tokio::spawn(answered(client.post(format!("http://{address}{route}")).json(&body)));
            begun.await.unwrap();
            let health = client.get(format!("http://{address}/health")).timeout(Duration::from_secs(20)).send();
            let health = health.await.map(|answer| answer.status().as_u16());
            let_go.send(()).unwrap();
            assert_eq!(health.unwrap(), 200, "{route}");
            let (status, body) = asked.await.unwrap();
            assert_eq!(status, 200, "{route}: {body}");
        });
    };
    ask("/v1/rank", json!({"prompt": "P", "responses": ["a", "bb", "ccc"]}));
    ask("/v1/judge", json!({"prompt": "P", "responses": ["a", "bb"]}));
    ask("/rerank", json!({"query": "P", "documents": ["a", "bb", "ccc"]}));
    ask("/score", json!({"query": "P", "documents": ["a", "bb", "ccc"]}));
}

#[tokio::test]
async fn what_would_take_too_many_votes_is_refused_with_the_numbers() {
    let rated = |strategy| RankSettings { strategy, ..RankSettings::default() };
    let settings = ServerSettings { rank: rated(Strategy::WinRate), max_row_votes: 100, ..groups_of(16) };
    let served = serve("longer", settings.clone()).await;
    let texts = |n: usize| (0..n).map(|i| format!("text {i}")).collect::<Vec<_>>();
    // 14 * 13 / 2 matches fit, 15 * 14 / 2 do not.
    let row = |n: usize| json!({"prompt": "P", "responses": texts(n)});
    assert_eq!(served.ask("/v1/rank", &row(14)).await.0, 200);
    let (status, refused) = served.ask("/v1/rank", &row(15)).await;
    assert_eq!((status, &refused["error"]["code"]), (413, &json!("too_many_votes")));
    let said = "15 responses take 105 matches of 1 vote, 105 votes; one row may take 100 (--max-row-votes); cheaper: \
        --strategy knockout takes 14 matches; --opponents M takes about 15 x M / 2, and M up to about 13 fits";
    assert_eq!(refused["error"]["message"], said);
    // Twins do not meet.
    let doubled = [texts(14), texts(14)].concat();
    let twins = json!({"prompt": "P", "responses": doubled});
    assert_eq!(served.ask("/v1/rank", &twins).await.0, 413, "14 pairs of twins meet in 364 matches");
    let documents = |n: usize| json!({"query": "P", "documents": texts(n)});
    assert_eq!((served.ask("/rerank", &documents(14)).await.0, served.ask("/rerank", &documents(15)).await.0), (200, 413));
    assert_eq!((served.ask("/score", &documents(14)).await.0, served.ask("/score", &documents(15)).await.0), (200, 413));
    let twins = json!({"query": "P", "documents": doubled});
    assert_eq!(served.ask("/rerank", &twins).await.0, 200, "one text is judged once");
    let group = |size: Option<usize>| json!({"group": "g", "size": size, "member": "a", "prompt": "P", "response": "x"});
    assert_eq!((served.ask("/v1/groups", &group(None)).await.0, served.ask("/v1/groups", &group(Some(15))).await.0), (413, 413));
    let reward = json!({"query": ["PX"], "prompts": ["P"], "labels": [null]});
    assert_eq!(served.ask("/get_reward", &reward).await.0, 413);
    assert_eq!(served.server.judge.spending.spent().calls, 14 * 13 / 2 * 4, "nobody was asked for what was refused");
    let knockout = serve("longer", ServerSettings { rank: rated(Strategy::Knockout), ..settings }).await;
    assert_eq!((knockout.ask("/v1/rank", &row(101)).await.0, knockout.ask("/v1/rank", &row(102)).await.0), (200, 413));
}
