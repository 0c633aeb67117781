//! A comparison -> votes of an engine -> a [`Judgment`]: the one place where completions are asked for.

mod adopted;
mod asking;
mod ending;
mod error;
mod judgment;
mod kind;
mod paying;
mod places;
mod scalar;

use std::{future::Future, sync::Arc, time::Duration};

use self::asking::{OpenComparison, RenderedComparison};
pub(crate) use self::{ending::RunEnd, places::RequestPermit};
pub use self::{
    error::JudgeError,
    judgment::{Evidence, Judgment, ScoreRecord, VoteRecord},
    kind::JudgeKind,
    places::Places,
};
pub use crate::vote::Order;
use crate::{
    address::{CompletionKey, KeyParts, completion_key},
    batch::BatchWriter,
    comparison::Comparison,
    engine::{Budget, Completion, Engine, Opening, Request, Sampling, TokenSink, replay::Recorder},
    format::Format,
    keyed,
    spending::Spending,
    store::{Origin, Store},
    transcript, verdict,
    vote::{self, Vote},
};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};

/// The settings by which comparisons are judged; resolved and saved beside each result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JudgeSettings {
    /// Votes of each comparison (voting@k).
    pub votes: u32,
    /// Whether every second vote sees the responses in the other order.
    pub both_orders: bool,
    /// Rule by which votes that cannot change the decision are spared.
    pub adaptive: Adaptive,
    /// Tokens of thinking after which a verdict is elicited; `None` lets the model finish.
    pub max_thinking_tokens: Option<u32>,
    /// Whether a text under a budget ends with its first complete verdict, see [`Budget::stop_at_verdict`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stop_at_verdict: bool,
    /// Sampling parameters of the votes.
    pub sampling: Sampling,
    /// Seed of the run. Everything random is derived from it.
    pub seed: u64,
}

impl Default for JudgeSettings {
    /// One vote in one order without a budget, decoded as in the paper's released evaluation.
    fn default() -> Self {
        JudgeSettings {
            votes: 1,
            both_orders: false,
            adaptive: Adaptive::Off,
            max_thinking_tokens: None,
            stop_at_verdict: false,
            sampling: Sampling::default(),
            seed: 0,
        }
    }
}

/// Rule that says when to stop asking for votes. The decision is always the one that all votes would give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adaptive {
    /// Ask for all votes.
    #[default]
    Off,
    /// Ask for a vote only when it can matter: the fewest tokens, in a few steps that wait for each other.
    Sparing,
    /// Ask for all votes at once, and cancel the requests in flight when the decision is settled: the shortest wait.
    Eager,
}

/// Engine, format, settings and resources for judging, shared by all comparisons of a run. [`Judge::new`] makes one.
#[non_exhaustive]
pub struct Judge {
    /// Engine that completes the requests.
    pub engine: Arc<dyn Engine>,
    /// Format: how a comparison is asked and how a verdict is read.
    pub format: Arc<Format>,
    /// Votes, orders, thinking budget, sampling and seed.
    pub settings: JudgeSettings,
    /// Store of the completions; `None` keeps nothing.
    pub store: Option<Store>,
    /// Bounds on the requests that are prepared and in flight.
    pub places: Arc<Places>,
    /// Requests and tokens that the run has used, and their limits.
    pub spending: Arc<Spending>,
    /// Whether votes carry the addresses of their completions even if nothing is kept. Rows show the addresses, so that rows with and without a store
    /// are the same. A server that keeps nothing and shows no addresses turns this off, because hashing the prompt is most of the work of a scripted
    /// vote.
    pub addresses: bool,
    /// Recorder for replays, which writes down every completion, from the store as well as from the engine.
    pub recorder: Option<Arc<Recorder>>,
    /// Batch file that takes the requests whose completions are not in the store, in place of the engine.
    pub batch: Option<Arc<BatchWriter>>,
    /// Receiver of the text while it is written; `None` if no one watches.
    pub sink: Option<TokenSink>,
    /// Time that a run which ends by an error still waits for requests in flight: they are paid for, and their completions are stored.
    pub patience: Duration,
    /// The end of the run that this judge works for; `None` outside a run.
    run: Option<Arc<RunEnd>>,
}

/// Identifies one comparison of a run. Everything random about it is derived from this and the seed.
#[derive(Clone, Copy, Debug)]
pub struct ComparisonId<'a> {
    /// The row's id.
    pub item: &'a str,
    /// Indices of the responses that the judgment calls `a` and `b`.
    pub pair: (usize, usize),
    /// The order in which the first vote sees them.
    pub order: Order,
}

/// Default bound on the requests in flight.
const IN_FLIGHT: usize = 64;

/// Default of [`Judge::patience`].
const PATIENCE: Duration = Duration::from_secs(30);

