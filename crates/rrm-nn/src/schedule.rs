//! Queue of requests -> steps of the decoder -> answers: continuous batching on one thread.
//!
//! Requests are admitted in the order of arrival. Blocks are allocated as texts grow. When none is left, the youngest sequence gives its blocks back
//! and is evaluated again later, so the oldest always continues and every text is completed.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use rrm::engine::{EngineError, Finish, LabelLogprobs, in_process::Sampler};

use crate::{
    backend::{Decoder, Tokenizer},
    batching::{self, BatchStep, SpanWork},
    cpu::pool::Pool,
    kv::BlockPool,
    labels,
    seat::{LabelBranch, LabelScoring, PoolDemand, ReplySender, RunningSequence, Ticket},
    sequence::FinishedCompletion,
};

/// Counters of an engine's work so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulerCounters {
    /// Steps of the decoder.
    pub steps: u64,
    /// Tokens that were evaluated, of prompts and completions.
    pub rows: u64,
    /// Evaluated tokens other than those that were evaluated one by one as they were drawn.
    pub prefill_rows: u64,
    /// Tokens whose evaluation was saved because another request had the same beginning.
    pub reused: u64,
    /// The number of times a sequence gave its blocks to an older one.
    pub preemptions: u64,
    /// Blocks in use now, without those that are cached for later requests.
    pub blocks: u64,
    /// The most blocks that were in use at any time.
    pub peak_blocks: u64,
}

/// The parts that a scheduler is made of.
pub(crate) struct SchedulerParts {
    /// The engine's name, for errors.
    pub name: String,
    /// The decoder; its blocks are allocated.
    pub decoder: Box<dyn Decoder>,
    /// The tokenizer.
    pub tokenizer: Arc<dyn Tokenizer>,
    /// The number of the decoder's blocks.
    pub blocks: u32,
    /// Most tokens of one sequence; one block of the pool must remain besides.
    pub limit: usize,
    /// Whether sequences with the same beginning share blocks.
    pub share: bool,
    /// Most sequences that run at once.
    pub max_batch: usize,
    /// Rows of one step.
    pub rows: usize,
    /// The published counters.
    pub shown: Arc<Mutex<SchedulerCounters>>,
}

/// The scheduler: its state between two steps.
pub(crate) struct Scheduler {
    parts: SchedulerParts,
    pool: BlockPool,
    /// The running sequences, oldest first; all are older than those in the queue.
    seats: Vec<RunningSequence>,
    queue: VecDeque<Ticket>,
    counters: SchedulerCounters,
}

/// A result and the channel that it goes to.
type PendingAnswer = (ReplySender, Result<FinishedCompletion, EngineError>);

impl Scheduler {
    /// Makes an idle scheduler.
    pub fn new(parts: SchedulerParts) -> Self {
        let pool = BlockPool::new(parts.blocks);
        Scheduler { parts, pool, seats: Vec::new(), queue: VecDeque::new(), counters: SchedulerCounters::default() }
    }

