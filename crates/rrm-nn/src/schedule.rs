//! A queue of requests -> steps of the decoder -> answers: continuous batching on one thread.
//!
//! Requests are admitted in the order of their arrival. Blocks are taken as a text grows; when there are none left, the youngest sequence
//! gives its own back and is evaluated again later, so the oldest always goes on and every text comes to its end.

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

/// Counts of an engine's work so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulerCounters {
    /// Steps of the decoder.
    pub steps: u64,
    /// Tokens that were evaluated, of prompts and completions.
    pub rows: u64,
    /// Those of them that were not evaluated one by one as they were drawn.
    pub prefill_rows: u64,
    /// Tokens that did not have to be evaluated because another request had begun alike.
    pub reused: u64,
    /// How often a sequence gave its blocks to an older one.
    pub preemptions: u64,
    /// Blocks that are in use now; those that are only kept for later requests not counted.
    pub blocks: u64,
    /// The most blocks that were in use at any time.
    pub peak_blocks: u64,
}

/// The parts that a scheduler is made of.
pub(crate) struct SchedulerParts {
    /// For errors.
    pub name: String,
    /// Computes; has its blocks already.
    pub decoder: Box<dyn Decoder>,
    /// Reads the labels, writes the text.
    pub tokenizer: Arc<dyn Tokenizer>,
    /// How many blocks the decoder has.
    pub blocks: u32,
    /// Most tokens of one sequence; with one block to spare in the pool.
    pub limit: usize,
    /// Whether sequences that begin alike share blocks.
    pub share: bool,
    /// Most sequences that run at once.
    pub max_batch: usize,
    /// Rows of one step.
    pub rows: usize,
    /// Where the counters are shown.
    pub shown: Arc<Mutex<SchedulerCounters>>,
}

/// The state between two steps.
pub(crate) struct Scheduler {
    parts: SchedulerParts,
    pool: BlockPool,
    /// The sequences that run, oldest first: all of them older than those in the queue.
    seats: Vec<RunningSequence>,
    queue: VecDeque<Ticket>,
    counters: SchedulerCounters,
}

/// A result and the channel that it goes to.
type PendingAnswer = (ReplySender, Result<FinishedCompletion, EngineError>);

impl Scheduler {
    /// A scheduler with nothing to do.
    pub fn new(parts: SchedulerParts) -> Self {
        let pool = BlockPool::new(parts.blocks);
        Scheduler { parts, pool, seats: Vec::new(), queue: VecDeque::new(), counters: SchedulerCounters::default() }
    }

    /// Answers tickets until nobody can send any.
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
                    // Whoever waits borrows the engine, so nobody does.
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            self.turn();
        }
    }

    /// Answers all of `tickets`, in as many steps as that takes, on the calling thread.
    pub fn answer(&mut self, tickets: impl IntoIterator<Item = Ticket>) {
        self.queue.extend(tickets);
        while !(self.seats.is_empty() && self.queue.is_empty()) {
            self.turn();
        }
    }

    /// Starts what fits, and does one step.
    fn turn(&mut self) {
        self.sweep();
        let mut answers = self.admit();
        if !self.seats.is_empty() {
            let ended = self.step().unwrap_or_else(|detail| self.fail(&detail));
            answers.extend(ended);
        }
        // What is counted is shown before an answer makes anybody look.
        self.show();
        for (reply, answer) in answers {
            // The receiver may have gone since the last look.
            let _ = reply.send(answer);
        }
    }

    /// Takes out everything that nobody waits for.
    fn sweep(&mut self) {
        self.queue.retain(|ticket| !ticket.reply.is_canceled());
        let gone = |seat: &mut RunningSequence| seat.ticket.reply.is_canceled();
        self.seats.extract_if(.., gone).for_each(|seat| drop(seat.leave(&mut self.pool)));
    }

    /// Starts what fits, in order; gives the answers of those that may not draw any token.
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
            // Those that run need a block each before long; without room for that they would soon preempt this one.
            if !needs.fit(&self.pool, self.seats.len()) {
                self.queue.push_front(ticket);
                break;
            }
            self.seats.push(RunningSequence::take(ticket, needs, &mut self.pool));
        }
        answers
    }

    /// One step of the decoder; gives the answers that are complete after it.
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

    /// Gives every sequence the blocks that its next rows need; where there are too few, the youngest give way.
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

    /// Answers those that ended, and has the labels of those scored that stated a verdict.
    fn conclude(&mut self, ended: Vec<(usize, Result<Finish, String>)>) -> Vec<PendingAnswer> {
        let mut answers = Vec::new();
        // From the back: what is before keeps its index.
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

    /// Whether the labels of a text that ended are to be scored first.
    fn begin_scoring(&mut self, at: usize, finish: Finish) -> bool {
        let seat = &mut self.seats[at];
        // A text that was cut states no verdict.
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

    /// Answers all that run with an error; what they wrote to their blocks is not to be trusted.
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

/// Gives each sequence what the step computed for it; tells which of them ended, by ascending index, and how.
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

/// Draws a token from each row of logits `(vocabulary,)`; the pairs know nothing of each other.
fn draw(pairs: Vec<(&mut Sampler, &[f32])>, threads: Option<&mut Pool>) -> Vec<Option<usize>> {
    let mut drawn: Vec<_> = pairs.into_iter().map(|pair| (pair, None)).collect();
    let one = |((sampler, row), token): &mut ((&mut Sampler, &[f32]), Option<usize>)| *token = sampler.draw(row);
    match threads {
        Some(pool) => pool.pieces(&mut drawn, 1, |_, piece| piece.iter_mut().for_each(one)),
        None => drawn.iter_mut().for_each(one),
    }
    drawn.into_iter().map(|(_, token)| token).collect()
}

/// Log-probabilities of the labels, in the order of [`Continuations`](labels::Continuations); `None` before all of them are known.
fn scores(scoring: Option<LabelScoring>) -> Option<Vec<f64>> {
    scoring?.branches.into_iter().map(|branch| branch.logprob).collect()
}

/// The completion with what its labels scored.
pub(crate) fn scored(mut ended: FinishedCompletion, scores: Option<&[f64]>) -> FinishedCompletion {
    ended.completion.label_logprobs = match scores {
        Some([first, second, rest @ ..]) => LabelLogprobs::new(*first, *second, rest.first().copied()),
        _ => None,
    };
    ended
}