impl Judge {
    /// Returns a judge with default settings, without a store and without limits, with up to 64 requests in flight. Change its fields for more.
    pub fn new(engine: Arc<dyn Engine>, format: impl Into<Arc<Format>>) -> Self {
        Judge {
            engine,
            format: format.into(),
            settings: JudgeSettings::default(),
            store: None,
            places: Arc::new(Places::new(IN_FLIGHT)),
            spending: Arc::new(Spending::default()),
            addresses: true,
            recorder: None,
            batch: None,
            sink: None,
            patience: PATIENCE,
            run: None,
        }
    }

    /// Judges the comparison of `a` and `b`, the pair of its id, with as many votes as the settings say. Dropping the future cancels the requests in
    /// flight.
    ///
    /// # Errors
    /// [`JudgeError`] if any vote that is needed could not be had: a judgment never rests on fewer votes than it says.
    pub async fn judge(&self, id: ComparisonId<'_>, comparison: &Comparison) -> Result<Judgment, JudgeError> {
        // The future that waits here is small; the rest is boxed once the comparison may begin.
        let _begun = self.places.begin().await;
        self.goes_on()?;
        let judged = match self.engine.scores() {
            Some(scores) => self.judge_by_scores(scores, id, comparison).boxed().await,
            None if self.settings.votes == 1 => self.judge_by_one_vote(id, comparison).boxed().await,
            None => self.judge_by_votes(id, comparison).boxed().await,
        };
        judged.inspect_err(|error| self.met(id.item, error))
    }

    /// Judges by a single vote, without the machinery that counts several.
    async fn judge_by_one_vote(&self, id: ComparisonId<'_>, comparison: &Comparison) -> Result<Judgment, JudgeError> {
        let ready = self.places.prepare().await;
        let vote = self.vote(&OpenComparison::new(id, comparison), 0, ready).await?;
        Ok(Judgment::new(Evidence::Votes(vec![vote])))
    }

    /// Judges by as many votes as the settings say.
    async fn judge_by_votes(&self, id: ComparisonId<'_>, comparison: &Comparison) -> Result<Judgment, JudgeError> {
        let asking = &OpenComparison::new(id, comparison);
        let one = |index: u32| async move {
            let ready = self.places.prepare().await;
            let vote = self.vote(asking, index, ready).boxed().await;
            // Reported at once, and not only when the other votes have ended.
            (index as usize, vote.inspect_err(|error| self.met(id.item, error)))
        };
        let JudgeSettings { votes, adaptive, .. } = self.settings;
        Ok(Judgment::new(Evidence::Votes(collect(votes, adaptive, self.places.ahead(), one).await?)))
    }

    /// Returns the request for a comparison in the order in which it is shown.
    fn request(&self, rendered: &RenderedComparison, seed: u64) -> Result<Request, JudgeError> {
        Ok(Request {
            messages: rendered.messages.clone(),
            sampling: self.settings.sampling.clone(),
            seed,
            budget: self.budget()?,
            comparison: Some(rendered.shown.clone()),
            labels: Some(self.format.labels()),
            sink: self.sink.clone(),
        })
    }

    fn budget(&self) -> Result<Option<Budget>, JudgeError> {
        let Some(tokens) = self.settings.max_thinking_tokens else { return Ok(None) };
        match self.format.budget(tokens) {
            Some(budget) => {
                // Thinking that the template opens is still open when the budget ends, whatever the format says.
                let opened = !budget.close.is_empty() && self.engine.opening() == Opening::Template;
                let opened_by_template = budget.opened_by_template || opened;
                Ok(Some(Budget { stop_at_verdict: self.settings.stop_at_verdict, opened_by_template, ..budget }))
            }
            None => Err(JudgeError::NoElicitation(self.format.file.name.clone())),
        }
    }

    /// Asks for one vote. `ready` is held until its completion is stored.
    async fn vote(&self, asking: &OpenComparison<'_>, index: u32, ready: RequestPermit<'_>) -> Result<VoteRecord, JudgeError> {
        let ComparisonId { item, pair: (a, b), order } = asking.id;
        let swapped = self.settings.both_orders && index % 2 == 1;
        let seed = keyed::seed(self.settings.seed, item, order.shown(a, b), swapped, index);
        let order = if swapped { order.swapped() } else { order };
        // Held as long as this vote lasts, so that other votes find the rendered comparison.
        let rendered = asking.rendered(&self.format, order)?;
        let request = self.request(&rendered, seed)?;
        let info = self.engine.info();
        let parts =
            || KeyParts { fingerprint: &info.fingerprint, format_hash: &self.format.hash, request: &request, vote: index };
        let key = self.addressed().then(|| completion_key(&parts()));
        let origin = || Origin {
            engine: info.name.clone(),
            fingerprint: info.fingerprint.clone(),
            format_hash: self.format.hash.clone(),
            item: item.to_owned(),
            shown: order.shown(a, b),
            vote: index,
        };
        let completion = match &self.recorder {
            None => self.complete(&ready, key, origin, request).await?,
            Some(recorder) => {
                let completion = self.complete(&ready, key, origin, request.clone()).await?;
                recorder.record(&request, &completion)?;
                completion
            }
        };
        let transcript = transcript::split_of(&completion, self.format.file.thinking.as_ref(), self.engine.opening());
        let pattern = &self.format.file.verdict;
        // The one place where a verdict about positions becomes a vote for a response.
        let vote = verdict::read_about(&transcript, pattern, &rendered.shown).map(|verdict| order.choice(verdict));
        let probabilities = completion.label_logprobs.map(|labels| order.probabilities(labels.probabilities()));
        let (elicited, usage) = (completion.elicited, completion.usage);
        tracing::debug!(item, a, b, index, ?order, ?vote, tokens = usage.completion_tokens, "vote");
        Ok(VoteRecord { order, vote, elicited, probabilities, usage, key })
    }