    /// Answers tickets until the channel is closed.
    pub fn run(mut self, tickets: &mpsc::Receiver<Ticket>) {
        loop {
            if self.seats.is_empty() && self.queue.is_empty() {
                let Ok(ticket) = tickets.recv() else { return };
                self.queue.push_back(ticket);
            }
            loop {
                match tickets.try_recv() {
                    Ok(ticket) => self.queue.push_back(ticket),
                    Err(mpsc::TryRecvError::Empty) => break,
                    // Waiting requests borrow the engine, so none is left.
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            self.turn();
        }
    }

    /// Answers all of `tickets` on the calling thread.
    pub fn answer(&mut self, tickets: impl IntoIterator<Item = Ticket>) {
        self.queue.extend(tickets);
        while !(self.seats.is_empty() && self.queue.is_empty()) {
            self.turn();
        }
    }

    /// Admits the requests that fit, and does one step.
    fn turn(&mut self) {
        self.sweep();
        let mut answers = self.admit();
        if !self.seats.is_empty() {
            let ended = self.step().unwrap_or_else(|detail| self.fail(&detail));
            answers.extend(ended);
        }
        // Counters are published before the answers.
        self.show();
        for (reply, answer) in answers {
            // The receiver may have been dropped since the last check.
            let _ = reply.send(answer);
        }
    }

    /// Removes all requests whose receiver was dropped.
    fn sweep(&mut self) {
        self.queue.retain(|ticket| !ticket.reply.is_canceled());
        let gone = |seat: &mut RunningSequence| seat.ticket.reply.is_canceled();
        self.seats.extract_if(.., gone).for_each(|seat| drop(seat.leave(&mut self.pool)));
    }

    /// Admits the requests that fit, in order. Returns the answers of requests that may not draw any token.
    fn admit(&mut self) -> Vec<PendingAnswer> {
        let mut answers = Vec::new();
        while self.seats.len() < self.parts.max_batch
            && let Some(mut ticket) = self.queue.pop_front()
        {
            if ticket.scoring.is_none()
                && let Some(finish) = ticket.sequence.begin(&*self.parts.tokenizer)
            {
                answers.push((ticket.reply, Ok(ticket.sequence.finish(finish))));
                continue;
            }
            let needs = PoolDemand::of(&ticket.sequence.tokens, &self.pool, self.parts.share);
            // Every running sequence will need a block soon; without room for those they would soon preempt this one.
            if !needs.fit(&self.pool, self.seats.len()) {
                self.queue.push_front(ticket);
                break;
            }
            self.seats.push(RunningSequence::take(ticket, needs, &mut self.pool));
        }
        answers
    }

    /// Does one step of the decoder. Returns the answers that it completes.
    fn step(&mut self) -> Result<Vec<PendingAnswer>, String> {
        self.make_room();
        for seat in &mut self.seats {
            self.counters.reused += seat.advance(&mut self.pool, &mut *self.parts.decoder) as u64;
        }
        let step = batching::plan(&mut self.seats, &mut self.pool, self.parts.rows);
        if step.parts.is_empty() {
            return Err("all sequences wait for each other".to_owned());
        }
        let width = self.parts.decoder.vocabulary();
        let (logits, threads) = self.parts.decoder.step(&step.batch)?;
        let wanted = step.batch.rows.iter().filter(|row| row.logits).count();
        if logits.len() != wanted * width {
            return Err(format!("{} logits for {wanted} rows of {width}", logits.len()));
        }
        self.counters.steps += 1;
        self.counters.rows += step.batch.rows.len() as u64;
        self.counters.prefill_rows += step.prefill as u64;
        let ended = absorb(&mut self.seats, &mut self.pool, &step, (logits.chunks_exact(width), threads), &*self.parts.tokenizer);
        Ok(self.conclude(ended))
    }

    /// Allocates the blocks that the next rows need; if there are too few, the youngest sequences are preempted.
    fn make_room(&mut self) {
        let mut at = 0;
        while at < self.seats.len() {
            if self.seats[at].grow(&mut self.pool, &mut *self.parts.decoder) {
                at += 1;
            } else if let Some(youngest) = self.seats.pop() {
                self.queue.push_front(youngest.leave(&mut self.pool));
                self.counters.preemptions += 1;
            }
        }
    }

    /// Answers the sequences that ended. A text with a verdict first has its labels scored.
    fn conclude(&mut self, ended: Vec<(usize, Result<Finish, String>)>) -> Vec<PendingAnswer> {
        let mut answers = Vec::new();
        // From the back, so that the indices before stay valid.
        for (at, end) in ended.into_iter().rev() {
            if let Ok(finish) = &end
                && self.begin_scoring(at, *finish)
            {
                continue;
            }
            let Ticket { sequence, scoring, reply } = self.seats.remove(at).leave(&mut self.pool);
            let answer = match end {
                Ok(finish) => Ok(scored(sequence.finish(finish), scores(scoring).as_deref())),
                Err(detail) => Err(self.failed(&detail)),
            };
            answers.push((reply, answer));
        }
        answers
    }

    /// Starts the scoring of labels for a text that ended. Returns whether it did.
    fn begin_scoring(&mut self, at: usize, finish: Finish) -> bool {
        let seat = &mut self.seats[at];
        // A truncated text states no verdict.
        if seat.ticket.scoring.is_some() || finish == Finish::Length {
            return false;
        }
        let Some(found) = seat.ticket.sequence.continuations(&*self.parts.tokenizer) else { return false };
        if found.tokens.iter().any(|label| found.context - 1 + label.len() > self.parts.limit) {
            return false;
        }
        let branches = found.tokens.into_iter().map(|tokens| LabelBranch { tokens, own: Vec::new(), logprob: None }).collect();
        seat.score(found.context, LabelScoring { finish, branches }, &mut self.pool);
        true
    }

    /// Answers all running sequences with an error. The blocks that they wrote to are not to be trusted.
    fn fail(&mut self, detail: &str) -> Vec<PendingAnswer> {
        let seats = mem::take(&mut self.seats);
        seats.into_iter().map(|seat| (seat.leave(&mut self.pool).reply, Err(self.failed(detail)))).collect()
    }

    fn failed(&self, detail: &str) -> EngineError {
        EngineError::Failed { engine: self.parts.name.clone(), detail: detail.to_owned() }
    }

    fn show(&mut self) {
        self.counters.blocks = self.pool.used() as u64;
        self.counters.peak_blocks = self.pool.peak() as u64;
        *self.parts.shown.lock().unwrap_or_else(PoisonError::into_inner) = self.counters;
    }
}

/// Gives each sequence its results of the step. Returns the sequences that ended, by ascending index, and how they ended.
fn absorb<'l>(
    seats: &mut [RunningSequence],
    pool: &mut BlockPool,
    step: &BatchStep,
    (mut rows, threads): (impl Iterator<Item = &'l [f32]>, Option<&mut Pool>),
    tokenizer: &dyn Tokenizer,
) -> Vec<(usize, Result<Finish, String>)> {
    let mut after: Vec<Option<&[f32]>> = vec![None; seats.len()];
    for part in &step.parts {
        let seat = &mut seats[part.seat];
        match part.what {
            SpanWork::Tokens { end } => {
                seat.evaluated(end, pool);
                if seat.ticket.scoring.is_none() && end == seat.ticket.sequence.tokens.len() {
                    after[part.seat] = rows.next();
                }
            }
            SpanWork::Branch(at) => {
                let branch = &mut seat.branches_mut()[at];
                let each = branch.tokens.iter().zip(&mut rows).map(|(token, row)| labels::logprob(row, *token));
                branch.logprob = Some(each.sum());
                pool.release_all(&mut branch.own);
            }
        }
    }
    let pairs = seats.iter_mut().zip(&after).filter_map(|(seat, row)| Some((&mut seat.ticket.sequence.sampler, (*row)?)));
    let mut drawn = draw(pairs.collect(), threads).into_iter();
    let mut ended = Vec::new();
    for (at, seat) in seats.iter_mut().enumerate() {
        let end = match (&seat.ticket.scoring, after[at]) {
            (Some(scoring), _) => scoring.branches.iter().all(|branch| branch.logprob.is_some()).then_some(Ok(scoring.finish)),
            (None, None) => None,
            (None, Some(_)) => match drawn.next().flatten() {
                Some(token) => {
                    let end = seat.ticket.sequence.accept(token as u32, tokenizer);
                    seat.expect_logits();
                    end.map(Ok)
                }
                None => Some(Err("the model gave no finite logits".to_owned())),
            },
        };
        ended.extend(end.map(|end| (at, end)));
    }
    ended
}

/// Draws a token from each row of logits `(vocabulary,)`; the draws are independent.
fn draw(pairs: Vec<(&mut Sampler, &[f32])>, threads: Option<&mut Pool>) -> Vec<Option<usize>> {
    let mut drawn: Vec<_> = pairs.into_iter().map(|pair| (pair, None)).collect();
    let one = |((sampler, row), token): &mut ((&mut Sampler, &[f32]), Option<usize>)| *token = sampler.draw(row);
    match threads {
        Some(pool) => pool.pieces(&mut drawn, 1, |_, piece| piece.iter_mut().for_each(one)),
        None => drawn.iter_mut().for_each(one),
    }
    drawn.into_iter().map(|(_, token)| token).collect()
}

/// Returns the log-probabilities of the labels, in the order of [`Continuations`](labels::Continuations); `None` until all are known.
fn scores(scoring: Option<LabelScoring>) -> Option<Vec<f64>> {
    scoring?.branches.into_iter().map(|branch| branch.logprob).collect()
}

/// Adds the scores of the labels to a completion.
pub(crate) fn scored(mut ended: FinishedCompletion, scores: Option<&[f64]>) -> FinishedCompletion {
    ended.completion.label_logprobs = match scores {
        Some([first, second, rest @ ..]) => LabelLogprobs::new(*first, *second, rest.first().copied()),
        _ => None,
    };
    ended
}