    fn addressed(&self) -> bool {
        self.addresses || self.store.is_some() || self.batch.is_some()
    }

    /// Returns the completion from the store if it is there, and otherwise asks the engine and stores the answer. The permit is needed to prepare the
    /// request.
    pub(crate) async fn complete(
        &self,
        _ready: &RequestPermit<'_>,
        key: Option<CompletionKey>,
        origin: impl Fn() -> Origin,
        request: Request,
    ) -> Result<Completion, JudgeError> {
        if let Some((store, key)) = self.store.as_ref().zip(key)
            && let Some(completion) = store.get(key).map_err(Arc::new)?
        {
            self.spending.reused(completion.usage);
            return Ok(completion);
        }
        if let Some(completion) = self.adopted(key, &origin, &request).await? {
            return Ok(completion);
        }
        if let Some((batch, key)) = self.batch.as_ref().zip(key) {
            batch.write(key, origin(), &request).map_err(Arc::new)?;
            return Err(JudgeError::Waiting);
        }
        let origin = self.store.as_ref().map(|_| origin());
        if let Some(before) = self.store.as_ref().zip(origin.as_ref()).and_then(|(store, origin)| store.paid_before(origin)) {
            return Err(Box::new(before).into());
        }
        let completion = {
            // The slot is free before the commit ends: a generation must not wait for a disk.
            let _in_flight = self.places.send().await;
            self.goes_on()?;
            let call = self.begun().await?;
            let completion = self.engine.complete_metered(request, &call).await?;
            call.finish(completion.usage);
            completion
        };
        match (&self.store, key, origin) {
            (Some(store), Some(key), Some(origin)) => Ok(store.put(key, origin, completion).await.map_err(Arc::new)?),
            _ => Ok(completion),
        }
    }
}

/// Asks for votes by the rule of `adaptive`, `at_once` of them at a time. Returns the shortest prefix of the votes that settles the decision, in
/// order.
///
/// After a vote that fails no more votes are asked for, but the requests in flight still end and are stored. The error is that of the lowest index
/// among the votes that are needed, so that neither result nor error depends on which vote arrived first.
async fn collect<E, F, Fut>(total: u32, adaptive: Adaptive, at_once: usize, one: F) -> Result<Vec<VoteRecord>, E>
where
    F: Fn(u32) -> Fut,
    Fut: Future<Output = (usize, Result<VoteRecord, E>)>,
{
    let mut records: Vec<Option<VoteRecord>> = vec![None; total as usize];
    let mut votes: Vec<Option<Vote>> = vec![None; total as usize];
    let mut in_flight = FuturesUnordered::new();
    let mut asked = 0;
    let mut failed: Option<(usize, E)> = None;
    loop {
        let settled = match adaptive {
            Adaptive::Off => votes.iter().all(Option::is_some).then_some(votes.len()),
            Adaptive::Sparing | Adaptive::Eager => vote::settled_prefix(&votes, total),
        };
        if let Some(settled) = settled {
            return Ok(records.into_iter().take(settled).flatten().collect());
        }
        let wanted = match adaptive {
            Adaptive::Off | Adaptive::Eager => total,
            Adaptive::Sparing => vote::needed(&votes, total) as u32,
        };
        while asked < wanted && failed.is_none() && in_flight.len() < at_once {
            in_flight.push(one(asked));
            asked += 1;
        }
        match (in_flight.next().await, failed.take()) {
            (Some((index, Ok(record))), before) => {
                votes[index] = Some(record.vote);
                records[index] = Some(record);
                failed = before;
            }
            (Some((index, Err(error))), before) => {
                failed = Some(before.filter(|(first, _)| *first < index).unwrap_or((index, error)));
            }
            (None, Some((_, error))) => return Err(error),
            (None, None) => {}
        }
    }
}
